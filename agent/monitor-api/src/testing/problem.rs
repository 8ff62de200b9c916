//! What is wrong or odd about a configuration, as a test looks at it.

use std::fmt;

use crate::registry::{self, Severity};

/// Something that is wrong or odd about a configuration. Compare it with its text.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The value it is about, within the entry: `gauss_mean`, `hosts[2]`; empty for the entry as a whole.
    pub path: String,
    /// What was found, what is allowed, what to do; without the path.
    pub message: String,
    /// Whether the entry is refused for it, or it is only odd.
    pub severity: Severity,
}

impl Problem {
    /// One of the entry as a whole, which is refused for it.
    pub(super) fn refused(message: String) -> Self {
        Self { path: String::new(), message, severity: Severity::Refused }
    }
}

impl From<registry::Problem> for Problem {
    fn from(problem: registry::Problem) -> Self {
        let message = problem.text();
        let registry::Problem { path, severity, .. } = problem;
        Self { path, message, severity }
    }
}

/// `gauss_mean: 11 is above the maximum 10`; a warning says that it is one.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// As it is shown, and with nothing else, so that `assert_eq!(coin.problems(), [])` needs no type:
/// `assert_eq!(coin.problems(), ["gauss_mean: 11 is above the maximum 10"])`.
impl PartialEq<&str> for Problem {
    fn eq(&self, other: &&str) -> bool {
        let shown = self.to_string();
        shown == *other
    }
}
