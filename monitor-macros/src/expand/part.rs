//! Groups of options and sets of metrics.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::{lints, local, metric, option};
use crate::model::{Part, Role};

/// The code of a group of options. Without `sound`, what lets rustc find further mistakes and those who use the group
/// compile.
pub(crate) fn group(group: &Part, sound: bool) -> TokenStream {
    if group.is_generic {
        return TokenStream::new();
    }
    let ident = &group.ident;
    let options = option::options(&group.fields);
    let lints = lints(sound);
    let (declared, keys, read) = if sound {
        let reads = option::reads(&group.fields);
        let values = group.fields.iter().map(|field| {
            let (name, local) = (&field.ident, local(field));
            quote!(#name: #local?)
        });
        let read = quote_spanned! {Span::mixed_site()=>
            #(#reads)*
            ::scalyr_monitor::__private::Some(Self { #(#values),* })
        };
        (option::declared(&group.fields), option::declared_keys(&group.fields), read)
    } else {
        (quote!(&[]), quote!(&[]), quote!(::scalyr_monitor::__private::None))
    };
    quote_spanned! {Span::mixed_site()=>
        #lints
        const _: () = {
            #options

            #[automatically_derived]
            impl ::scalyr_monitor::__private::OptionGroup for #ident {
                const OPTIONS: &'static [::scalyr_monitor::__private::DeclaredOption] = #declared;

                const KEYS: &'static [::scalyr_monitor::__private::DeclaredKey] = #keys;

                fn read(
                    __reader: &mut ::scalyr_monitor::__private::Reader<'_>,
                ) -> ::scalyr_monitor::__private::Option<Self> {
                    #read
                }
            }
        };
    }
}

/// The code of a set of metrics. Without `sound`, what lets rustc find further mistakes and those who use the set
/// compile.
pub(crate) fn set(set: &Part, sound: bool) -> TokenStream {
    if set.is_generic {
        return TokenStream::new();
    }
    let ident = &set.ident;
    let metrics = metric::metrics(&set.fields, set.category.as_ref());
    let lints = lints(sound);
    let (declared, handles) = if sound {
        let values = set.fields.iter().map(|field| {
            let name = &field.ident;
            let value = match &field.role {
                Role::Metric(handle) => metric::handle(field, handle),
                _ => metric::handles(field),
            };
            quote!(#name: #value)
        });
        (quote!(__METRICS), quote!(Self { #(#values),* }))
    } else {
        (quote!(&[]), quote!(loop {}))
    };
    quote_spanned! {Span::mixed_site()=>
        #lints
        const _: () = {
            #metrics

            #[automatically_derived]
            impl ::scalyr_monitor::__private::MetricSet for #ident {
                const METRICS: &'static [::scalyr_monitor::__private::DeclaredMetric] = #declared;

                fn declared() -> Self {
                    #handles
                }
            }
        };
    }
}
