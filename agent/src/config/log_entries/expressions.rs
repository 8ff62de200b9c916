//! Regular expressions of rules, compiled once each: thousands of entries often share a handful of them.

use std::collections::HashMap;

use scalyr_monitor::config::Pattern;

use super::super::report::{Kind, Report};

/// The expressions of a configuration that were compiled, with what is wrong with those that cannot be.
#[derive(Default)]
pub(super) struct Expressions {
    faults: HashMap<String, Option<String>>,
}

impl Expressions {
    /// Whether the expression at `at` can be compiled; says why when it cannot.
    pub(super) fn check(&mut self, expression: &str, at: &str, report: &mut Report) -> bool {
        let fault = match self.faults.get(expression) {
            Some(fault) => fault,
            None => {
                let fault = Pattern::new(expression).err().map(|error| error.to_string());
                self.faults.entry(expression.to_owned()).or_insert(fault)
            }
        };
        if let Some(fault) = fault {
            report.refuse(at, fault).kind(Kind::Pattern);
        }
        fault.is_none()
    }
}
