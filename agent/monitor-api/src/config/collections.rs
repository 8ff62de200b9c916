//! Options that hold other values.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut};

use serde_json::{Map, Value};

use super::bounds::{Bounded, Measured, Number};
use super::kind::Kind;
use super::syntax;
use super::value::{ConfigValue, Found};
use crate::problem::ProblemKind;

/// `None` when nothing is given.
impl<T: ConfigValue> ConfigValue for Option<T> {
    const KIND: Kind = T::KIND;

    type Literal = T::Literal;

    fn from_literal(literal: T::Literal) -> Self {
        Some(T::from_literal(literal))
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        match found.value() {
            Value::Null => Some(None),
            _ => T::read(found).map(Some),
        }
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

/// From a list, or from text with commas between the elements: `a, b c` holds `a` and `b c`. Where blanks separate as
/// well, the type is [`SpacedList`]. A list of lists or objects is parsed from text with the configuration's syntax.
impl<T: ConfigValue> ConfigValue for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    type Literal = Vec<T::Literal>;

    fn from_literal(literal: Vec<T::Literal>) -> Self {
        literal.into_iter().map(T::from_literal).collect()
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        read_list(found, Self::KIND, |c| c == ',')
    }

    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }
}

/// A list that, written as text, has commas or blanks between its elements: `a b,c`. Apart from that a `Vec`.
///
/// The old agent splits its own lists of names in this way (`k8s_ignore_namespaces` for one), and the lists of its
/// monitors at commas only, which is what a `Vec` does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpacedList<T>(pub Vec<T>);

impl<T> Deref for SpacedList<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for SpacedList<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T: ConfigValue> ConfigValue for SpacedList<T> {
    const KIND: Kind = Kind::SpacedList(&T::KIND);

    type Literal = Vec<T::Literal>;

