//! Where a value of the configuration that is to be changed stands: in which file, or why in none that can be edited.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::edit::{self, Step};
use super::load::Loaded;
use super::report::{Place, Report, Severity};
use super::secrets;
use super::session::{self, DEFAULT_WORKER};
use super::sources::ENVIRONMENT;
use super::value;

const KEY: &str = "api_key";
const KEY_FILE: &str = "api_key_file";
const ATTRIBUTES: &str = "server_attributes";

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// In a text of the configuration.
    Text {
        /// The file.
        file: PathBuf,
        /// The way to the value in it.
        way: Vec<Step>,
    },
    /// It is all that this file holds.
    KeyFile(PathBuf),
    /// Nobody gives it.
    Absent,
}

/// Where the key of the default worker stands: at the top level, in its entry of `workers`, or in both.
///
/// # Errors
/// Where it stands, and what to do, when that is no file that can be edited.
pub fn of_key(loaded: &Loaded) -> Result<Vec<Target>, String> {
    let in_entry = default_entry(loaded).map(|path| of_key_at(loaded, &format!("{path}.")));
    match (of_key_at(loaded, "")?, in_entry.transpose()?.flatten()) {
        (Some(top), entry) => Ok([Some(top), entry].into_iter().flatten().collect()),
        (None, Some(entry)) => Ok(vec![entry]),
        (None, None) => Ok(vec![Target::Absent]),
    }
}

/// Where `scalyr_server` stands.
///
/// # Errors
/// As those of [`of_key`].
pub fn of_server(loaded: &Loaded) -> Result<Target, String> {
    of_member(loaded, &["scalyr_server"])
}

/// Where the attribute `name` of this host stands.
///
/// # Errors
/// As those of [`of_key`].
pub fn of_attribute(loaded: &Loaded, name: &str) -> Result<Target, String> {
    of_member(loaded, &[ATTRIBUTES, name])
}

/// What is wrong with a key, as whoever reads the configuration will say it.
pub fn problems_of_key(key: &str, called: &str) -> Report {
    let mut report = Report::new(called);
    _ = session::usable_key(key, "", Severity::Fatal, &mut report);
    report
}

/// Refuses a file that holds something else than a key: `api_key_file` may name a wrong one, and a new key would take the
/// place of all that is in it.
///
/// # Errors
/// What is wrong with the file. One that is not there, or empty, is none of these.
pub fn refuse_other_than_key(file: &Path) -> Result<(), String> {
    match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(about) if about.is_file() && about.len() == 0 => return Ok(()),
        _ => {}
    }
    secrets::read_key_file(file).map(drop).map_err(|why| {
        format!(
            "{why}; it is the file of the key (api_key_file), and what is in it would be lost; correct api_key_file, or empty \
             the file. Nothing was changed"
        )
    })
}

/// The path of the default worker's entry, when that gives a key of its own.
fn default_entry(loaded: &Loaded) -> Option<String> {
    ["workers", "api_keys"].into_iter().find_map(|list| {
        let entries = loaded.values.get(list)?.as_array()?;
        let is_default = |entry: &Value| entry.get("id").is_some_and(|id| id == DEFAULT_WORKER);
        let index = entries.iter().position(is_default)?;
        let gives = |key| entries[index].get(key).is_some();
        (gives(KEY) || gives(KEY_FILE)).then(|| format!("{list}[{index}]"))
    })
}

