//! Regular expressions of rules, compiled once each: thousands of entries often share a handful of them.

use std::collections::HashMap;

use scalyr_monitor::config::Pattern;

use super::super::line_plan::SEARCH_STEPS;
use super::super::report::{Kind, Report};

/// The expressions of a configuration, each compiled once, with what is wrong with those that cannot be.
#[derive(Default)]
pub(super) struct Expressions {
    compiled: HashMap<String, Result<Pattern, String>>,
}

impl Expressions {
    /// The expression at `at`, if it can be compiled; the report says why it cannot.
    pub(super) fn pattern(&mut self, expression: &str, at: &str, report: &mut Report) -> Option<Pattern> {
        let compiled = match self.compiled.get(expression) {
            Some(compiled) => compiled,
            None => {
                let compiled = Pattern::with_steps(expression, SEARCH_STEPS).map_err(|error| error.to_string());
                self.compiled.entry(expression.to_owned()).or_insert(compiled)
            }
        };
        match compiled {
            Ok(pattern) => Some(pattern.clone()),
            Err(fault) => {
                report.refuse(at, fault).kind(Kind::Pattern);
                None
            }
        }
    }
}
