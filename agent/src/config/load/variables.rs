//! `import_vars`: variables of the environment in the texts of one file (`configuration.md` section 4).
//!
//! `$NAME` is replaced wherever it stands, also before further letters, as the Python agent does it; `${NAME}` ends the
//! name, and `$$NAME` and `$${NAME}` are the escape. What is put in is not looked at again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::super::report::{Kind, Report};
use super::super::{syntax, value};

const KEY: &str = "import_vars";

/// No variable has a longer name, in bytes.
const LONGEST_NAME: usize = 255;

/// The variables that a file imports, by their names.
type Variables<'e> = BTreeMap<&'e str, Variable<'e>>;

struct Variable<'e> {
    value: &'e str,
    /// When the Python agent replaced it: longer names first, then in the order of the list.
    turn: (std::cmp::Reverse<usize>, usize),
}

/// Replaces the variables that `import_vars` names in all texts of a file. A bad entry is refused; the others act.
///
/// No problem shows what a variable holds: it may be a key. The names that were imported are returned.
pub(super) fn import(values: &mut Map<String, Value>, environment: &Environment, report: &mut Report) -> Vec<String> {
    let entries = match values.get_mut(KEY).map(Value::take) {
        None => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(other) => {
            let message =
                format!("must be a list of names, [\"NAME\"], but is {}; nothing is replaced", value::kind(&other));
            report.refuse(KEY, message).kind(Kind::Type);
            values.shift_remove(KEY);
            return Vec::new();
        }
    };
    let variables = read(&entries, environment, report);
    if !variables.is_empty() {
        let mut import = Import { variables: &variables, left: syntax::MAX_BYTES, report };
        for (key, value) in values.iter_mut() {
            import.replace(value, &|| value::member_path("", key));
        }
    }
    let names = variables.keys().map(|name| (*name).to_owned()).collect();
    values.insert(KEY.to_owned(), Value::Array(entries));
    names
}

/// The variables with their values.
fn read<'e>(entries: &'e [Value], environment: &'e Environment, report: &mut Report) -> Variables<'e> {
    let mut variables = Variables::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("{KEY}[{index}]");
        let Some((name, default)) = read_entry(entry, &path, report) else { continue };
        if variables.contains_key(name) {
            let message = format!("{name} is imported before this; the first entry counts");
            report.warn(path, message).kind(Kind::Conflict);
            continue;
        }
        let given = environment.get(name);
        if given.is_none() && default.is_none() {
            let message = format!("{name} is not set in the environment; nothing is put in its place");
            let hint = format!("set it, or give it a default: {{ var: \"{name}\", default: \"...\" }}");
            report.warn(path, message).kind(Kind::Missing).hint(hint);
        }
        let value = given.filter(|given| !given.is_empty()).or(default).unwrap_or_default();
        variables.insert(name, Variable { value, turn: (std::cmp::Reverse(name.chars().count()), index) });
    }
    variables
}

/// A name, and its default.
fn read_entry<'v>(entry: &'v Value, path: &str, report: &mut Report) -> Option<(&'v str, Option<&'v str>)> {
    let form = "write a name, \"NAME\", or { var: \"NAME\", default: \"TEXT\" }";
    let mut refuse = |path: String, kind, message: String, hint: &str| {
        report.refuse(path, message).kind(kind).hint(hint);
        None
    };
    let (name, default, place) = match entry {
        Value::String(name) => (name.as_str(), None, path.to_owned()),
        Value::Object(members) => match (members.get("var"), members.get("default")) {
            (Some(Value::String(name)), Some(Value::String(default))) => {
                (name.as_str(), Some(default.as_str()), format!("{path}.var"))
            }
            (Some(Value::String(_)), Some(other)) => {
                let message = format!("must be a text, but is {}; the variable is not replaced", value::kind(other));
                return refuse(format!("{path}.default"), Kind::Type, message, "put quotes around it");
            }
            (Some(Value::String(_)), None) => {
                return refuse(
                    path.to_owned(),
                    Kind::Missing,
                    "has no `default`; the variable is not replaced".to_owned(),
                    form,
                );
            }
            (Some(other), _) => {
                let message = format!("must be the name of a variable, but is {}", value::kind(other));
                return refuse(format!("{path}.var"), Kind::Type, message, form);
            }
            (None, _) => return refuse(path.to_owned(), Kind::Missing, "has no `var`".to_owned(), form),
        },
        other => {
            return refuse(
                path.to_owned(),
                Kind::Type,
                format!("is {}, not the name of a variable", value::kind(other)),
                form,
            );
        }
    };
    if name.is_empty() {
        return refuse(place, Kind::Value, "is empty, not the name of a variable".to_owned(), form);
    }
    if name.len() > LONGEST_NAME {
        let message = format!("is longer than {LONGEST_NAME} bytes, and not the name of a variable");
        return refuse(place, Kind::Value, message, form);
    }
    if let Some(bare) = name.strip_prefix('$') {
        let message = format!("{} is not the name of a variable", value::shown(&name.into()));
        return refuse(place, Kind::Value, message, &format!("write it without $ here: \"{bare}\""));
    }
    Some((name, default))
}

struct Import<'a, 'e> {
    variables: &'a Variables<'e>,
    /// How many bytes may still be put in: a few variables of long values make a text that fills any memory.
    left: usize,
    report: &'a mut Report,
}

