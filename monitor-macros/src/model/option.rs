//! What `#[config]` says.

use syn::{Attribute, Expr, Ident, LitStr, Type};

use super::Role;
use crate::errors::Errors;
use crate::parse::{Key, Keys, text_of};
use crate::types::{argument_of, bare};

/// The keys of `#[config]`.
pub(crate) struct Config {
    /// Whether a key was not understood, so that what seems to be missing may be there.
    pub(crate) is_flawed: bool,
    pub(crate) default: Option<Key>,
    pub(crate) required: Option<Ident>,
    pub(crate) min: Option<Expr>,
    pub(crate) max: Option<Expr>,
    pub(crate) env: Option<Env>,
    pub(crate) rename: Option<LitStr>,
    /// Older names of the key.
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) secret: bool,
    /// A function that looks at the value.
    pub(crate) check: Option<Expr>,
    pub(crate) no_http: Option<Ident>,
}

/// Which environment variable gives an option its value.
pub(crate) enum Env {
    /// `SCALYR_<OPTION>`; the key, to be underlined.
    Standard(Ident),
    /// Another one.
    Named(LitStr),
}

const KEYS: [&str; 11] =
    ["default", "required", "min", "max", "env", "rename", "alias", "secret", "check", "no_http", "flatten"];

impl Config {
    /// The option, or the group, that a field with `#[config]` is.
    pub(super) fn role(attributes: &[Attribute], errors: &mut Errors) -> Role {
        let mut keys = Keys::read(attributes, "config", &KEYS, errors).unwrap_or_default();
        if keys.take_flag("flatten", errors).is_none() {
            return Role::Option(Box::new(Self::of(keys, errors)));
        }
        for key in keys.idents() {
            errors.at(
                key,
                format!("`flatten` and `{key}` do not go together: each option of the group says it for itself"),
            );
        }
        Role::Group
    }

    fn of(mut keys: Keys, errors: &mut Errors) -> Self {
        let has_default = keys.has("default");
        let default = keys.take("default").filter(|key| key.is_without_list(errors));
        let env = keys.take("env").filter(|key| key.is_without_list(errors)).and_then(|key| match key.value {
            None => Some(Env::Standard(key.ident)),
            Some(value) => text_of(&value, "env", errors).map(Env::Named),
        });
        let check = keys.take_value("check", errors).filter(|check| {
            let is_function = matches!(bare(check), Expr::Path(_) | Expr::Closure(_));
            if !is_function {
                errors.at(check, "`check` takes the path of a function that looks at the value: `check = is_good`");
            }
            is_function
        });
        Self {
            required: keys.take_flag("required", errors),
            min: keys.take_value("min", errors),
            max: keys.take_value("max", errors),
            env,
            rename: keys.take_text("rename", errors),
            aliases: keys.take_texts("alias", errors),
            secret: keys.take_flag("secret", errors).is_some(),
            check,
            no_http: keys.take_flag("no_http", errors),
            is_flawed: keys.is_flawed || (has_default && default.is_none()),
            default,
        }
    }

    /// As [`default_value`](Self::default_value); `None` also for an `Option`, which has no default, and was refused.
    pub(crate) fn usable_default(&self, ty: &Type) -> Option<&Expr> {
        self.default_value().filter(|_| argument_of(ty, "Option").is_none())
    }

    /// What is written for the default; `None` also when the default is the type's own.
    pub(crate) fn default_value(&self) -> Option<&Expr> {
        self.default.as_ref()?.value.as_ref()
    }
}
