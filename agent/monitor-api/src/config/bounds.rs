//! The bounds of an option: inclusive, and checked wherever the value came from.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::value::ConfigValue;

/// A number that is compared with a bound.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
}

impl Number {
    /// Compares by size, whatever the two are.
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()),
        }
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// The number as JSON, without a fraction when it has none.
    pub fn to_value(self) -> Value {
        match self {
            Self::Integer(number) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) => number.into(),
                _ => (number as f64).into(),
            },
            // Up to here each whole number is its own f64.
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e15 => (number as i64).into(),
            Self::Float(number) => number.into(),
        }
    }
}

/// `10`, `0.5`; a whole number without `.0`, as a user writes it.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) if number.is_finite() => {
                let mut buffer = ryu::Buffer::new();
                let text = buffer.format_finite(*number);
                f.write_str(text.strip_suffix(".0").unwrap_or(text))
            }
            Self::Float(number) => write!(f, "{number}"),
        }
    }
}

/// A type whose options can have `min` and `max`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number, so it can have neither `min` nor `max`",
    label = "has no bounds",
    note = "bounds are for integers, f64, f32, Duration (in seconds), and Option of these"
)]
pub trait Bounded: ConfigValue {
    /// What an author writes as a bound.
    type Limit;

    /// The number behind a bound.
    fn limit(limit: Self::Limit) -> Number;

    /// The number to compare; `None` when there is nothing to compare.
    fn measure(&self) -> Option<Number>;
}

impl Bounded for f64 {
    type Limit = Self;

    fn limit(limit: Self) -> Number {
        Number::Float(limit)
    }

    fn measure(&self) -> Option<Number> {
        Some(Number::Float(*self))
    }
}

impl Bounded for f32 {
    type Limit = Self;

    fn limit(limit: Self) -> Number {
        Number::Float(limit.into())
    }

    fn measure(&self) -> Option<Number> {
        Some(Number::Float((*self).into()))
    }
}

impl Bounded for Duration {
    type Limit = Self;

    fn limit(limit: Self) -> Number {
        Number::Float(limit.as_secs_f64())
    }

    fn measure(&self) -> Option<Number> {
        Some(Self::limit(*self))
    }
}

impl<T: Bounded> Bounded for Option<T> {
    type Limit = T::Limit;

    fn limit(limit: T::Limit) -> Number {
        T::limit(limit)
    }

    fn measure(&self) -> Option<Number> {
        self.as_ref().and_then(T::measure)
    }
}

/// The bounds of an option of type `T`.
pub struct Bounds<T> {
    /// The least value that is allowed.
    pub min: Option<fn() -> Number>,
    /// The greatest value that is allowed.
    pub max: Option<fn() -> Number>,
    /// [`Bounded::measure`] of the type.
    pub measure: fn(&T) -> Option<Number>,
}

impl<T> Bounds<T> {
    /// What is wrong with the value: `11 is above the maximum 10`.
    pub fn fault(&self, value: &T) -> Option<String> {
        let number = (self.measure)(value)?;
        if let Some(max) = self.max.map(|max| max()).filter(|max| number.compare(*max) == Some(Ordering::Greater)) {
            return Some(format!("{number} is above the maximum {max}"));
        }
        if let Some(min) = self.min.map(|min| min()).filter(|min| number.compare(*min) == Some(Ordering::Less)) {
            return Some(format!("{number} is below the minimum {min}"));
        }
        None
    }
}
