//! The code that is generated: full paths only, through `::scalyr_monitor::__private` and `::core`, in one anonymous
//! constant.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprUnary, GenericArgument, Lit, LitFloat, PathArguments, Type, UnOp};

use crate::check::written_name;
use crate::model::{Config, Env, ExtraFields, Field, Monitor, Role};

/// The attribute: the item as it is, with the derive added that does the work. Keeping the two apart lets the struct
/// stand whatever is wrong with the attribute.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    // Visibility and attributes hold their idents in groups, so the first keyword outside says what the item is.
    let mut tokens = item.clone().into_iter().skip_while(|token| !is_keyword(token, &ITEMS)).peekable();
    if tokens.peek().is_some_and(|keyword| is_keyword(keyword, &ITEMS[..DERIVABLE])) {
        return quote! {
            #[derive(::scalyr_monitor::__private::ScalyrMonitor)]
            #[__scalyr_monitor(#arguments)]
            #item
        };
    }
    let head: TokenStream = tokens.take(2).collect();
    let message = "a monitor is a struct with named fields; mark one with #[scalyr_monitor]";
    let error = syn::Error::new_spanned(head, message).into_compile_error();
    quote!(#item #error)
}

/// The keywords that begin an item.
const ITEMS: [&str; 13] = [
    "struct",
    "enum",
    "union",
    "fn",
    "impl",
    "trait",
    "mod",
    "use",
    "type",
    "static",
    "const",
    "macro_rules",
    "extern",
];

/// How many of them can have a derive.
const DERIVABLE: usize = 3;

fn is_keyword(token: &TokenTree, keywords: &[&str]) -> bool {
    matches!(token, TokenTree::Ident(ident) if keywords.iter().any(|keyword| ident == keyword))
}

