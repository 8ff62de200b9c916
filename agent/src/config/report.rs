//! What is wrong with a configuration: problems with their places, all at once.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::Serialize;

use super::sources::{Source, Sources};
use super::syntax::Places;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Odd, and everything runs all the same.
    Warning,
    /// This value or entry is refused; the rest runs, and `status` shows the agent as unhealthy.
    Refused,
    /// The agent cannot start with this configuration.
    Fatal,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Refused => "refused",
            Self::Fatal => "error",
        })
    }
}

impl From<scalyr_monitor::registry::Severity> for Severity {
    fn from(severity: scalyr_monitor::registry::Severity) -> Self {
        match severity {
            scalyr_monitor::registry::Severity::Warning => Self::Warning,
            scalyr_monitor::registry::Severity::Refused => Self::Refused,
        }
    }
}

/// What sort of problem it is: the `kind` of `agent check --format json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A text cannot be read.
    Syntax,
    /// A file or folder is missing, unreadable or unusable.
    File,
    /// Others can read or change a file that they should not.
    Permissions,
    /// A key that is given twice in one object.
    DuplicateKey,
    /// A key that several files give, and only one may.
    SeveralFiles,
    /// A key that nobody reads.
    UnknownKey,
    /// Something that must be given is not.
    Missing,
    /// A value of another type.
    Type,
    /// A number below its least or above its greatest value.
    Range,
    /// A word that is none of those that are allowed.
    Choice,
    /// A text that is no pattern or no regular expression.
    Pattern,
    /// A name that stands for nothing: a worker, a monitor, a metric.
    Reference,
    /// A value that the Python agent took for another one.
    Conversion,
    /// Two things that exclude each other: a file and the environment, two entries with one id.
    Conflict,
    /// Something that is not built: not yet, or never.
    NotBuilt,
    /// Something that has no effect any more.
    Obsolete,
    /// Something that is refused on purpose.
    Refused,
    /// Anything else that is wrong with a value.
    #[default]
    Value,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Syntax,
        Self::File,
        Self::Permissions,
        Self::DuplicateKey,
        Self::SeveralFiles,
        Self::UnknownKey,
        Self::Missing,
        Self::Type,
        Self::Range,
        Self::Choice,
        Self::Pattern,
        Self::Reference,
        Self::Conversion,
        Self::Conflict,
        Self::NotBuilt,
        Self::Obsolete,
        Self::Refused,
        Self::Value,
    ];
}

impl From<scalyr_monitor::registry::ProblemKind> for Kind {
    fn from(kind: scalyr_monitor::registry::ProblemKind) -> Self {
        use scalyr_monitor::registry::ProblemKind;
        match kind {
            ProblemKind::UnknownKey => Self::UnknownKey,
            ProblemKind::Missing => Self::Missing,
            ProblemKind::Type => Self::Type,
            ProblemKind::Range => Self::Range,
            ProblemKind::Choice => Self::Choice,
            ProblemKind::Pattern => Self::Pattern,
            ProblemKind::Conversion => Self::Conversion,
            ProblemKind::Conflict => Self::Conflict,
            ProblemKind::Obsolete => Self::Obsolete,
            _ => Self::Value,
        }
    }
}

/// A place in a text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line; CR, LF and CRLF each end one.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text that the value comes from: a file's path, `-c`, `environment`; empty when there is none.
    pub source: String,
    /// The value, from the top of the text: `monitors[2].gauss_mean`; empty for the text as a whole.
    pub path: String,
    /// Line and column of the value, or of the entry that it is missing from, where the text is known.
    pub position: Option<Position>,
}

/// `FILE:LINE:COLUMN  path.to.value`, without what is not known, on one line: a key may hold a line break.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_on_one_line(f, &self.source)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            if !self.source.is_empty() {
                f.write_str("  ")?;
            }
            write_on_one_line(f, &self.path)?;
        }
        Ok(())
    }
}

/// The text as [`on_one_line`] makes it.
pub(crate) fn write_on_one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| f.write_char(harmless(c)))
}

/// A text that no terminal obeys: control characters as blanks, those that hide or reorder others as U+FFFD.
pub(crate) fn on_one_line(text: &str) -> String {
    text.chars().map(harmless).collect()
}

fn harmless(c: char) -> char {
    match c {
        c if c.is_control() => ' ',
        c if is_obeyed(c) => '\u{fffd}',
        c => c,
    }
}

/// Whether a terminal acts on a character, or it hides or reorders others.
pub(crate) fn is_obeyed(c: char) -> bool {
    let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{61c}' | '\u{feff}');
    c.is_control() || is_hidden
}

/// Something that is wrong, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What sort of problem it is.
    pub kind: Kind,
    /// What was found, and what is allowed. Never a secret.
    pub message: String,
    /// What to do, or what was most likely meant; empty when the message says it all.
    pub hint: String,
}

impl Problem {
    /// Says what sort of problem it is.
    pub(super) fn kind(&mut self, kind: Kind) -> &mut Self {
        self.kind = kind;
        self
    }

