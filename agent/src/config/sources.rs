//! The texts that a configuration is made of, and which of its values comes from which.
//!
//! Behind the merge there is one object of values, and a path such as `logs[7].path` means a value of that. Here the path
//! finds its way back to the file, the line and the entry that the user wrote.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::order;

use super::keys;
use super::origin::Origin;
use super::report::Place;
use super::syntax::Places;
use super::value;

/// What stands in the place of a file's name for values from the environment.
pub(super) const ENVIRONMENT: &str = "environment";

/// Shorter values of variables are mostly numbers and words: a message shows none that is all of a value, but they may
/// stand within its own words. In bytes.
const SHORTEST_SECRET: usize = 6;

/// The texts of a configuration, the main file first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sources {
    texts: Vec<Source>,
    /// By key of the top level. What is not here stands in the first text.
    homes: BTreeMap<String, Home>,
    /// What stands in messages in place of the values of variables, the longest first.
    masks: Vec<(String, String)>,
}

/// A text.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// The path of a file, or `-c`, or another word for what it is.
    pub(super) name: String,
    /// Where its values stand; `None` when it is no text of values, or could not be read.
    pub(super) places: Option<Arc<Places>>,
    /// The text itself, to show lines of it.
    pub(super) text: Option<Arc<str>>,
}

#[cfg(test)]
impl Source {
    /// A file of this name and text, whose syntax is right.
    pub(super) fn of_text(name: &str, text: &str) -> Self {
        let mut report = super::report::Report::new(name);
        assert!(!super::syntax::parse_object(text, &mut report).is_partial);
        report.sources().first().clone()
    }
}

/// The number of a text.
pub(super) type TextId = usize;

/// Where a value of the top level comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// From one text.
    Whole(TextId),
    /// A list of elements from several: for each of them its text, and its index there.
    Elements(Vec<(TextId, usize)>),
    /// An object with members from several, by their keys.
    Members(BTreeMap<String, TextId>),
    /// From an environment variable.
    Variable(String),
}

/// Never the texts: keys are in them.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.texts.iter().map(|text| &text.name)).finish()
    }
}

impl Sources {
    /// A single text without places.
    pub(super) fn single(name: impl Into<String>) -> Self {
        Self { texts: vec![Source { name: name.into(), ..Source::default() }], ..Self::default() }
    }

    /// These texts, with the values that do not all come from the first one.
    pub(super) fn of(texts: Vec<Source>, homes: BTreeMap<String, Home>) -> Self {
        Self { texts, homes, masks: Vec::new() }
    }

