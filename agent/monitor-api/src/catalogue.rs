//! Whether two metrics are one and the same, where the macro cannot see it: across a monitor and the sets that it takes
//! in. Evaluated while the author's crate compiles.

use crate::const_text::{ConstText, is_same};
use crate::metric::{DeclaredMetric, Fields, MetricDecl};

/// How many metrics are declared, sets opened. Calls itself for sets only: the compiler's stack is short.
pub const fn count(declared: &'static [DeclaredMetric]) -> usize {
    let (mut found, mut at) = (0, 0);
    while at < declared.len() {
        found += match declared[at] {
            DeclaredMetric::One(_) => 1,
            DeclaredMetric::Set(set) => count(set),
        };
        at += 1;
    }
    found
}

/// The metrics of a set, `N` of them by [`count`], with this category where they have none of their own.
pub const fn categorised<const N: usize>(
    declared: &'static [DeclaredMetric],
    category: &'static str,
) -> [DeclaredMetric; N] {
    let mut all = [DeclaredMetric::Set(&[]); N];
    fill(&mut all, 0, declared, category);
    all
}

/// Puts the metrics into their places from `at` on; gives the place behind them.
const fn fill(
    all: &mut [DeclaredMetric],
    mut at: usize,
    declared: &'static [DeclaredMetric],
    category: &'static str,
) -> usize {
    let mut next = 0;
    while next < declared.len() {
        match declared[next] {
            DeclaredMetric::One(mut metric) => {
                if metric.category.is_none() {
                    metric.category = Some(category);
                }
                all[at] = DeclaredMetric::One(metric);
                at += 1;
            }
            DeclaredMetric::Set(set) => at = fill(all, at, set, category),
        }
        next += 1;
    }
    at
}

/// Whether two metrics may be one and the same, sets opened. `SLOTS` is at least one more than [`count`]. Quick, so that
/// only a catalogue with a mistake is compared name by name; two names of one hash are told apart there.
pub const fn has_alike<const SLOTS: usize>(declared: &'static [DeclaredMetric]) -> bool {
    put_all(&mut [0; SLOTS], declared)
}

/// Puts the hash of each metric into a free slot, 0; true when one was there already.
const fn put_all(slots: &mut [u64], declared: &'static [DeclaredMetric]) -> bool {
    let mut at = 0;
    while at < declared.len() {
        let found = match &declared[at] {
            DeclaredMetric::One(metric) => put(slots, hash_of(metric)),
            DeclaredMetric::Set(set) => put_all(slots, set),
        };
        if found {
            return true;
        }
        at += 1;
    }
    false
}

const fn put(slots: &mut [u64], hash: u64) -> bool {
    let hash = if hash == 0 { 1 } else { hash };
    let mut slot = (hash % slots.len() as u64) as usize;
    while slots[slot] != 0 {
        if slots[slot] == hash {
            return true;
        }
        slot = (slot + 1) % slots.len();
    }
    slots[slot] = hash;
    false
}

const fn hash_of(metric: &MetricDecl) -> u64 {
    let mut hash = mixed(0, metric.name);
    let mut at = 0;
    while at < metric.constants.len() {
        let (name, value) = metric.constants[at];
        hash = mixed(mixed(hash, name), value);
        at += 1;
    }
    hash
}

/// FNV, eight bytes at a time: each step of the compiler's own interpreter counts.
const fn mixed(hash: u64, text: &str) -> u64 {
    let mut hash = (hash ^ text.len() as u64).wrapping_mul(0x0100_0000_01b3);
    let mut rest = text.as_bytes();
    while let Some((eight, behind)) = rest.split_first_chunk() {
        hash = (hash ^ u64::from_le_bytes(*eight)).wrapping_mul(0x0100_0000_01b3);
        hash ^= hash >> 29;
        rest = behind;
    }
    while let [byte, behind @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = behind;
    }
    hash ^ (hash >> 32)
}

/// Refuses to compile when the set at the place `at` has a metric that is declared outside of it as well: by a set
/// before it, or by itself.
///
/// # Panics
/// While the crate is compiled, with a message for its author.
#[track_caller]
pub const fn no_metric_twice(declared: &'static [DeclaredMetric], at: usize) {
    let mut other = 0;
    while other < declared.len() {
        let is_looked_at = matches!(declared[other], DeclaredMetric::One(_)) || other < at;
        if other != at
            && is_looked_at
            && let Some(metric) = common(declared.split_at(other).1, 1, declared.split_at(at).1, 1)
        {
            let text = ConstText::of("the metric `").push(metric.name).push("` of this set is declared already");
            let text = if metric.constants.is_empty() { text } else { text.push(", with the same constant fields") };
            panic!("{}", text.as_str());
        }
        other += 1;
    }
}