/// The same for the key in the object at `prefix`, which is empty or ends in a dot.
fn of_key_at(loaded: &Loaded, prefix: &str) -> Result<Option<Target>, String> {
    let holder = match prefix.strip_suffix('.').and_then(|path| path.strip_suffix(']')?.split_once('[')) {
        Some((list, index)) => loaded.values.get(list).and_then(|list| list.get(index.parse::<usize>().ok()?)),
        None => None,
    };
    let get = |key: &str| if prefix.is_empty() { loaded.values.get(key) } else { holder.and_then(|it| it.get(key)) };
    let place = loaded.report.sources().value(&format!("{prefix}{KEY}"));
    let file = get(KEY_FILE).and_then(value::scalar_text).map(|path| loaded.directory().join(path));
    let Some(current) = get(KEY) else { return Ok(file.map(Target::KeyFile)) };
    if place.source == ENVIRONMENT {
        return Err(of_variable(KEY, &place));
    }
    if loaded.report.sources().text(&place.source).is_none() {
        return match file {
            Some(file) if place.source == file.display().to_string() => Ok(Some(Target::KeyFile(file))),
            _ => Err(of_credential(&place.source)),
        };
    }
    let way = way_to(&place.path, KEY);
    match stands(loaded, &place, &way, current, KEY)? {
        Some(target) => Ok(Some(target)),
        // It was put in from the file that the entry names, or from a credential.
        None => file.map(Target::KeyFile).map(Some).ok_or_else(|| of_credential(&place.to_string())),
    }
}

/// A member of the top level, or of an object there.
fn of_member(loaded: &Loaded, names: &[&str]) -> Result<Target, String> {
    let [key, inner @ ..] = names else { return Ok(Target::Absent) };
    let Some(given) = loaded.values.get(*key) else { return Ok(Target::Absent) };
    let path = names.iter().fold(String::new(), |path, name| value::member_path(&path, name));
    let place = loaded.report.sources().value(&path);
    if place.source == ENVIRONMENT {
        return Err(of_variable(key, &place));
    }
    let Some(current) = inner.iter().try_fold(given, |value, name| value.get(*name)) else {
        return Ok(Target::Absent);
    };
    let way: Vec<Step> = names.iter().map(|name| Step::Member((*name).to_owned())).collect();
    let called = names.last().copied().unwrap_or(key);
    stands(loaded, &place, &way, current, called)?
        .ok_or_else(|| format!("{place}: where {called} stands cannot be told"))
}

/// The target at a place whose text gives the value as it acts; `None` when there is nothing there.
fn stands(
    loaded: &Loaded,
    place: &Place,
    way: &[Step],
    current: &Value,
    called: &str,
) -> Result<Option<Target>, String> {
    let text = loaded.report.sources().text(&place.source).unwrap_or_default();
    match edit::written(text, way).filter(|written| !written.is_null()) {
        None => Ok(None),
        Some(written) if written == *current => {
            Ok(Some(Target::Text { file: PathBuf::from(&place.source), way: way.to_vec() }))
        }
        Some(written) => Err(of_import(text, place, &written, called)),
    }
}

/// The way of a place's path, whose last step is `key`, in the top level or in an entry of a list there.
fn way_to(path: &str, key: &str) -> Vec<Step> {
    let entry = path.split_once('[').and_then(|(list, rest)| Some((list, rest.split_once(']')?.0.parse().ok()?)));
    let mut way = Vec::new();
    if let Some((list, index)) = entry {
        way.extend([Step::Member(list.to_owned()), Step::Element(index)]);
    }
    way.push(Step::Member(key.to_owned()));
    way
}

fn of_variable(key: &str, place: &Place) -> String {
    let name = &place.path;
    format!(
        "{key} is given by the environment variable {name}, and by no file; set {name} where the agent's environment is made, or unset it here and there and do this again"
    )
}

fn of_credential(place: &str) -> String {
    format!(
        "the key is a credential that systemd hands to the service ({place}); change it where LoadCredential of the unit says"
    )
}

fn of_import(text: &str, place: &Place, written: &Value, called: &str) -> String {
    let imported = edit::written(text, &[Step::Member("import_vars".to_owned())]);
    let names = imported.iter().filter_map(Value::as_array).flatten();
    let names = names.filter_map(|entry| entry.as_str().or_else(|| entry.get("var")?.as_str()));
    let raw = written.as_str().unwrap_or_default();
    let used: Vec<&str> =
        names.filter(|name| raw.contains(&format!("${name}")) || raw.contains(&format!("${{{name}}}"))).collect();
    let used = if used.is_empty() { "a variable".to_owned() } else { used.join(", ") };
    format!(
        "{place}: {called} is taken from the environment by import_vars ({used}); set that where the agent's environment is made, or write the value there by hand"
    )
}