    fn from_literal(literal: Vec<T::Literal>) -> Self {
        Self(Vec::from_literal(literal))
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        read_list(found, Self::KIND, |c| c == ',' || c.is_whitespace()).map(Self)
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

impl<T: Bounded> Bounded for SpacedList<T> {
    type Limit = T::Limit;

    fn limit(limit: T::Limit) -> Number {
        T::limit(limit)
    }

    fn measure(&self) -> Vec<Measured> {
        self.0.measure()
    }
}

/// A list, or its text. Each element is looked at, so that every problem is noted.
fn read_list<T: ConfigValue>(found: &mut Found<'_>, kind: Kind, separates: fn(char) -> bool) -> Option<Vec<T>> {
    let elements = match found.value() {
        Value::Array(elements) => elements.clone(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::String(text) if T::KIND.is_compound() => match syntax::parse(text) {
            Ok(Value::Array(elements)) => elements,
            Ok(_) => {
                return found.refuse_openly(ProblemKind::Type, "the text is no list; it begins with [ and ends with ]");
            }
            Err(error) => return found.refuse_openly(ProblemKind::Type, format_args!("the text is no list: {error}")),
        },
        Value::String(text) => pieces(found, text, separates).into_iter().map(Value::String).collect(),
        _ => return found.refuse_kind(kind),
    };
    all(elements.iter().enumerate().map(|(at, element)| found.element(at, element)))
}

/// All of them, or nothing; looks at each, so that every problem is noted.
fn all<T, C: FromIterator<T>>(read: impl Iterator<Item = Option<T>>) -> Option<C> {
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

/// The pieces of a list that is written as text, with a warning when the old agent had others.
fn pieces(found: &mut Found<'_>, text: &str, separates: fn(char) -> bool) -> Vec<String> {
    let pieces = split(text, separates);
    if text.contains(['"', '\'']) && pieces != split_as_of_old(text, separates) {
        let given = found.shown();
        let many = if pieces.len() == 1 { "one element".to_owned() } else { format!("{} elements", pieces.len()) };
        let message = format_args!("{given} is read as {many}; the Python agent split it inside the quotes or cut it");
        found.warn_as(ProblemKind::Conversion, message, "write a list, [\"...\"]");
    }
    pieces
}

/// As the old agent did it: quotes come off last, and those in front of a piece take its end with them.
fn split_as_of_old(text: &str, separates: fn(char) -> bool) -> Vec<String> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let unquoted = |piece: &str| match (piece.strip_prefix('\''), piece.strip_prefix('"')) {
        (Some(rest), _) => rest.chars().take(rest.chars().count().saturating_sub(1)).collect(),
        (_, Some(rest)) => rest.strip_suffix('"').unwrap_or(piece).to_owned(),
        _ => piece.to_owned(),
    };
    inner.split(separates).map(str::trim).filter(|piece| !piece.is_empty()).map(unquoted).collect()
}

/// Splits a list that is written as text (`monitor-framework.md` section 10.3): `a,b`, `[a, 'b', "c"]`. Empty pieces
/// are left out.
///
/// Unlike in the old agent, a separator inside quotes does not split, and a quote that is never closed stays.
fn split(text: &str, separates: fn(char) -> bool) -> Vec<String> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let mut pieces = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        if separates(first) || first.is_whitespace() {
            continue;
        }
        let mut piece = String::new();
        if (first == '"' || first == '\'') && rest.clone().any(|c| c == first) {
            piece.extend(rest.by_ref().take_while(|&c| c != first));
            // What stands behind the closing quote still belongs to the piece.
            let mut behind = String::new();
            while let Some(c) = rest.next_if(|&c| !separates(c)) {
                behind.push(c);
            }
            piece.push_str(behind.trim_end());
        } else {
            piece.push(first);
            while let Some(c) = rest.next_if(|&c| !separates(c)) {
                piece.push(c);
            }
            piece.truncate(piece.trim_end().len());
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
    }
    pieces
}

/// Reads an object; text is parsed with the configuration's syntax, and empty text is an empty object.
fn read_object(found: &mut Found<'_>, kind: Kind) -> Option<Map<String, Value>> {
    match found.value() {
        Value::Object(members) => Some(members.clone()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => match syntax::parse(text) {
            Ok(Value::Object(members)) => Some(members),
            Ok(_) => found.refuse_openly(ProblemKind::Type, "the text is no object; it begins with { and ends with }"),
            Err(error) => found.refuse_openly(ProblemKind::Type, format_args!("the text is no object: {error}")),
        },
        _ => found.refuse_kind(kind),
    }
}

/// Reads each member of an object, so that every problem is noted.
fn read_members<T: ConfigValue, C: FromIterator<(String, T)>>(found: &mut Found<'_>, kind: Kind) -> Option<C> {
    let members = read_object(found, kind)?;
    all(members.iter().map(|(key, value)| Some((key.clone(), found.member(key, value)?))))
}

impl<T: ConfigValue> ConfigValue for BTreeMap<String, T> {
    const KIND: Kind = Kind::Map(&T::KIND);

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        read_members(found, Self::KIND)
    }

    fn to_value(&self) -> Value {
        self.iter().map(|(key, value)| (key.clone(), value.to_value())).collect()
    }
}

/// As a [`BTreeMap`]; shown in the order of the keys.
impl<T: ConfigValue> ConfigValue for HashMap<String, T> {
    const KIND: Kind = Kind::Map(&T::KIND);

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        read_members(found, Self::KIND)
    }

    fn to_value(&self) -> Value {
        let sorted: BTreeMap<_, _> = self.iter().collect();
        sorted.into_iter().map(|(key, value)| (key.clone(), value.to_value())).collect()
    }
}

impl ConfigValue for Map<String, Value> {
    const KIND: Kind = Kind::Map(&Kind::Any);

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        read_object(found, Self::KIND)
    }

    fn to_value(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// Taken as it is.
impl ConfigValue for Value {
    const KIND: Kind = Kind::Any;

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        Some(found.value().clone())
    }

    fn to_value(&self) -> Value {
        self.clone()
    }
}
