//! The snapshot for people, and for the scripts that read what the Python agent's `status -v` printed.
//!
//! The old lines stand there in the old order, with their labels and columns (`cli-and-service.md` section 7). What we
//! tell beyond stands on lines of its own behind them, indented, so that whoever reads line by line finds the old ones.

mod configuration;
mod facts;
mod files;
mod monitors;
mod uploads;

use std::fmt::{self, Write as _};

use super::Snapshot;

/// So many paths, and so many of each kind of trouble, are shown one by one.
const SHOWN: usize = 100;

/// Shows a snapshot as text. Of more than a hundred paths the others are summed up, and of the values of a monitor's last
/// sample a line is shown, unless everything is asked for.
pub fn render(snapshot: &Snapshot, everything: bool) -> String {
    let shown = if everything { usize::MAX } else { SHOWN };
    let mut out = String::new();
    // Writing to a string cannot fail.
    _ = facts::write(&mut out, snapshot)
        .and_then(|()| configuration::write(&mut out, snapshot))
        .and_then(|()| uploads::write(&mut out, snapshot))
        .and_then(|()| files::write(&mut out, snapshot, shown))
        .and_then(|()| monitors::write(&mut out, snapshot, everything));
    out
}

/// A heading with a line under it, and a blank one.
fn heading(out: &mut String, heading: &str) -> fmt::Result {
    writeln!(out, "{heading}\n{}\n", "=".repeat(heading.len()))
}

/// As C's `asctime` shows a time, UTC: `Sun Nov 22 13:17:31 2026 UTC`.
fn moment(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a time within the centuries around now")]
    let time = jiff::Timestamp::from_second(seconds.floor() as i64).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a %b %e %H:%M:%S %Y UTC").to_string()
}

/// The same; `Never` for a time that there was none.
fn moment_or_never(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "Never".to_owned(), moment)
}

/// The same for milliseconds.
#[expect(clippy::cast_precision_loss, reason = "exact for thousands of years")]
fn at_millis(millis: Option<i64>) -> String {
    moment_or_never(millis.map(|millis| millis as f64 / 1e3))
}

/// `1 line`, `2 lines`.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A text of others on one line, so that it looks like no line of ours.
fn on_one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests;
