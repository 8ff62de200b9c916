//! Defaults and bounds that are written as plain numbers; the rest is checked by the compiler, or when it is used.

use std::cmp::Ordering;
use std::fmt::{self, Display};

use syn::{Expr, ExprLit, ExprUnary, Lit, Type, UnOp};

use crate::errors::Errors;
use crate::model::{Config, Field};
use crate::types::{argument_of, bare, element_of, is_number, is_unsigned, last_segment_is, number_type, text_of_type};

/// Checks default and bounds against the type and against each other.
pub(super) fn check(field: &Field, config: &Config, errors: &mut Errors) {
    let ty = number_type(&field.ty);
    let fit = errors.all_well(|errors| {
        for number in [config.default_value(), config.min.as_ref(), config.max.as_ref()].into_iter().flatten() {
            numbers_in(number, &field.ty).into_iter().for_each(|number| check_fits(number, ty, errors));
        }
    });
    if fit {
        check_order(field, config, errors);
    }
}

/// A number that its type cannot be; what is too large for an integer is left to rustc.
fn check_fits(token: &Expr, ty: &Type, errors: &mut Errors) {
    let Some(number) = Number::of(token) else { return };
    if is_unsigned(ty) && is_negative(token) {
        let ty = text_of_type(ty);
        errors.at(token, format!("{number} is below 0, and no `{ty}` is"));
    } else if last_segment_is(ty, "Duration") {
        if number.as_f64() < 0.0 {
            errors.at(token, "a time in seconds is 0 or more");
        } else if number.as_f64() >= 18_446_744_073_709_551_616.0 {
            // 2^64 seconds: more than a `Duration` holds.
            errors.at(token, "no time is that long: it is given in seconds");
        }
    }
}

fn check_order(field: &Field, config: &Config, errors: &mut Errors) {
    let [min, max] = [&config.min, &config.max].map(|bound| bound.as_ref().and_then(Number::of));
    if let (Some(min), Some(max), Some(token)) = (min, max, &config.max)
        && max < min
    {
        errors.at(token, format!("the max {max} is below the min {min}"));
        return;
    }
    let numbers = config.default_value().map(|default| numbers_in(default, &field.ty)).unwrap_or_default();
    for token in numbers {
        let Some(default) = Number::of(token) else { continue };
        if min.is_some_and(|min| default < min) || max.is_some_and(|max| default > max) {
            let text = |bound: Option<Number>| bound.map_or_else(String::new, |bound| bound.to_string());
            errors.at(token, format!("the default {default} lies outside {}..={}", text(min), text(max)));
        }
    }
}

/// The numbers in a default or a bound, also those of a list.
fn numbers_in<'v>(value: &'v Expr, ty: &Type) -> Vec<&'v Expr> {
    if let Some(inner) = argument_of(ty, "Option") {
        return numbers_in(value, inner);
    }
    if let (Some(inner), Expr::Array(array)) = (element_of(ty), bare(value)) {
        return array.elems.iter().flat_map(|element| numbers_in(element, inner)).collect();
    }
    if is_number(value) { vec![value] } else { Vec::new() }
}

/// Whether a number with a minus is written there.
pub(crate) fn is_negative(value: &Expr) -> bool {
    is_number(value) && matches!(bare(value), Expr::Unary(_))
}

/// A number as it is written.
#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    fn of(expression: &Expr) -> Option<Self> {
        match bare(expression) {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
                let integer = number.base10_parse().ok().map(Self::Integer);
                integer.or_else(|| Self::finite(number.base10_digits()))
            }
            Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => Self::finite(number.base10_digits()),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => Some(match Self::of(expr)? {
                Self::Integer(number) => Self::Integer(-number),
                Self::Float(number) => Self::Float(-number),
            }),
            _ => None,
        }
    }

    /// `None` when no `f64` is that large, which rustc refuses.
    fn finite(digits: &str) -> Option<Self> {
        digits.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Float)
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other).is_some_and(Ordering::is_eq)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.partial_cmp(b),
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()),
        }
    }
}

/// `10`, `0.5`, `1e30`.
impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => {
                let text = format!("{number:?}");
                f.write_str(text.strip_suffix(".0").unwrap_or(&text))
            }
        }
    }
}
