//! Pairs of a name and a text in parentheses: `fields(type = "read")`.

use proc_macro2::{Group, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Token};

use super::{next_token, skip_to_comma, text_of};
use crate::errors::Errors;

/// `name = "text"`; a name that is no identifier stands in quotes.
pub(crate) struct Pair {
    /// The name.
    pub(crate) name: String,
    /// What an error about the name underlines.
    pub(crate) tokens: TokenStream,
    /// The text.
    pub(crate) text: LitStr,
}

impl Pair {
    /// Where the name stands.
    pub(crate) fn span(&self) -> Span {
        self.tokens.span()
    }

    /// Reads all pairs between the parentheses.
    pub(crate) fn read(list: &Group, errors: &mut Errors) -> Vec<Self> {
        let mut pairs = Vec::new();
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                match Self::parse(input, errors) {
                    Ok(pair) => {
                        if !input.is_empty() && !input.peek(Token![,]) {
                            errors.at(next_token(input), "expected a comma between two fields");
                        }
                        pairs.extend(pair);
                    }
                    Err(error) => errors.parser(error),
                }
                skip_to_comma(input);
            }
            Ok(())
        };
        if let Err(error) = read.parse2(list.stream()) {
            errors.parser(error);
        }
        pairs
    }

    /// The next pair; `None` when its text is no text, which was reported.
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<Self>> {
        let (name, tokens) = if input.peek(LitStr) {
            let name: LitStr = input.parse()?;
            (name.value(), name.to_token_stream())
        } else {
            let name = Ident::parse_any(input).map_err(|error| {
                syn::Error::new(error.span(), "expected the name of a field, in quotes if it is no word")
            })?;
            (name.unraw().to_string(), name.to_token_stream())
        };
        let equals: Option<Token![=]> = input.parse()?;
        if equals.is_none() || input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new_spanned(tokens, format!("`{name}` needs a text: `{name} = \"…\"`")));
        }
        let value: Expr = input.parse()?;
        Ok(text_of(&value, &name, errors).map(|text| Self { name, tokens, text }))
    }
}
