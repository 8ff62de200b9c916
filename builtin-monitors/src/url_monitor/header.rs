//! A header of the request, as a user writes it.

use scalyr_monitor::config::{Found, Kind};
use scalyr_monitor::prelude::*;
use serde_json::{Value, json};

/// `{ header: "NAME", value: "TEXT" }`
#[derive(Clone, Debug)]
pub(super) struct RequestHeader {
    header: Option<String>,
    value: Option<Secret>,
    /// A member that is neither.
    other: Option<String>,
}

impl RequestHeader {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.header.as_deref().unwrap_or_default()
    }

    /// What is sent in it.
    pub(super) fn value(&self) -> &str {
        self.value.as_ref().map_or("", Secret::reveal)
    }

    /// Whether it is whole.
    ///
    /// # Errors
    /// What is missing, or too much.
    pub(super) fn check(&self) -> Result<()> {
        const FORM: &str = "a header is { header: \"NAME\", value: \"TEXT\" }";
        match self {
            Self { other: Some(other), .. } => Err(Error::new(format!("the member `{other}` is not known; {FORM}"))),
            Self { header: None, .. } => Err(Error::new(format!("`header` is missing; {FORM}"))),
            Self { value: None, .. } => Err(Error::new(format!("`value` is missing; {FORM}"))),
            _ => Ok(()),
        }
    }
}

impl ConfigValue for RequestHeader {
    const KIND: Kind = Kind::Map(&Kind::Secret);

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let Value::Object(members) = found.value() else { return found.refuse_kind(Self::KIND) };
        let mut read = Self { header: None, value: None, other: None };
        for (key, value) in members {
            match key.as_str() {
                "header" => read.header = Some(found.member(key, value)?),
                "value" => read.value = Some(found.member(key, value)?),
                _ => read.other = Some(key.clone()),
            }
        }
        Some(read)
    }

    fn to_value(&self) -> Value {
        json!({ "header": self.header, "value": self.value.as_ref().map(Secret::to_value) })
    }
}
