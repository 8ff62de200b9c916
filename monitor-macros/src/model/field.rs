//! A field of a monitor, of a group of options or of a set of metrics.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, Ident, LitStr, Type};

use super::{Config, Handle};
use crate::errors::Errors;
use crate::parse::{Doc, Keys};

/// What a field is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// `#[scalyr_monitor]`.
    Monitor,
    /// `#[derive(OptionGroup)]`.
    Group,
    /// `#[derive(MetricSet)]`.
    Set,
}

impl Owner {
    /// Why a field has another attribute here, or none.
    fn cure(self) -> &'static str {
        match self {
            Self::Monitor => "",
            Self::Group => "every field of a group of options is an option: mark it #[config(…)]",
            Self::Set => "every field of a set of metrics is a metric: mark it #[metric], or #[metrics] if it is a set",
        }
    }

    fn takes(self, attribute: &str) -> bool {
        match self {
            Self::Monitor => true,
            Self::Group => attribute == "config",
            Self::Set => attribute == "metric" || attribute == "metrics",
        }
    }
}

/// One field.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) doc: Doc,
    pub(crate) role: Role,
}

/// What a field is for.
pub(crate) enum Role {
    /// An option, read from the configuration.
    Option(Box<Config>),
    /// A group of options that is taken in.
    Group,
    /// A metric.
    Metric(Box<Handle>),
    /// A set of metrics that is taken in, with the category of those that have none of their own.
    Set(Option<LitStr>),
    /// The monitor's own, with the value that it starts from when that is not the type's default.
    State(Option<Expr>),
    /// Something is wrong with its attributes, and was reported.
    Broken,
}

/// The attributes that say what a field is for.
const ROLES: [&str; 4] = ["config", "metric", "metrics", "state"];

impl Field {
    pub(super) fn of(field: &syn::Field, owner: Owner, errors: &mut Errors) -> Self {
        // A named field has a name; see `named_fields`.
        let ident = field.ident.clone().unwrap_or_else(|| Ident::new("unnamed", Span::call_site()));
        let role = Role::of(&ident, &field.attrs, owner, errors);
        Self { ident, ty: field.ty.clone(), doc: Doc::of(&field.attrs), role }
    }

    /// The option that it is.
    pub(crate) fn option(&self) -> Option<&Config> {
        match &self.role {
            Role::Option(config) => Some(config),
            _ => None,
        }
    }

    /// The key of an option in the entry, or the name of a metric as it was given.
    pub(crate) fn name(&self) -> String {
        self.rename().map_or_else(|| self.ident.unraw().to_string(), LitStr::value)
    }

    /// What an error about the key or the name underlines.
    pub(crate) fn name_tokens(&self) -> TokenStream {
        self.rename().map_or_else(|| self.ident.to_token_stream(), ToTokens::to_token_stream)
    }

    fn rename(&self) -> Option<&LitStr> {
        match &self.role {
            Role::Option(config) => config.rename.as_ref(),
            Role::Metric(handle) => handle.name.as_ref(),
            _ => None,
        }
    }
}

impl Role {
    fn of(ident: &Ident, attributes: &[Attribute], owner: Owner, errors: &mut Errors) -> Self {
        let roles: Vec<(&Attribute, &str)> = attributes
            .iter()
            .filter_map(|attribute| Some((attribute, *ROLES.iter().find(|role| attribute.path().is_ident(role))?)))
            .collect();
        let Some((_, role)) = roles.first().copied() else {
            if owner == Owner::Monitor {
                return Self::State(None);
            }
            errors.at(ident, owner.cure());
            return Self::Broken;
        };
        if let Some((second, other)) = roles.iter().find(|(_, other)| *other != role) {
            errors.at(second, format!("a field is either #[{role}] or #[{other}], not both"));
            return Self::Broken;
        }
        if !owner.takes(role) {
            errors.at(roles[0].0, owner.cure());
            return Self::Broken;
        }
        match role {
            "config" => Config::role(attributes, errors),
            "metric" => Self::Metric(Box::new(Handle::of(attributes, errors))),
            "metrics" => {
                let mut keys = Keys::read(attributes, "metrics", &["category"], errors).unwrap_or_default();
                Self::Set(keys.take_text("category", errors))
            }
            _ => {
                let mut keys = Keys::read(attributes, "state", &["default"], errors).unwrap_or_default();
                Self::State(keys.take_value("default", errors))
            }
        }
    }
}
