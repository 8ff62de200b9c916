//! The bounds of an option: inclusive, and checked wherever the value came from.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::value::{ConfigValue, member_path};

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

/// A number to compare with a bound, and where in the value it lies.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What is put behind the option's path: `[2]` for an element of a list, empty for the value itself.
    pub place: String,
    /// The number.
    pub number: Number,
}

impl Measured {
    /// The value itself.
    fn whole(number: Number) -> Vec<Self> {
        vec![Self { place: String::new(), number }]
    }

    /// The same number, one level further in.
    pub(super) fn within(self, place: &str) -> Self {
        Self { place: format!("{place}{}", self.place), number: self.number }
    }
}

/// A type whose options can have `min` and `max`. Those of a list or a map hold for each element.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number, so it can have neither `min` nor `max`",
    label = "has no bounds",
    note = "bounds are for integers, f64, f32, Duration (in seconds), and Option, Vec and BTreeMap of these"
)]
pub trait Bounded: ConfigValue {
    /// What an author writes as a bound.
    type Limit;

    /// The number behind a bound.
    fn limit(limit: Self::Limit) -> Number;

    /// The numbers to compare; none when there is nothing to compare.
    fn measure(&self) -> Vec<Measured>;
}

impl Bounded for f64 {
    type Limit = Self;

    fn limit(limit: Self) -> Number {
        Number::Float(limit)
    }

    fn measure(&self) -> Vec<Measured> {
        Measured::whole(Self::limit(*self))
    }
}

impl Bounded for f32 {
    type Limit = Self;

    fn limit(limit: Self) -> Number {
        Number::Float(limit.into())
    }

    fn measure(&self) -> Vec<Measured> {
        Measured::whole(Self::limit(*self))
    }
}

impl Bounded for Duration {
    type Limit = Self;

    fn limit(limit: Self) -> Number {
        Number::Float(limit.as_secs_f64())
    }

    fn measure(&self) -> Vec<Measured> {
        Measured::whole(Self::limit(*self))
    }
}

macro_rules! bounded_integers {
    ($($integer:ty)*) => {$(
        impl Bounded for $integer {
            type Limit = Self;

            fn limit(limit: Self) -> Number {
                // An `i128` holds each of these types whole; `From` is not there for the sizes of the machine.
                Number::Integer(limit as i128)
            }

            fn measure(&self) -> Vec<Measured> {
                Measured::whole(Self::limit(*self))
            }
        }
    )*};
}
bounded_integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl<T: Bounded> Bounded for Option<T> {
    type Limit = T::Limit;

    fn limit(limit: T::Limit) -> Number {
        T::limit(limit)
    }

    fn measure(&self) -> Vec<Measured> {
        self.as_ref().map(T::measure).unwrap_or_default()
    }
}

impl<T: Bounded> Bounded for Vec<T> {
    type Limit = T::Limit;

    fn limit(limit: T::Limit) -> Number {
        T::limit(limit)
    }

    fn measure(&self) -> Vec<Measured> {
        let of = |(at, element): (usize, &T)| {
            let place = format!("[{at}]");
            element.measure().into_iter().map(move |measured| measured.within(&place)).collect::<Vec<_>>()
        };
        self.iter().enumerate().flat_map(of).collect()
    }
}

impl<T: Bounded> Bounded for BTreeMap<String, T> {
    type Limit = T::Limit;

    fn limit(limit: T::Limit) -> Number {
        T::limit(limit)
    }

    fn measure(&self) -> Vec<Measured> {
        let of = |(key, member): (&String, &T)| {
            let place = format!(".{}", member_path("", key));
            member.measure().into_iter().map(move |measured| measured.within(&place)).collect::<Vec<_>>()
        };
        self.iter().flat_map(of).collect()
    }
}

/// The bounds of an option of type `T`.
pub struct Bounds<T> {
    /// The least value that is allowed.
    pub min: Option<fn() -> Number>,
    /// The greatest value that is allowed.
    pub max: Option<fn() -> Number>,
    /// [`Bounded::measure`] of the type.
    pub measure: fn(&T) -> Vec<Measured>,
}

impl<T> Bounds<T> {
    /// What is wrong with the value, each with its place in it: `11 is above the maximum 10`. The number itself is left
    /// out of a `secret`.
    pub fn faults(&self, value: &T, secret: bool) -> Vec<(String, String)> {
        let (max, min) = (self.max.map(|max| max()), self.min.map(|min| min()));
        let fault = |Measured { place, number }: Measured| {
            let shown = || if secret { "the value, which is secret,".to_owned() } else { number.to_string() };
            let above = max.filter(|max| number.compare(*max) == Some(Ordering::Greater));
            let below = min.filter(|min| number.compare(*min) == Some(Ordering::Less));
            match (above, below) {
                (Some(max), _) => Some((place, format!("{} is above the maximum {max}", shown()))),
                (_, Some(min)) => Some((place, format!("{} is below the minimum {min}", shown()))),
                _ => None,
            }
        };
        (self.measure)(value).into_iter().filter_map(fault).collect()
    }
}
