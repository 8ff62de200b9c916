//! What a monitor told the agent log.

use std::fmt;

use crate::log::{Level, Record};

/// A line that a monitor logged for the agent log.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How much it matters.
    pub level: Level,
    /// The error code, where it has one.
    pub code: Option<String>,
    /// The text.
    pub message: String,
}

impl Diagnostic {
    pub(super) fn of(record: &Record<'_>) -> Self {
        Self { level: record.level, code: record.code.map(str::to_owned), message: record.message.to_string() }
    }
}

/// `WARNING The queue does not answer`, with a code `ERROR [error="client/bad"] …`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.level)?;
        if let Some(code) = &self.code {
            write!(f, "[error=\"{code}\"] ")?;
        }
        f.write_str(&self.message)
    }
}

/// As it is shown: `assert_eq!(sample.diagnostics(), ["WARNING The queue does not answer"])`.
impl PartialEq<&str> for Diagnostic {
    fn eq(&self, other: &&str) -> bool {
        let shown = self.to_string();
        shown == *other
    }
}
