//! An enum whose variants are the words of an option.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Ident, LitStr};

use super::{head_of, is_generic, refuse_attributes};
use crate::errors::Errors;
use crate::parse::{Doc, Keys};

/// An enum with `#[derive(ConfigValue)]`.
pub(crate) struct Words {
    pub(crate) ident: Ident,
    pub(crate) is_generic: bool,
    pub(crate) variants: Vec<Variant>,
}

/// One word.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) doc: Doc,
    rename: Option<LitStr>,
    /// Older spellings.
    pub(crate) aliases: Vec<LitStr>,
}

impl Words {
    /// What the item means; `None` when it is not even an enum.
    pub(crate) fn of(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        refuse_attributes(&input.attrs, &["config"], "a variant", errors);
        let is_generic = is_generic(input, "an enum of words cannot be generic: its words are fixed", errors);
        let ident = input.ident.clone();
        let Data::Enum(item) = &input.data else {
            errors.at(
                head_of(input),
                format!(
                    "#[derive(ConfigValue)] is for an enum whose variants are the words of an option, and `{ident}` is no \
                     enum; options that belong together derive OptionGroup"
                ),
            );
            return None;
        };
        if item.variants.is_empty() {
            errors
                .at(head_of(input), format!("`{ident}` has no variant, so an option of this type could have no value"));
        }
        let variants = item.variants.iter().map(|variant| Variant::of(variant, errors)).collect();
        Some(Self { ident, is_generic, variants })
    }
}

impl Variant {
    fn of(variant: &syn::Variant, errors: &mut Errors) -> Self {
        let ident = variant.ident.clone();
        if !matches!(variant.fields, Fields::Unit) {
            errors.at(
                &variant.fields,
                format!("`{ident}` holds values, and a word has none; options that belong together derive OptionGroup"),
            );
            for field in &variant.fields {
                refuse_attributes(&field.attrs, &["config"], "a variant", errors);
            }
        }
        let mut keys = Keys::read(&variant.attrs, "config", &["rename", "alias"], errors).unwrap_or_default();
        let rename = keys.take_text("rename", errors);
        let aliases = keys.take_texts("alias", errors);
        Self { ident, doc: Doc::of(&variant.attrs), rename, aliases }
    }

    /// What a user writes.
    pub(crate) fn word(&self) -> String {
        self.rename.as_ref().map_or_else(|| snake_case(&self.ident.unraw().to_string()), LitStr::value)
    }

    /// What an error about the word underlines.
    pub(crate) fn word_tokens(&self) -> TokenStream {
        self.rename.as_ref().map_or_else(|| self.ident.to_token_stream(), ToTokens::to_token_stream)
    }
}

/// `HttpGet` as `http_get`, `HTTPGet` too.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut word = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before)).copied().unwrap_or('_');
        let ends_capitals = before.is_uppercase() && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && before != '_' && (!before.is_uppercase() || ends_capitals) {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_written_in_small_letters_with_underscores() {
        for (variant, word) in [
            ("Tcp", "tcp"),
            ("TCP", "tcp"),
            ("PlainText", "plain_text"),
            ("HTTPGet", "http_get"),
            ("Http2Get", "http2_get"),
            ("V2", "v2"),
            ("A", "a"),
            ("Snake_Case", "snake_case"),
        ] {
            assert_eq!(snake_case(variant), word);
        }
    }
}
