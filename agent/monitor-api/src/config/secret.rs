//! Options that are shown nowhere.

use std::fmt;

use serde_json::Value;

use super::kind::Kind;
use super::value::{ConfigValue, Found, MASK};

/// A password, a token, a key: text that gets into no message, no log and no reference, because it can only be had by
/// [`reveal`](Secret::reveal).
///
/// It has no `Display`, and its `Debug` is a mask. For an option of another type that must not be shown, write
/// `#[config(secret)]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is the empty text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `Secret(********)`
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({MASK})")
    }
}

impl ConfigValue for Secret {
    const KIND: Kind = Kind::Secret;

    type Literal = &'static str;

    fn from_literal(literal: &'static str) -> Self {
        Self(literal.to_owned())
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        found.keep_secret();
        match found.value() {
            Value::Array(_) | Value::Object(_) | Value::Null => found.refuse_kind(Self::KIND),
            _ => String::read(found).map(Self),
        }
    }

    fn to_value(&self) -> Value {
        if self.is_empty() { "".into() } else { MASK.into() }
    }
}
