//! Fields that the user gives every line.

use scalyr_monitor::metric::MetricValue;
use scalyr_monitor::{Error, Result};
use serde_json::{Map, Value};

/// Name and value of each; never a list or an object.
#[derive(Debug, Default)]
pub(super) struct ExtraFields(Vec<(String, Scalar)>);

/// A value that a metric line can hold.
#[derive(Debug)]
pub(super) struct Scalar(Value);

impl ExtraFields {
    /// # Errors
    /// When one of them is a list, an object or nothing.
    pub(super) fn new(given: &Map<String, Value>) -> Result<Self> {
        let field = |(name, value): (&String, &Value)| match value {
            Value::Null | Value::Array(_) | Value::Object(_) => Err(Error::new(format!(
                "extra_fields.{name} is a list, an object or null; the value of a field is text, a number, true or false"
            ))),
            value => Ok((name.clone(), Scalar(value.clone()))),
        };
        given.iter().map(field).collect::<Result<_>>().map(Self)
    }

    pub(super) fn all(&self) -> &[(String, Scalar)] {
        &self.0
    }
}

impl MetricValue for Scalar {
    fn write(&self, out: &mut String) {
        match &self.0 {
            Value::String(text) => text.write(out),
            // A number, true or false is written in JSON as it stands in a line.
            other => out.push_str(&other.to_string()),
        }
    }
}
