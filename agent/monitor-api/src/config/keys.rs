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
    let (before, from) = keys.split_at(at);
    let group = from.split_at(1).0;
    if let Some((first, second)) = common(before, group) {
        let text = ConstText::of("the option `").push(second).push("` of this group is declared already");
        let text = if is_same(first, second) { text } else { text.push(", as `").push(first).push("`") };
        panic!("{}", text.as_str());
    }
}

/// A key that both have, as it is spelt in each. Calls itself for groups only: the compiler's stack is short.
const fn common(before: &'static [DeclaredKey], after: &'static [DeclaredKey]) -> Option<(&'static str, &'static str)> {
    let mut at = 0;
    while at < after.len() {
        let found = match after[at] {
            DeclaredKey::One(key) => match spelling(before, key) {
                Some(earlier) => Some((earlier, key)),
                None => None,
            },
            DeclaredKey::Group(keys) => common(before, keys),
        };
        if found.is_some() {
            return found;
        }
        at += 1;
    }
    None
}

/// How the key is spelt among these: capitals do not tell two keys apart.
const fn spelling(keys: &'static [DeclaredKey], key: &str) -> Option<&'static str> {
    let mut at = 0;
    while at < keys.len() {
        let found = match keys[at] {
            DeclaredKey::One(known) if known.eq_ignore_ascii_case(key) => Some(known),
            DeclaredKey::One(_) => None,
            DeclaredKey::Group(keys) => spelling(keys, key),
        };
        if found.is_some() {
            return found;
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    static INNER: [DeclaredKey; 2] = [DeclaredKey::One("host"), DeclaredKey::One("Port")];
    static KEYS: [DeclaredKey; 3] = [DeclaredKey::One("port"), DeclaredKey::Group(&[]), DeclaredKey::Group(&INNER)];

    #[test]
    fn a_key_of_a_group_is_found_among_those_before_it() {
        no_key_twice(&KEYS, 1);
        let refused = std::panic::catch_unwind(|| no_key_twice(&KEYS, 2)).unwrap_err();
        let text = refused.downcast_ref::<String>().unwrap();
        assert_eq!(text, "the option `Port` of this group is declared already, as `port`");
    }
}
