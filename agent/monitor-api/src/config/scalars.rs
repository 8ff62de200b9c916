//! Options that are a single value and not a whole number.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::bounds::{Bounded, Number};
use super::kind::Kind;
use super::literals::{number, truth};
use super::value::{ConfigValue, Found};
use crate::problem::ProblemKind;

/// What to do about a value that is no text.
const QUOTES: &str = "write it in quotes";

/// By the table in [`literals`](super::literals); a word that meant the other to the old agent gets a warning.
impl ConfigValue for bool {
    const KIND: Kind = Kind::Bool;

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let Some(flag) = truth(found.value()) else { return found.refuse_kind(Self::KIND) };
        if let Value::String(text) = found.value() {
            let old = text.eq_ignore_ascii_case("true");
            if old != flag {
                let given = found.shown();
                let message = format_args!("{given} is read as {flag}; the Python agent took it as {old}");
                found.warn_as(ProblemKind::Conversion, message, "");
            }
        }
        Some(flag)
    }

    fn to_value(&self) -> Value {
        (*self).into()
    }
}

/// Finite numbers only: neither a bound nor a sum survives `nan`.
impl ConfigValue for f64 {
    const KIND: Kind = Kind::Number;

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        match number(found.value()) {
            Some(read) if read.is_finite() => Some(read),
            Some(_) => {
                let given = found.shown();
                found.refuse_openly(ProblemKind::Range, format_args!("{given} is not a finite number"))
            }
            None => found.refuse_kind(Self::KIND),
        }
    }

    fn to_value(&self) -> Value {
        Number::Float(*self).to_value()
    }
}

impl ConfigValue for f32 {
    const KIND: Kind = Kind::Number;

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let number = f64::read(found)? as f32;
        if number.is_finite() {
            return Some(number);
        }
        let given = found.shown();
        found.refuse_openly(ProblemKind::Range, format_args!("{given} is too large"))
    }

    fn to_value(&self) -> Value {
        // Through its own digits: 0.1 as f32 is to be shown as 0.1.
        self.to_string().parse().map_or(Value::Null, |number| Number::Float(number).to_value())
    }
}

impl ConfigValue for String {
    const KIND: Kind = Kind::Text;

    type Literal = &'static str;

    fn from_literal(literal: &'static str) -> Self {
        literal.to_owned()
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        match found.value() {
            Value::String(text) => Some(found.https(text)),
            Value::Number(number) => {
                // Only beyond this does a number lose digits that the user wrote: a password of thirty digits, say.
                if number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= 9.0e15) {
                    found.warn_as(ProblemKind::Type, format_args!("{number} is read as the text \"{number}\""), QUOTES);
                }
                Some(number.to_string())
            }
            Value::Bool(value) => {
                let text = if *value { "True" } else { "False" };
                found.warn_as(ProblemKind::Type, format_args!("{value} is read as the text \"{text}\""), QUOTES);
                Some(text.to_owned())
            }
            _ => found.refuse_kind(Self::KIND),
        }
    }

    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

impl ConfigValue for PathBuf {
    const KIND: Kind = Kind::Path;

    type Literal = &'static str;

    fn from_literal(literal: &'static str) -> Self {
        literal.into()
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        match found.value() {
            Value::String(text) if text.contains('\0') => {
                let given = found.shown();
                found.refuse_openly(ProblemKind::Value, format_args!("{given} is not a path: it holds a NUL character"))
            }
            Value::String(text) => Some(text.into()),
            _ => found.refuse_kind(Self::KIND),
        }
    }

    fn to_value(&self) -> Value {
        self.to_string_lossy().into()
    }
}

/// Written in seconds, with a fraction where needed.
impl ConfigValue for Duration {
    const KIND: Kind = Kind::Seconds;

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        match number(found.value()) {
            None => found.refuse_kind(Self::KIND),
            Some(seconds) => match Self::try_from_secs_f64(seconds) {
                Ok(time) => Some(time),
                Err(_) => {
                    let given = found.shown();
                    let why = match seconds < 0.0 {
                        true => "is negative; a time in seconds is 0 or more",
                        false => "is no usable time in seconds",
                    };
                    found.refuse_openly(ProblemKind::Range, format_args!("{given} {why}"))
                }
            },
        }
    }

    fn to_value(&self) -> Value {
        Self::limit(*self).to_value()
    }
}
