//! The ids of monitor instances (`monitor-framework.md` section 4).

use std::collections::{BTreeMap, BTreeSet};

/// What an entry says about its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The short name of its module; entries with the same one share their ids.
    pub(super) short_name: String,
    /// The id that the entry gives, also an empty one.
    pub(super) id: Option<String>,
}

/// The id of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Id {
    /// This one.
    Free(String),
    /// This one, because the automatic one, its second part, is taken by another entry.
    Moved(String, usize),
    /// None: the entry with this index gives the same id.
    Taken(usize),
}

/// Gives each entry its id, as the Python agent would, except that automatic ids stay clear of given ones and that an
/// id is given once only.
pub(super) fn assign(entries: &[Wanted]) -> Vec<Id> {
    let mut owners: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut ids: Vec<Option<Id>> = vec![None; entries.len()];
    let mut numbers = vec![0; entries.len()];

    for (index, entry) in entries.iter().enumerate() {
        let count = counts.entry(&entry.short_name).or_default();
        *count += 1;
        numbers[index] = *count;
        if let Some(id) = &entry.id {
            named.insert(&entry.short_name);
            let owner = *owners.entry((&entry.short_name, id.clone())).or_insert(index);
            ids[index] = Some(if owner == index { Id::Free(id.clone()) } else { Id::Taken(owner) });
        }
    }
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.id.is_none()) {
        let short_name = entry.short_name.as_str();
        if counts.get(short_name) == Some(&1) && !named.contains(short_name) {
            ids[index] = Some(Id::Free(String::new()));
        } else {
            let key = (short_name, numbers[index].to_string());
            if let std::collections::btree_map::Entry::Vacant(vacant) = owners.entry(key) {
                vacant.insert(index);
                ids[index] = Some(Id::Free(numbers[index].to_string()));
            }
        }
    }
    // Whose number is taken gets the next one that is free behind the last.
    for (index, entry) in entries.iter().enumerate() {
        if ids[index].is_none() {
            let short_name = entry.short_name.as_str();
            let mut number = counts.get(short_name).copied().unwrap_or_default() + 1;
            while owners.contains_key(&(short_name, number.to_string())) {
                number += 1;
            }
            owners.insert((short_name, number.to_string()), index);
            ids[index] = Some(Id::Moved(number.to_string(), numbers[index]));
        }
    }
    ids.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that these entries get: `module` or `module=id`.
    fn names(entries: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = entries
            .iter()
            .map(|entry| match entry.split_once('=') {
                Some((module, id)) => Wanted { short_name: module.to_owned(), id: Some(id.to_owned()) },
                None => Wanted { short_name: (*entry).to_owned(), id: None },
            })
            .collect();
        let ids = assign(&wanted);
        assert_eq!(ids.len(), entries.len());
        wanted
            .iter()
            .zip(ids)
            .map(|(entry, id)| match id {
                Id::Free(id) => format!("{}({id})", entry.short_name),
                Id::Moved(id, from) => format!("{}({id}) instead of {from}", entry.short_name),
                Id::Taken(owner) => format!("same as {owner}"),
            })
            .collect()
    }

    #[test]
    fn ids_are_those_of_the_python_agent() {
        assert_eq!(names(&["t"]), ["t()"]);
        assert_eq!(names(&["t", "t"]), ["t(1)", "t(2)"]);
        assert_eq!(names(&["t=solo"]), ["t(solo)"]);
        assert_eq!(names(&["t=first", "t"]), ["t(first)", "t(2)"]);
        assert_eq!(names(&["t", "t=x"]), ["t(1)", "t(x)"]);
        assert_eq!(names(&["t", "t", "t"]), ["t(1)", "t(2)", "t(3)"]);
        assert_eq!(names(&["t", "t=agent"]), ["t(1)", "t(agent)"]);
        assert_eq!(names(&["t="]), ["t()"]);
        assert_eq!(names(&["t", "u", "t", "u=x"]), ["t(1)", "u(1)", "t(2)", "u(x)"]);
    }

    // monitor-framework.md, sharp edge 3
    #[test]
    fn automatic_ids_stay_clear_of_given_ones() {
        assert_eq!(names(&["t=2", "t"]), ["t(2)", "t(3) instead of 2"]);
        assert_eq!(names(&["t", "t", "t=1"]), ["t(4) instead of 1", "t(2)", "t(1)"]);
        assert_eq!(names(&["t=4", "t", "t=2"]), ["t(4)", "t(5) instead of 2", "t(2)"]);
    }

    #[test]
    fn an_id_is_given_once() {
        assert_eq!(names(&["t=a", "t=b", "t=a", "t=a"]), ["t(a)", "t(b)", "same as 0", "same as 0"]);
        assert_eq!(names(&["t=a", "u=a"]), ["t(a)", "u(a)"]);
        assert_eq!(names(&["t=", "t=", "t"]), ["t()", "same as 0", "t(3)"]);
    }
}
