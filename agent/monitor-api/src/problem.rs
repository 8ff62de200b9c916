//! What is wrong with a configuration entry, for the person who wrote it.

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Odd, and the monitor runs all the same.
    Warning,
    /// The entry is refused.
    Refused,
}

/// What sort of problem it is. `agent check` shows it, and makes errors of some that are warnings in the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// An option that the monitor does not have.
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
    /// A value that the Python agent took for another one.
    Conversion,
    /// Two things that exclude each other: the entry and the environment, an option and its older name.
    Conflict,
    /// Something that is old, or has no effect any more.
    Obsolete,
    /// Anything else that is wrong with a value.
    #[default]
    Value,
}

/// Something that is wrong with a configuration entry, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The value it is about, within the entry: `gauss_mean`, `hosts[2]`; empty for the entry as a whole.
    pub path: String,
    /// What was found and what is allowed; without the path. Never a secret.
    pub message: String,
    /// What to do, or what was most likely meant; empty when the message says it all.
    pub hint: String,
    /// How bad it is.
    pub severity: Severity,
    /// What sort of problem it is.
    pub kind: ProblemKind,
}

impl Problem {
    /// One for which the entry is refused.
    pub fn refused(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            hint: String::new(),
            severity: Severity::Refused,
            kind: ProblemKind::default(),
        }
    }

    /// One with which the monitor runs all the same.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::refused(path, message) }
    }

    /// Says what sort of problem it is.
    #[must_use]
    pub fn of_kind(mut self, kind: ProblemKind) -> Self {
        self.kind = kind;
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Message and hint as one text, without the path.
    pub fn text(&self) -> String {
        if self.hint.is_empty() { self.message.clone() } else { format!("{}; {}", self.message, self.hint) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_with_its_cure() {
        let problem = Problem::warning("gaus_mean", "unknown option").of_kind(ProblemKind::UnknownKey);
        assert_eq!((problem.text().as_str(), problem.severity), ("unknown option", Severity::Warning));
        assert_eq!(
            problem.with_hint("did you mean `gauss_mean`?").text(),
            "unknown option; did you mean `gauss_mean`?"
        );
        assert_eq!(Problem::refused("a", "b").kind, ProblemKind::Value);
    }
}
