//! Doc comments.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::types::bare;

/// The doc comment of an item: an expression of text, and whether there is any.
pub(crate) struct Doc {
    pieces: Vec<Expr>,
}

impl Doc {
    /// Reads the doc comments.
    pub(crate) fn of(attributes: &[Attribute]) -> Self {
        let pieces = attributes.iter().filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(pair.value.clone()),
            _ => None,
        });
        Self { pieces: pieces.collect() }
    }

    /// Whether there is no text.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| literal(piece).is_some_and(|text| text.trim().is_empty()))
    }

    /// The text as an expression: one literal wherever the author wrote plain comments.
    pub(crate) fn to_expression(&self) -> TokenStream {
        let literals: Option<Vec<String>> = self.pieces.iter().map(literal).collect();
        if let Some(lines) = literals {
            return lines.join("\n").trim().to_token_stream();
        }
        // `#[doc = include_str!("…")]`: the text is known to the compiler only.
        let pieces = self.pieces.iter().map(|piece| match literal(piece) {
            Some(text) => text.to_token_stream(),
            None => piece.to_token_stream(),
        });
        quote!(::scalyr_monitor::__private::doc(::scalyr_monitor::__private::concat!(#(#pieces, "\n"),*)))
    }
}

/// A line of a doc comment, without the blank that follows the slashes; or a whole `/** … */`, without the stars in
/// front of its lines.
fn literal(piece: &Expr) -> Option<String> {
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = bare(piece) else { return None };
    let text = text.value();
    let unindented = |line: &str| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned();
    let mut lines = text.lines();
    let first = unindented(lines.next().unwrap_or_default());
    let rest: Vec<&str> = lines.collect();
    let starred = rest.iter().all(|line| line.trim_start().starts_with('*') || line.trim().is_empty());
    let rest = rest.iter().map(|line| match starred {
        true => unindented(line.trim_start().strip_prefix('*').unwrap_or_default()),
        false => line.trim().to_owned(),
    });
    Some(std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use syn::{ItemStruct, parse_quote};

    use super::*;

    #[test]
    fn a_block_comment_reads_like_lines() {
        let item: ItemStruct = syn::parse_str("/** Flips.\n *\n *  Often: \n */ struct Coin;").unwrap();
        assert_eq!(Doc::of(&item.attrs).to_expression().to_string(), r#""Flips.\n\n Often:""#);
        let item: ItemStruct = syn::parse_str("/// One.\n///   two\n/** Three\n    four */ struct Coin;").unwrap();
        assert_eq!(Doc::of(&item.attrs).to_expression().to_string(), r#""One.\n  two\nThree\nfour""#);
        let item: ItemStruct = parse_quote! {
            #[doc(hidden)]
            struct Coin;
        };
        assert!(Doc::of(&item.attrs).is_empty());
    }
}
