//! `parse_format` and the older `parse_lines_as_json`: how lines are taken apart.

use super::super::keys;
use super::super::report::{Kind, Report};
use super::super::settings::Settings;

/// Only raw lines are sent yet; a format that would take them apart is named. One that nobody knows is refused, and not
/// the entry: the Python agent sent its lines as they are, too.
pub(super) fn check(settings: &Settings<'_>, at: &str, report: &mut Report) {
    const INSTEAD: &str = "lines are sent as they are";
    let known = settings.key("parse_format").map_or(&[][..], |key| key.words);
    let format = settings.text("parse_format").unwrap_or_default();
    if !known.contains(&format) {
        let message = format!("{format:?} is none of {}; {INSTEAD}", known.join(", "));
        let problem = report.refuse(format!("{at}.parse_format"), message).kind(Kind::Choice);
        if let Some(near) = keys::nearest_name(format, known.iter().copied()) {
            problem.hint(format!("did you mean {near:?}?"));
        }
    }
    if settings.is_given("parse_lines_as_json") {
        // It wins over the newer key.
        if settings.boolean("parse_lines_as_json") {
            let message = format!("is not honoured yet: {INSTEAD}");
            report.warn(format!("{at}.parse_lines_as_json"), message).kind(Kind::NotBuilt);
        }
    } else if ["json", "cri"].contains(&format) {
        let message = format!("{format} is not honoured yet: {INSTEAD}");
        report.warn(format!("{at}.parse_format"), message).kind(Kind::NotBuilt);
    }
}
