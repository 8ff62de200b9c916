//! `rename_logfile` and `rename_no_original`: the path that the server is told (`log-copying.md` section 2).

use serde_json::{Map, Value};

use super::super::keys::{self, nearest_name};
use super::super::report::{Kind, Report};
use super::super::value;
use super::expressions::Expressions;
use super::rule;

/// The names that a new path may refer to, beside `PATH1`, `PATH2` and so on.
const NAMES: [&str; 2] = ["BASENAME", "BASENAME_NO_EXT"];

/// Whether what the entry at `at` says about its name can be used.
pub(super) fn check(values: &Map<String, Value>, at: &str, expressions: &mut Expressions, report: &mut Report) -> bool {
    warn_of_original(values, at, report);
    let at = format!("{at}.rename_logfile");
    match values.get("rename_logfile") {
        None | Some(Value::Null) => true,
        Some(Value::String(template)) => {
            warn_of_names(template, &at, report);
            true
        }
        Some(renaming @ Value::Object(_)) => {
            rule::read(renaming, keys::RENAMING, &["match"], &at, expressions, report).is_some()
        }
        Some(other) => {
            let found = value::kind(other);
            let message = format!("must be a text, or an object with `match` and `replacement`, but is {found}");
            report.refuse(at, message).kind(Kind::Type);
            false
        }
    }
}

/// Names each `$NAME` and `${NAME}` that stands for nothing.
fn warn_of_names(template: &str, at: &str, report: &mut Report) {
    let mut pieces = template.split('$');
    pieces.next();
    while let Some(piece) = pieces.next() {
        if piece.is_empty() {
            // `$$` is a dollar, and what follows it stands for itself.
            pieces.next();
            continue;
        }
        let inner = piece.strip_prefix('{').and_then(|piece| piece.split_once('}')).map(|(name, _)| name);
        let end = piece.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(piece.len());
        let name = inner.unwrap_or_else(|| piece.get(..end).unwrap_or_default());
        let is_component = name.strip_prefix("PATH").is_some_and(|n| n.parse::<usize>().is_ok_and(|n| n > 0));
        if NAMES.contains(&name) || is_component {
            continue;
        }
        let message = format!(
            "`${name}` is none of $BASENAME, $BASENAME_NO_EXT, $PATH1, $PATH2 and so on; the real path is sent"
        );
        let problem = report.warn(at, message).kind(Kind::Reference);
        if let Some(near) = nearest_name(name, NAMES.into_iter().chain(["PATH1"])) {
            problem.hint(format!("did you mean `${near}`?"));
        }
    }
}

/// The Python agent only looked whether the key is there.
fn warn_of_original(values: &Map<String, Value>, at: &str, report: &mut Report) {
    let Some(given) = values.get("rename_no_original").filter(|given| !given.is_null()) else { return };
    if value::boolean(given).is_ok_and(|given| !given.value) {
        let message = format!("{} is read as false; the Python agent took any value as true", value::shown(given));
        report.warn(format!("{at}.rename_no_original"), message).kind(Kind::Conversion).hint("leave it out");
    }
}
