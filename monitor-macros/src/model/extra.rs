//! The extra fields of a metric.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{DeriveInput, Generics, Ident, LitStr, Type};

use super::{named_fields, refuse_attributes};
use crate::errors::Errors;
use crate::parse::{Doc, Keys};

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
    rename: Option<LitStr>,
}

impl ExtraFields {
    /// What the item means; `None` when it is not even a struct with named fields.
    pub(crate) fn of(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        refuse_attributes(&input.attrs, &["field"], "a field of the struct", errors);
        let mut fields: Vec<ExtraField> = named_fields(input, "the extra fields of a metric are", errors)?
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