    /// Says what to do.
    pub(super) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = hint.into();
        self
    }

    /// Message and hint as one text.
    pub fn text(&self) -> String {
        if self.hint.is_empty() { self.message.clone() } else { format!("{}; {}", self.message, self.hint) }
    }

    /// Whether `agent check` makes an error of it, which the daemon only warns of: what the user wrote does not mean
    /// what it says.
    pub fn is_error_in_check(&self) -> bool {
        self.severity > Severity::Warning || matches!(self.kind, Kind::UnknownKey | Kind::Conversion)
    }
}

/// One line, without the severity.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        write_on_one_line(f, &self.text())
    }
}

/// All problems of a configuration, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    sources: Arc<Sources>,
    problems: Vec<Problem>,
    refused_monitors: Vec<RefusedMonitor>,
}

/// An entry of `monitors` that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedMonitor {
    /// The name that its instance would have: `rain_gauge(1)`; where the entry stands when it has none.
    pub name: String,
    /// All that is wrong with it.
    pub why: String,
}

impl Report {
    /// No problems yet; those that are added without a place of their own lie in `source`.
    pub fn new(source: impl Into<String>) -> Self {
        Self::of_sources(Arc::new(Sources::single(source)))
    }

    /// No problems yet, of a configuration that is made of these texts.
    pub(super) fn of_sources(sources: Arc<Sources>) -> Self {
        Self { sources, problems: Vec::new(), refused_monitors: Vec::new() }
    }

    /// No problems yet, of the same texts as this report.
    pub(super) fn of_same_text(&self) -> Self {
        Self::of_sources(Arc::clone(&self.sources))
    }

    /// Gives the problems that are added from now on their lines and columns.
    pub(super) fn locate(&mut self, places: Arc<Places>) {
        if let Some(Source { places: known, .. }) = Arc::make_mut(&mut self.sources).first_mut() {
            *known = Some(places);
        }
    }

    /// The same, to add what is read later. Problems that were added before keep their places.
    pub(super) fn sources_mut(&mut self) -> &mut Sources {
        Arc::make_mut(&mut self.sources)
    }

    /// The texts that the problems lie in.
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// The text that problems without a place of their own lie in.
    pub(super) fn source(&self) -> &str {
        &self.sources.first().name
    }

    /// Adds a problem; the values of variables are left out of its message and its hint.
    pub fn push(&mut self, problem: Problem) -> &mut Problem {
        let (message, hint) = (self.sources.masked(problem.message), self.sources.masked(problem.hint));
        self.problems.push_mut(Problem { message, hint, ..problem })
    }

    /// Leaves the values of variables out of what was said behind a problem after it was added.
    pub(super) fn mask(&mut self) {
        for problem in &mut self.problems {
            problem.message = self.sources.masked(std::mem::take(&mut problem.message));
            problem.hint = self.sources.masked(std::mem::take(&mut problem.hint));
        }
    }

    /// Keeps the text that problems without a place of their own lie in, to show lines of it.
    pub(crate) fn keep_text(&mut self, whole: &str) {
        if let Some(Source { text, .. }) = Arc::make_mut(&mut self.sources).first_mut() {
            *text = Some(whole.into());
        }
    }

    /// Adds a problem of the value at `path`; its kind and a hint can be said behind it.
    pub fn add(&mut self, severity: Severity, path: impl AsRef<str>, message: impl Into<String>) -> &mut Problem {
        let place = self.sources.value(path.as_ref());
        self.push_at(severity, place, message.into())
    }

    /// Adds a [`Severity::Warning`] of the key, not of the value, at `path`: it is misspelt, or old.
    pub(super) fn warn_of_key(&mut self, path: impl AsRef<str>, message: impl Into<String>) -> &mut Problem {
        let place = self.sources.key(path.as_ref());
        self.push_at(Severity::Warning, place, message.into())
    }

    fn push_at(&mut self, severity: Severity, place: Place, message: String) -> &mut Problem {
        self.push(Problem { severity, place, kind: Kind::default(), message, hint: String::new() })
    }

