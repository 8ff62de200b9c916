//! Brings what an author wrote as a default or a bound to the type of the option.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprBinary, ExprLit, ExprUnary, Lit, LitFloat, Type, UnOp};

use crate::check::is_negative;
use crate::types::{argument_of, bare, element_of, is_arithmetic, is_float, is_unsigned, last_segment_is};

/// `default = 0` on an `f64` means `0.0`, on a `Duration` zero seconds; `["a"]` on a `Vec` means a vector. Everything
/// else is left to rustc.
pub(super) fn adapt(value: &Expr, ty: &Type) -> TokenStream {
    if let Some(inner) = argument_of(ty, "Option") {
        return adapt(value, inner);
    }
    if let (Some(inner), Expr::Array(array)) = (element_of(ty), bare(value)) {
        let elements = array.elems.iter().map(|element| adapt(element, inner));
        return quote_spanned!(array.span()=> ::scalyr_monitor::__private::Vec::from([#(#elements),*]));
    }
    if is_float(ty) {
        return as_float(value).unwrap_or_else(|| value.to_token_stream());
    }
    if last_segment_is(ty, "Duration") && is_arithmetic(value) {
        let seconds = as_float(value).unwrap_or_else(|| value.to_token_stream());
        return quote_spanned!(value.span()=> ::scalyr_monitor::__private::seconds(#seconds));
    }
    match bare(value) {
        // Refused already, in our words: rustc need not say it again in its own.
        Expr::Unary(ExprUnary { expr, .. }) if is_unsigned(ty) && is_negative(value) => expr.to_token_stream(),
        _ => value.to_token_stream(),
    }
}

/// As [`adapt`], for a bound: that of a list holds for its elements.
pub(super) fn adapt_bound(value: &Expr, ty: &Type) -> TokenStream {
    match argument_of(ty, "Option").or_else(|| element_of(ty)) {
        Some(inner) => adapt_bound(value, inner),
        None => adapt(value, ty),
    }
}

/// A number, or arithmetic of numbers, with each whole number as a float with the same span.
pub(super) fn as_float(value: &Expr) -> Option<TokenStream> {
    match bare(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
            Some(LitFloat::new(&format!("{}.0", number.base10_digits()), number.span()).to_token_stream())
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(minus), expr, .. }) => {
            let number = as_float(expr)?;
            Some(quote!(#minus #number))
        }
        Expr::Paren(paren) if is_arithmetic(value) => {
            let number = as_float(&paren.expr)?;
            Some(quote_spanned!(paren.span()=> (#number)))
        }
        Expr::Binary(ExprBinary { left, op, right, .. }) if is_arithmetic(value) => {
            let [left, right] = [left, right].map(|side| as_float(side).unwrap_or_else(|| side.to_token_stream()));
            Some(quote!(#left #op #right))
        }
        _ => None,
    }
}
