//! The entries of `journald_logs` (`configuration.md` section 7.2): checked here, and handed on to the monitors that read
//! the journal, as their option of that name.

use serde_json::{Map, Value};

use super::super::keys;
use super::super::report::{Kind, Report};
use super::super::settings::{Scope, Settings};
use super::super::value;
use super::file::LogReader;
use super::shared;

/// The key of the top level, and the option of a monitor.
pub(in crate::config) const JOURNALD_LOGS: &str = "journald_logs";

/// How a monitor is told that the lines of an entry must not leave the host.
const WITHHELD: &str = "withheld";

/// The entry at `at`, as a monitor is given it. One that is refused is left out, unless it has redaction rules: then no
/// other entry gets its lines either.
pub(super) fn read(
    entry: &Value,
    at: &str,
    reader: &mut LogReader<'_>,
    report: &mut Report,
) -> Option<Map<String, Value>> {
    let Value::Object(values) = entry else {
        let message = format!("must be an object, {{ ... }}, but is {}; this entry is not used", value::kind(entry));
        report.refuse(at, message).kind(Kind::Type);
        return None;
    };
    let known = report.problems().len();
    let settings = Settings::read(values, keys::JOURNALD_LOG, at, Scope::Entry, report);
    let matcher = matcher(&settings, at, reader, report);
    let is_fine = shared::read(&settings, values, at, reader, report).is_ok() && !settings.is_refused();
    match matcher {
        Some(mut read) if is_fine => {
            let is_shared = |key: &str| keys::LOG_ENTRY.iter().any(|known| known.name == key && key != "path");
            let shared = values.iter().filter(|(key, _)| is_shared(key));
            read.extend(shared.map(|(key, value)| (key.clone(), value.clone())));
            for flag in ["emit_raw_details", "detect_escaped_strings"] {
                read.insert(flag.to_owned(), settings.boolean(flag).into());
            }
            Some(read)
        }
        matcher if shared::redacts(values) => {
            let what = if matcher.is_some() { "what it matches" } else { "what no entry before it matches" };
            report.conclude(known, &format!("this entry is not used, and {what} is not copied at all"));
            let mut withheld = matcher.unwrap_or_default();
            withheld.insert(WITHHELD.to_owned(), true.into());
            Some(withheld)
        }
        _ => {
            report.conclude(known, "this entry is not used");
            None
        }
    }
}

/// Which lines it is for; none when that cannot be said.
fn matcher(
    settings: &Settings<'_>,
    at: &str,
    reader: &mut LogReader<'_>,
    report: &mut Report,
) -> Option<Map<String, Value>> {
    let mut is_fine = !settings.is_bad("journald_unit") && !settings.is_bad("journald_globs");
    let mut matcher = Map::new();
    if let Some(unit) = settings.text("journald_unit") {
        is_fine &= reader.expressions.pattern(unit, &format!("{at}.journald_unit"), report).is_some();
        matcher.insert("journald_unit".to_owned(), unit.into());
        if settings.is_given("journald_globs") {
            let problem = report.warn(format!("{at}.journald_globs"), "has no effect beside `journald_unit`");
            problem.kind(Kind::Conflict).hint("leave one of them");
        }
    } else if let Some(globs) = settings.object("journald_globs") {
        matcher.insert("journald_globs".to_owned(), globs.clone().into());
    }
    for (field, glob) in settings.object("journald_globs").into_iter().flatten() {
        if !glob.is_string() {
            let path = value::member_path(&format!("{at}.journald_globs"), field);
            report.refuse(path, format!("must be a text, but is {}", value::kind(glob))).kind(Kind::Type);
            is_fine = false;
        }
    }
    is_fine.then_some(matcher)
}
