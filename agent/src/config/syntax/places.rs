//! Where each value of a text stands.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::super::report::Position;
use super::super::value;

/// The places of all values of a text, by their paths as [`value::member_path`] spells them.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::config) struct Places(pub(super) Spot);

/// A value's place, and those of the values in it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) key: Option<Position>,
    pub(super) value: Position,
    pub(super) inside: Inside,
    pub(super) faults: Faults,
}

/// What faults of the syntax hide of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// What it is.
    pub(super) is_hole: bool,
    /// A member of it, key and all.
    pub(super) lacks_member: bool,
    /// What an element or member of it is.
    pub(super) has_hole: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Inside {
    Nothing,
    List(Vec<Spot>),
    Object(Members),
}

/// By the keys as paths spell them, in their order. Not a map: one of few entries takes many times their room.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Members(Box<[(Box<str>, Spot)]>);

impl Members {
    pub(super) fn new(members: BTreeMap<String, Spot>) -> Self {
        Self(members.into_iter().map(|(key, spot)| (key.into_boxed_str(), spot)).collect())
    }

    fn index(&self, key: &str) -> Option<usize> {
        self.0.binary_search_by(|(known, _)| known.as_ref().cmp(key)).ok()
    }

    fn get(&self, key: &str) -> Option<&Spot> {
        self.index(key).and_then(|index| self.0.get(index)).map(|(_, spot)| spot)
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Spot> {
        self.index(key).and_then(|index| self.0.get_mut(index)).map(|(_, spot)| spot)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Spot> {
        self.0.iter().map(|(_, spot)| spot)
    }
}

/// Never the places: they are as many as there are values.
impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}

impl Places {
    /// Of a text that cannot be read.
    pub(super) fn unknown() -> Self {
        let faults = Faults { lacks_member: true, ..Faults::default() };
        Self(Spot { key: None, value: Position { line: 1, column: 1 }, inside: Inside::Nothing, faults })
    }

    /// Where the value at `path` begins. If there is none, where the innermost entry stands that would hold it; `None`
    /// when that is the text as a whole.
    pub(in crate::config) fn value(&self, path: &str) -> Option<Position> {
        self.find(path).map(|found| found.spot.value)
    }

    /// The same for the key of the value at `path`.
    pub(in crate::config) fn key(&self, path: &str) -> Option<Position> {
        let found = self.find(path)?;
        found.spot.key.filter(|_| found.is_whole).or(Some(found.spot.value))
    }

    /// If a fault hides which variables are imported, it hides each text with a `$`, too.
    pub(super) fn doubt_variables(&mut self, values: &Map<String, Value>) {
        let Faults { lacks_member, .. } = self.0.faults;
        let is_hidden = match &self.0.inside {
            Inside::Object(members) => members.get("import_vars").map_or(lacks_member, Spot::has_faults),
            _ => false,
        };
        if is_hidden {
            for (key, value) in values {
                self.0.member_mut(key).into_iter().for_each(|spot| spot.doubt_variables(value));
            }
        }
    }

    /// Whether faults of the syntax hide what is to be known of `path`, so that what is said of it may be wrong.
    pub(in crate::config) fn is_doubtful(&self, path: &str) -> bool {
        let Faults { is_hole, lacks_member, has_hole } = match self.find(path) {
            Some(found) if found.is_whole => found.spot.faults,
            Some(found) => Faults { has_hole: false, ..found.spot.faults },
            None => Faults { has_hole: false, ..self.0.faults },
        };
        is_hole || lacks_member || has_hole
    }

    /// Whether there are faults in the value at `path`, however deep.
    pub(in crate::config) fn has_faults(&self, path: &str) -> bool {
        self.find(path).is_some_and(|found| found.is_whole && found.spot.has_faults())
    }

    /// Whether a member at the top is missing, and its key is not known.
    pub(super) fn lacks_member(&self) -> bool {
        self.0.faults.lacks_member
    }

    fn find(&self, path: &str) -> Option<Found<'_>> {
        let (mut spot, mut rest) = (&self.0, path);
        while !rest.is_empty() {
            match spot.step(rest) {
                Some((next, behind)) => (spot, rest) = (next, behind),
                None => break,
            }
        }
        (rest.len() < path.len()).then_some(Found { spot, is_whole: rest.is_empty() })
    }
}

struct Found<'p> {
    spot: &'p Spot,
    /// Whether it is the value of the path, not only an entry on the way.
    is_whole: bool,
}

impl Spot {
    fn member_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.inside {
            Inside::Object(members) => members.get_mut(&value::member_path("", key)),
            _ => None,
        }
    }

    fn doubt_variables(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.faults.is_hole |= text.contains('$'),
            Value::Array(items) => {
                let Inside::List(spots) = &mut self.inside else { return };
                for (spot, item) in spots.iter_mut().zip(items) {
                    spot.doubt_variables(item);
                    self.faults.has_hole |= spot.faults.is_hole;
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    let Some(spot) = self.member_mut(key) else { continue };
                    spot.doubt_variables(member);
                    let is_hole = spot.faults.is_hole;
                    self.faults.has_hole |= is_hole;
                }
            }
            _ => {}
        }
    }

    fn has_faults(&self) -> bool {
        let Faults { is_hole, lacks_member, has_hole } = self.faults;
        is_hole
            || lacks_member
            || has_hole
            || match &self.inside {
                Inside::Nothing => false,
                Inside::List(items) => items.iter().any(Self::has_faults),
                Inside::Object(members) => members.values().any(Self::has_faults),
            }
    }

    /// One step along a path, and what is left of it.
    fn step<'r>(&self, path: &'r str) -> Option<(&Self, &'r str)> {
        match &self.inside {
            Inside::Nothing => None,
            Inside::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((items.get(index.parse::<usize>().ok()?)?, rest))
            }
            Inside::Object(members) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                let (key, rest) = path.split_at(key_end(path));
                let whole = || Some((members.get(&value::member_path("", path))?, ""));
                members.get(key).map(|member| (member, rest)).or_else(whole)
            }
        }
    }
}

/// Where the first key of a path ends. A monitor may spell an odd key without quotes; then there is none of this name,
/// and all of the path is tried.
fn key_end(path: &str) -> usize {
    let Some(quoted) = path.strip_prefix('"') else { return path.find(['.', '[']).unwrap_or(path.len()) };
    let mut is_escaped = false;
    let end = quoted.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    end.map_or(path.len(), |end| end + 2)
}
