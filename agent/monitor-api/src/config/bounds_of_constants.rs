//! Whether a default or a bound that is the name of a constant lies within the others. Evaluated while the author's
//! crate compiles; a number that is written out is checked by the macro already.

use super::bounds::Number;
use crate::const_text::ConstText;

/// Refuses to compile, with this message, when the number lies outside.
///
/// # Panics
/// While the crate is compiled, with a message for its author.
#[track_caller]
pub const fn must_lie_within(number: Number, min: Option<Number>, max: Option<Number>, message: &str) {
    if let Number::Float(float) = number
        && !float.is_finite()
    {
        panic!("this is not a finite number");
    }
    let below = match min {
        Some(min) => is_less(number, min),
        None => false,
    };
    let above = match max {
        Some(max) => is_less(max, number),
        None => false,
    };
    if below || above {
        panic!("{}", ConstText::of(message).as_str());
    }
}

const fn is_less(one: Number, other: Number) -> bool {
    match (one, other) {
        (Number::Integer(one), Number::Integer(other)) => one < other,
        (Number::Integer(one), Number::Float(other)) => (one as f64) < other,
        (Number::Float(one), Number::Integer(other)) => one < other as f64,
        (Number::Float(one), Number::Float(other)) => one < other,
    }
}
