//! The syntax table of `configuration.md` section 2, row by row; places; properties.

mod accepted;
mod bounds;
mod places;
mod properties;
mod recovered;
mod refused;
mod table;

use super::*;

/// The values of a text, as JSON, with what was odd.
fn read(text: &str) -> (String, String) {
    let mut report = Report::new("f");
    match parse_object(text, &mut report).values {
        Some(values) if report.worst() != Some(Severity::Fatal) => {
            (Value::Object(values).to_string(), report.to_string())
        }
        _ => panic!("{text:?}: {report}"),
    }
}

/// All faults of a text, and its other values if there are some that can be trusted.
fn faults(text: &str) -> (Vec<String>, Option<String>) {
    let mut report = Report::new("f");
    let values = parse_object(text, &mut report).values;
    let is_fault = |problem: &&Problem| problem.kind == Kind::Syntax;
    let faults = report.problems().iter().filter(is_fault).map(ToString::to_string).collect();
    (faults, values.map(|values| Value::Object(values).to_string()))
}

/// The one fault of a text.
fn problem(text: &str) -> String {
    match &faults(text).0[..] {
        [fault] => fault.clone(),
        faults => panic!("{text:?}: {faults:#?}"),
    }
}
