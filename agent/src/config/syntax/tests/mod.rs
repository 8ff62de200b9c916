//! The syntax table of `configuration.md` section 2, row by row; places; properties.

mod accepted;
mod places;
mod properties;
mod refused;

use super::*;

/// The values of a text, as JSON, with what was odd.
fn read(text: &str) -> (String, String) {
    let mut report = Report::new("f");
    match parse_object(text, &mut report) {
        Ok(values) => (Value::Object(values).to_string(), report.to_string()),
        Err(problem) => panic!("{text:?}: {problem}"),
    }
}

/// The problem of a text.
fn problem(text: &str) -> String {
    parse_object(text, &mut Report::new("f")).expect_err(text).to_string()
}
