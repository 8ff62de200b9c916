//! Options that are whole numbers.

use std::fmt::Display;

use serde_json::Value;

use super::bounds::{Bounded, Number};
use super::kind::Kind;
use super::literals::{Whole, whole_number};
use super::value::{ConfigValue, Found, shown};

/// Reads a whole number into a type that may be too small for it. A fraction is cut off with a warning.
fn read_integer<T: TryFrom<i128> + Display>(found: &mut Found<'_>, kind: Kind, min: T, max: T) -> Option<T> {
    let Some(Whole { number, is_cut }) = whole_number(found.value()) else { return found.refuse_kind(kind) };
    match T::try_from(number) {
        Ok(number) => {
            if is_cut {
                let given = shown(found.value());
                found.warn(format_args!("{given} is cut to {number}: this must be a whole number"));
            }
            Some(number)
        }
        Err(_) if number < 0 => found.refuse(format_args!("{number} is below {min}, the least that fits")),
        Err(_) => found.refuse(format_args!("{} is above {max}, the most that fits", shown(found.value()))),
    }
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
                read_integer(found, Self::KIND, Self::MIN, Self::MAX)
            }

            fn to_value(&self) -> Value {
                Self::limit(*self).to_value()
            }
        }

        impl Bounded for $integer {
            type Limit = Self;

            fn limit(limit: Self) -> Number {
                // An `i128` holds each of these types whole; `From` is not there for the sizes of the machine.
                Number::Integer(limit as i128)
            }

            fn measure(&self) -> Option<Number> {
                Some(Self::limit(*self))
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);
