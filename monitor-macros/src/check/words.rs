//! What can be wrong with an enum of words.

use quote::ToTokens;

use super::{missing_doc, names};
use crate::errors::Errors;
use crate::model::Words;

/// Checks an enum of words.
pub(crate) fn words(words: &Words, errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    for variant in &words.variants {
        if variant.doc.is_empty() {
            errors.at(&variant.ident, missing_doc("variant", &variant.ident));
        }
        let aliases = variant.aliases.iter().map(|alias| (alias.value(), alias.to_token_stream()));
        for (word, tokens) in std::iter::once((variant.word(), variant.word_tokens())).chain(aliases) {
            names::of_word(&word, &tokens, errors);
            if seen.iter().any(|other| other.eq_ignore_ascii_case(&word)) {
                errors.at(tokens, format!("two variants are written `{word}`; capitals do not tell two words apart"));
            }
            seen.push(word);
        }
    }
}