/// What is to be said of a replaced text.
#[derive(Default)]
struct Notes<'v> {
    /// A variable that ran into the letters behind it, and those.
    runs_on: Option<(&'v str, String)>,
    /// A variable, and the one whose name is in its value.
    again: Option<(&'v str, &'v str)>,
}

impl<'a> Import<'a, '_> {
    fn replace(&mut self, value: &mut Value, path: &dyn Fn() -> String) {
        match value {
            Value::String(text) if text.contains('$') => match self.replaced(text) {
                Some((Cow::Owned(new), notes)) => {
                    *text = new;
                    self.tell(&notes, path);
                }
                Some((Cow::Borrowed(_), _)) => {}
                None => {
                    let most = syntax::MAX_BYTES >> 20;
                    let message = format!(
                        "the texts of this file become longer than {most} MiB with their variables; this one stays as it is"
                    );
                    self.report.refuse(path(), message);
                }
            },
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.replace(item, &|| format!("{}[{index}]", path()));
                }
            }
            Value::Object(members) => {
                for (key, member) in members.iter_mut() {
                    self.replace(member, &|| value::member_path(&path(), key));
                }
            }
            _ => {}
        }
    }

    fn tell(&mut self, notes: &Notes<'_>, path: &dyn Fn() -> String) {
        if let Some((name, behind)) = &notes.runs_on {
            let message =
                format!("${name}{behind} is read as ${name} with {behind:?} behind it, as ${name} is imported");
            let hint = format!("write ${{{name}}}{behind}, or import {name}{behind}");
            self.report.warn(path(), message).kind(Kind::Conversion).hint(hint);
        }
        if let Some((name, other)) = notes.again {
            let message =
                format!("the value of {name} holds ${other}, which stays; the Python agent replaced it once more");
            self.report
                .warn(path(), message)
                .kind(Kind::Conversion)
                .hint(format!("put the value of {other} into {name}"));
        }
    }

    /// The text with the values in it; borrowed when there is nothing to be replaced, `None` when it becomes too long.
    fn replaced<'t>(&mut self, text: &'t str) -> Option<(Cow<'t, str>, Notes<'a>)> {
        let (mut out, mut notes, mut rest) = (String::new(), Notes::default(), text);
        let mut is_new = false;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let escaped = from.strip_prefix("$$").and_then(|behind| find(self.variables, behind));
            let (length, put_in) = match (escaped, find(self.variables, &from[1..])) {
                (Some(found), _) => (found.length + 2, &from[1..found.length + 2]),
                (None, Some(found)) => {
                    self.left = self.left.checked_sub(found.variable.value.len())?;
                    let behind = &from[found.length + 1..];
                    self.take_note(&found, behind, &mut notes);
                    (found.length + 1, found.variable.value)
                }
                (None, None) => (1, "$"),
            };
            is_new |= length > 1;
            out.push_str(put_in);
            rest = &from[length..];
        }
        if !is_new {
            return Some((Cow::Borrowed(text), notes));
        }
        out.push_str(rest);
        Some((Cow::Owned(out), notes))
    }

    /// Sees where the Python agent did something else with a variable, or its user something else than was meant.
    fn take_note(&self, found: &Found<'a, '_>, behind: &str, notes: &mut Notes<'a>) {
        if !found.is_braced && behind.starts_with(is_of_name) && notes.runs_on.is_none() {
            notes.runs_on =
                Some((found.name, behind.chars().take_while(|c| is_of_name(*c)).take(LONGEST_NAME).collect()));
        }
        if notes.again.is_none() {
            let dollars = found.variable.value.match_indices('$');
            let mut others =
                dollars.filter_map(|(at, _)| longest_prefix(self.variables, &found.variable.value[at + 1..]));
            notes.again =
                others.find(|(_, other)| other.turn > found.variable.turn).map(|(other, _)| (found.name, other));
        }
    }
}

/// A variable at the beginning of a text.
struct Found<'v, 'e> {
    name: &'v str,
    variable: &'v Variable<'e>,
    is_braced: bool,
    /// How many bytes it takes behind its $.
    length: usize,
}

/// The variable that a text behind a $ begins with: `NAME` or `{NAME}`.
fn find<'v, 'e>(variables: &'v Variables<'e>, behind: &str) -> Option<Found<'v, 'e>> {
    let Some(inside) = behind.strip_prefix('{') else {
        let (name, variable) = longest_prefix(variables, behind)?;
        return Some(Found { name, variable, is_braced: false, length: name.len() });
    };
    let end = inside.bytes().take(LONGEST_NAME + 1).position(|byte| byte == b'}')?;
    let (name, variable) = variables.get_key_value(&inside[..end])?;
    Some(Found { name, variable, is_braced: true, length: end + 2 })
}

/// The longest name that a text begins with. What sorts last before the text is it, or shares a beginning with it.
fn longest_prefix<'v, 'e>(variables: &'v Variables<'e>, text: &str) -> Option<(&'v str, &'v Variable<'e>)> {
    let mut upper = &text[..text.floor_char_boundary(LONGEST_NAME)];
    while !upper.is_empty() {
        let (name, variable) = variables.range::<str, _>((Bound::Unbounded, Bound::Included(upper))).next_back()?;
        if text.starts_with(name) {
            return Some((name, variable));
        }
        let shared = name.bytes().zip(upper.bytes()).take_while(|(one, two)| one == two).count();
        upper = &upper[..upper.floor_char_boundary(shared)];
    }
    None
}

fn is_of_name(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}