    /// The values of these variables, by their names, are shown in no message: one may be a key that ended up in a wrong
    /// place. A short one is left out only where it stands alone, in quotes.
    pub(super) fn mask<'v>(mut self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        let mut masks = BTreeMap::new();
        for (name, value) in variables.into_iter().filter(|(_, value)| !value.is_empty()) {
            let quoted = format!("{value:?}");
            if value.len() < SHORTEST_SECRET {
                masks.insert(quoted, format!("\"${name}\""));
                continue;
            }
            let quoted = quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(&quoted);
            masks.insert(value.to_owned(), format!("${name}"));
            masks.insert(quoted.to_owned(), format!("${name}"));
        }
        self.masks = masks.into_iter().collect();
        order::by_key(&mut self.masks, |(value, _)| std::cmp::Reverse(value.len()));
        self
    }

    /// A message without the values of variables.
    pub(super) fn masked(&self, message: String) -> String {
        self.masks.iter().fold(message, |message, (value, name)| masked(message, value, name))
    }

    /// The first text: the main file.
    pub(super) fn first(&self) -> &Source {
        const NOTHING: &Source = &Source { name: String::new(), places: None, text: None };
        self.texts.first().unwrap_or(NOTHING)
    }

    /// What the texts are called, the main file first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| text.name.as_str())
    }

    /// Adds a text, and gives its number.
    pub(super) fn add_text(&mut self, text: Source) -> TextId {
        self.texts.push(text);
        self.texts.len() - 1
    }

    /// Says where more values of the top level come from.
    pub(super) fn add_homes(&mut self, homes: impl IntoIterator<Item = (String, Home)>) {
        self.homes.extend(homes);
    }

    /// The first text, to be changed.
    pub(super) fn first_mut(&mut self) -> Option<&mut Source> {
        self.texts.first_mut()
    }

    /// The files beside the main one that values come from, in their order.
    pub fn fragments(&self) -> Vec<PathBuf> {
        let files = self.texts.iter().skip(1).filter(|text| text.places.is_some());
        files.map(|text| PathBuf::from(&text.name)).filter(|path| path.is_absolute()).collect()
    }

    /// The text of this name, if it was kept, to show lines of it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|text| text.name == name)?.text.as_deref()
    }

    /// Where the value at `path` stands; if there is none, where the entry stands that would hold it.
    pub(super) fn value(&self, path: &str) -> Place {
        self.place(path, |places, path| places.value(path))
    }

    /// The same for the key of the value at `path`.
    pub(super) fn key(&self, path: &str) -> Place {
        self.place(path, |places, path| places.key(path))
    }

    /// Where the value at `path`, which somebody gave, comes from.
    pub(crate) fn origin(&self, path: &str) -> Origin {
        match self.homes.get(first_key(path)) {
            Some(Home::Variable(name)) => Origin::Variable(name.clone()),
            _ => {
                let Place { source, position, .. } = self.value(path);
                Origin::File { file: source, position }
            }
        }
    }

    /// Where a member of an object at the top level comes from.
    pub(crate) fn member_origin(&self, key: &str, member: &str) -> Origin {
        self.origin(&value::member_path(key, member))
    }

    /// What an element of a list at the top level is called in messages: `logs[2]`, or with the file in front of it when
    /// that is not the main one.
    pub(crate) fn entry_name(&self, key: &str, index: usize) -> String {
        let path = format!("{key}[{index}]");
        match self.way_home(&path) {
            (Some(text), path) if text > 0 => {
                let name = self.texts.get(text).map_or("", |text| text.name.as_str());
                let name = name.rsplit('/').next().unwrap_or(name);
                format!("{name} {path}")
            }
            (_, path) => path,
        }
    }

    fn place(&self, path: &str, find: impl Fn(&Places, &str) -> Option<super::report::Position>) -> Place {
        if let Some(Home::Variable(name)) = self.homes.get(first_key(path)) {
            return Place { source: ENVIRONMENT.to_owned(), path: name.clone(), position: None };
        }
        let (text, path) = self.way_home(path);
        let text = self.texts.get(text.unwrap_or(0)).unwrap_or(self.first());
        let position = text.places.as_ref().and_then(|places| find(places, &path));
        Place { source: text.name.clone(), path, position }
    }

    /// How a text spells a key of the top level: by its name, or by its older one.
    fn spelling<'k>(&self, key: &'k str, text: TextId) -> &'k str {
        let places = self.texts.get(text).and_then(|text| text.places.as_ref());
        let stands = |spelling| places.is_some_and(|places| places.key(spelling).is_some());
        let alias = || keys::GLOBAL.iter().find(|known| known.name == key)?.alias.filter(|alias| stands(alias));
        if stands(key) { key } else { alias().unwrap_or(key) }
    }

    /// Whether faults of the syntax hide what is to be known of the value at a place.
    pub(super) fn is_doubtful(&self, place: &Place) -> bool {
        let Place { source, path, position } = place;
        // A key that is missing at the top may stand in any of the texts.
        let is_missing = position.is_none() && path == first_key(path);
        let may_hold = |text: &&Source| text.name == *source || is_missing;
        let mut places = self.texts.iter().filter(may_hold).filter_map(|text| text.places.as_deref());
        !path.is_empty() && places.any(|places| places.is_doubtful(path))
    }

    /// Whether there are faults of the syntax in what one of the texts gives for one of these keys of the top level.
    pub(super) fn has_faults(&self, keys: &[&str]) -> bool {
        let has_faults = |text: &Source| {
            let places = text.places.as_deref();
            places.is_some_and(|places| keys.iter().any(|key| places.has_faults(key)))
        };
        self.texts.iter().any(has_faults)
    }

    /// The text that a path leads to, and the path there.
    fn way_home(&self, path: &str) -> (Option<TextId>, String) {
        let key = first_key(path);
        let rest = &path[key.len()..];
        let found = match self.homes.get(key) {
            Some(Home::Whole(text)) => Some((*text, path.to_owned())),
            Some(Home::Elements(elements)) if rest.is_empty() => {
                elements.first().map(|(text, _)| (*text, path.to_owned()))
            }
            Some(Home::Members(members)) if rest.is_empty() => {
                members.values().min().map(|text| (*text, path.to_owned()))
            }
            Some(Home::Elements(elements)) => {
                let step = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                step.and_then(|(index, behind)| {
                    let (text, index) = elements.get(index.parse::<usize>().ok()?)?;
                    Some((*text, format!("{}[{index}]{behind}", self.spelling(key, *text))))
                })
            }
            Some(Home::Members(members)) => {
                let member = members.iter().find(|(member, _)| {
                    let whole = value::member_path(key, member);
                    path == whole || path.strip_prefix(&whole).is_some_and(|rest| rest.starts_with(['.', '[']))
                });
                member.map(|(_, text)| (*text, path.to_owned()))
            }
            Some(Home::Variable(_)) | None => None,
        };
        found.map_or_else(|| (None, path.to_owned()), |(text, path)| (Some(text), path))
    }
}

