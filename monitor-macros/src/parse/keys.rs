//! The keys of an attribute: `#[config(default = 5, env, alias("a", "b"))]`.

use proc_macro2::Group;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Token, token};

use super::{Pair, next_token, skip_to_comma};
use crate::errors::Errors;
use crate::types::bare;

/// `key`, `key = value` or `key(…)` inside an attribute.
pub(crate) struct Key {
    /// The key.
    pub(crate) ident: Ident,
    /// What stands behind the `=`.
    pub(crate) value: Option<Expr>,
    /// What stands in parentheses.
    list: Option<Group>,
}

impl Key {
    /// Whether it is written without parentheses; an error when it is not.
    pub(crate) fn is_without_list(&self, errors: &mut Errors) -> bool {
        if let Some(list) = &self.list {
            errors.at(list, format!("`{0}` is not written with parentheses: `{0} = …`", self.ident));
        }
        self.list.is_none()
    }
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
        for found in attributes.iter().filter(|candidate| candidate.path().is_ident(attribute)) {
            if keys.is_some() {
                errors.at(found, format!("a second #[{attribute}]; put all keys into one"));
            }
            let keys = keys.get_or_insert_with(Self::default);
            keys.is_flawed |= !errors.all_well(|errors| keys.read_attribute(found, known, errors));
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
                Ok(key) if !input.is_empty() && !input.peek(Token![,]) => {
                    self.meant.extend(begins_with);
                    let name = &key.ident;
                    let is_bare = key.value.is_none() && key.list.is_none();
                    match is_bare && !input.peek(Ident::peek_any) {
                        true => errors.at(next_token(input), format!("a value stands behind `=`: `{name} = …`")),
                        false => errors.at(next_token(input), "expected a comma between two keys"),
                    }
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
        if key.is_without_list(errors) && key.value.is_none() {
            errors.at(&key.ident, format!("`{name}` needs a value: `{name} = …`"));
        }
        self.is_flawed |= key.value.is_none();
        key.value
    }

    /// Takes the text of a key out; an error when it has none.
    pub(crate) fn take_text(&mut self, name: &str, errors: &mut Errors) -> Option<LitStr> {
        let value = self.take_value(name, errors)?;
        text_of(&value, name, errors)
    }

    /// Takes one text out, `key = "a"`, or several, `key("a", "b")`; an error when there is none.
    pub(crate) fn take_texts(&mut self, name: &str, errors: &mut Errors) -> Vec<LitStr> {
        let Some(key) = self.take(name) else { return Vec::new() };
        let shape = format!("`{name}` takes texts in quotes: `{name} = \"…\"` or `{name}(\"…\", \"…\")`");
        let read = match (key.value.as_ref().map(bare), &key.list) {
            (Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })), _) => return vec![text.clone()],
            (Some(other), _) => Err(syn::Error::new_spanned(other, shape)),
            (None, None) => Err(syn::Error::new_spanned(&key.ident, shape)),
            (None, Some(list)) => match Punctuated::<LitStr, Token![,]>::parse_terminated.parse2(list.stream()) {
                Ok(texts) if !texts.is_empty() => return texts.into_iter().collect(),
                _ => Err(syn::Error::new_spanned(list, shape)),
            },
        };
        read.unwrap_or_else(|error| {
            errors.parser(error);
            Vec::new()
        })
    }

    /// Takes pairs out: `key(name = "text", …)`; an error when there are none.
    pub(crate) fn take_pairs(&mut self, name: &str, errors: &mut Errors) -> Vec<Pair> {
        let Some(key) = self.take(name) else { return Vec::new() };
        match &key.list {
            Some(list) if !list.stream().is_empty() => Pair::read(list, errors),
            _ => {
                let shape = format!("`{name}` takes names with a text each: `{name}(name = \"…\", …)`");
                match key.value {
                    Some(value) => errors.at(value, shape),
                    None => errors.at(key.ident, shape),
                }
                Vec::new()
            }
        }
    }

    /// Takes a key out that has no value; an error when it has one.
    pub(crate) fn take_flag(&mut self, name: &str, errors: &mut Errors) -> Option<Ident> {
        let key = self.take(name)?;
        if let Some(value) = &key.value {
            errors.at(value, format!("`{name}` takes no value"));
        }
        if let Some(list) = &key.list {
            errors.at(list, format!("`{name}` takes no value"));
        }
        Some(key.ident)
    }

    /// The names of the keys that are left, to be underlined.
    pub(crate) fn idents(&self) -> impl Iterator<Item = &Ident> {
        self.keys.iter().map(|key| &key.ident)
    }
}

/// The string that an expression is; an error when it is something else.
pub(crate) fn text_of(value: &Expr, name: &str, errors: &mut Errors) -> Option<LitStr> {
    match bare(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        other => {
            errors.at(other, format!("`{name}` takes a text in quotes: `{name} = \"…\"`"));
            None
        }
    }
}

fn parse_key(input: ParseStream<'_>) -> syn::Result<Key> {
    let ident = Ident::parse_any(input).map_err(|error| syn::Error::new(error.span(), "expected a key"))?;
    if input.peek(token::Paren) {
        return Ok(Key { ident, value: None, list: Some(input.parse()?) });
    }
    let equals: Option<Token![=]> = input.parse()?;
    if equals.is_some() && (input.is_empty() || input.peek(Token![,])) {
        return Err(syn::Error::new(ident.span(), format!("`{ident}` needs a value: `{ident} = …`")));
    }
    if equals.is_some() && input.peek(Token![=]) {
        return Err(input.error(format!("one `=` is enough: `{ident} = …`")));
    }
    let value = equals.map(|_| input.parse()).transpose()?;
    Ok(Key { ident, value, list: None })
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
