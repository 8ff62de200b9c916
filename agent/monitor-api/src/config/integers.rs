//! Options that are whole numbers.

use serde_json::Value;

use super::bounds::{Bounded, Number};
use super::kind::Kind;
use super::value::{ConfigValue, Found, shown};

/// Reads a whole number. A float counts when it has no fraction; the old agent cut the fraction off without a word.
fn read_integer(found: &mut Found<'_>, kind: Kind) -> Option<i128> {
    let whole = match found.value() {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().and_then(whole)),
        // Underscores between digits were allowed in the old agent, too.
        Value::String(text) => without_underscores(text.trim()).parse().ok(),
        _ => None,
    };
    match whole {
        Some(number) => Some(number),
        None => found.refuse_kind(kind),
    }
}

/// The whole number that a float is, as far as every float is exact.
fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i128)
}

/// Takes out the underscores that stand between two digits.
pub(super) fn without_underscores(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    text.char_indices()
        .filter(|&(at, c)| !(c == '_' && digit(at.checked_sub(1)) && digit(Some(at + 1))))
        .map(|(_, c)| c)
        .collect()
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl ConfigValue for $integer {
            const KIND: Kind = Kind::Integer { min: <$integer>::MIN as i128, max: <$integer>::MAX as i128 };

            type Literal = Self;

            fn from_literal(literal: Self) -> Self {
                literal
            }

            fn read(found: &mut Found<'_>) -> Option<Self> {
                let number = read_integer(found, Self::KIND)?;
                match Self::try_from(number) {
                    Ok(number) => Some(number),
                    Err(_) if number < 0 => found.refuse(format_args!("{number} is below {}, the least that fits", Self::MIN)),
                    Err(_) => found.refuse(format_args!("{} is above {}, the most that fits", shown(found.value()), Self::MAX)),
                }
            }

            fn to_value(&self) -> Value {
                Self::limit(*self).to_value()
            }
        }

        impl Bounded for $integer {
            type Limit = Self;

            fn limit(limit: Self) -> Number {
                Number::Integer(i128::from(limit))
            }

            fn measure(&self) -> Option<Number> {
                Some(Self::limit(*self))
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! machine_integers {
    ($($integer:ty as $wide:ty)*) => {$(
        /// As its fixed-width brother on the machines that the agent runs on.
        impl ConfigValue for $integer {
            const KIND: Kind = Kind::Integer { min: <$integer>::MIN as i128, max: <$integer>::MAX as i128 };

            type Literal = Self;

            fn from_literal(literal: Self) -> Self {
                literal
            }

            fn read(found: &mut Found<'_>) -> Option<Self> {
                let number = <$wide>::read(found)?;
                match Self::try_from(number) {
                    Ok(number) => Some(number),
                    Err(_) => found.refuse(format_args!("{number} does not fit; allowed is {} to {}", Self::MIN, Self::MAX)),
                }
            }

            fn to_value(&self) -> Value {
                Self::limit(*self).to_value()
            }
        }

        impl Bounded for $integer {
            type Limit = Self;

            fn limit(limit: Self) -> Number {
                Number::Integer(limit as i128)
            }

            fn measure(&self) -> Option<Number> {
                Some(Self::limit(*self))
            }
        }
    )*};
}
machine_integers!(isize as i64 usize as u64);
