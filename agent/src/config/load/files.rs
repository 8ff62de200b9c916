//! One file: its text, its values with `import_vars` replaced, and what is wrong with it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::super::report::{Kind, Place, Position, Problem, Report, Severity};
use super::super::sources::Source;
use super::super::syntax;
use super::permissions;
use super::seen::{Content, Seen};
use super::variables;

/// A file on its way into the merged configuration.
pub(super) struct Text {
    /// Its problems; knows where its values stand.
    pub(super) report: Report,
    /// `None` when they could not be read.
    pub(super) values: Option<Map<String, Value>>,
    /// Whether some of it could not be read, so that what is absent from the values may stand there.
    pub(super) is_partial: bool,
    /// The text itself, if there is one.
    content: Option<Arc<str>>,
    /// How many bytes it has.
    pub(super) bytes: usize,
    /// The variables of the environment that stand in it.
    pub(super) imported: Vec<String>,
}

impl Text {
    /// Reads a file. `option` is what names the main file, for what is said when it is not there; a fragment has none.
    pub(super) fn read(path: &Path, option: Option<&str>, environment: &Environment, seen: &mut Seen) -> Self {
        let name = path.display().to_string();
        let content = match seen.read(path) {
            Ok(content) => content,
            Err(error) => return Self::broken(name, None, unreadable(&error, option)),
        };
        let Content { bytes, mode } = content;
        let len = bytes.len();
        let mut text = if len > syntax::MAX_BYTES {
            let message = format!("is larger than {} MiB; is this the right file?", syntax::MAX_BYTES >> 20);
            Self::broken(name, None, message)
        } else {
            match String::from_utf8(bytes) {
                Ok(content) => Self::parse(name, content, environment),
                Err(error) => Self::broken(name, Some(end_of_text(&error)), NOT_UTF8.to_owned()),
            }
        };
        text.bytes = len;
        permissions::check(mode, path, &mut text.report);
        text
    }

    /// What a text says.
    pub(super) fn parse(name: String, content: String, environment: &Environment) -> Self {
        let mut report = Report::new(name);
        let syntax::Parsed { mut values, is_partial } = syntax::parse_object(&content, &mut report);
        let imported = values.as_mut().map(|values| variables::import(values, environment, &mut report));
        let bytes = content.len();
        Self {
            report,
            values,
            is_partial,
            content: Some(content.into()),
            bytes,
            imported: imported.unwrap_or_default(),
        }
    }

    /// A file without a text, and why; what to do stands behind a semicolon.
    fn broken(name: String, position: Option<Position>, message: String) -> Self {
        let mut report = Report::new(name.clone());
        let (message, hint) = message.split_once("; ").unwrap_or((&message, ""));
        report.push(Problem {
            severity: Severity::Fatal,
            place: Place { source: name, path: String::new(), position },
            kind: Kind::File,
            message: message.to_owned(),
            hint: hint.to_owned(),
        });
        Self { report, values: None, is_partial: true, content: None, bytes: 0, imported: Vec::new() }
    }

    /// Whether there is a file at all, good or bad.
    pub(super) fn was_read(&self) -> bool {
        self.content.is_some() || self.bytes > 0
    }

    /// The text as part of the whole.
    pub(super) fn source(&self) -> Source {
        let Source { name, places, .. } = self.report.sources().first().clone();
        Source { name, places, text: self.content.clone() }
    }
}

const NOT_UTF8: &str = "is not UTF-8 text from here on; save the file as UTF-8";

/// Where a text stops to be one.
fn end_of_text(error: &std::string::FromUtf8Error) -> Position {
    let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
    syntax::position_of(&String::from_utf8_lossy(valid), valid.len())
}

fn unreadable(error: &io::Error, option: Option<&str>) -> String {
    match (error.kind(), option) {
        (io::ErrorKind::NotFound, Some(option)) => {
            format!("there is no such file; name the configuration with {option} FILE")
        }
        (io::ErrorKind::PermissionDenied, _) => {
            "this user may not read the file; run the agent as the owner of the file, or as root".to_owned()
        }
        (io::ErrorKind::IsADirectory, Some(option)) => {
            format!("is a directory; name the file in it with {option} FILE")
        }
        _ => format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // configuration.md, sharp edge 3
    #[test]
    fn permissions_are_spoken_of_only_where_they_are_the_cause() {
        let told = |kind: io::ErrorKind| unreadable(&kind.into(), Some("-c"));
        assert!(told(io::ErrorKind::PermissionDenied).starts_with("this user may not read the file; run the agent as"));
        for other in [io::ErrorKind::NotFound, io::ErrorKind::IsADirectory, io::ErrorKind::Other] {
            assert!(!told(other).contains("user"), "{}", told(other));
        }
        assert_eq!(unreadable(&io::ErrorKind::Other.into(), None), "cannot be read: other error");
    }
}
