//! The text of a command's two streams.

use scalyr_monitor::prelude::*;

use crate::child::Ended;

/// What becomes of the standard error.
#[derive(Clone, Copy, ConfigValue, Debug, PartialEq, Eq)]
pub(super) enum StandardError {
    /// It comes before the standard output, with a line break between the two. So a warning hides the answer where only
    /// the first line is kept.
    Before,
    /// It comes behind the standard output, likewise.
    After,
    /// It is left out.
    Ignore,
}

/// What a command wrote, as text; bytes that are not UTF-8 become `U+FFFD`.
pub(super) fn text_of(ended: &Ended, stderr: StandardError) -> String {
    let [standard, error] = [&ended.stdout, &ended.stderr].map(|output| String::from_utf8_lossy(&output.bytes));
    let (first, second) = match stderr {
        StandardError::Before => (error, standard),
        StandardError::After => (standard, error),
        StandardError::Ignore => return standard.into_owned(),
    };
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second.into_owned(),
        (_, true) => first.into_owned(),
        (false, false) => format!("{first}\n{second}"),
    }
}
