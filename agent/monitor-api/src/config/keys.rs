//! Whether two options have one key, where the macro cannot see it: across a monitor and the groups that it takes in.
//! Evaluated while the author's crate compiles.

use crate::const_text::{ConstText, is_same};

/// The key, or an alias, of an option; or the keys of a group.
#[derive(Clone, Copy, Debug)]
pub enum DeclaredKey {
    /// A key, or an older name of one.
    One(&'static str),
    /// Those of a group.
    Group(&'static [Self]),
}

/// Refuses to compile when the group at the place `at` has a key that stands before it as well.
///
/// # Panics
/// While the crate is compiled, with a message for its author.
#[track_caller]
pub const fn no_key_twice(keys: &'static [DeclaredKey], at: usize) {
    let (before, group) = keys.split_at(at);
    if let Some((first, second)) = common(before, group) {
        let text = ConstText::of("the option `").push(second).push("` of this group is declared already");
        let text = if is_same(first, second) { text } else { text.push(", as `").push(first).push("`") };
        panic!("{}", text.as_str());
    }
}

/// A key that both have, as it is spelt in each.
const fn common(before: &'static [DeclaredKey], after: &'static [DeclaredKey]) -> Option<(&'static str, &'static str)> {
    let [first, rest @ ..] = after else { return None };
    let found = match first {
        DeclaredKey::One(key) => match spelling(before, key) {
            Some(earlier) => Some((earlier, *key)),
            None => None,
        },
        DeclaredKey::Group(keys) => common(before, keys),
    };
    match found {
        Some(found) => Some(found),
        None => common(before, rest),
    }
}

/// How the key is spelt among these: capitals do not tell two keys apart.
const fn spelling(keys: &'static [DeclaredKey], key: &str) -> Option<&'static str> {
    let [first, rest @ ..] = keys else { return None };
    let found = match first {
        DeclaredKey::One(known) if known.eq_ignore_ascii_case(key) => Some(*known),
        DeclaredKey::One(_) => None,
        DeclaredKey::Group(keys) => spelling(keys, key),
    };
    match found {
        Some(found) => Some(found),
        None => spelling(rest, key),
    }
}
