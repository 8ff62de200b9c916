//! Defaults and bounds in which the macro sees no number: names of constants, arithmetic. The author's compiler checks
//! them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{BinOp, Expr, ExprBinary, ExprUnary, Type, UnOp};

use super::literals::{adapt, as_float};
use super::{located_at, optional};
use crate::model::{Config, Field};
use crate::types::{bare, is_arithmetic, is_float, is_integer, is_number, last_segment_is, number_type};

/// That the default lies within its bounds, and these are not crossed. Nothing when all are plain numbers, which were
/// checked already, and nothing when one may be no constant: then it is checked when it is used.
pub(super) fn checks(field: &Field, config: &Config) -> Option<TokenStream> {
    let [default, min, max] = [config.usable_default(&field.ty), config.min.as_ref(), config.max.as_ref()];
    let given: Vec<&Expr> = [default, min, max].into_iter().flatten().collect();
    if given.iter().all(|value| is_number(value)) || !given.iter().all(|value| is_constant(value)) {
        return None;
    }
    let ty = number_type(&field.ty);
    let number = |value: &Expr| number(value, ty);
    given.iter().try_for_each(|value| number(value).map(drop))?;
    let [min_number, max_number] = [min, max].map(|bound| optional(bound.and_then(number)));
    let of_default = default.map(|default| {
        let [min, max] = [min, max].map(|bound| bound.map(text).unwrap_or_default());
        let message = format!("the default {} lies outside {min}..={max}", text(default));
        check(default, number(default), &min_number, &max_number, &message)
    });
    let of_max = max.zip(min).map(|(max, min)| {
        let message = format!("the max {} is below the min {}", text(max), text(min));
        check(max, number(max), &min_number, &optional(None::<Expr>), &message)
    });
    let of_times = last_segment_is(ty, "Duration").then(|| {
        let checks = given.iter().map(|value| {
            let limit = |limit: f64| optional(Some(quote!(::scalyr_monitor::__private::Number::Float(#limit))));
            // Below 2^64 seconds: what a `Duration` holds.
            let (least, most) = (limit(0.0), limit(18_446_744_073_709_549_568.0));
            check(value, number(value), &least, &most, &format!("{} is no time in seconds", text(value)))
        });
        quote!(#(#checks)*)
    });
    Some(quote!(#of_default #of_max #of_times))
}

/// One check, which underlines the value when it fails.
fn check(
    value: &Expr,
    number: Option<TokenStream>,
    min: &TokenStream,
    max: &TokenStream,
    message: &str,
) -> TokenStream {
    let call = quote_spanned! {value.span()=>
        ::scalyr_monitor::__private::must_lie_within(#number, #min, #max, #message)
    };
    quote!(const _: () = #call;)
}

/// The value as a number that can be compared while the crate compiles; `None` when its type is none of numbers.
fn number(value: &Expr, ty: &Type) -> Option<TokenStream> {
    let adapted = match last_segment_is(ty, "Duration") {
        true => is_arithmetic(value).then(|| as_float(value).unwrap_or_else(|| value.to_token_stream()))?,
        false => adapt(value, ty),
    };
    let adapted = if matches!(bare(value), Expr::Binary(_)) { quote!((#adapted)) } else { adapted };
    let span = located_at(value.span());
    let (kind, cast) = match ty {
        ty if is_integer(ty) => (quote!(Integer), quote_spanned!(span=> as ::scalyr_monitor::__private::i128)),
        ty if last_segment_is(ty, "f32") => {
            let narrow = quote_spanned!(span=> as ::scalyr_monitor::__private::f32);
            (quote!(Float), quote_spanned!(span=> #narrow as ::scalyr_monitor::__private::f64))
        }
        ty if is_float(ty) || last_segment_is(ty, "Duration") => {
            (quote!(Float), quote_spanned!(span=> as ::scalyr_monitor::__private::f64))
        }
        _ => return None,
    };
    Some(quote!(::scalyr_monitor::__private::Number::#kind(#adapted #cast)))
}

/// Whether it is a number, the name of a constant, or arithmetic of such.
fn is_constant(value: &Expr) -> bool {
    match bare(value) {
        Expr::Path(_) => true,
        Expr::Paren(paren) => is_constant(&paren.expr),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => is_constant(expr),
        Expr::Binary(ExprBinary { left, op, right, .. }) => {
            let is_known = matches!(op, BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_));
            is_known && is_constant(left) && is_constant(right)
        }
        value => is_number(value),
    }
}

/// The value as the author wrote it, or nearly so.
fn text(value: &Expr) -> String {
    match bare(value) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => format!("-{}", text(expr)),
        value => value.to_token_stream().to_string().replace(" :: ", "::"),
    }
}
