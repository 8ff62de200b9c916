//! A text with the bytes that each of its values takes, to change one of them and nothing else.

use std::ops::Range;
use std::vec;

use serde_json::Value;

use super::scan::{self, Mark};
use super::tree::Tree;

/// A value in its text.
#[derive(Debug)]
pub(in crate::config) struct Outline {
    /// Where its key begins, if it has one.
    pub(in crate::config) key: Option<usize>,
    /// Its bytes, quotes and brackets among them.
    pub(in crate::config) bytes: Range<usize>,
    pub(in crate::config) inside: Inside,
}

/// What a value holds.
#[derive(Debug)]
pub(in crate::config) enum Inside {
    /// Nothing that has a place of its own: it is this value.
    Leaf(Value),
    List(Vec<Outline>),
    /// Every member in the order of the text, also those whose key is given twice.
    Object(Vec<(String, Outline)>),
}

/// The outline of a text; `None` when there is a fault in it.
pub(in crate::config) fn outline(text: &str) -> Option<Outline> {
    if text.len() > super::MAX_BYTES {
        return None;
    }
    let scanned = scan::scan(text);
    let json = scanned.text.filter(|_| scanned.faults.is_empty() && !scanned.has_more)?;
    place(json5::from_str(&json).ok()?, &mut scanned.marks.into_iter())
}

/// Values and marks are in the same order.
fn place(tree: Tree, marks: &mut vec::IntoIter<Mark>) -> Option<Outline> {
    let Mark { key, value, end, .. } = marks.next()?;
    let inside = match tree {
        Tree::Leaf(value) => Inside::Leaf(value),
        Tree::List(items) => Inside::List(items.into_iter().map(|item| place(item, marks)).collect::<Option<_>>()?),
        Tree::Object(members) => {
            let members = members.into_iter().map(|(key, member)| Some((key, place(member, marks)?)));
            Inside::Object(members.collect::<Option<_>>()?)
        }
    };
    (value < end).then_some(Outline { key, bytes: value..end, inside })
}
