//! Sorting of what is short or looked at by people.
//!
//! The standard library's sort is made anew for each type and each comparison, in five kilobytes of code or more; some forty of
//! them were a fiftieth of the program. Here one sort of places is enough for all. What is sorted for each line of a log uses
//! the standard library's.

use std::cmp::Ordering;

/// Sorts as [`slice::sort_by`] does: what is equal keeps its order.
pub fn by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    {
        let items = &*items;
        sort(&mut places, &mut |one, other| match (items.get(one), items.get(other)) {
            (Some(one), Some(other)) => compare(one, other),
            _ => Ordering::Equal,
        });
    }
    // Each round of the permutation is walked once: what stands at its begin moves along to the last place of it.
    for begin in 0..places.len() {
        let mut at = begin;
        loop {
            let from = std::mem::replace(&mut places[at], at);
            if from == begin {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// Sorts as [`slice::sort_by_key`] does.
pub fn by_key<T, K: Ord>(items: &mut [T], mut key: impl FnMut(&T) -> K) {
    by(items, |one, other| key(one).cmp(&key(other)));
}

/// A tree of these, put into it one after the other: to collect one sorts first, and brings a sort of its own.
pub fn tree<C: Default + Extend<A>, A>(items: impl IntoIterator<Item = A>) -> C {
    let mut tree = C::default();
    tree.extend(items);
    tree
}

/// The one sort.
#[inline(never)]
fn sort(places: &mut [usize], compare: &mut dyn FnMut(usize, usize) -> Ordering) {
    places.sort_by(|one, other| compare(*one, *other));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library_does(items: Vec<(u8, String)>) {
            let (mut ours, mut theirs) = (items.clone(), items);
            by_key(&mut ours, |item| item.0 / 16);
            theirs.sort_by_key(|item| item.0 / 16);
            prop_assert_eq!(&ours, &theirs, "by a key that many have in common");
            by(&mut ours, Ord::cmp);
            theirs.sort();
            prop_assert_eq!(ours, theirs);
        }
    }
}
