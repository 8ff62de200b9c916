//! `#[scalyr_monitor]`: the item as it is, with the derive added that does the work. Keeping the two apart lets the
//! struct stand whatever is wrong with the attribute.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use crate::errors::told;

/// The item with the derive.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let marks = attributes(&item);
    if marks.iter().any(|(name, _)| name == "__scalyr_monitor") {
        // A second #[scalyr_monitor] on one struct; the first has reported it.
        return item;
    }
    let second = marks.iter().find(|(name, _)| name == "scalyr_monitor").map(|(_, group)| {
        let message = "a second #[scalyr_monitor]; put all keys into one";
        told([syn::Error::new_spanned(group.stream(), message)])
    });
    // Visibility and attributes hold their idents in groups, so the first keyword outside says what the item is.
    let mut tokens = item.clone().into_iter().skip_while(|token| !is_keyword(token, &ITEMS)).peekable();
    if tokens.peek().is_some_and(|keyword| is_keyword(keyword, &ITEMS[..DERIVABLE])) {
        return quote! {
            #[derive(::scalyr_monitor::__private::ScalyrMonitor)]
            #[__scalyr_monitor(#arguments)]
            #item
            #second
        };
    }
    let head: TokenStream = tokens.take(2).collect();
    let message = "a monitor is a struct with named fields; mark one with #[scalyr_monitor]";
    let error = told([syn::Error::new_spanned(head, message)]);
    quote!(#item #error)
}

/// The attributes in front of an item, each with the last part of its path.
fn attributes(item: &TokenStream) -> Vec<(String, Group)> {
    let mut attributes = Vec::new();
    let mut tokens = item.clone().into_iter();
    while let (Some(TokenTree::Punct(mark)), Some(TokenTree::Group(group))) = (tokens.next(), tokens.next()) {
        if mark.as_char() != '#' || group.delimiter() != Delimiter::Bracket {
            break;
        }
        let path = group.stream().into_iter().take_while(|token| match token {
            TokenTree::Ident(_) => true,
            TokenTree::Punct(punct) => punct.as_char() == ':',
            _ => false,
        });
        let name = path.filter(|token| matches!(token, TokenTree::Ident(_))).last();
        attributes.push((name.map(|name| name.to_token_stream().to_string()).unwrap_or_default(), group));
    }
    attributes
}

/// The keywords that begin an item.
const ITEMS: [&str; 13] = [
    "struct",
    "enum",
    "union",
    "fn",
    "impl",
    "trait",
    "mod",
    "use",
    "type",
    "static",
    "const",
    "macro_rules",
    "extern",
];

/// How many of them can have a derive.
const DERIVABLE: usize = 3;

fn is_keyword(token: &TokenTree, keywords: &[&str]) -> bool {
    matches!(token, TokenTree::Ident(ident) if keywords.iter().any(|keyword| ident == keyword))
}