    /// Adds a [`Severity::Warning`].
    pub fn warn(&mut self, path: impl AsRef<str>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, path, message)
    }

    /// Adds a [`Severity::Refused`].
    pub fn refuse(&mut self, path: impl AsRef<str>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Refused, path, message)
    }

    /// Adds a [`Severity::Fatal`].
    pub fn fail(&mut self, path: impl AsRef<str>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Fatal, path, message)
    }

    /// A report of those problems that are to be kept.
    pub fn only(&self, keep: impl Fn(&Problem) -> bool) -> Self {
        Self {
            sources: Arc::clone(&self.sources),
            problems: self.problems.iter().filter(|it| keep(it)).cloned().collect(),
            refused_monitors: self.refused_monitors.clone(),
        }
    }

    /// Appends the problems of another report.
    pub fn merge(&mut self, other: Self) {
        for problem in other.problems {
            self.push(problem);
        }
        self.refused_monitors.extend(other.refused_monitors);
    }

    /// Says what follows from the refusals behind the first `known` problems: once, behind the last of them.
    pub(super) fn conclude(&mut self, known: usize, consequence: &str) {
        let found = self.problems.iter_mut().skip(known).rev().find(|problem| problem.severity == Severity::Refused);
        if let Some(Problem { message, .. }) = found {
            let question = message.ends_with('?');
            message.push_str(&if question { format!(" ({consequence})") } else { format!("; {consequence}") });
        }
    }

    /// Leaves out what was said of values that faults of the syntax hide: it may only follow from them.
    pub(super) fn drop_follow_ups(&mut self) {
        let Self { sources, problems, .. } = self;
        problems.retain(|problem| match problem.kind {
            Kind::Syntax | Kind::DuplicateKey | Kind::File | Kind::Permissions => true,
            Kind::Reference if sources.has_faults(&["workers", "api_keys"]) => false,
            _ => !sources.is_doubtful(&problem.place),
        });
    }

    /// Says what follows behind each of the refusals behind the first `known` problems.
    pub(super) fn conclude_each(&mut self, known: usize, consequence: &str) {
        for problem in self.problems.iter_mut().skip(known).filter(|problem| problem.severity == Severity::Refused) {
            problem.message.push_str(&format!("; {consequence}"));
        }
    }

    /// Takes note that the entry of a monitor is refused, for what was refused since there were `known` problems.
    pub(super) fn refuse_monitor(&mut self, name: impl Into<String>, known: usize) {
        let refused = self.problems.iter().skip(known).filter(|problem| problem.severity == Severity::Refused);
        let text = |problem: &Problem| format!("{}: {}", problem.place.path, problem.message);
        let mut why = refused.map(text).collect::<Vec<_>>().join("\n");
        if why.is_empty() {
            // An id that cannot be one was told before the entry had a name.
            why.push_str("the problems of the configuration tell why");
        }
        self.refused_monitors.push(RefusedMonitor { name: name.into(), why });
    }

    /// The monitors whose entries are refused.
    pub fn refused_monitors(&self) -> &[RefusedMonitor] {
        &self.refused_monitors
    }

    /// Says behind each refusal of something missing, unless it has a hint of its own, how the value at its path is given.
    pub(super) fn hint_at_missing(&mut self, how: impl Fn(&str) -> String) {
        let is_bare =
            |it: &&mut Problem| it.kind == Kind::Missing && it.severity > Severity::Warning && it.hint.is_empty();
        for problem in self.problems.iter_mut().filter(is_bare) {
            problem.hint = how(&problem.place.path);
        }
    }

    /// Leaves only the problems of values whose path `wanted` accepts.
    pub(super) fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.problems.retain(|problem| wanted(&problem.place.path));
    }

    /// All problems.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The worst severity; `None` when there is no problem.
    pub fn worst(&self) -> Option<Severity> {
        self.problems.iter().map(|problem| problem.severity).max()
    }
}

/// One line per problem, each behind its severity.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problems.iter().try_for_each(|problem| writeln!(f, "{}: {problem}", problem.severity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_knows_the_text_tells_where_in_it() {
        let mut report = Report::new("f");
        report.warn("a", "before");
        assert!(super::super::syntax::parse_object("{\n  a: { b: 1 } }", &mut report).values.is_some());
        report.refuse("a.b", "value");
        report.warn_of_key("a.b", "key");
        report.refuse("a.c", "missing");
        report.fail("d", "missing at the top");
        let mut other = report.of_same_text();
        other.warn("a", "of the same text");
        report.merge(other);
        assert_eq!(
            report.to_string(),
            "warning: f  a: before\nrefused: f:2:11  a.b: value\nwarning: f:2:8  a.b: key\n\
             refused: f:2:6  a.c: missing\nerror: f  d: missing at the top\nwarning: f:2:6  a: of the same text\n"
        );
    }

    #[test]
    fn each_problem_is_one_line_whatever_the_value_holds() {
        let mut report = Report::new("/etc/agent.json");
        report.warn("monitors[2].gauss_mean", "a\nb");
        report.warn("monitors[2].a\r\nerror: forged", "c");
        report.push(Problem {
            severity: Severity::Fatal,
            place: Place {
                source: "/etc/agent.json".to_owned(),
                path: String::new(),
                position: Some(Position { line: 3, column: 7 }),
            },
            kind: Kind::Syntax,
            hint: String::new(),
            message: "expected a comma".to_owned(),
        });
        assert_eq!(
            report.to_string(),
            "warning: /etc/agent.json  monitors[2].gauss_mean: a b\n\
             warning: /etc/agent.json  monitors[2].a  error: forged: c\nerror: /etc/agent.json:3:7: expected a comma\n"
        );
        assert_eq!(report.worst(), Some(Severity::Fatal));
    }
}
