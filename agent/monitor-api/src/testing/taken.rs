//! What a monitor emitted, logged and failed with, as a test looks at it.

use std::fmt;

use super::diagnostic::Diagnostic;
use super::emitted::Emitted;
use super::value::Value;

/// What came of a sample, or of a [run](super::Harness::running) so far: emitted metrics, lines, diagnostics, an error.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub(super) emitted: Vec<Emitted>,
    pub(super) lines: Vec<String>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) error: Option<String>,
}

impl Taken {
    /// The value of a metric that was emitted once.
    ///
    /// # Panics
    /// When it was not emitted, or several times; the text shows what was.
    #[track_caller]
    pub fn value(&self, metric: &str) -> &Value {
        self.metric(metric).value()
    }

    /// All values of a metric, in the order of their emission; none when it was not emitted.
    pub fn values(&self, metric: &str) -> Vec<&Value> {
        self.all(metric).map(Emitted::value).collect()
    }

    /// The emission of a metric that was emitted once.
    ///
    /// # Panics
    /// When it was not emitted, or several times; the text shows what was.
    #[track_caller]
    pub fn metric(&self, metric: &str) -> &Emitted {
        self.only(self.all(metric), format_args!("the metric `{metric}`"), "values(..) or metric_with(..)")
    }

    /// The emission of a metric whose extra field has this value.
    ///
    /// # Panics
    /// When there is none, or several; the text shows what was emitted.
    #[track_caller]
    pub fn metric_with<T: fmt::Debug>(&self, metric: &str, field: &str, value: T) -> &Emitted
    where
        Value: PartialEq<T>,
    {
        let has_it = |emitted: &&Emitted| emitted.fields().iter().any(|(name, other)| name == field && *other == value);
        let what = format_args!("the metric `{metric}` with {field}={value:?}");
        self.only(self.all(metric).filter(has_it), what, "emitted()")
    }

    /// Whether a metric was emitted.
    pub fn has(&self, metric: &str) -> bool {
        self.all(metric).next().is_some()
    }

    /// All emissions of metrics, in their order.
    pub fn emitted(&self) -> &[Emitted] {
        &self.emitted
    }

    /// All lines as they stand in the metric log, without time and name: metrics, `uniform 0.25 count=1`, and whole lines
    /// of text.
    pub fn lines(&self) -> Vec<&str> {
        self.lines.iter().map(String::as_str).collect()
    }

    /// What was logged for the agent log.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Why the sample failed: the text of the error of [`gather_sample`](crate::Monitor::gather_sample). When several
    /// samples failed, that of the last one. Of a
    /// run also what it last [noted](crate::Run::note_trouble).
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn all<'t>(&'t self, metric: &str) -> impl Iterator<Item = &'t Emitted> {
        self.emitted.iter().filter(move |emitted| emitted.name() == metric)
    }

    #[track_caller]
    fn only<'t>(
        &'t self,
        mut found: impl Iterator<Item = &'t Emitted>,
        what: fmt::Arguments<'_>,
        instead: &str,
    ) -> &'t Emitted {
        match (found.next(), found.count()) {
            (Some(emitted), 0) => emitted,
            (Some(_), more) => panic!("{what} was emitted {} times; look at it with {instead}\n{self}", more + 1),
            (None, _) => panic!("{what} was not emitted\n{self}"),
        }
    }
}

/// What there is, for the message of a test that failed.
impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = |what: &str, lines: &[String]| match lines {
            [] => writeln!(f, "  {what}: nothing"),
            lines => lines.iter().try_fold(writeln!(f, "  {what}:")?, |(), line| writeln!(f, "    {line}")),
        };
        list("emitted", &self.lines)?;
        list("logged", &self.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        match &self.error {
            Some(error) => writeln!(f, "  failed: {error}"),
            None => Ok(()),
        }
    }
}
