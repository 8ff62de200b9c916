//! What an author's item means: options, metrics, state, extra fields, words.

mod extra;
mod field;
mod metric;
mod option;
mod words;

pub(crate) use extra::ExtraFields;
pub(crate) use field::{Field, Owner, Role};
pub(crate) use metric::Handle;
pub(crate) use option::{Config, Env};
pub(crate) use words::Words;

use proc_macro2::TokenStream;
use syn::{Attribute, Data, DeriveInput, Ident, LitStr};

use crate::errors::Errors;
use crate::parse::{Doc, Keys, Pair};

/// A struct marked `#[scalyr_monitor]`.
pub(crate) struct Monitor {
    pub(crate) ident: Ident,
    pub(crate) is_generic: bool,
    pub(crate) doc: Doc,
    pub(crate) name: Option<LitStr>,
    pub(crate) module: Option<LitStr>,
    pub(crate) enabled_by_default: bool,
    /// What its whole lines hold.
    pub(crate) log_fields: Vec<Pair>,
    pub(crate) fields: Vec<Field>,
}

impl Monitor {
    /// What the item means; `None` when it is not even a struct with named fields.
    pub(crate) fn of(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let known = ["name", "module", "enabled_by_default", "log_fields"];
        let mut keys = Keys::read(&input.attrs, "__scalyr_monitor", &known, errors).unwrap_or_default();
        let has_name = keys.has("name");
        let name = keys.take_text("name", errors);
        let module = keys.take_text("module", errors);
        let enabled_by_default = keys.take_flag("enabled_by_default", errors).is_some();
        let log_fields = keys.take_pairs("log_fields", errors);
        refuse_attributes(&input.attrs, &["config", "metric", "metrics", "state"], "a field", errors);
        let fields = named_fields(input, "a monitor is", errors);
        let is_generic = is_generic(
            input,
            "a monitor cannot be generic: it is registered once, under one name, with the types that it has then",
            errors,
        );
        if !has_name {
            errors.at(&input.ident, "a monitor needs a name: #[scalyr_monitor(name = \"…\")]");
        }
        let fields = fields?.iter().map(|field| Field::of(field, Owner::Monitor, errors)).collect();
        let doc = Doc::of(&input.attrs);
        Some(Self { ident: input.ident.clone(), is_generic, doc, name, module, enabled_by_default, log_fields, fields })
    }
}

/// A part that several monitors share: a struct with `#[derive(OptionGroup)]` or `#[derive(MetricSet)]`.
pub(crate) struct Part {
    pub(crate) ident: Ident,
    pub(crate) is_generic: bool,
    /// The category of those metrics of a set that have none of their own.
    pub(crate) category: Option<LitStr>,
    pub(crate) fields: Vec<Field>,
}

impl Part {
    /// What the item means; `None` when it is not even a struct with named fields.
    pub(crate) fn of(input: &DeriveInput, owner: Owner, errors: &mut Errors) -> Option<Self> {
        let (what, elsewhere): (_, &[_]) = match owner {
            Owner::Set => ("a set of metrics", &["config", "metric", "state"]),
            _ => ("a group of options", &["config", "metric", "metrics", "state"]),
        };
        refuse_attributes(&input.attrs, elsewhere, "a field", errors);
        let mut category = None;
        if owner == Owner::Set
            && let Some(mut keys) = Keys::read(&input.attrs, "metrics", &["category"], errors)
        {
            category = keys.take_text("category", errors);
        }
        let fields = named_fields(input, &format!("{what} is"), errors);
        let why = format!("{what} cannot be generic: what it declares is fixed while it compiles");
        let is_generic = is_generic(input, &why, errors);
        let fields = fields?.iter().map(|field| Field::of(field, owner, errors)).collect();
        Some(Self { ident: input.ident.clone(), is_generic, category, fields })
    }
}

/// Notes that the item is generic.
fn is_generic(input: &DeriveInput, why: &str, errors: &mut Errors) -> bool {
    let is_generic = !input.generics.params.is_empty();
    if is_generic {
        errors.at(&input.generics, why);
    }
    is_generic
}

/// Refuses attributes that stand on an item and belong elsewhere.
fn refuse_attributes(attributes: &[Attribute], names: &[&str], where_to: &str, errors: &mut Errors) {
    for attribute in attributes {
        if let Some(name) = names.iter().find(|name| attribute.path().is_ident(name)) {
            errors.at(attribute, format!("#[{name}] belongs on {where_to}"));
        }
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
    errors.at(head_of(input), format!("{what} a struct with named fields, and `{ident}` is {found}"));
    None
}

/// The keyword and the name of an item.
fn head_of(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    match &input.data {
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
    }
}
