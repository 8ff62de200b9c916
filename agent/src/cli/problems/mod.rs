//! Problems of a configuration as a person sees them: with the line in question on a terminal, one line each elsewhere.

mod cells;
mod cursor;
mod order;
mod secrets;
mod snippet;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

pub(super) use crate::config::masking::SecretNames;
pub(super) use order::by_place;

use anstyle::{AnsiColor, Style};

use crate::config::{Problem, Report, Severity};

/// So many problems are shown; more are counted.
pub(super) const MOST_SHOWN: usize = 100;

/// The narrowest and the widest a shown line gets.
const WIDTHS: (usize, usize) = (40, 160);
/// The width of a terminal that does not know it.
const UNKNOWN_WIDTH: usize = 80;

/// How problems are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line each, for a file or another program.
    Lines,
    /// Each with the line of the file, the place underlined.
    Snippets {
        /// The width of the terminal, in columns.
        width: usize,
        /// Whether colours are wanted.
        colour: bool,
    },
}

/// In which words it is said how bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// As the daemon takes them: warning, refused, error.
    Daemon,
    /// As `agent check` does: warning or error.
    Check,
}

impl Form {
    /// What fits standard error: lines unless it is a terminal; colours unless `NO_COLOR` or the terminal is against it.
    pub fn of_stderr() -> Self {
        let stderr = io::stderr();
        if !stderr.is_terminal() {
            return Self::Lines;
        }
        let columns = rustix::termios::tcgetwinsize(&stderr).map_or(0, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { UNKNOWN_WIDTH } else { columns };
        let colour = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
        Self::Snippets { width: columns, colour }
    }
}

impl Wording {
    /// Whether a problem is called an error.
    pub fn is_error(self, problem: &Problem) -> bool {
        match self {
            Self::Daemon => problem.severity > Severity::Warning,
            Self::Check => problem.is_error_in_check(),
        }
    }

    /// How bad a problem is, in a word.
    pub fn word(self, problem: &Problem) -> &'static str {
        match (self, problem.severity) {
            (_, Severity::Warning) if !self.is_error(problem) => "warning",
            (Self::Daemon, Severity::Refused) => "refused",
            _ => "error",
        }
    }
}

/// The problems of a report by file and line, each on a line or several of its own. Of very many, the worst.
pub fn text(report: &Report, wording: Wording, form: Form) -> String {
    let (shown, more) = order::shown(report.problems(), wording);
    let mut text = match form {
        Form::Lines => lines(&shown, wording),
        Form::Snippets { width, .. } => snippet::all(report, &shown, wording, width.clamp(WIDTHS.0, WIDTHS.1)),
    };
    if more > 0 {
        let what = if more == 1 { "problem" } else { "problems" };
        let all = if wording == Wording::Check { "; --format json prints all" } else { "" };
        _ = writeln!(text, "and {more} more {what}{all}");
    }
    match form {
        Form::Snippets { colour: true, .. } => text,
        _ => anstream::adapter::strip_str(&text).to_string(),
    }
}

fn lines(problems: &[&Problem], wording: Wording) -> String {
    let mut text = String::new();
    for problem in problems {
        let colour = if wording.is_error(problem) { AnsiColor::Red } else { AnsiColor::Yellow };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        _ = writeln!(text, "{style}{}{style:#}: {problem}", wording.word(problem));
    }
    text
}
