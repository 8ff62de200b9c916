//! `rename_logfile` and `rename_no_original`: the path that the server is told (`log-copying.md` section 2).

use serde_json::{Map, Value};

use super::super::keys::{self, nearest_name};
use super::super::line_plan::{NamePiece, Renaming, RenamingPlan};
use super::super::report::{Kind, Report};
use super::super::value;
use super::expressions::Expressions;
use super::{replacement, rule};

/// The names that a new path may refer to, beside `PATH1`, `PATH2` and so on.
const NAMES: [&str; 2] = ["BASENAME", "BASENAME_NO_EXT"];

/// What the entry at `at` says about its name. The real path is sent when that is nothing, or nothing that can be used.
pub(super) fn read(
    values: &Map<String, Value>,
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Option<Renaming> {
    let keeps_original = keeps_original(values, at, report);
    let at = format!("{at}.rename_logfile");
    let how = match values.get("rename_logfile") {
        None | Some(Value::Null) => None,
        Some(Value::String(template)) if template.is_empty() => None,
        Some(Value::String(template)) => pieces(template, &at, report).map(RenamingPlan::Template),
        Some(renaming @ Value::Object(_)) => {
            let known = report.problems().len();
            let read = expression(renaming, &at, expressions, report);
            if read.is_none() {
                report.conclude(known, "the real path is sent");
            }
            read
        }
        Some(other) => {
            let found = value::kind(other);
            let message = format!(
                "must be a text, or an object with `match` and `replacement`, but is {found}; the real path is sent"
            );
            report.refuse(at, message).kind(Kind::Type);
            None
        }
    };
    how.map(|how| Renaming { how, keeps_original })
}

fn expression(renaming: &Value, at: &str, expressions: &mut Expressions, report: &mut Report) -> Option<RenamingPlan> {
    let mut rule = rule::read(renaming, keys::RENAMING, &["match"], at, expressions, report).ok()?;
    let expression = rule.take("match")?;
    match replacement::of_template(rule.settings.text("replacement").unwrap_or_default(), &expression) {
        Ok(parsed) => Some(RenamingPlan::Expression { expression, replacement: parsed.replacement }),
        Err(fault) => {
            report.refuse(format!("{at}.replacement"), fault.message).kind(Kind::Reference).hint(fault.hint);
            None
        }
    }
}

/// The pieces of a text with `$NAME`, `${NAME}` and `$$`; `None` when one of the names stands for nothing.
fn pieces(template: &str, at: &str, report: &mut Report) -> Option<Vec<NamePiece>> {
    let mut pieces = Vec::new();
    let mut is_fine = true;
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('$') {
        push(&mut pieces, before);
        if let Some(behind) = behind.strip_prefix('$') {
            push(&mut pieces, "$");
            rest = behind;
            continue;
        }
        let braced = behind.strip_prefix('{').and_then(|behind| behind.split_once('}'));
        let end = behind.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(behind.len());
        let (name, behind) = braced.unwrap_or_else(|| behind.split_at(end));
        match piece(name) {
            Some(piece) => pieces.push(piece),
            None => {
                warn_of_name(name, at, report);
                is_fine = false;
            }
        }
        rest = behind;
    }
    push(&mut pieces, rest);
    is_fine.then_some(pieces)
}

fn push(pieces: &mut Vec<NamePiece>, text: &str) {
    match pieces.last_mut() {
        Some(NamePiece::Literal(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(NamePiece::Literal(text.to_owned())),
    }
}

fn piece(name: &str) -> Option<NamePiece> {
    match name {
        "BASENAME" => Some(NamePiece::Basename),
        "BASENAME_NO_EXT" => Some(NamePiece::BasenameWithoutExtension),
        _ => {
            let number = name.strip_prefix("PATH")?.parse().ok().filter(|number| *number > 0)?;
            Some(NamePiece::Component(number))
        }
    }
}

fn warn_of_name(name: &str, at: &str, report: &mut Report) {
    let message =
        format!("`${name}` is none of $BASENAME, $BASENAME_NO_EXT, $PATH1, $PATH2 and so on; the real path is sent");
    let problem = report.warn(at, message).kind(Kind::Reference);
    if let Some(near) = nearest_name(name, NAMES.into_iter().chain(["PATH1"])) {
        problem.hint(format!("did you mean `${near}`?"));
    }
}

/// Whether the real path is sent, too. The Python agent only looked whether the key is there.
fn keeps_original(values: &Map<String, Value>, at: &str, report: &mut Report) -> bool {
    let Some(given) = values.get("rename_no_original").filter(|given| !given.is_null()) else { return true };
    let says_no = value::boolean(given).is_ok_and(|given| !given.value);
    if says_no {
        let message = format!("{} is read as false; the Python agent took any value as true", value::shown(given));
        report.warn(format!("{at}.rename_no_original"), message).kind(Kind::Conversion).hint("leave it out");
    }
    says_no
}
