//! A monitor.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Type};

use super::{lints, local, metric, option, optional};
use crate::model::{Field, Monitor, Role};
use crate::types::arguments_of;

/// The code of a monitor. Without `sound`, only what lets rustc find further mistakes.
pub(crate) fn monitor(monitor: &Monitor, sound: bool) -> TokenStream {
    if monitor.is_generic {
        return TokenStream::new();
    }
    let lints = lints(sound);
    let options = option::options(&monitor.fields);
    let metrics = metric::metrics(&monitor.fields, None);
    let rest = if sound { registration(monitor) } else { further_mistakes(monitor) };
    quote! {
        #lints
        const _: () = {
            #options
            #metrics
            #rest
        };
    }
}

fn registration(monitor: &Monitor) -> TokenStream {
    let (ident, name, doc) = (&monitor.ident, &monitor.name, monitor.doc.to_expression());
    let module = optional(monitor.module.as_ref());
    let options = option::declared(&monitor.fields);
    let log_fields = monitor.log_fields.iter().map(|field| {
        let (name, doc) = (&field.name, field.text.value());
        let doc = doc.trim();
        quote!(::scalyr_monitor::__private::LogFieldDecl { name: #name, doc: #doc })
    });
    let enabled_by_default = monitor.enabled_by_default;
    let construct = construct(monitor);
    quote! {
        #construct

        const __REGISTRATION: ::scalyr_monitor::__private::Registration = ::scalyr_monitor::__private::Registration {
            name: #name,
            module: #module,
            krate: ::scalyr_monitor::__private::env!("CARGO_PKG_NAME"),
            version: ::scalyr_monitor::__private::env!("CARGO_PKG_VERSION"),
            doc: #doc,
            declared_options: #options,
            declared_metrics: __METRICS,
            log_fields: &[#(#log_fields),*],
            enabled_by_default: #enabled_by_default,
            construct: __construct,
        };

        #[automatically_derived]
        impl ::scalyr_monitor::__private::Declared for #ident {
            fn registration() -> &'static ::scalyr_monitor::__private::Registration {
                &__REGISTRATION
            }
        }

        ::scalyr_monitor::__private::inventory::submit! { __REGISTRATION }
    }
}

/// The calls of [`construct`] that can fail by themselves, so that rustc tells of them beside the mistakes that were
/// already found.
fn further_mistakes(monitor: &Monitor) -> TokenStream {
    let boxed = boxed(monitor);
    let ident = &monitor.ident;
    let states = monitor.fields.iter().filter_map(|field| {
        let ty = &field.ty;
        match &field.role {
            Role::State(None) if arguments_of(ty, "Metric").is_none() => Some(initial(field)),
            Role::State(Some(value)) => Some(given(value, ty)),
            Role::Set(_) => Some(metric::handles(field)),
            Role::Group => Some(quote!(<#ty as ::scalyr_monitor::__private::OptionGroup>::read)),
            _ => None,
        }
    });
    quote_spanned! {Span::mixed_site()=>
        fn __further_mistakes(__monitor: #ident) {
            #boxed(__monitor);
            #(#states;)*
        }
    }
}

fn boxed(monitor: &Monitor) -> TokenStream {
    let ident = &monitor.ident;
    quote_spanned!(ident.span()=> ::scalyr_monitor::__private::boxed::<#ident>)
}

fn initial(field: &Field) -> TokenStream {
    let ty = &field.ty;
    quote!(<#ty as ::scalyr_monitor::__private::Initial>::initial())
}

/// The author's own value of a state field, in a function of its own: a `?` in it would leave the constructor, and the
/// monitor would not be made without a word.
fn given(value: &Expr, ty: &Type) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        {
            #[allow(unused_braces, reason = "they are the author's")]
            fn __given() -> #ty {
                #value
            }
            __given()
        }
    }
}

/// Reads every option first, so that all problems are found, and then makes the instance.
fn construct(monitor: &Monitor) -> TokenStream {
    let ident = &monitor.ident;
    let reads = option::reads(&monitor.fields);
    let values = monitor.fields.iter().map(|field| {
        let name = &field.ident;
        let value = match &field.role {
            Role::Option(_) | Role::Group => {
                let local = local(field);
                quote!(#local?)
            }
            Role::Metric(handle) => metric::handle(field, handle),
            Role::Set(_) => metric::handles(field),
            Role::State(Some(value)) => given(value, &field.ty),
            Role::State(None) | Role::Broken => initial(field),
        };
        quote!(#name: #value)
    });
    let boxed = boxed(monitor);
    quote_spanned! {Span::mixed_site()=>
        fn __construct(
            __reader: &mut ::scalyr_monitor::__private::Reader<'_>,
        ) -> ::scalyr_monitor::__private::Option<::scalyr_monitor::__private::Box<dyn ::scalyr_monitor::__private::Monitor>> {
            #(#reads)*
            ::scalyr_monitor::__private::Some(#boxed(#ident { #(#values),* }))
        }
    }
}
