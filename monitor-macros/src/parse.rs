//! From tokens to attributes: what is written, not yet what it means.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Token};

use crate::errors::Errors;

/// `key` or `key = value` inside an attribute.
pub(crate) struct Key {
    /// The key.
    pub(crate) ident: Ident,
    /// What stands behind the `=`.
    pub(crate) value: Option<Expr>,
}

/// The keys of an attribute; each at most once and each known.
#[derive(Default)]
pub(crate) struct Keys {
    keys: Vec<Key>,
    /// Keys that were meant, and whose mistake is reported already: misspelt, or not understood behind the name.
    meant: Vec<String>,
    /// Whether something was not understood.
    pub(crate) is_flawed: bool,
}

impl Keys {
    /// Reads the keys of all attributes called `attribute`. `None` when there is no such attribute.
    pub(crate) fn read(attributes: &[Attribute], attribute: &str, known: &[&str], errors: &mut Errors) -> Option<Self> {
        let mut keys = None;
        for attribute in attributes.iter().filter(|candidate| candidate.path().is_ident(attribute)) {
            let keys = keys.get_or_insert_with(Self::default);
            keys.is_flawed |= !errors.all_well(|errors| keys.read_attribute(attribute, known, errors));
        }
        keys
    }

    fn read_attribute(&mut self, attribute: &Attribute, known: &[&str], errors: &mut Errors) {
        match &attribute.meta {
            Meta::Path(_) => {}
            Meta::List(list) => {
                // The list itself parses: each key reports for itself.
                let read = |input: ParseStream<'_>| {
                    self.read_list(input, known, errors);
                    Ok(())
                };
                if let Err(error) = read.parse2(list.tokens.clone()) {
                    errors.parser(error);
                }
            }
            Meta::NameValue(pair) => {
                let name = attribute.path().to_token_stream();
                errors.at(pair, format!("write the keys in parentheses: #[{name}({})]", known.join(", ")));
            }
        }
    }

    fn read_list(&mut self, input: ParseStream<'_>, known: &[&str], errors: &mut Errors) {
        while !input.is_empty() {
            let begins_with = next_token(input).map(|token| token.to_string());
            match parse_key(input) {
                Ok(_) if !input.is_empty() && !input.peek(Token![,]) => {
                    self.meant.extend(begins_with);
                    errors.at(next_token(input), "expected a comma between two keys");
                }
                Ok(key) => self.add(key, known, errors),
                Err(error) => {
                    self.meant.extend(begins_with);
                    errors.parser(error);
                }
            }
            skip_to_comma(input);
        }
    }

    fn add(&mut self, key: Key, known: &[&str], errors: &mut Errors) {
        let name = key.ident.to_string();
        if !known.contains(&name.as_str()) {
            let near = nearest(&name, known);
            self.meant.extend(near.map(str::to_owned));
            errors.at(&key.ident, unknown_key(&name, near, known));
        } else if self.keys.iter().any(|earlier| earlier.ident == key.ident) {
            errors.at(&key.ident, format!("`{name}` is given twice"));
        } else {
            self.keys.push(key);
        }
    }

    /// Whether a key is there, or was meant to be.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.ident == name) || self.meant.iter().any(|meant| meant == name)
    }

    /// Takes a key out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Key> {
        let at = self.keys.iter().position(|key| key.ident == name)?;
        Some(self.keys.swap_remove(at))
    }

    /// Takes the expression of a key out; an error when it has none.
    pub(crate) fn take_value(&mut self, name: &str, errors: &mut Errors) -> Option<Expr> {
        let key = self.take(name)?;
        if key.value.is_none() {
            errors.at(&key.ident, format!("`{name}` needs a value: `{name} = …`"));
        }
        key.value
    }

    /// Takes the text of a key out; an error when it has none.
    pub(crate) fn take_text(&mut self, name: &str, errors: &mut Errors) -> Option<LitStr> {
        let value = self.take_value(name, errors)?;
        text_of(&value, name, errors)
    }

    /// Takes a key out that has no value; an error when it has one.
    pub(crate) fn take_flag(&mut self, name: &str, errors: &mut Errors) -> Option<Ident> {
        let key = self.take(name)?;
        if let Some(value) = &key.value {
            errors.at(value, format!("`{name}` takes no value"));
        }
        Some(key.ident)
    }
}

/// The string that an expression is; an error when it is something else.
pub(crate) fn text_of(value: &Expr, name: &str, errors: &mut Errors) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        other => {
            errors.at(other, format!("`{name}` takes a text in quotes: `{name} = \"…\"`"));
            None
        }
    }
}

fn parse_key(input: ParseStream<'_>) -> syn::Result<Key> {
    let ident = Ident::parse_any(input).map_err(|error| syn::Error::new(error.span(), "expected a key"))?;
    let equals: Option<Token![=]> = input.parse()?;
    if equals.is_some() && (input.is_empty() || input.peek(Token![,])) {
        return Err(syn::Error::new(ident.span(), format!("`{ident}` needs a value: `{ident} = …`")));
    }
    let value = equals.map(|_| input.parse()).transpose()?;
    Ok(Key { ident, value })
}

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

/// The known key that was most likely meant.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), *known)).min();
    near.filter(|(edits, known)| *edits <= 1 + known.len() / 4).map(|(_, known)| known)
}

fn unknown_key(name: &str, near: Option<&str>, known: &[&str]) -> String {
    match near {
        Some(near) => format!("unknown key `{name}`; did you mean `{near}`?"),
        None => {
            let known: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
            format!("unknown key `{name}`; the keys are {}", known.join(", "))
        }
    }
}

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
        match literals {
            Some(lines) => lines.join("\n").trim().to_token_stream(),
            None => {
                let pieces = &self.pieces;
                quote::quote!(::scalyr_monitor::__private::concat!(#(#pieces, "\n"),*))
            }
        }
    }
}

/// A line of a doc comment, without the blank that follows the slashes.
fn literal(piece: &Expr) -> Option<String> {
    match piece {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            let text = text.value();
            Some(text.strip_prefix(' ').unwrap_or(&text).trim_end().to_owned())
        }
        _ => None,
    }
}