/// A metric that is among the first `ones` of the one and the first `others` of the other.
const fn common(
    one: &'static [DeclaredMetric],
    ones: usize,
    other: &'static [DeclaredMetric],
    others: usize,
) -> Option<MetricDecl> {
    let mut at = 0;
    while at < ones {
        let found = match &one[at] {
            DeclaredMetric::Set(set) => common(set, set.len(), other, others),
            DeclaredMetric::One(metric) => {
                if is_among(metric, other, others) {
                    Some(*metric)
                } else {
                    None
                }
            }
        };
        if found.is_some() {
            return found;
        }
        at += 1;
    }
    None
}

const fn is_among(metric: &MetricDecl, declared: &'static [DeclaredMetric], length: usize) -> bool {
    let mut at = 0;
    while at < length {
        let found = match &declared[at] {
            DeclaredMetric::One(other) => is_same_metric(metric, other),
            DeclaredMetric::Set(set) => is_among(metric, set, set.len()),
        };
        if found {
            return true;
        }
        at += 1;
    }
    false
}

/// A name together with the extra fields that never change says which metric it is (`monitor-framework.md` section 19).
const fn is_same_metric(one: &MetricDecl, other: &MetricDecl) -> bool {
    if !is_same(one.name, other.name) || one.constants.len() != other.constants.len() {
        return false;
    }
    let mut at = 0;
    while at < one.constants.len() {
        let ((name, value), (other_name, other_value)) = (one.constants[at], other.constants[at]);
        if !is_same(name, other_name) || !is_same(value, other_value) {
            return false;
        }
        at += 1;
    }
    true
}

/// Refuses to compile when an extra field that never changes is also one of `F`.
///
/// # Panics
/// While the crate is compiled, with a message for its author.
#[track_caller]
pub const fn no_field_twice<F: Fields>(constant: &'static str) {
    let mut at = 0;
    while at < F::NAMES.len() {
        if is_same(F::NAMES[at], constant) {
            let text =
                ConstText::of("the field `").push(constant).push("` is one of the metric's extra fields already");
            panic!("{}", text.as_str());
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn metric(name: &'static str, constants: &'static [(&'static str, &'static str)]) -> DeclaredMetric {
        DeclaredMetric::One(MetricDecl { constants, ..crate::__private::declare_metric::<u64, ()>(name, "") })
    }

    static READS: [DeclaredMetric; 2] = [metric("io", &[("type", "read")]), metric("bytes", &[])];
    static BOTH: [DeclaredMetric; 3] =
        [metric("io", &[("type", "write")]), DeclaredMetric::Set(&READS), metric("io", &[])];
    static TWICE: [DeclaredMetric; 2] = [DeclaredMetric::Set(&READS), DeclaredMetric::Set(&BOTH)];

    #[test]
    fn metrics_that_differ_in_a_constant_field_are_not_one() {
        no_metric_twice(&BOTH, 1);
        let refused = std::panic::catch_unwind(|| no_metric_twice(&TWICE, 1)).unwrap_err();
        let text = refused.downcast_ref::<String>().unwrap();
        assert_eq!(text, "the metric `io` of this set is declared already, with the same constant fields");
    }

    #[test]
    fn what_is_alike_is_found_quickly() {
        assert!(!has_alike::<5>(&BOTH));
        assert!(has_alike::<7>(&TWICE));
        assert!(!has_alike::<1>(&[]));
    }

    #[test]
    fn a_category_reaches_the_metrics_of_inner_sets() {
        let all = categorised::<{ count(&BOTH) }>(&BOTH, "Disk");
        let told: Vec<_> = all
            .iter()
            .map(|metric| match metric {
                DeclaredMetric::One(metric) => (metric.name, metric.category),
                DeclaredMetric::Set(_) => ("a set", None),
            })
            .collect();
        assert_eq!(told, [("io", Some("Disk")), ("io", Some("Disk")), ("bytes", Some("Disk")), ("io", Some("Disk"))]);
    }
}
