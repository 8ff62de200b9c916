//! Metrics and sets of them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::LitStr;

use super::{global, optional};
use crate::check::{sorted, written_name};
use crate::model::{Field, Handle, Role};
use crate::types::arguments_of;

/// The constant with all metrics of a struct, and what the compiler checks about them. Metrics without a category get
/// `category`.
pub(super) fn metrics(fields: &[Field], category: Option<&LitStr>) -> TokenStream {
    let mut before = Vec::new();
    let mut declared = Vec::new();
    let mut after = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        match &field.role {
            Role::Metric(handle) => {
                if let Some(metric) = metric(field, handle, category) {
                    declared.push(metric);
                    after.extend(constants_apart(field, handle));
                }
            }
            Role::Set(own) => {
                let (place, ty) = (declared.len(), &field.ty);
                let of_set = quote!(<#ty as ::scalyr_monitor::__private::MetricSet>::METRICS);
                let set = match own.as_ref().or(category) {
                    None => of_set,
                    Some(category) => {
                        let set = global("SET", at, field);
                        before.push(quote! {
                            const #set: [
                                ::scalyr_monitor::__private::DeclaredMetric; ::scalyr_monitor::__private::count(#of_set)
                            ] = ::scalyr_monitor::__private::categorised(#of_set, #category);
                        });
                        quote!(&#set)
                    }
                };
                declared.push(quote!(::scalyr_monitor::__private::DeclaredMetric::Set(#set)));
                let call = quote_spanned! {field.ident.span()=>
                    ::scalyr_monitor::__private::no_metric_twice(__METRICS, #place)
                };
                after.push(quote! {
                    #[allow(long_running_const_eval, reason = "a catalogue may be large")]
                    const _: () = if __HAS_ALIKE { #call };
                });
            }
            _ => {}
        }
    }
    let has_sets = fields.iter().any(|field| matches!(field.role, Role::Set(_)));
    let has_alike = has_sets.then(|| {
        quote! {
            #[allow(long_running_const_eval, reason = "a catalogue may be large")]
            const __HAS_ALIKE: ::scalyr_monitor::__private::bool = ::scalyr_monitor::__private::has_alike::<
                { 2 * ::scalyr_monitor::__private::count(__METRICS) + 1 }
            >(__METRICS);
        }
    });
    quote! {
        #(#before)*
        const __METRICS: &[::scalyr_monitor::__private::DeclaredMetric] = &[#(#declared),*];
        #has_alike
        #(#after)*
    }
}

/// The declaration of a metric; `None` when its type is none of a metric.
fn metric(field: &Field, handle: &Handle, category: Option<&LitStr>) -> Option<TokenStream> {
    let arguments = arguments(field)?;
    let (name, doc) = (written_name(&field.name()), field.doc.to_expression());
    let declare = quote!(::scalyr_monitor::__private::declare_metric::<#(#arguments),*>(#name, #doc));
    let constants = constants(handle).map(|constants| quote!(constants: #constants,));
    let text = |key: TokenStream, text: Option<&LitStr>| {
        text.map(|text| {
            let text = optional(Some(text.value().trim()));
            quote!(#key: #text,)
        })
    };
    let unit = text(quote!(unit), handle.unit.as_ref());
    let category = text(quote!(category), handle.category.as_ref().or(category));
    let cumulative = handle.cumulative.as_ref().map(|_| quote!(cumulative: true,));
    let said = quote!(#constants #unit #category #cumulative);
    let metric = match said.is_empty() {
        true => declare,
        false => quote!(::scalyr_monitor::__private::MetricDecl { #said ..#declare }),
    };
    Some(quote!(::scalyr_monitor::__private::DeclaredMetric::One(#metric)))
}

/// The types of the value and of the extra fields.
fn arguments(field: &Field) -> Option<Vec<TokenStream>> {
    let mut arguments = arguments_of(&field.ty, "Metric")?;
    if arguments.len() == 1 {
        arguments.push(quote!(()));
    }
    (arguments.len() == 2).then_some(arguments)
}

/// The extra fields that never change, sorted; `None` when there are none.
fn constants(handle: &Handle) -> Option<TokenStream> {
    let pairs = sorted(&handle.constants).into_iter().map(|(name, text)| quote!((#name, #text)));
    (!handle.constants.is_empty()).then(|| quote!(&[#(#pairs),*]))
}

/// That no extra field which never changes is also one of those that do.
fn constants_apart(field: &Field, handle: &Handle) -> Vec<TokenStream> {
    let Some([_, fields]) = arguments(field).and_then(|arguments| <[TokenStream; 2]>::try_from(arguments).ok()) else {
        return Vec::new();
    };
    let check = handle.constants.iter().map(|pair| {
        let name = written_name(&pair.name);
        let span = pair.span();
        let call = quote_spanned!(span=> ::scalyr_monitor::__private::no_field_twice::<#fields>(#name));
        quote!(const _: () = #call;)
    });
    check.collect()
}

/// The handle of a metric.
pub(super) fn handle(field: &Field, handle: &Handle) -> TokenStream {
    let name = written_name(&field.name());
    let constants = constants(handle).map(|constants| quote!(.with_constants(#constants)));
    quote!(::scalyr_monitor::__private::Metric::declared(#name) #constants)
}

/// The handles of a set.
pub(super) fn handles(field: &Field) -> TokenStream {
    let ty = field.ty.to_token_stream();
    quote!(<#ty as ::scalyr_monitor::__private::MetricSet>::declared())
}
