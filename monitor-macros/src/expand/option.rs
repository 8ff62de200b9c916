//! Options.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Pat, Type};

use super::literals::{adapt, adapt_bound};
use super::{constants, global, local, optional, texts};
use crate::check::standard_variable;
use crate::model::{Config, Env, Field, Role};
use crate::types::{argument_of, bare};

/// The statics of all options of a struct, and what the compiler checks about them.
pub(super) fn options(fields: &[Field]) -> TokenStream {
    let options = fields.iter().enumerate().filter_map(|(at, field)| Some(option(at, field, field.option()?)));
    let keys = keys(fields);
    quote!(#(#options)* #keys)
}

/// One static per option: all that the author said about it.
fn option(at: usize, field: &Field, config: &Config) -> TokenStream {
    let (ty, static_name, key) = (&field.ty, global("OPTION", at, field), field.name());
    let (doc, aliases, secret) = (field.doc.to_expression(), texts(&config.aliases), config.secret);
    let env = optional(config.env.as_ref().map(|env| match env {
        Env::Standard(_) => standard_variable(&key).to_token_stream(),
        Env::Named(name) => name.to_token_stream(),
    }));
    let (absent, bounds) = (absent(field, config), bounds(field, config));
    let check = optional(config.check.as_ref().map(|function| check(function, ty)));
    let no_http = match &config.no_http {
        Some(_) => quote!(::scalyr_monitor::__private::url::<#ty>()),
        None => quote!(false),
    };
    let holds = constants::checks(field, config);
    let lint = (config.default_value().is_some() || config.min.is_some() || config.max.is_some())
        .then(|| quote!(#[allow(unused_braces, reason = "they hold the place of an error about the type")]));
    quote! {
        #lint
        static #static_name: ::scalyr_monitor::__private::TypedOption<#ty> = ::scalyr_monitor::__private::TypedOption {
            key: #key,
            aliases: #aliases,
            doc: #doc,
            reading: ::scalyr_monitor::__private::reading::<#ty>(),
            env: #env,
            absent: #absent,
            bounds: #bounds,
            check: #check,
            secret: #secret,
            no_http: #no_http,
        };
        #holds
    }
}

/// The author's function as one of a reference to the option's type: called, it may also take what that derefs to, `&str`
/// for a `String`. Whatever does not fit is underlined at the function.
fn check(function: &Expr, ty: &Type) -> TokenStream {
    let span = function.span();
    let called = match bare(function) {
        // Only where it is handed over does rustc know what it is called with.
        Expr::Closure(closure) if !closure.inputs.iter().any(|input| matches!(input, Pat::Type(_))) => {
            return function.to_token_stream();
        }
        Expr::Closure(_) => quote_spanned!(span=> (#function)),
        _ => function.to_token_stream(),
    };
    let call = quote_spanned!(span=> #called(__value));
    let value = quote_spanned!(span=> __value);
    quote!(|#value: &#ty| #call)
}

fn absent(field: &Field, config: &Config) -> TokenStream {
    let ty = &field.ty;
    let nothing = argument_of(ty, "Option")
        .map(|_| quote!(::scalyr_monitor::__private::Absent::Nothing(|| ::scalyr_monitor::__private::None)));
    match (nothing, &config.default) {
        (Some(nothing), _) => nothing,
        (None, Some(default)) => {
            let value = match &default.value {
                None => {
                    quote_spanned!(default.ident.span()=> <#ty as ::scalyr_monitor::__private::Default>::default())
                }
                Some(value) => {
                    let value = at_type(adapt(value, ty), ty);
                    quote!(<#ty as ::scalyr_monitor::__private::ConfigValue>::from_literal(#value))
                }
            };
            quote!(::scalyr_monitor::__private::Absent::Default(|| #value))
        }
        (None, None) => quote!(::scalyr_monitor::__private::Absent::Refused),
    }
}

/// The value in braces that stand where the type does: that the type lacks a trait is then told once, at the type, and
/// that the value does not fit is told at the value.
fn at_type(value: TokenStream, ty: &Type) -> TokenStream {
    quote_spanned!(ty.span()=> { #value })
}

fn bounds(field: &Field, config: &Config) -> TokenStream {
    let ty = &field.ty;
    if config.min.is_none() && config.max.is_none() {
        return quote!(::scalyr_monitor::__private::None);
    }
    let bound = |bound: &Option<Expr>| {
        optional(bound.as_ref().map(|bound| {
            let bound = at_type(adapt_bound(bound, ty), ty);
            quote!(|| <#ty as ::scalyr_monitor::__private::Bounded>::limit(#bound))
        }))
    };
    let (min, max) = (bound(&config.min), bound(&config.max));
    quote! {
        ::scalyr_monitor::__private::Some(::scalyr_monitor::__private::Bounds {
            min: #min,
            max: #max,
            measure: <#ty as ::scalyr_monitor::__private::Bounded>::measure,
        })
    }
}

/// The keys of the struct, and that those of each group are none of the others.
fn keys(fields: &[Field]) -> Option<TokenStream> {
    let groups: Vec<&Field> = fields.iter().filter(|field| matches!(field.role, Role::Group)).collect();
    if groups.is_empty() {
        return None;
    }
    let keys = declared_keys(fields);
    let own = fields.iter().filter_map(|field| Some(1 + field.option()?.aliases.len())).sum::<usize>();
    let checks = groups.iter().enumerate().map(|(at, group)| {
        let at = own + at;
        let call = quote_spanned!(group.ident.span()=> ::scalyr_monitor::__private::no_key_twice(__KEYS, #at));
        quote!(const _: () = #call;)
    });
    Some(quote! {
        const __KEYS: &[::scalyr_monitor::__private::DeclaredKey] = #keys;
        #(#checks)*
    })
}

/// The keys and aliases of the struct's own options, and behind them those of its groups.
pub(super) fn declared_keys(fields: &[Field]) -> TokenStream {
    let own = fields.iter().filter_map(|field| {
        let (key, aliases) = (field.name(), &field.option()?.aliases);
        Some(quote! {
            ::scalyr_monitor::__private::DeclaredKey::One(#key)
            #(, ::scalyr_monitor::__private::DeclaredKey::One(#aliases))*
        })
    });
    let groups = fields.iter().filter(|field| matches!(field.role, Role::Group)).map(|field| {
        let ty = &field.ty;
        quote! {
            ::scalyr_monitor::__private::DeclaredKey::Group(<#ty as ::scalyr_monitor::__private::OptionGroup>::KEYS)
        }
    });
    let all = own.chain(groups);
    quote!(&[#(#all),*])
}

/// The options as they are declared, groups among them.
pub(super) fn declared(fields: &[Field]) -> TokenStream {
    let options = fields.iter().enumerate().filter_map(|(at, field)| match &field.role {
        Role::Option(_) => {
            let option = global("OPTION", at, field);
            Some(quote!(::scalyr_monitor::__private::DeclaredOption::One(&#option)))
        }
        Role::Group => {
            let ty = &field.ty;
            Some(quote! {
                ::scalyr_monitor::__private::DeclaredOption::Group(
                    <#ty as ::scalyr_monitor::__private::OptionGroup>::OPTIONS
                )
            })
        }
        _ => None,
    });
    quote!(&[#(#options),*])
}

/// Reads every option and group, so that all problems are found.
pub(super) fn reads(fields: &[Field]) -> impl Iterator<Item = TokenStream> {
    fields.iter().enumerate().filter_map(|(at, field)| {
        let (local, ty) = (local(field), &field.ty);
        let read = match &field.role {
            Role::Option(_) => {
                let option = global("OPTION", at, field);
                quote_spanned!(Span::mixed_site()=> ::scalyr_monitor::__private::Reader::read(__reader, &#option))
            }
            Role::Group => quote_spanned! {Span::mixed_site()=>
                <#ty as ::scalyr_monitor::__private::OptionGroup>::read(__reader)
            },
            _ => return None,
        };
        Some(quote_spanned!(Span::mixed_site()=> let #local = #read;))
    })
}
