//! The configuration in effect: for each key of the top level its value and where that comes from.

use serde_json::Value;

use super::origin::Origin;

/// What is shown in the place of a secret.
pub const MASKED: &str = "********** MASKED **********";

/// A key of the top level, with the value in effect.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveOption {
    /// Its name.
    pub name: &'static str,
    /// Its value after conversion, [`MASKED`] when it is secret; `None` when nobody gave it and it has no default.
    pub value: Option<Value>,
    /// Where the value comes from.
    pub origin: Origin,
}
