//! The entries of `journald_logs` (`configuration.md` section 7.2): checked, and refused until the journal is read.

use serde_json::Value;

use super::super::keys;
use super::super::report::{Kind, Report};
use super::super::settings::{Scope, Settings};
use super::super::value;
use super::file::LogReader;
use super::shared;

/// Says what is wrong with the entry at `at`, and that it is not copied yet.
pub(super) fn refuse(entry: &Value, at: &str, reader: &mut LogReader<'_>, report: &mut Report) {
    let Value::Object(values) = entry else {
        let message = format!("must be an object, {{ ... }}, but is {}", value::kind(entry));
        report.refuse(at, message).kind(Kind::Type);
        return;
    };
    let settings = Settings::read(values, keys::JOURNALD_LOG, at, Scope::Entry, report);
    if let Some(unit) = settings.text("journald_unit") {
        _ = reader.expressions.pattern(unit, &format!("{at}.journald_unit"), report);
        if settings.is_given("journald_globs") {
            let problem = report.warn(format!("{at}.journald_globs"), "has no effect beside `journald_unit`");
            problem.kind(Kind::Conflict).hint("leave one of them");
        }
    }
    for (field, glob) in settings.object("journald_globs").into_iter().flatten() {
        if !glob.is_string() {
            let path = value::member_path(&format!("{at}.journald_globs"), field);
            report.refuse(path, format!("must be a text, but is {}", value::kind(glob))).kind(Kind::Type);
        }
    }
    _ = shared::read(&settings, values, at, reader, report);
    report.refuse(at, "the systemd journal cannot be copied yet").kind(Kind::NotBuilt);
}
