//! What json5 reads, with keys that are given twice; and its way to values and their places.

use std::collections::BTreeMap;
use std::fmt;
use std::vec;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::super::report::{Kind, Position};
use super::super::value;
use super::lines::Lines;
use super::numbers::NOT_FINITE;
use super::places::{Faults, Inside, Members, Spot};
use super::scan::Mark;

/// A value as it stands in the text.
pub(super) enum Tree {
    Leaf(Value),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom(NOT_FINITE))?;
        Ok(Tree::Leaf(number.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}

/// Something odd about a value, which is used all the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Oddity {
    pub(super) path: String,
    pub(super) position: Position,
    pub(super) kind: Kind,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// So many oddities are told; more are counted.
const TOLD: usize = 100;
/// As soon as the paths of those that are told have so many bytes, more are counted: a key may be long, and a path holds
/// one for each level.
const TOLD_BYTES: usize = 100_000;

/// Brings the tree together with the marks of its values, which are in the same order.
pub(super) struct Placing<'t> {
    marks: vec::IntoIter<Mark>,
    lines: Lines<'t>,
    /// The way from the top to the value at hand. As text it would be copied for each value.
    way: Vec<Step>,
    pub(super) oddities: Vec<Oddity>,
    /// How many more there are.
    pub(super) untold: usize,
}

enum Step {
    Element(usize),
    Member(String),
}

impl<'t> Placing<'t> {
    pub(super) fn new(text: &'t str, marks: Vec<Mark>) -> Self {
        let (marks, lines) = (marks.into_iter(), Lines::new(text));
        Self { marks, lines, way: Vec::new(), oddities: Vec::new(), untold: 0 }
    }

    /// The value, without members that are null, and its places.
    pub(super) fn place(&mut self, tree: Tree) -> (Value, Spot) {
        debug_assert!(self.marks.len() > 0, "each value has a mark");
        let mark = self.marks.next().unwrap_or_default();
        let key = mark.key.map(|key| self.lines.position(key));
        let position = self.lines.position(mark.value);
        let (value, inside) = match tree {
            Tree::Leaf(value) => {
                if mark.is_inexact {
                    let message = format!("is too large to be kept exactly, and becomes {value}");
                    self.tell(position, Kind::Value, message, "a text in quotes stays as it is");
                }
                (value, Inside::Nothing)
            }
            Tree::List(items) => self.list(items),
            Tree::Object(members) => self.object(members),
        };
        let has_hole = match &inside {
            Inside::Nothing => false,
            Inside::List(items) => items.iter().any(|spot| spot.faults.is_hole),
            Inside::Object(members) => members.values().any(|spot| spot.faults.is_hole),
        };
        let faults = Faults { is_hole: mark.is_hole, lacks_member: mark.lacks_member, has_hole };
        (value, Spot { key, value: position, inside, faults })
    }

    fn list(&mut self, items: Vec<Tree>) -> (Value, Inside) {
        let (mut values, mut spots) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for (index, item) in items.into_iter().enumerate() {
            self.way.push(Step::Element(index));
            let (value, spot) = self.place(item);
            self.way.pop();
            values.push(value);
            spots.push(spot);
        }
        (Value::Array(values), Inside::List(spots))
    }

    /// Of a key that is given twice, the last value counts.
    fn object(&mut self, members: Vec<(String, Tree)>) -> (Value, Inside) {
        let (mut values, mut spots) = (Map::new(), BTreeMap::<String, Spot>::new());
        for (key, member) in members {
            let spelling = value::member_path("", &key);
            self.way.push(Step::Member(key.clone()));
            let (value, spot) = self.place(member);
            let here = spot.key.unwrap_or(spot.value);
            values.insert(key, value);
            if let Some(earlier) = spots.insert(spelling, spot) {
                let Position { line, column } = earlier.key.unwrap_or(earlier.value);
                let message = format!("is given twice, before this at {line}:{column}; the last one counts");
                self.tell(here, Kind::DuplicateKey, message, "");
            }
            self.way.pop();
        }
        values.retain(|_, value| !value.is_null());
        (Value::Object(values), Inside::Object(Members::new(spots)))
    }

    fn tell(&mut self, position: Position, kind: Kind, message: String, hint: &'static str) {
        let bytes: usize = self.oddities.iter().map(|oddity| oddity.path.len()).sum();
        if self.oddities.len() == TOLD || bytes >= TOLD_BYTES {
            self.untold += 1;
            return;
        }
        let path = self.way.iter().fold(String::new(), |path, step| match step {
            Step::Element(index) => format!("{path}[{index}]"),
            Step::Member(key) => value::member_path(&path, key),
        });
        self.oddities.push(Oddity { path, position, kind, message, hint });
    }
}
