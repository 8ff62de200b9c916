//! What can be wrong with an option.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, LitStr};

use super::{missing_doc, names, numbers};
use crate::errors::Errors;
use crate::model::{Config, Env, Field};
use crate::types::{arguments_of, bare, last_segment_is, number_type, text_of_type};

pub(super) fn option(field: &Field, config: &Config, errors: &mut Errors) {
    if field.doc.is_empty() {
        errors.at(&field.ident, missing_doc("option", &field.ident));
    }
    check_presence(field, config, errors);
    numbers::check(field, config, errors);
    if config.secret || last_segment_is(number_type(&field.ty), "Secret") {
        for text in config.default_value().map(texts_in).unwrap_or_default() {
            errors.at(
                text,
                "a secret that is written here can be read by everybody who has the program; make the option `required`, \
                 or an `Option<_>`",
            );
        }
    }
    match &config.env {
        Some(Env::Named(name)) => names::of_variable(name, errors),
        Some(Env::Standard(token)) => {
            let name = standard_variable(&field.name());
            if !names::is_variable(&name) {
                let near = name.replace(['-', '.'], "_");
                errors.at(
                    token,
                    format!("`{name}` cannot name an environment variable; give it a name: `env = \"{near}\"`"),
                );
            }
        }
        None => {}
    }
}

/// The texts in a default, also those of a list, that are not empty.
fn texts_in(value: &Expr) -> Vec<&LitStr> {
    match bare(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().is_empty() => vec![text],
        Expr::Array(array) => array.elems.iter().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}

/// The variable that `env` without a name means.
pub(crate) fn standard_variable(key: &str) -> String {
    format!("SCALYR_{}", key.to_uppercase())
}

/// Exactly one of: a default, `required`, an `Option`.
fn check_presence(field: &Field, config: &Config, errors: &mut Errors) {
    let optional = arguments_of(&field.ty, "Option").is_some();
    match (&config.default, &config.required) {
        (Some(_), Some(required)) => errors.at(
            required,
            "`required` and `default` contradict each other: what must be given never falls back to a default",
        ),
        (Some(default), None) if optional && default.value.as_ref().is_some_and(is_none) => errors.at(
            &default.ident,
            "an `Option<_>` is `None` when nothing is given; drop the `default`",
        ),
        (Some(default), None) if optional => errors.at(
            &default.ident,
            "`default` and `Option<_>` contradict each other: with a default there is always a value; drop the `Option`",
        ),
        (None, Some(required)) if optional => errors.at(
            required,
            "`required` and `Option<_>` contradict each other: what must be given is never `None`; drop the `Option`",
        ),
        (None, None) if !optional && !config.is_flawed => {
            let ty = text_of_type(&field.ty);
            errors.at(
                &field.ty,
                format!(
                    "what is `{}` when it is not given? Say `default = …`, or `required`, or make it an `Option<{ty}>`",
                    field.ident
                ),
            );
        }
        _ => {}
    }
}

fn is_none(value: &Expr) -> bool {
    matches!(bare(value), Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "None"))
}

/// The keys and the older names of the options of one struct. Those of groups are compared with them by the compiler.
pub(super) fn keys(fields: &[Field], errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    for (key, tokens) in fields.iter().flat_map(keys_of) {
        if !names::of_option(&key, &tokens, errors) {
            continue;
        }
        match seen.iter().find(|other| other.eq_ignore_ascii_case(&key)) {
            Some(other) if *other == key => errors.at(tokens, format!("the option `{key}` is declared twice")),
            Some(other) => {
                errors.at(tokens, format!("capitals alone do not tell the options `{other}` and `{key}` apart"));
            }
            None => {}
        }
        seen.push(key);
    }
}

/// The key and the older names of a field that is an option, each with what an error underlines.
fn keys_of(field: &Field) -> Vec<(String, TokenStream)> {
    let Some(config) = field.option() else { return Vec::new() };
    let aliases = config.aliases.iter().map(|alias| (alias.value(), alias.to_token_stream()));
    std::iter::once((field.name(), field.name_tokens())).chain(aliases).collect()
}
