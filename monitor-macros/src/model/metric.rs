//! What `#[metric]` says.

use syn::{Attribute, Ident, LitStr};

use crate::errors::Errors;
use crate::parse::{Keys, Pair};

/// The keys of `#[metric]`.
pub(crate) struct Handle {
    pub(crate) name: Option<LitStr>,
    pub(crate) unit: Option<LitStr>,
    pub(crate) category: Option<LitStr>,
    pub(crate) cumulative: Option<Ident>,
    /// Extra fields that never change.
    pub(crate) constants: Vec<Pair>,
}

impl Handle {
    /// Reads them.
    pub(super) fn of(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let known = ["name", "unit", "category", "cumulative", "fields"];
        let mut keys = Keys::read(attributes, "metric", &known, errors).unwrap_or_default();
        Self {
            name: keys.take_text("name", errors),
            unit: keys.take_text("unit", errors),
            category: keys.take_text("category", errors),
            cumulative: keys.take_flag("cumulative", errors),
            constants: keys.take_pairs("fields", errors),
        }
    }
}
