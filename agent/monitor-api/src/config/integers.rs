//! Options that are whole numbers.

use std::fmt::Display;

use serde_json::Value;

use super::bounds::Bounded;
use super::kind::Kind;
use super::literals::{Whole, whole_number};
use super::value::{ConfigValue, Found};
use crate::problem::ProblemKind;

/// Reads a whole number into a type that may be too small for it. A fraction is cut off with a warning.
fn read_integer<T: TryFrom<i128> + Display>(found: &mut Found<'_>, kind: Kind, min: T, max: T) -> Option<T> {
    let Some(Whole { number, is_cut }) = whole_number(found.value()) else { return found.refuse_kind(kind) };
    match T::try_from(number) {
        Ok(number) => {
            if is_cut {
                let given = found.shown();
                found.warn_as(
                    ProblemKind::Type,
                    format_args!("{given} is cut to {number}: this must be a whole number"),
                    "",
                );
            }
            Some(number)
        }
        Err(_) => {
            let given = found.shown();
            match number < 0 {
                true => {
                    found.refuse_openly(ProblemKind::Range, format_args!("{given} is below {min}, the least that fits"))
                }
                false => {
                    found.refuse_openly(ProblemKind::Range, format_args!("{given} is above {max}, the most that fits"))
                }
            }
        }
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
    )*};
}
integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);
