//! The extra fields of a metric.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::check::written_name;
use crate::model::ExtraFields;

/// The code of a struct of extra fields.
pub(crate) fn fields(fields: &ExtraFields) -> TokenStream {
    let ident = &fields.ident;
    let (impl_generics, type_generics, where_clause) = fields.generics.split_for_impl();
    let names: Vec<String> = fields.fields.iter().map(|field| written_name(&field.name())).collect();
    let docs = fields.fields.iter().map(|field| field.doc.to_expression());
    let values = fields.fields.iter().enumerate().map(|(at, field)| {
        let (field, ty) = (&field.ident, &field.ty);
        quote_spanned! {Span::mixed_site()=>
            #at => ::scalyr_monitor::__private::write_value::<#ty>(&self.#field, __out),
        }
    });
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            #[automatically_derived]
            impl #impl_generics ::scalyr_monitor::__private::Fields for #ident #type_generics #where_clause {
                const NAMES: &'static [&'static ::scalyr_monitor::__private::str] = &[#(#names),*];

                const DOCS: &'static [&'static ::scalyr_monitor::__private::str] = &[#(#docs),*];

                fn write_value(
                    &self,
                    __at: ::scalyr_monitor::__private::usize,
                    __out: &mut ::scalyr_monitor::__private::String,
                ) {
                    match __at {
                        #(#values)*
                        _ => {}
                    }
                }
            }
        };
    }
}
