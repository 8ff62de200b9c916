//! The type of an option: what it is read from, and how it is shown.

use std::fmt::Display;

use serde_json::Value;

use super::kind::Kind;
use crate::problem::{Problem, ProblemKind};

/// A type that an option can have: it can be read from a monitor's configuration entry.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a monitor's configuration; use bool, an integer, f64, String, PathBuf, \
               Duration, IpAddr, HostPort, Secret, Pattern, Glob, Option<_>, Vec<_>, BTreeMap<String, _> or \
               serde_json::Map",
    label = "not the type of an option",
    note = "an enum of words derives ConfigValue; options that belong together derive OptionGroup and are taken in with \
            #[config(flatten)]"
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
    /// Text may come from the environment as well as from a file, so a number reads from its text too. A type of your
    /// own that holds a URL reads its text with `String::read(found)?`, which brings it to https where that is asked for.
    fn read(found: &mut Found<'_>) -> Option<Self>;

    /// The value as a user would write it; for the reference and for comparing two values. Of a secret: its mask.
    fn to_value(&self) -> Value;
}

/// What a value that must not be seen is shown as.
pub const MASK: &str = "********";

/// How a value is read, whatever its type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// Nothing of the value may get into a message.
    pub(super) secret: bool,
    /// A URL in the value is brought to https.
    pub(super) force_https: bool,
}

/// A value that was found in the configuration, with its path and the place where problems with it are noted.
pub struct Found<'a> {
    value: &'a Value,
    path: String,
    origin: &'a str,
    manner: Manner,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Found<'a> {
    /// The value at `path` of the entry. `origin` is put behind each message; empty for the entry itself.
    pub fn new(value: &'a Value, path: &str, origin: &'a str, problems: &'a mut Vec<Problem>) -> Self {
        Self::read_in(Manner::default(), value, path, origin, problems)
    }

    /// The same, read in this manner.
    pub(super) fn read_in(
        manner: Manner,
        value: &'a Value,
        path: &str,
        origin: &'a str,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self { value, path: path.to_owned(), origin, manner, problems }
    }

    /// The value itself.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// From here on nothing of the value gets into a message: for types whose values are always secret.
    pub fn keep_secret(&mut self) {
        self.manner.secret = true;
    }

    /// Notes why the value is refused: what was found and what is allowed, without the path. Of a secret only that it
    /// is refused, because the reason could show it.
    pub fn refuse<T>(&mut self, message: impl Display) -> Option<T> {
        self.refuse_as(ProblemKind::Value, message, "")
    }

    /// The same for a problem of this kind, with what to do about it.
    pub(super) fn refuse_as<T>(&mut self, kind: ProblemKind, message: impl Display, hint: &str) -> Option<T> {
        if self.manner.secret {
            return self.refuse_openly(kind, "is refused; the reason is not shown, because it could show the secret");
        }
        let problem = Problem::refused(&self.path, format!("{message}{}", self.origin));
        self.problems.push(problem.of_kind(kind).with_hint(hint));
        None
    }

    /// Refuses the value because it is not of the kind that is wanted: `"abc" is not a number`.
    pub fn refuse_kind<T>(&mut self, kind: Kind) -> Option<T> {
        let found = self.shown();
        self.refuse_openly(ProblemKind::Type, format_args!("{found} is not {kind}"))
    }

    /// Notes that the value is odd, though it is used.
    pub fn warn(&mut self, message: impl Display) {
        self.warn_as(ProblemKind::Value, message, "");
    }

    /// The same for a problem of this kind, with what to do about it.
    pub(super) fn warn_as(&mut self, kind: ProblemKind, message: impl Display, hint: &str) {
        if self.manner.secret {
            return self.warn_openly(kind, "is odd, though it is used; more could show the secret");
        }
        let problem = Problem::warning(&self.path, format!("{message}{}", self.origin));
        self.problems.push(problem.of_kind(kind).with_hint(hint));
    }

    /// As [`refuse`](Self::refuse), with a message that shows nothing of the value.
    pub(super) fn refuse_openly<T>(&mut self, kind: ProblemKind, message: impl Display) -> Option<T> {
        self.problems.push(Problem::refused(&self.path, format!("{message}{}", self.origin)).of_kind(kind));
        None
    }

    /// As [`warn`](Self::warn), with a message that shows nothing of the value.
    pub(super) fn warn_openly(&mut self, kind: ProblemKind, message: impl Display) {
        self.problems.push(Problem::warning(&self.path, format!("{message}{}", self.origin)).of_kind(kind));
    }

    /// The value for a message: as JSON, cut short; of lists and objects the kind only, because a password may lie in
    /// one; of a secret nothing.
    pub fn shown(&self) -> String {
        if self.manner.secret { "the value, which is secret,".to_owned() } else { shown(self.value) }
    }

    /// A text as it is to be used: a URL is brought to https where that is asked for (`monitor-framework.md` section
    /// 10.5), with a warning.
    pub(super) fn https(&mut self, text: &str) -> String {
        if !self.manner.force_https || text.trim().is_empty() {
            return text.to_owned();
        }
        let behind_scheme = text.trim_start().get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
        let (message, url) = match behind_scheme {
            Some(_) => ("http:// is changed to https://", text.trim_start().get(7..)),
            None if !text.contains("://") => ("https:// is put before it", Some(text.trim_start())),
            None => return text.to_owned(),
        };
        self.warn_openly(
            ProblemKind::Value,
            format_args!("{message}, because `allow_http_monitors` of the agent is false"),
        );
        format!("https://{}", url.unwrap_or_default())
    }

    /// Reads an element of the list that this value is.
    pub fn element<T: ConfigValue>(&mut self, index: usize, value: &Value) -> Option<T> {
        self.inner(value, format!("{}[{index}]", self.path))
    }

    /// Reads a member of the object that this value is.
    pub fn member<T: ConfigValue>(&mut self, key: &str, value: &Value) -> Option<T> {
        // The key of a member belongs to a value that is secret as a whole.
        let path = if self.manner.secret { self.path.clone() } else { member_path(&self.path, key) };
        self.inner(value, path)
    }

    fn inner<T: ConfigValue>(&mut self, value: &Value, path: String) -> Option<T> {
        T::read(&mut Found { value, path, origin: self.origin, manner: self.manner, problems: self.problems })
    }
}

/// The path of a member of the object at `path`, which is empty for the entry; a key that would be misread is quoted.
pub(super) fn member_path(path: &str, key: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    if plain { format!("{path}{dot}{key}") } else { format!("{path}{dot}{key:?}") }
}

/// The most characters of a value that a message shows.
const SHOWN_CHARACTERS: usize = 60;

/// A value that is no secret as JSON, cut short for a message; of lists and objects the kind only.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(_) => return "a list".to_owned(),
        Value::Object(_) => return "an object".to_owned(),
        value => value.to_string(),
    };
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == SHOWN_CHARACTERS {
            shown.push('…');
            break;
        }
        match is_hidden(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

/// Whether a character would steer the terminal, or not be seen, or turn the text around it.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || c == '\u{feff}'
}
