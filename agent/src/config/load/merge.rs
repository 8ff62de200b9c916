//! The values of all files as one object (`configuration.md` section 3).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::keys;
use super::super::report::{Kind, Problem, Severity};
use super::super::sources::{Home, TextId};
use super::super::value;
use super::files::Text;

/// The keys that several files may give: lists, which are put together, and the attributes.
const SHARED: [&str; 7] = ["import_vars", "logs", "journald_logs", "k8s_logs", "monitors", ATTRIBUTES, "workers"];
/// The one of them that is an object.
const ATTRIBUTES: &str = "server_attributes";

/// The values of all files, and which come from which.
#[derive(Default)]
pub(super) struct Merged {
    pub(super) values: Map<String, Value>,
    pub(super) homes: BTreeMap<String, Home>,
}

/// A shared key in one file.
struct Part {
    text: TextId,
    spelling: String,
    value: Value,
}

/// Puts the values of all files together. A key of several files that only one may give is fatal.
pub(super) fn merge(texts: &mut [Text]) -> Merged {
    let mut merged = Merged::default();
    let mut shared: BTreeMap<&'static str, Vec<Part>> = BTreeMap::new();
    // Where each other key was first.
    let mut first: BTreeMap<String, (TextId, String)> = BTreeMap::new();
    for id in 0..texts.len() {
        for (spelling, value) in texts[id].values.take().unwrap_or_default() {
            let key = name_of(&spelling);
            if let Some(key) = SHARED.into_iter().find(|shared| *shared == key) {
                let parts = shared.entry(key).or_default();
                if parts.is_empty() {
                    // Keeps its place among the others.
                    merged.values.insert(key.to_owned(), Value::Null);
                }
                parts.push(Part { text: id, spelling, value });
                continue;
            }
            match first.get(key) {
                Some((earlier, spelled)) if *earlier != id => {
                    refuse_second(texts, (*earlier, spelled), (id, &spelling));
                }
                known => {
                    if known.is_none() {
                        first.insert(key.to_owned(), (id, spelling.clone()));
                    }
                    merged.put(&spelling, value, id);
                }
            }
        }
    }
    for (key, parts) in shared {
        merged.put_parts(key, parts, texts);
    }
    merged
}

/// The name of a key that may be spelled by its alias.
fn name_of(spelling: &str) -> &str {
    keys::GLOBAL.iter().find(|key| key.alias == Some(spelling)).map_or(spelling, |key| key.name)
}

fn refuse_second(texts: &mut [Text], earlier: (TextId, &str), second: (TextId, &str)) {
    let place = |(id, spelling): (TextId, &str)| {
        let mut place = texts[id].report.sources().key(&value::member_path("", spelling));
        let path = std::mem::take(&mut place.path);
        (place, path)
    };
    let ((first, first_path), (mut here, path)) = (place(earlier), place(second));
    let called = if first_path == path { String::new() } else { format!(" as {first_path}") };
    here.path = path;
    let shared: Vec<String> = SHARED.iter().map(|key| (*key).to_owned()).collect();
    texts[second.0].report.push(Problem {
        severity: Severity::Fatal,
        place: here,
        kind: Kind::SeveralFiles,
        message: format!("is given in {first}{called}, too; only one file may give it"),
        hint: format!("remove one of the two; several files may give {}", shared.join(", ")),
    });
}

impl Merged {
    fn put(&mut self, key: &str, value: Value, text: TextId) {
        self.values.insert(key.to_owned(), value);
        if text > 0 {
            self.homes.insert(key.to_owned(), Home::Whole(text));
        }
    }

    fn put_parts(&mut self, key: &'static str, mut parts: Vec<Part>, texts: &mut [Text]) {
        drop_second_spelling(key, &mut parts, texts);
        if let [_] = parts[..] {
            // Its type is checked with all others.
            for Part { text, spelling, value } in parts {
                self.rename(key, &spelling);
                self.put(&spelling, value, text);
            }
            return;
        }
        parts.retain(|part| {
            let (is_right, wanted) = match part.value {
                Value::Object(_) => (key == ATTRIBUTES, "a list"),
                Value::Array(_) => (key != ATTRIBUTES, "an object"),
                _ => (false, if key == ATTRIBUTES { "an object" } else { "a list" }),
            };
            if !is_right {
                let message = format!(
                    "must be {wanted}, but is {}; it is left out, those of other files act",
                    value::kind(&part.value)
                );
                texts[part.text].report.refuse(&part.spelling, message).kind(Kind::Type);
            }
            is_right
        });
        let mut spellings: Vec<&str> = parts.iter().map(|part| part.spelling.as_str()).collect();
        spellings.dedup();
        let spelling = if let [one] = spellings[..] { one.to_owned() } else { key.to_owned() };
        self.rename(key, &spelling);
        let (value, home) = if key == ATTRIBUTES { join_members(parts) } else { join_elements(parts) };
        self.values.insert(spelling.clone(), value);
        self.homes.insert(spelling, home);
    }

    /// Gives the key that keeps the place of a shared one the spelling of the user.
    fn rename(&mut self, key: &str, spelling: &str) {
        if key != spelling {
            self.values.shift_remove(key);
        }
    }
}

/// Of a key and its alias in one file, only the key counts.
fn drop_second_spelling(key: &str, parts: &mut Vec<Part>, texts: &mut [Text]) {
    let by_name: Vec<TextId> = parts.iter().filter(|part| part.spelling == key).map(|part| part.text).collect();
    parts.retain(|part| {
        let is_second = part.spelling != key && by_name.contains(&part.text);
        if is_second {
            let message = format!("is the old name of `{key}`, which is given too; that one counts");
            texts[part.text].report.warn_of_key(&part.spelling, message).kind(Kind::Conflict);
        }
        !is_second
    });
}

fn join_elements(parts: Vec<Part>) -> (Value, Home) {
    let (mut elements, mut homes) = (Vec::new(), Vec::new());
    for Part { text, value, .. } in parts {
        let Value::Array(items) = value else { continue };
        homes.extend((0..items.len()).map(|index| (text, index)));
        elements.extend(items);
    }
    (Value::Array(elements), Home::Elements(homes))
}

fn join_members(parts: Vec<Part>) -> (Value, Home) {
    let (mut members, mut homes) = (Map::new(), BTreeMap::new());
    for Part { text, value, .. } in parts {
        let Value::Object(given) = value else { continue };
        homes.extend(given.keys().map(|key| (key.clone(), text)));
        members.extend(given);
    }
    (Value::Object(members), Home::Members(homes))
}
