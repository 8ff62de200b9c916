//! What an author's struct means: options, metrics, state, extra fields.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Expr, Generics, Ident, LitStr, Type};

use crate::errors::Errors;
use crate::parse::{Doc, Key, Keys, text_of};

/// A struct marked `#[scalyr_monitor]`.
pub(crate) struct Monitor {
    pub(crate) ident: Ident,
    pub(crate) is_generic: bool,
    pub(crate) doc: Doc,
    pub(crate) name: Option<LitStr>,
    pub(crate) module: Option<LitStr>,
    pub(crate) fields: Vec<Field>,
}

/// One field of a monitor.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) doc: Doc,
    pub(crate) role: Role,
}

/// What a field is for.
pub(crate) enum Role {
    /// Read from the configuration.
    Config(Box<Config>),
    /// A metric, under another name than the field's when one is given.
    Metric(Option<LitStr>),
    /// The monitor's own, with the value that it starts from when that is not the type's default.
    State(Option<Expr>),
    /// Something is wrong with its attributes, and was reported.
    Broken,
}

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
}

/// Which environment variable gives an option its value.
pub(crate) enum Env {
    /// `SCALYR_<OPTION>`.
    Standard,
    /// Another one.
    Named(LitStr),
}

impl Monitor {
    /// What the item means; `None` when it is not even a struct with named fields.
    pub(crate) fn of(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let mut keys = Keys::read(&input.attrs, "__scalyr_monitor", &["name", "module"], errors).unwrap_or_default();
        let has_name = keys.has("name");
        let name = keys.take_text("name", errors);
        let module = keys.take_text("module", errors);
        let fields = named_fields(input, "a monitor", errors);
        let is_generic = !input.generics.params.is_empty();
        if is_generic {
            errors.at(
                &input.generics,
                "a monitor cannot be generic: it is registered once, under one name, with the types that it has then",
            );
        }
        if !has_name {
            errors.at(&input.ident, "a monitor needs a name: #[scalyr_monitor(name = \"…\")]");
        }
        let fields = fields?.iter().map(|field| Field::of(field, errors)).collect();
        Some(Self { ident: input.ident.clone(), is_generic, doc: Doc::of(&input.attrs), name, module, fields })
    }
}

impl Field {
    fn of(field: &syn::Field, errors: &mut Errors) -> Self {
        // A named field has a name; see `named_fields`.
        let ident = field.ident.clone().unwrap_or_else(|| Ident::new("unnamed", proc_macro2::Span::call_site()));
        let role = Role::of(&field.attrs, errors);
        Self { ident, ty: field.ty.clone(), doc: Doc::of(&field.attrs), role }
    }
}

impl Role {
    fn of(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut roles = attributes
            .iter()
            .filter(|attribute| ["config", "metric", "state"].iter().any(|role| attribute.path().is_ident(role)));
        if let Some(first) = roles.next()
            && let Some(second) = roles.find(|attribute| attribute.path().get_ident() != first.path().get_ident())
        {
            let (first, second_name) = (first.path().to_token_stream(), second.path().to_token_stream());
            errors.at(second, format!("a field is either #[{first}] or #[{second_name}], not both"));
            return Self::Broken;
        }
        let config_keys = ["default", "required", "min", "max", "env", "rename"];
        if let Some(keys) = Keys::read(attributes, "config", &config_keys, errors) {
            return Self::Config(Box::new(Config::of(keys, errors)));
        }
        if let Some(mut keys) = Keys::read(attributes, "metric", &["name"], errors) {
            return Self::Metric(keys.take_text("name", errors));
        }
        if let Some(mut keys) = Keys::read(attributes, "state", &["default"], errors) {
            return Self::State(keys.take_value("default", errors));
        }
        Self::State(None)
    }
}

impl Config {
    fn of(mut keys: Keys, errors: &mut Errors) -> Self {
        Self {
            is_flawed: keys.is_flawed,
            default: keys.take("default"),
            required: keys.take_flag("required", errors),
            min: keys.take_value("min", errors),
            max: keys.take_value("max", errors),
            env: keys.take("env").and_then(|key| match key.value {
                None => Some(Env::Standard),
                Some(value) => text_of(&value, "env", errors).map(Env::Named),
            }),
            rename: keys.take_text("rename", errors),
        }
    }
}

impl Field {
    /// The key of an option in the entry.
    pub(crate) fn key(&self) -> String {
        self.rename().map_or_else(|| self.ident.unraw().to_string(), LitStr::value)
    }

    /// What an error about the key underlines.
    pub(crate) fn key_tokens(&self) -> TokenStream {
        self.rename().map_or_else(|| self.ident.to_token_stream(), ToTokens::to_token_stream)
    }

    fn rename(&self) -> Option<&LitStr> {
        match &self.role {
            Role::Config(config) => config.rename.as_ref(),
            _ => None,
        }
    }
}

/// A struct with `#[derive(Fields)]`.
pub(crate) struct ExtraFields {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// Sorted by their name as given, the order in which they are written.
    pub(crate) fields: Vec<ExtraField>,
}

/// One extra field.
pub(crate) struct ExtraField {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) doc: Doc,
    pub(crate) rename: Option<LitStr>,
}

impl ExtraFields {
    /// What the item means; `None` when it is not even a struct with named fields.
    pub(crate) fn of(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let mut fields: Vec<ExtraField> = named_fields(input, "#[derive(Fields)]", errors)?
            .iter()
            .filter_map(|field| {
                let mut keys = Keys::read(&field.attrs, "field", &["name"], errors).unwrap_or_default();
                let rename = keys.take_text("name", errors);
                Some(ExtraField {
                    ident: field.ident.clone()?,
                    ty: field.ty.clone(),
                    doc: Doc::of(&field.attrs),
                    rename,
                })
            })
            .collect();
        fields.sort_by_key(ExtraField::name);
        Some(Self { ident: input.ident.clone(), generics: input.generics.clone(), fields })
    }
}

impl ExtraField {
    /// The name as given.
    pub(crate) fn name(&self) -> String {
        self.rename.as_ref().map_or_else(|| self.ident.unraw().to_string(), LitStr::value)
    }

    /// What an error about the name underlines.
    pub(crate) fn name_tokens(&self) -> TokenStream {
        self.rename.as_ref().map_or_else(|| self.ident.to_token_stream(), ToTokens::to_token_stream)
    }
}

/// The named fields of a struct; anything else is an error.
fn named_fields<'i>(
    input: &'i DeriveInput,
    what: &str,
    errors: &mut Errors,
) -> Option<&'i syn::punctuated::Punctuated<syn::Field, syn::Token![,]>> {
    let found = match &input.data {
        Data::Struct(item) => match &item.fields {
            syn::Fields::Named(fields) => return Some(&fields.named),
            syn::Fields::Unnamed(_) => "a tuple struct",
            syn::Fields::Unit => "a struct without a body; write `{}`",
        },
        Data::Enum(_) => "an enum",
        Data::Union(_) => "a union",
    };
    let ident = &input.ident;
    let item = match &input.data {
        Data::Struct(item) => {
            let keyword = item.struct_token;
            quote::quote!(#keyword #ident)
        }
        Data::Enum(item) => {
            let keyword = item.enum_token;
            quote::quote!(#keyword #ident)
        }
        Data::Union(item) => {
            let keyword = item.union_token;
            quote::quote!(#keyword #ident)
        }
    };
    errors.at(item, format!("{what} is a struct with named fields, and `{ident}` is {found}"));
    None
}
