//! The syntax: text → values and their places. JSON5, and what the Python agent reads beyond it (`configuration.md`
//! section 2).
//!
//! json5 is the parser. A scanner in front of it ([`scan`]) reads the structure of the user's text, writes the JSON5 that
//! json5 gets, and notes where each value stands; both together become the values and an index of their [`Places`].

mod cursor;
mod fault;
mod lines;
mod numbers;
mod places;
mod scan;
#[cfg(test)]
mod tests;
mod texts;
mod tree;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::report::{Kind, Place, Problem, Report, Severity};
use super::value;
use fault::Fault;
pub(super) use lines::position_of;
pub(super) use places::Places;
use tree::{Oddity, Placing, Tree};

/// The largest text that is read.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What a text holds.
struct Parsed {
    value: Value,
    places: Places,
    /// What is odd about it.
    oddities: Vec<Oddity>,
    /// How many more there are.
    untold: usize,
}

/// Reads a text whose top level is an object. Members that are null are left out, as if they were not there; a key
/// that is given twice gets a warning, and its last value counts. From now on, `report` knows the place of each value.
///
/// # Errors
/// One fatal problem, with its line and column when the syntax is wrong.
pub(super) fn parse_object(text: &str, report: &mut Report) -> Result<Map<String, Value>, Problem> {
    let source = report.source().to_owned();
    let fatal = |fault: Fault| {
        let position = fault.at.map(|offset| position_of(text, offset));
        let place = Place { source, path: String::new(), position };
        Problem { severity: Severity::Fatal, place, kind: Kind::Syntax, message: fault.message, hint: String::new() }
    };
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(fault) => return Err(fatal(fault)),
    };
    let Value::Object(values) = parsed.value else {
        let message = format!("must be an object, {{ ... }}, but is {}", value::kind(&parsed.value));
        return Err(fatal(Fault::of_all(message)));
    };
    for Oddity { path, position, message } in parsed.oddities {
        let place = Place { source: report.source().to_owned(), path, position: Some(position) };
        report.push(Problem { severity: Severity::Warning, place, kind: Kind::Value, message, hint: String::new() });
    }
    if parsed.untold > 0 {
        report.warn("", format!("{} more values are given twice or too large to be kept exactly", parsed.untold));
    }
    report.locate(Arc::new(parsed.places));
    Ok(values)
}

fn parse(text: &str) -> Result<Parsed, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::of_all(format!("is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let scanned = scan::scan(text)?;
    let tree: Tree = json5::from_str(&scanned.text).map_err(|error| {
        // The scanner lets nothing through that json5 refuses; its tests say so.
        let why = error.code().map_or_else(String::new, |code| format!(" ({code})"));
        Fault::of_all(format!("cannot be read, though nothing is wrong with it; please report this{why}"))
    })?;
    let mut placing = Placing::new(text, scanned.marks);
    let (value, root) = placing.place(tree);
    let Placing { oddities, untold, .. } = placing;
    Ok(Parsed { value, places: Places(root), oddities, untold })
}
