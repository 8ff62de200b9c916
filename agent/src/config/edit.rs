//! One value of a configuration text is replaced, or a member added; every other byte stays as the user wrote it.

use serde_json::{Map, Value};

use super::report::{Position, Report};
use super::syntax::{self, Inside, Outline};

/// A step from the top of a text towards a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the member of an object.
    Member(String),
    /// To the element of a list.
    Element(usize),
}

/// Why a text is not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEdit {
    /// There are mistakes of the syntax in it.
    #[error("cannot be read")]
    Unreadable,
    /// The key stands twice in its object.
    #[error(
        "{key} is given twice, at {}:{} and at {}:{}; remove one of the two",
        first.line, first.column, second.line, second.column
    )]
    Twice {
        /// The key.
        key: String,
        /// Where it stands first.
        first: Position,
        /// And where again.
        second: Position,
    },
    /// What should hold the member is no object, or is not there.
    #[error("there is no object that {0} could stand in")]
    NoObject(String),
    /// The new text would not mean what it should: a fault of this program.
    #[error("the place of {0} cannot be told safely; edit the file by hand, and please report this")]
    Doubtful(String),
}

/// The value at `way` as it stands in the text: before `import_vars`, and also where it is null. Of a key that is given
/// twice, the last one.
pub fn written(text: &str, way: &[Step]) -> Option<Value> {
    let outline = syntax::outline(text)?;
    way.iter().try_fold(&outline, step).map(value)
}

/// The text with the member at `way`, whose last step is its key, set to a text. A member that is not there is added at
/// the beginning of its object, which must be there.
///
/// # Errors
/// When nothing can be changed; the text is as it was then.
pub fn set_text(text: &str, way: &[Step], new: &str) -> Result<String, NoEdit> {
    let Some((Step::Member(key), parents)) = way.split_last() else { return Err(NoEdit::NoObject(String::new())) };
    let outline = syntax::outline(text).ok_or(NoEdit::Unreadable)?;
    let parent = parents.iter().try_fold(&outline, step);
    let Some(Outline { bytes, inside: Inside::Object(members), .. }) = parent else {
        return Err(NoEdit::NoObject(key.clone()));
    };
    let mut found = members.iter().filter(|(known, _)| known == key).map(|(_, member)| member);
    let literal = Value::from(new).to_string();
    let (range, piece) = match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            let place = |member: &Outline| syntax::position_of(text, member.key.unwrap_or(member.bytes.start));
            return Err(NoEdit::Twice { key: key.clone(), first: place(first), second: place(second) });
        }
        (Some(member), None) => (member.bytes.clone(), literal),
        (None, _) => {
            let (at, piece) =
                insertion(text, bytes.start, members, &format!("{}: {literal}", Value::from(key.as_str())));
            (at..at, piece)
        }
    };
    let (Some(before), Some(behind)) = (text.get(..range.start), text.get(range.end..)) else {
        return Err(NoEdit::Doubtful(key.clone()));
    };
    let changed = format!("{before}{piece}{behind}");
    let mut expected = value(&outline);
    let object = parents.iter().try_fold(&mut expected, |value, step| match step {
        Step::Member(key) => value.get_mut(key),
        Step::Element(index) => value.get_mut(index),
    });
    if let Some(object) = object.and_then(Value::as_object_mut) {
        object.insert(key.clone(), new.into());
    }
    match syntax::outline(&changed) {
        Some(outline) if value(&outline) == expected => Ok(changed),
        _ => Err(NoEdit::Doubtful(key.clone())),
    }
}

/// Whether a text can be read as one object.
pub fn is_object(text: &str) -> bool {
    let mut report = Report::default();
    syntax::parse_object(text, &mut report).values.is_some() && report.worst() != Some(super::Severity::Fatal)
}

fn step<'o>(outline: &'o Outline, step: &Step) -> Option<&'o Outline> {
    match (&outline.inside, step) {
        (Inside::Object(members), Step::Member(key)) => {
            members.iter().rev().find(|(known, _)| known == key).map(|(_, member)| member)
        }
        (Inside::List(items), Step::Element(index)) => items.get(*index),
        _ => None,
    }
}

fn value(outline: &Outline) -> Value {
    match &outline.inside {
        Inside::Leaf(value) => value.clone(),
        Inside::List(items) => items.iter().map(value).collect(),
        Inside::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), value(member))).collect::<Map<_, _>>())
        }
    }
}

/// Where a member is added to the object that begins at `open`, and what is written there: on a line of its own below the
/// bracket, or, where more stands on that line, directly behind it.
fn insertion(text: &str, open: usize, members: &[(String, Outline)], member: &str) -> (usize, String) {
    let behind = open + 1;
    let rest = text.get(behind..).unwrap_or_default();
    let line = rest.get(..rest.find(['\n', '\r']).unwrap_or(rest.len())).unwrap_or_default();
    let line_end = ["\r\n", "\n", "\r"].into_iter().find(|end| rest[line.len()..].starts_with(end));
    let comma = if members.is_empty() { "" } else { "," };
    match line_end {
        Some(end) if line.trim().is_empty() || line.trim_start().starts_with("//") => {
            let first = members.first().and_then(|(_, first)| indentation(text, first.key?));
            let indent = first.map_or_else(|| format!("{}  ", own_indentation(text, open)), str::to_owned);
            (behind + line.len() + end.len(), format!("{indent}{member}{comma}{end}"))
        }
        _ if members.is_empty() && rest.starts_with(' ') => (behind, format!(" {member}")),
        _ if members.is_empty() || rest.starts_with([' ', '\t']) => {
            let blank = if members.is_empty() { "" } else { " " };
            (behind, format!("{blank}{member}{comma}"))
        }
        _ => (behind, format!("{member}{comma} ")),
    }
}

/// What stands before `at` on its line, if that is blank.
fn indentation(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = before.get(before.rfind(['\n', '\r']).map_or(0, |end| end + 1)..)?;
    line.chars().all(|c| matches!(c, ' ' | '\t')).then_some(line)
}

/// The blanks that the line of `at` begins with.
fn own_indentation(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let line = before.get(before.rfind(['\n', '\r']).map_or(0, |end| end + 1)..).unwrap_or_default();
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