/// The code of a monitor. Without `sound`, only what lets rustc find further mistakes.
pub(crate) fn monitor(monitor: &Monitor, sound: bool) -> TokenStream {
    if monitor.is_generic {
        return TokenStream::new();
    }
    let options = monitor.fields.iter().filter_map(|field| match &field.role {
        Role::Config(config) => Some(option(field, config)),
        _ => None,
    });
    let metrics = monitor.fields.iter().filter_map(|field| match &field.role {
        Role::Metric(_) => metric(field),
        _ => None,
    });
    let (lints, rest) = match sound {
        true => (None, registration(monitor)),
        false => {
            let lints = quote!(#[allow(dead_code, reason = "not all of it is used when the monitor has a mistake")]);
            (Some(lints), further_mistakes(monitor))
        }
    };
    quote! {
        #lints
        const _: () = {
            #(#options)*
            const __METRICS: &[::scalyr_monitor::__private::DeclaredMetric] = &[#(#metrics),*];
            #rest
        };
    }
}

/// One static per option: all that the author said about it.
fn option(field: &Field, config: &Config) -> TokenStream {
    let (ty, static_name, key) = (&field.ty, option_name(field), field.key());
    let doc = field.doc.to_expression();
    let env = match &config.env {
        None => quote!(::scalyr_monitor::__private::None),
        Some(Env::Standard) => {
            let name = format!("SCALYR_{}", key.to_uppercase());
            quote!(::scalyr_monitor::__private::Some(#name))
        }
        Some(Env::Named(name)) => quote!(::scalyr_monitor::__private::Some(#name)),
    };
    let absent = absent(field, config);
    let bounds = bounds(field, config);
    quote! {
        static #static_name: ::scalyr_monitor::__private::TypedOption<#ty> = ::scalyr_monitor::__private::TypedOption {
            key: #key,
            aliases: &[],
            doc: #doc,
            reading: ::scalyr_monitor::__private::reading::<#ty>(),
            env: #env,
            absent: #absent,
            bounds: #bounds,
            check: ::scalyr_monitor::__private::None,
            secret: false,
            no_http: false,
        };
    }
}

fn absent(field: &Field, config: &Config) -> TokenStream {
    let ty = &field.ty;
    match &config.default {
        Some(default) => {
            let value = match &default.value {
                None => quote_spanned!(default.ident.span()=> <#ty as ::core::default::Default>::default()),
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
    let bound = |bound: &Option<Expr>| match bound {
        None => quote!(::scalyr_monitor::__private::None),
        Some(bound) => {
            let bound = adapt(bound, ty);
            quote!(::scalyr_monitor::__private::Some(|| <#ty as ::scalyr_monitor::__private::Bounded>::limit(#bound)))
        }
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

fn metric(field: &Field) -> Option<TokenStream> {
    let mut arguments = arguments_of(&field.ty, "Metric")?;
    if arguments.len() == 1 {
        arguments.push(quote!(()));
    }
    let (name, doc) = (metric_name(field), field.doc.to_expression());
    let declare = quote!(::scalyr_monitor::__private::declare_metric::<#(#arguments),*>(#name, #doc));
    Some(quote!(::scalyr_monitor::__private::DeclaredMetric::One(#declare)))
}

/// The name of a metric as it stands in the log.
fn metric_name(field: &Field) -> String {
    match &field.role {
        Role::Metric(Some(name)) => written_name(&name.value()),
        _ => written_name(&field.ident.unraw().to_string()),
    }
}

fn registration(monitor: &Monitor) -> TokenStream {
    let (ident, name, doc) = (&monitor.ident, &monitor.name, monitor.doc.to_expression());
    let module = match &monitor.module {
        Some(module) => quote!(::scalyr_monitor::__private::Some(#module)),
        None => quote!(::scalyr_monitor::__private::None),
    };
    let options = monitor.fields.iter().filter(|field| matches!(field.role, Role::Config(_))).map(option_name);
    let construct = construct(monitor);
    quote! {
        #construct

        const __REGISTRATION: ::scalyr_monitor::__private::Registration = ::scalyr_monitor::__private::Registration {
            name: #name,
            module: #module,
            krate: ::scalyr_monitor::__private::env!("CARGO_PKG_NAME"),
            version: ::scalyr_monitor::__private::env!("CARGO_PKG_VERSION"),
            doc: #doc,
            declared_options: &[#(::scalyr_monitor::__private::DeclaredOption::One(&#options)),*],
            declared_metrics: __METRICS,
            log_fields: &[],
            enabled_by_default: false,
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
    let states = monitor.fields.iter().filter_map(|field| match &field.role {
        Role::State(None) if arguments_of(&field.ty, "Metric").is_none() => Some(initial(field)),
        Role::State(Some(value)) => {
            let ty = &field.ty;
            Some(quote!(let _: #ty = #value))
        }
        _ => None,
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

/// Reads every option first, so that all problems are found, and then makes the instance.
fn construct(monitor: &Monitor) -> TokenStream {
    let ident = &monitor.ident;
    let local = |field: &Field| Ident::new(&format!("__{}", field.ident.unraw()), Span::mixed_site());
    let reads = monitor.fields.iter().filter(|field| matches!(field.role, Role::Config(_))).map(|field| {
        let (local, option) = (local(field), option_name(field));
        quote_spanned! {Span::mixed_site()=>
            let #local = ::scalyr_monitor::__private::Reader::read(__reader, &#option);
        }
    });
    let values = monitor.fields.iter().map(|field| {
        let name = &field.ident;
        let value = match &field.role {
            Role::Config(_) => {
                let local = local(field);
                quote!(#local?)
            }
            Role::Metric(_) => {
                let metric = metric_name(field);
                quote!(::scalyr_monitor::__private::Metric::declared(#metric))
            }
            Role::State(Some(value)) => value.to_token_stream(),
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

fn option_name(field: &Field) -> Ident {
    format_ident!("__OPTION_{}", field.ident.unraw().to_string().to_uppercase(), span = Span::mixed_site())
}

/// Brings what an author wrote as a default or a bound to the type of the option: `min = 0` on an `f64` means `0.0`,
/// on a `Duration` zero seconds; `["a"]` on a `Vec` means a vector. Everything else is left to rustc.
fn adapt(value: &Expr, ty: &Type) -> TokenStream {
    if let Some(inner) = argument_of(ty, "Option") {
        return adapt(value, inner);
    }
    if let (Some(inner), Expr::Array(array)) = (argument_of(ty, "Vec"), value) {
        let elements = array.elems.iter().map(|element| adapt(element, inner));
        return quote_spanned!(array.span()=> ::scalyr_monitor::__private::Vec::from([#(#elements),*]));
    }
    let number = || as_float(value).unwrap_or_else(|| value.to_token_stream());
    if last_segment_is(ty, "f64") || last_segment_is(ty, "f32") {
        return number();
    }
    if last_segment_is(ty, "Duration") && is_number(value) {
        let seconds = number();
        return quote_spanned!(value.span()=> ::scalyr_monitor::__private::seconds(#seconds));
    }
    value.to_token_stream()
}

/// The numbers in a default or a bound that [`adapt`] brings to the type `name`, also inside an `Option` or a `Vec`.
pub(crate) fn numbers_for<'v>(value: &'v Expr, ty: &Type, name: &str) -> Vec<&'v Expr> {
    if let Some(inner) = argument_of(ty, "Option") {
        return numbers_for(value, inner, name);
    }
    if let (Some(inner), Expr::Array(array)) = (argument_of(ty, "Vec"), value) {
        return array.elems.iter().flat_map(|element| numbers_for(element, inner, name)).collect();
    }
    if last_segment_is(ty, name) && is_number(value) { vec![value] } else { Vec::new() }
}

/// A whole number, possibly negative, as a float with the same span.
fn as_float(value: &Expr) -> Option<TokenStream> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
            Some(LitFloat::new(&format!("{}.0", number.base10_digits()), number.span()).to_token_stream())
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(minus), expr, .. }) => {
            let number = as_float(expr)?;
            Some(quote!(#minus #number))
        }
        _ => None,
    }
}

fn is_number(value: &Expr) -> bool {
    match value {
        Expr::Lit(literal) => matches!(literal.lit, Lit::Int(_) | Lit::Float(_)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => is_number(expr),
        _ => false,
    }
}

fn last_segment_is(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

/// The type arguments of `Name<…>`; `None` for any other type.
pub(crate) fn arguments_of(ty: &Type, name: &str) -> Option<Vec<TokenStream>> {
    Some(types_of(ty, name)?.into_iter().map(ToTokens::to_token_stream).collect())
}

fn argument_of<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    match types_of(ty, name)?.as_slice() {
        [argument] => Some(argument),
        _ => None,
    }
}

fn types_of<'t>(ty: &'t Type, name: &str) -> Option<Vec<&'t Type>> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use syn::{DeriveInput, Item, ItemStruct};

    use super::*;
    use crate::errors::Errors;
    use crate::model;

    /// What the macros make of a struct.
    fn expanded(item: &ItemStruct) -> TokenStream {
        let mut errors = Errors::default();
        let is_monitor = item.attrs.iter().any(|attribute| attribute.path().is_ident("scalyr_monitor"));
        let code = if is_monitor {
            let mut item = item.clone();
            let at = item.attrs.iter().position(|attribute| attribute.path().is_ident("scalyr_monitor")).unwrap();
            let arguments = item.attrs.remove(at).parse_args::<TokenStream>().unwrap();
            let mut attribute = attribute(arguments, item.to_token_stream());
            let input: DeriveInput = syn::parse2(attribute.clone()).unwrap();
            let model = model::Monitor::of(&input, &mut errors).unwrap();
            attribute.extend(monitor(&model, errors.is_empty()));
            attribute
        } else {
            let input: DeriveInput = syn::parse2(item.to_token_stream()).unwrap();
            let model = model::ExtraFields::of(&input, &mut errors).unwrap();
            fields(&model)
        };
        assert!(errors.is_empty());
        errors.join(code)
    }

    /// The tokens as rustfmt lays them out.
    fn formatted(code: &TokenStream) -> String {
        let mut rustfmt = Command::new(Path::new(env!("CARGO")).with_file_name("rustfmt"))
            .args(["--edition=2024", "--config=max_width=120"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        rustfmt.stdin.take().unwrap().write_all(code.to_string().as_bytes()).unwrap();
        let output = rustfmt.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Rewrite with `UPDATE_EXPECT=1 cargo test -p monitor-macros`, and read what changed.
    #[test]
    fn the_expansion_of_coin_is_as_written_down() {
        let source = include_str!("../../local-monitors/coin/src/lib.rs");
        let code: TokenStream = syn::parse_file(source)
            .unwrap()
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Struct(item) => Some(expanded(item)),
                _ => None,
            })
            .collect();
        expect_test::expect_file!["../tests/expand/coin.rs"].assert_eq(&formatted(&code));
    }
}
