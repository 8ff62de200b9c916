//! The code that is generated: full paths only, through `::scalyr_monitor::__private`, in one anonymous constant.

mod attribute;
mod constants;
mod extra;
#[cfg(test)]
mod golden;
mod literals;
mod metric;
mod monitor;
mod option;
mod part;
mod words;

pub(crate) use attribute::attribute;
pub(crate) use extra::fields;
pub(crate) use monitor::monitor;
pub(crate) use part::{group, set};
pub(crate) use words::words;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::LitStr;
use syn::ext::IdentExt;

use crate::model::Field;

/// `Some(…)` or `None`.
fn optional(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::scalyr_monitor::__private::Some(#value)),
        None => quote!(::scalyr_monitor::__private::None),
    }
}

/// A place in the author's text for code that the author did not write: an error is shown there, a matter of style is not.
fn located_at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// What is put around code when there is a mistake: not all of it is used then.
fn lints(sound: bool) -> Option<TokenStream> {
    (!sound).then(|| quote!(#[allow(dead_code, reason = "not all of it is used when there is a mistake")]))
}

/// The variable that holds the value of a field until all are read.
fn local(field: &Field) -> Ident {
    Ident::new(&format!("__value_{}", field.ident.unraw()), Span::mixed_site())
}

/// A constant or static of the generated code, with the name of its field so that it can be recognised and the place
/// of the field so that no two are alike.
fn global(what: &str, at: usize, field: &Field) -> Ident {
    let name = field.ident.unraw().to_string().to_uppercase();
    format_ident!("__{what}_{at}_{name}", span = Span::mixed_site())
}

/// The texts as expressions.
fn texts(texts: &[LitStr]) -> TokenStream {
    quote!(&[#(#texts),*])
}
