//! An entry as a line of a log file.

use std::borrow::Cow;
use std::fmt::Write as _;

use scalyr_monitor::Timestamp;

use super::entry::{Entry, MESSAGE};

/// What stands behind the time, whatever the instance's id: that is in `monitor_id`.
const HEAD: &str = "[journald_monitor()] details";

/// How the values of a line are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LineForm {
    /// `emit_raw_details`: the message stands without quotes.
    pub(super) raw_message: bool,
    /// `detect_escaped_strings`: what stands in quotes already is left as it is.
    pub(super) detects_quotes: bool,
}

/// Appends the line of an entry, with its end. `fields` are sorted by name.
pub(super) fn push_line(
    out: &mut String,
    time: Timestamp,
    entry: &Entry,
    fields: &[(&str, Cow<'_, str>)],
    form: LineForm,
) {
    _ = write!(out, "{time} {HEAD} ");
    let message = entry.text(MESSAGE).unwrap_or_default();
    if form.raw_message {
        push_on_one_line(out, &message);
    } else {
        push_value(out, &message, form);
    }
    for (name, value) in fields {
        _ = write!(out, " {name}=");
        push_value(out, value, form);
    }
    out.push('\n');
}

fn push_value(out: &mut String, value: &str, form: LineForm) {
    if form.detects_quotes && value.len() >= 2 && value.starts_with('"') && value.ends_with('"') {
        return push_on_one_line(out, value);
    }
    // Text always becomes JSON.
    out.push_str(&serde_json::to_string(value).unwrap_or_default());
}

/// An entry is one line, whatever its message holds.
fn push_on_one_line(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        out.push_str(&rest[..at]);
        out.push_str(if rest[at..].starts_with('\n') { "\\n" } else { "\\r" });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}
