//! `parse_format` and the older `parse_lines_as_json`: how lines are taken apart.

use super::super::keys;
use super::super::line_plan::LineFormat;
use super::super::report::{Kind, Report};
use super::super::settings::Settings;

/// The format of the entry at `at`. One that nobody knows is refused, and not the entry: the Python agent sent its lines as
/// they are, too.
pub(super) fn read(settings: &Settings<'_>, at: &str, report: &mut Report) -> LineFormat {
    let known = settings.key("parse_format").map_or(&[][..], |key| key.words);
    let format = settings.text("parse_format").unwrap_or_default();
    if !known.contains(&format) {
        let message = format!("{format:?} is none of {}; lines are sent as they are", known.join(", "));
        let problem = report.refuse(format!("{at}.parse_format"), message).kind(Kind::Choice);
        if let Some(near) = keys::nearest_name(format, known.iter().copied()) {
            problem.hint(format!("did you mean {near:?}?"));
        }
    }
    let older = settings.is_given("parse_lines_as_json").then(|| settings.boolean("parse_lines_as_json"));
    let older = older.map(|is_json| if is_json { "json" } else { "raw" });
    if let Some(older) = older.filter(|older| settings.is_given("parse_format") && *older != format) {
        let message = format!("wins over `parse_format`, which is {format:?}: the format is {older:?}");
        let problem = report.warn(format!("{at}.parse_lines_as_json"), message).kind(Kind::Conflict);
        problem.hint("leave one of them");
    }
    match older.unwrap_or(format) {
        "json" => {
            let field = |name| settings.text(name).unwrap_or_default().to_owned();
            LineFormat::Json {
                message_field: field("json_message_field"),
                timestamp_field: field("json_timestamp_field"),
            }
        }
        "cri" => LineFormat::Cri,
        _ => LineFormat::Raw,
    }
}
