//! Options.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprUnary};

use super::literals::{adapt, adapt_bound};
use super::{global, local, optional, texts};
use crate::check::standard_variable;
use crate::model::{Config, Env, Field, Role};
use crate::types::{argument_of, bare, is_float, is_integer, is_number, last_segment_is, number_type};

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
    let check = optional(config.check.as_ref());
    let no_http = match &config.no_http {
        Some(_) => quote!(::scalyr_monitor::__private::url::<#ty>()),
        None => quote!(false),
    };
    let holds = holds(field, config);
    quote! {
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

fn absent(field: &Field, config: &Config) -> TokenStream {
    let ty = &field.ty;
    match &config.default {
        Some(default) => {
            let value = match &default.value {
                None => quote_spanned!(default.ident.span()=> <#ty as ::scalyr_monitor::__private::Default>::default()),
                Some(value) => {
                    let value = adapt(value, ty);
                    quote!(<#ty as ::scalyr_monitor::__private::ConfigValue>::from_literal(#value))
                }
            };
            quote!(::scalyr_monitor::__private::Absent::Default(|| #value))
        }
        None if argument_of(ty, "Option").is_some() => {
            quote!(::scalyr_monitor::__private::Absent::Nothing(|| ::scalyr_monitor::__private::None))
        }
        None => quote!(::scalyr_monitor::__private::Absent::Refused),
    }
}

fn bounds(field: &Field, config: &Config) -> TokenStream {
    let ty = &field.ty;
    if config.min.is_none() && config.max.is_none() {
        return quote!(::scalyr_monitor::__private::None);
    }
    let bound = |bound: &Option<Expr>| {
        optional(bound.as_ref().map(|bound| {
            let bound = adapt_bound(bound, ty);
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

/// What the compiler checks where a default or a bound is the name of a constant: the macro sees no number there.
fn holds(field: &Field, config: &Config) -> Option<TokenStream> {
    let [default, min, max] = [config.default_value(), config.min.as_ref(), config.max.as_ref()];
    let given = || [default, min, max].into_iter().flatten();
    if !given().all(|value| is_number(value) || is_constant(value)) || !given().any(is_constant) {
        return None;
    }
    let ty = number_type(&field.ty);
    let as_number = match ty {
        ty if is_integer(ty) => {
            |value: TokenStream| quote!(::scalyr_monitor::__private::Number::Integer(#value as i128))
        }
        ty if last_segment_is(ty, "f32") => {
            |value: TokenStream| quote!(::scalyr_monitor::__private::Number::Float(#value as f32 as f64))
        }
        ty if is_float(ty) => |value: TokenStream| quote!(::scalyr_monitor::__private::Number::Float(#value as f64)),
        _ => return None,
    };
    let number = |value: Option<&Expr>| optional(value.map(|value| as_number(adapt_bound(value, ty))));
    let text = |value: Option<&Expr>| value.map(|value| value.to_token_stream().to_string()).unwrap_or_default();
    let check = |value: &Expr, is_default: bool, message: String| {
        let value_number = as_number(adapt_bound(value, ty));
        let (min, max) = (number(min), if is_default { number(max) } else { optional(None::<Expr>) });
        let call = quote_spanned! {value.span()=>
            ::scalyr_monitor::__private::must_lie_within(#value_number, #min, #max, #message)
        };
        quote!(const _: () = #call;)
    };
    let of_default = default.map(|default| {
        let message = format!("the default {} lies outside {}..={}", text(Some(default)), text(min), text(max));
        check(default, true, message)
    });
    let of_max = max.filter(|_| min.is_some()).map(|max| {
        let message = format!("the max {} is below the min {}", text(Some(max)), text(min));
        check(max, false, message)
    });
    Some(quote!(#of_default #of_max))
}

/// The name of a constant, perhaps with a minus.
fn is_constant(value: &Expr) -> bool {
    match bare(value) {
        Expr::Path(_) => true,
        Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), expr, .. }) => is_constant(expr),
        _ => false,
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