/// Puts `name` in place of a value, whole or cut as messages cut long texts.
fn masked(message: String, value: &str, name: &str) -> String {
    let head = &value[..value.floor_char_boundary(SHORTEST_SECRET)];
    if head.is_empty() || !message.contains(head) {
        return message;
    }
    let (mut out, mut rest) = (String::new(), message.as_str());
    while let Some(at) = rest.find(head) {
        let (before, from) = rest.split_at(at);
        let shared = from.bytes().zip(value.bytes()).take_while(|(one, two)| one == two).count();
        let (found, behind) = from.split_at(from.floor_char_boundary(shared));
        let is_value = found.len() == value.len() || behind.starts_with("\"...");
        out.push_str(before);
        out.push_str(if is_value { name } else { head });
        rest = if is_value { behind } else { &from[head.len()..] };
    }
    out + rest
}

/// The key of the top level that a path begins with, as [`value::member_path`] spells it.
fn first_key(path: &str) -> &str {
    if path.starts_with('"') { path } else { path.split(['.', '[']).next().unwrap_or(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_merged_values_leads_back_to_the_line_that_the_user_wrote() {
        let main = Source::of_text("/etc/agent.json", "{\n  logs: [ {path: '/a'} ],\n  server_attributes: { a: 1 } }");
        let web = Source::of_text(
            "/etc/agent.d/web.json",
            "{\n\n  logs: [ {path: '/b'},\n {path: 5} ], server_attributes: {b: []} }",
        );
        let homes = BTreeMap::from([
            ("logs".to_owned(), Home::Elements(vec![(0, 0), (1, 0), (1, 1)])),
            ("server_attributes".to_owned(), Home::Members(BTreeMap::from([("a".to_owned(), 0), ("b".to_owned(), 1)]))),
            ("debug_level".to_owned(), Home::Variable("SCALYR_DEBUG_LEVEL".to_owned())),
        ]);
        let sources = Sources::of(vec![main, web], homes);
        assert_eq!(sources.value("logs[0].path").to_string(), "/etc/agent.json:2:18  logs[0].path");
        assert_eq!(sources.value("logs[2].path").to_string(), "/etc/agent.d/web.json:4:9  logs[1].path");
        assert_eq!(sources.key("logs[2].path").to_string(), "/etc/agent.d/web.json:4:3  logs[1].path");
        assert_eq!(sources.value("server_attributes.b").to_string(), "/etc/agent.d/web.json:4:38  server_attributes.b");
        assert_eq!(sources.value("debug_level").to_string(), "environment  SCALYR_DEBUG_LEVEL");
        assert_eq!(sources.value("api_key").to_string(), "/etc/agent.json  api_key");
        assert_eq!(sources.entry_name("logs", 0), "logs[0]");
        assert_eq!(sources.entry_name("logs", 2), "web.json logs[1]");
        assert_eq!(sources.origin("logs[2]").to_string(), "/etc/agent.d/web.json:4");
        assert_eq!(sources.origin("debug_level").to_string(), "env:SCALYR_DEBUG_LEVEL");
    }

    #[test]
    fn a_list_whose_key_has_an_older_name_is_found_under_the_one_that_the_file_uses() {
        let main = Source::of_text("/etc/agent.json", "{ api_keys: [ {id: 'a'} ] }");
        let web = Source::of_text("/etc/agent.d/web.json", "{ workers: [ {id: 'b'} ] }");
        let homes = BTreeMap::from([("workers".to_owned(), Home::Elements(vec![(0, 0), (1, 0)]))]);
        let sources = Sources::of(vec![main, web], homes);
        assert_eq!(sources.value("workers[0].id").to_string(), "/etc/agent.json:1:20  api_keys[0].id");
        assert_eq!(sources.value("workers[1].id").to_string(), "/etc/agent.d/web.json:1:19  workers[0].id");
    }
}
