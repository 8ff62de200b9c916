//! Options that hold other values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::kind::Kind;
use super::value::{ConfigValue, Found};

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

/// From a list, or from text with commas or blanks between the elements.
impl<T: ConfigValue> ConfigValue for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    type Literal = Vec<T::Literal>;

    fn from_literal(literal: Vec<T::Literal>) -> Self {
        literal.into_iter().map(T::from_literal).collect()
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        match found.value() {
            Value::Array(elements) => all(elements.iter().enumerate().map(|(at, element)| found.element(at, element))),
            Value::String(text) => {
                let pieces = split(text).into_iter().map(Value::String);
                all(pieces.enumerate().map(|(at, piece)| found.element(at, &piece)))
            }
            _ => found.refuse_kind(Self::KIND),
        }
    }

    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }
}

/// All of them, or nothing; looks at each, so that every problem is noted.
fn all<T, C: FromIterator<T>>(read: impl Iterator<Item = Option<T>>) -> Option<C> {
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

/// Splits a list that is written as text (`monitor-framework.md` section 10.3): `a,b`, `a b`, `[a, 'b', "c"]`.
///
/// Unlike in the old agent, a separator inside quotes does not split.
fn split(text: &str) -> Vec<String> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let mut pieces = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        if separates(first) {
            continue;
        }
        let mut piece = String::new();
        if (first == '"' || first == '\'') && rest.clone().any(|c| c == first) {
            piece.extend(rest.by_ref().take_while(|&c| c != first));
            // What stands behind the closing quote still belongs to the piece.
            while let Some(c) = rest.next_if(|&c| !separates(c)) {
                piece.push(c);
            }
        } else {
            piece.push(first);
            while let Some(c) = rest.next_if(|&c| !separates(c)) {
                piece.push(c);
            }
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
    }
    pieces
}

fn separates(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

/// Reads an object; text is parsed first, and empty text is an empty object.
fn read_object(found: &mut Found<'_>, kind: Kind) -> Option<Map<String, Value>> {
    match found.value() {
        Value::Object(members) => Some(members.clone()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(members) => Some(members),
            Err(error) => found.refuse(format_args!("the text is not a JSON object: {error}")),
        },
        _ => found.refuse_kind(kind),
    }
}

impl<T: ConfigValue> ConfigValue for BTreeMap<String, T> {
    const KIND: Kind = Kind::Map(&T::KIND);

    type Literal = Self;

    fn from_literal(literal: Self) -> Self {
        literal
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let members = read_object(found, Self::KIND)?;
        all(members.iter().map(|(key, value)| Some((key.clone(), found.member(key, value)?))))
    }

    fn to_value(&self) -> Value {
        self.iter().map(|(key, value)| (key.clone(), value.to_value())).collect()
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
