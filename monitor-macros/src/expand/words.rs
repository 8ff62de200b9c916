//! An enum of words.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::texts;
use crate::model::Words;

/// The code of an enum of words. Without `sound`, what lets options of this type compile.
pub(crate) fn words(words: &Words, sound: bool) -> TokenStream {
    if words.is_generic {
        return TokenStream::new();
    }
    let ident = &words.ident;
    let table = words.variants.iter().map(|variant| {
        let (name, aliases, doc) = (variant.word(), texts(&variant.aliases), variant.doc.to_expression());
        quote!(::scalyr_monitor::__private::Word { name: #name, aliases: #aliases, doc: #doc })
    });
    let idents: Vec<_> = words.variants.iter().map(|variant| &variant.ident).collect();
    let names = words.variants.iter().map(|variant| variant.word());
    let places = 0..idents.len();
    let (table, read, name) = if sound {
        let read = quote_spanned! {Span::mixed_site()=>
            match ::scalyr_monitor::__private::words::read(__found, __WORDS)? {
                #(#places => ::scalyr_monitor::__private::Some(Self::#idents),)*
                _ => ::scalyr_monitor::__private::None,
            }
        };
        let name = quote_spanned!(Span::mixed_site()=> match self { #(Self::#idents => #names),* });
        (quote!(&[#(#table),*]), read, name)
    } else {
        (quote!(&[]), quote!(::scalyr_monitor::__private::None), quote!(""))
    };
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            const __WORDS: &[::scalyr_monitor::__private::Word] = #table;

            #[automatically_derived]
            impl ::scalyr_monitor::__private::ConfigValue for #ident {
                const KIND: ::scalyr_monitor::__private::Kind = ::scalyr_monitor::__private::Kind::Words(__WORDS);

                type Literal = Self;

                fn from_literal(__literal: Self) -> Self {
                    __literal
                }

                fn read(
                    __found: &mut ::scalyr_monitor::__private::Found<'_>,
                ) -> ::scalyr_monitor::__private::Option<Self> {
                    #read
                }

                fn to_value(&self) -> ::scalyr_monitor::__private::Value {
                    ::scalyr_monitor::__private::words::to_value(#name)
                }
            }
        };
    }
}
