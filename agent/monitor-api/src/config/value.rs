//! The type of an option: what it is read from, and how it is shown.

use std::fmt::Display;

use serde_json::Value;

use super::kind::Kind;
use crate::registry::{Problem, Severity};

/// A type that an option can have: it can be read from a monitor's configuration entry.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a monitor's configuration; use bool, an integer, f64, String, PathBuf, \
               Duration, IpAddr, Option<_>, Vec<_>, BTreeMap<String, _> or serde_json::Map",
    label = "not the type of an option"
)]
pub trait ConfigValue: Sized + 'static {
    /// What a user writes for it.
    const KIND: Kind;

    /// What an author writes as its default in `#[config(default = …)]`: `&'static str` for text, the type itself
    /// for most others.
    type Literal;

    /// The value of such a default.
    fn from_literal(literal: Self::Literal) -> Self;

    /// Reads what was found, and reports every problem with it. `None` after a problem that refuses the entry.
    ///
    /// Text may come from the environment as well as from a file, so a number reads from its text too.
    fn read(found: &mut Found<'_>) -> Option<Self>;

    /// The value as a user would write it; for the reference and for comparing two values.
    fn to_value(&self) -> Value;
}

/// A value that was found in the configuration, with its path and the place where problems with it are noted.
pub struct Found<'a> {
    value: &'a Value,
    path: String,
    origin: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Found<'a> {
    /// The value at `path` of the entry. `origin` is put behind each message; empty for the entry itself.
    pub fn new(value: &'a Value, path: &str, origin: &'a str, problems: &'a mut Vec<Problem>) -> Self {
        Self { value, path: path.to_owned(), origin, problems }
    }

    /// The value itself.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Notes why the value is refused: what was found and what is allowed, without the path.
    pub fn refuse<T>(&mut self, message: impl Display) -> Option<T> {
        self.note(message, Severity::Refused);
        None
    }

    /// Refuses the value because it is not of the kind that is wanted: `"abc" is not a number`.
    pub fn refuse_kind<T>(&mut self, kind: Kind) -> Option<T> {
        self.refuse(format_args!("{} is not {kind}", shown(self.value)))
    }

    /// Notes that the value is odd, though it is used.
    pub fn warn(&mut self, message: impl Display) {
        self.note(message, Severity::Warning);
    }

    /// Reads an element of the list that this value is.
    pub fn element<T: ConfigValue>(&mut self, index: usize, value: &Value) -> Option<T> {
        self.inner(value, format!("{}[{index}]", self.path))
    }

    /// Reads a member of the object that this value is.
    pub fn member<T: ConfigValue>(&mut self, key: &str, value: &Value) -> Option<T> {
        self.inner(value, format!("{}.{key}", self.path))
    }

    fn inner<T: ConfigValue>(&mut self, value: &Value, path: String) -> Option<T> {
        T::read(&mut Found { value, path, origin: self.origin, problems: self.problems })
    }

    fn note(&mut self, message: impl Display, severity: Severity) {
        let message = format!("{message}{}", self.origin);
        self.problems.push(Problem { path: self.path.clone(), message, severity });
    }
}

/// The most characters of a value that a message shows.
const SHOWN_CHARACTERS: usize = 60;

/// A value as JSON, cut short for a message; of lists and objects the kind only, because a password may lie in one.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(_) => return "a list".to_owned(),
        Value::Object(_) => return "an object".to_owned(),
        value => value.to_string(),
    };
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
