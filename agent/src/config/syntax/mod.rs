//! The syntax: text → values and their places. JSON5, and what the Python agent reads beyond it (`configuration.md`
//! section 2).
//!
//! json5 is the parser. A scanner in front of it ([`scan`]) reads the structure of the user's text, writes the JSON5 that
//! json5 gets, and notes where each value stands; both together become the values and an index of their [`Places`].

mod cursor;
mod fault;
mod indentation;
mod lines;
mod numbers;
mod outline;
mod places;
mod scan;
mod skim;
#[cfg(test)]
mod tests;
mod texts;
mod tree;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::report::{Kind, Place, Problem, Report, Severity};
use super::value;
use fault::Fault;
#[cfg(doc)]
use fault::MAX_FAULTS;
pub(super) use lines::position_of;
pub(super) use outline::{Inside, Outline, outline};
pub(super) use places::Places;
use tree::{Oddity, Placing, Tree};

/// The largest text that is read.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What could be read of a text.
pub(super) struct Parsed {
    /// Its values, without members that are null or that a fault hides; `None` when nothing can be trusted.
    pub(super) values: Option<Map<String, Value>>,
    /// Whether a fault hides keys of the top level, so that what is absent may stand in the text.
    pub(super) is_partial: bool,
}

/// Reads a text whose top level is an object. Members that are null are left out, as if they were not there; a key
/// that is given twice gets a warning, and its last value counts. From now on, `report` knows the place of each value.
///
/// What is wrong with the syntax becomes fatal problems with their lines and columns, up to [`MAX_FAULTS`]. Behind each of
/// them reading goes on where what follows can be trusted, so that the other values can be looked at, too.
pub(super) fn parse_object(text: &str, report: &mut Report) -> Parsed {
    let Read { value, places, mut faults, has_more, oddities, untold } = parse(text);
    if value.as_ref().is_some_and(|value| !value.is_object()) {
        // Of this is told below, and all else follows from it.
        faults.clear();
    }
    let mut fail = |fault: Fault| {
        let position = fault.at.map(|offset| position_of(text, offset));
        let place = Place { source: report.source().to_owned(), path: String::new(), position };
        let Fault { message, hint, .. } = fault;
        report.push(Problem { severity: Severity::Fatal, place, kind: Kind::Syntax, message, hint });
    };
    faults.into_iter().for_each(&mut fail);
    if has_more {
        fail(Fault::of_all("more follows that cannot be read").hint("it is told when this is mended"));
    }
    let values = match value {
        Some(Value::Object(values)) => Some(values),
        Some(value) => {
            fail(Fault::of_all(format!("must be an object, {{ ... }}, but is {}", value::kind(&value))));
            None
        }
        None => None,
    };
    for Oddity { path, position, kind, message, hint } in oddities {
        let place = Place { source: report.source().to_owned(), path, position: Some(position) };
        report.push(Problem { severity: Severity::Warning, place, kind, message, hint: hint.to_owned() });
    }
    if untold > 0 {
        report.warn("", format!("{untold} more values are given twice or too large to be kept exactly"));
    }
    let mut places = places.filter(|_| values.is_some()).unwrap_or_else(Places::unknown);
    if let Some(values) = &values {
        places.doubt_variables(values);
    }
    let is_partial = places.lacks_member();
    report.locate(Arc::new(places));
    Parsed { values, is_partial }
}

/// What a text holds.
struct Read {
    value: Option<Value>,
    places: Option<Places>,
    faults: Vec<Fault>,
    /// Whether there are more faults.
    has_more: bool,
    /// What is odd about the values.
    oddities: Vec<Oddity>,
    /// How many more such things there are.
    untold: usize,
}

fn parse(text: &str) -> Read {
    let mut read =
        Read { value: None, places: None, faults: Vec::new(), has_more: false, oddities: Vec::new(), untold: 0 };
    if text.len() > MAX_BYTES {
        read.faults.push(Fault::of_all(format!("is larger than {} MiB", MAX_BYTES >> 20)));
        return read;
    }
    let scanned = scan::scan(text);
    (read.faults, read.has_more) = (scanned.faults, scanned.has_more);
    let Some(json) = scanned.text else { return read };
    match json5::from_str::<Tree>(&json) {
        Ok(tree) => {
            let mut placing = Placing::new(text, scanned.marks);
            let (value, root) = placing.place(tree);
            (read.value, read.places) = (Some(value), Some(Places(root)));
            (read.oddities, read.untold) = (placing.oddities, placing.untold);
        }
        Err(error) => {
            // The scanner lets nothing through that json5 refuses; its tests say so.
            let why = error.code().map_or_else(String::new, |code| format!(" ({code})"));
            let message = format!("cannot be read, though nothing is wrong with it; please report this{why}");
            read.faults.push(Fault::of_all(message));
        }
    }
    read
}
