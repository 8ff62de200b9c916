//! From tokens to attributes: what is written, not yet what it means.

mod doc;
mod keys;
mod pairs;

pub(crate) use doc::Doc;
pub(crate) use keys::{Key, Keys, text_of};
pub(crate) use pairs::Pair;

use proc_macro2::TokenTree;
use syn::Token;
use syn::parse::ParseStream;

/// The next token, to be underlined.
fn next_token(input: ParseStream<'_>) -> Option<TokenTree> {
    input.cursor().token_tree().map(|(token, _)| token)
}

/// Goes behind the next comma, so that what follows is read whatever came before.
fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() {
        let at_comma = input.peek(Token![,]);
        // Any token tree parses while there is one.
        let _: syn::Result<TokenTree> = input.parse();
        if at_comma {
            return;
        }
    }
}
