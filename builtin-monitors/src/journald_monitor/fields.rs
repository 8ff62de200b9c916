//! Which fields of an entry go into a line, by which names, and how their values are written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use scalyr_monitor::{Error, Result, Timestamp};

use super::entry::{Entry, RECEIVED, SENT};

/// What is written when `journal_fields` is not given. The old agent had no `priority`.
const DEFAULTS: [(&str, &str); 6] = [
    ("_SYSTEMD_UNIT", UNIT),
    ("_PID", "pid"),
    ("_MACHINE_ID", "machine_id"),
    ("_BOOT_ID", "boot_id"),
    (SENT, "timestamp"),
    ("PRIORITY", "priority"),
];

/// The name in a line of the unit, which `journald_unit` is matched with.
pub(super) const UNIT: &str = "unit";

/// Fields whose values are 128-bit ids.
const IDS: [&str; 3] = ["MESSAGE_ID", "_MACHINE_ID", "_BOOT_ID"];

/// Fields whose values are microseconds since 1970.
const TIMES: [&str; 3] = [RECEIVED, SENT, "COREDUMP_TIMESTAMP"];

/// The fields of a line, sorted by their names there.
#[derive(Clone, Debug)]
pub(super) struct LineFields {
    /// The name in the line and the one in the journal.
    names: Vec<(String, String)>,
}

impl LineFields {
    /// Those of the option `journal_fields`, or the default ones.
    ///
    /// # Errors
    /// When a name is none, or two fields have the same name in the line.
    pub(super) fn new(given: Option<&BTreeMap<String, String>>) -> Result<Self> {
        let mut names: Vec<(String, String)> = match given {
            None => DEFAULTS.iter().map(|(field, name)| ((*name).to_owned(), (*field).to_owned())).collect(),
            Some(given) => given.iter().map(|(field, name)| (name.clone(), field.clone())).collect(),
        };
        names.sort();
        for (name, field) in &names {
            check_field(field).map_err(|error| Error::new(format!("journal_fields: {error}")))?;
            let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '=' | '"');
            if name.is_empty() || name.contains(is_odd) {
                return Err(Error::new(format!(
                    "journal_fields.{field}: {name:?} cannot be a name in a line; it must not be empty and holds no \
                     blanks, quotes or `=`"
                )));
            }
        }
        if let Some([(name, one), (_, other)]) = names.array_windows().find(|[(a, _), (b, _)]| a == b) {
            return Err(Error::new(format!(
                "journal_fields: {one} and {other} are both called {name:?}; give each its own name"
            )));
        }
        Ok(Self { names })
    }

    /// The names in the journal.
    pub(super) fn journal_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(_, field)| field.as_str())
    }

    /// Each field that the entry has, with its name in the line and its value.
    pub(super) fn of<'e>(&'e self, entry: &'e Entry) -> impl Iterator<Item = (&'e str, Cow<'e, str>)> {
        self.names.iter().filter_map(|(name, field)| {
            let value = entry.text(field).or_else(|| if field == SENT { entry.text(RECEIVED) } else { None })?;
            Some((name.as_str(), written(field, value)))
        })
    }
}

/// Whether a text can be the name of a field of the journal.
///
/// # Errors
/// When it cannot.
pub(super) fn check_field(name: &str) -> Result<()> {
    let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if is_name && !name.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "{name:?} is no field of the journal: their names are of capital letters, digits and `_`, as MESSAGE or \
         _SYSTEMD_UNIT; `journalctl --fields` lists them"
    )))
}

/// A value in the form that the Python agent gave it.
fn written<'v>(field: &str, value: Cow<'v, str>) -> Cow<'v, str> {
    let formed = match field {
        _ if IDS.contains(&field) => dashed(&value),
        _ if TIMES.contains(&field) => moment(&value),
        _ => None,
    };
    formed.map_or(value, Cow::Owned)
}

/// 32 digits as `8-4-4-4-12`.
fn dashed(id: &str) -> Option<String> {
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let part = |from, to| id.get(from..to).unwrap_or_default();
    Some(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
}

/// Microseconds since 1970 as `2026-11-22 13:31:20.830366+00:00`.
fn moment(micros: &str) -> Option<String> {
    let micros: i64 = micros.parse().ok()?;
    let text = Timestamp::from_nanos(micros.checked_mul(1000)?).to_string();
    let seconds = text.split_once('.')?.0;
    Some(format!("{seconds}.{:06}+00:00", micros.rem_euclid(1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_dashes_and_times_are_readable_and_what_is_neither_stays() {
        for (field, value, expected) in [
            ("_BOOT_ID", "11111111222243338444555555555555", "11111111-2222-4333-8444-555555555555"),
            ("_BOOT_ID", "none", "none"),
            (SENT, "1795440680830366", "2026-11-23 13:31:20.830366+00:00"),
            (SENT, "1795440680000000", "2026-11-23 13:31:20.000000+00:00"),
            (SENT, "99999999999999999999", "99999999999999999999"),
            ("_PID", "1795440680830366", "1795440680830366"),
        ] {
            assert_eq!(written(field, value.into()), expected);
        }
    }

    #[test]
    fn names_that_cannot_be_are_refused_with_what_is_allowed() {
        let refusal = |field: &str, name: &str, other: &str| {
            let given = BTreeMap::from([(field.to_owned(), name.to_owned()), ("_PID".to_owned(), other.to_owned())]);
            LineFields::new(Some(&given)).unwrap_err().to_string()
        };
        assert!(refusal("unit", "a", "pid").starts_with("journal_fields: \"unit\" is no field of the journal"));
        assert!(refusal("_UID", "a b", "pid").starts_with("journal_fields._UID: \"a b\" cannot be a name in a line"));
        assert_eq!(
            refusal("_UID", "pid", "pid"),
            "journal_fields: _PID and _UID are both called \"pid\"; give each its own name"
        );
    }
}
