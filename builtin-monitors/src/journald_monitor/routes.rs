//! `journald_logs`: which entry goes into which log file.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;

use scalyr_monitor::prelude::*;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::fields::UNIT;
use super::line::LineForm;

/// The instance's own log, unless the user names another one.
const OWN_LOG: &str = "journald_monitor.log";

/// The parser of entries that name none.
const PARSER: &str = "journald";

/// So many digits of a hash tell log files apart.
const HASH_DIGITS: usize = 10;

/// The key by which the agent hands on an entry that it refused: what it would have taken must not leave the host
/// without its redaction rules.
pub(super) const WITHHELD: &str = "withheld";

/// A log file, and what goes into it.
#[derive(Debug)]
pub(super) struct Route {
    matcher: Matcher,
    pub(super) form: LineForm,
    /// How the file is copied.
    pub(super) log: LogConfig,
    /// Its lines are written nowhere.
    pub(super) is_withheld: bool,
    /// It has redaction rules.
    redacts: bool,
}

#[derive(Debug)]
enum Matcher {
    All,
    /// The expression, which the unit begins with.
    Unit(Pattern),
    /// Names of fields in the line, each with the pattern of its value.
    Globs(Vec<(String, Glob)>),
}

impl Route {
    /// Whether an entry with these fields goes here.
    ///
    /// # Errors
    /// When the expression is beyond matching.
    fn takes(&self, fields: &[(&str, Cow<'_, str>)]) -> Result<bool> {
        let value = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| &**value);
        Ok(match &self.matcher {
            Matcher::All => true,
            Matcher::Unit(pattern) => pattern.match_start(value(UNIT).unwrap_or_default())?.is_some(),
            Matcher::Globs(globs) => {
                globs.iter().all(|(name, glob)| value(name).is_some_and(|value| glob.matches(value)))
            }
        })
    }
}

/// All routes: the first that takes an entry gets it, and the last one takes each.
#[derive(Debug)]
pub(super) struct Routes(Vec<Route>);

impl Routes {
    /// The routes of these entries, and behind them one for the rest, whose file is the instance's own log, `main`. No two
    /// instances may write one file, so the names depend on `id`; of the own log only where the user has not named it.
    ///
    /// # Errors
    /// With all that is wrong with the entries.
    pub(super) fn new(entries: &[Map<String, Value>], main: &LogConfig, id: &str) -> Result<Self> {
        let (mut routes, mut problems): (Vec<Route>, Vec<String>) = Default::default();
        for (index, entry) in entries.iter().enumerate() {
            match route(entry, main, id) {
                // An earlier route of the same matcher leaves it nothing.
                Ok(route) if routes.iter().any(|earlier| earlier.log.path == route.log.path) => {}
                Ok(route) => routes.push(route),
                Err(error) => problems.push(format!("journald_logs[{index}].{error}")),
            }
        }
        if !problems.is_empty() {
            return Err(Error::new(problems.join("; ")));
        }
        if !routes.iter().any(|route| matches!(route.matcher, Matcher::All)) {
            routes.push(route(&Map::new(), main, id)?);
        }
        Ok(Self(routes))
    }

    /// The route of the instance's own log.
    pub(super) fn own(&self) -> Option<&Route> {
        self.0.iter().find(|route| matches!(route.matcher, Matcher::All))
    }

    /// All of them, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// The number of the first route that takes an entry with these fields. `tell` hears why one could not be matched.
    pub(super) fn find(&self, fields: &[(&str, Cow<'_, str>)], mut tell: impl FnMut(&Error)) -> usize {
        let found = self.0.iter().position(|route| {
            route.takes(fields).unwrap_or_else(|error| {
                tell(&error);
                // What may have to be redacted does not leave without it.
                route.redacts
            })
        });
        found.unwrap_or(self.0.len().saturating_sub(1))
    }
}

fn route(entry: &Map<String, Value>, main: &LogConfig, id: &str) -> Result<Route> {
    let matcher = matcher(entry)?;
    let mut log = main.clone();
    log.parser = PARSER.to_owned();
    log.copy_from_start = true;
    let keeps_path = matches!(matcher, Matcher::All) && (id.is_empty() || !main.path.ends_with(OWN_LOG));
    if !keeps_path {
        log.path = PathBuf::from(file_name(&matcher, id));
    }
    let (mut form, mut is_withheld) = (LineForm::default(), false);
    for (key, value) in entry {
        match (key.as_str(), value) {
            ("journald_unit" | "journald_globs", _) | (_, Value::Null) => {}
            ("emit_raw_details", value) => form.raw_message = flag(key, value)?,
            ("detect_escaped_strings", value) => form.detects_quotes = flag(key, value)?,
            (WITHHELD, value) => is_withheld = flag(key, value)?,
            ("parser", Value::String(parser)) => log.parser.clone_from(parser),
            ("attributes", Value::Object(attributes)) => {
                log.attributes.extend(attributes.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            ("parser" | "attributes", _) => {
                return Err(wrong(key, value, if key == "parser" { "a text" } else { "an object" }));
            }
            ("path" | "copy_from_start", _) => {}
            _ => _ = log.options.insert(key.clone(), value.clone()),
        }
    }
    // A `parser` among the attributes counts as long as the entry itself names none.
    if !entry.contains_key("parser") && log.attributes.contains_key("parser") {
        log.parser.clear();
    }
    let redacts = log.options.contains_key("redaction_rules");
    Ok(Route { matcher, form, log, is_withheld, redacts })
}

fn matcher(entry: &Map<String, Value>) -> Result<Matcher> {
    match (entry.get("journald_unit"), entry.get("journald_globs")) {
        (Some(Value::String(unit)), _) if unit == ".*" => Ok(Matcher::All),
        (Some(Value::String(unit)), _) => {
            Pattern::new(unit).map(Matcher::Unit).map_err(|error| Error::new(format!("journald_unit: {error}")))
        }
        (Some(other), _) if !other.is_null() => Err(wrong("journald_unit", other, "a text")),
        (_, Some(Value::Object(globs))) => {
            let glob = |(name, glob): (&String, &Value)| match glob {
                Value::String(glob) => Ok((name.clone(), Glob::new(glob))),
                other => Err(wrong(&format!("journald_globs.{name}"), other, "a text")),
            };
            let mut globs: Vec<(String, Glob)> = globs.iter().map(glob).collect::<Result<_>>()?;
            globs.sort_by(|(a, _), (b, _)| a.cmp(b));
            Ok(if globs.is_empty() { Matcher::All } else { Matcher::Globs(globs) })
        }
        (_, Some(other)) if !other.is_null() => Err(wrong("journald_globs", other, "an object")),
        _ => Ok(Matcher::All),
    }
}

fn flag(key: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong(key, value, "true or false"))
}

fn wrong(key: &str, value: &Value, wanted: &str) -> Error {
    Error::new(format!("{key}: must be {wanted}, but is {value}"))
}

/// The same name after each restart (the Python agent's were others each time).
fn file_name(matcher: &Matcher, id: &str) -> String {
    let what = match matcher {
        Matcher::All => "all".to_owned(),
        Matcher::Unit(pattern) => format!("unit\n{}", pattern.as_str()),
        Matcher::Globs(globs) => globs.iter().fold("globs".to_owned(), |mut text, (name, glob)| {
            _ = write!(text, "\n{name}\n{glob}");
            text
        }),
    };
    let what = if id.is_empty() { what } else { format!("{what}\nid\n{id}") };
    let mut digits = String::new();
    for byte in Sha256::digest(what.as_bytes()).iter().take(HASH_DIGITS / 2) {
        _ = write!(digits, "{byte:02x}");
    }
    format!("journald_{digits}.log")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn routes(entries: Value, id: &str) -> Result<Routes> {
        let entries: Vec<_> =
            entries.as_array().unwrap().iter().map(|entry| entry.as_object().unwrap().clone()).collect();
        Routes::new(&entries, &LogConfig::new("/l/journald_monitor.log"), id)
    }

    fn found(routes: &Routes, fields: &[(&str, &str)]) -> usize {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect();
        routes.find(&fields, |error| panic!("{error}"))
    }

    #[test]
    fn the_first_entry_that_matches_takes_a_line_and_the_last_one_takes_each() {
        let routes = routes(
            json!([
                { "journald_unit": "ssh", "parser": "sshParser" },
                { "journald_globs": { "unit": "cron*", "pid": "1?" }, "attributes": { "a": 1 } },
                { "journald_unit": "cron\\.service$", "redaction_rules": [] },
            ]),
            "",
        )
        .unwrap();
        for (fields, number) in [
            (&[("unit", "ssh.service")][..], 0),
            (&[("unit", "my-ssh.service")], 3),
            (&[("unit", "cron.service"), ("pid", "12")], 1),
            (&[("unit", "cron.service"), ("pid", "123")], 2),
            (&[("unit", "cron.service")], 2),
            (&[], 3),
        ] {
            assert_eq!(found(&routes, fields), number, "{fields:?}");
        }
        let logs: Vec<_> = routes
            .iter()
            .map(|Route { log, .. }| format!("{} {} {}", log.path.display(), log.parser, log.attributes.len()))
            .collect();
        expect![[r#"
            journald_9a0cdf1a4a.log sshParser 0
            journald_1a8b6fc18d.log journald 1
            journald_e640791f4e.log journald 0
            /l/journald_monitor.log journald 0"#]]
        .assert_eq(&logs.join("\n"));
    }

    #[test]
    fn an_entry_for_all_units_takes_the_place_of_the_last_one() {
        let all =
            routes(json!([{ "journald_unit": ".*", "parser": "mine" }, { "journald_unit": "late" }]), "").unwrap();
        assert_eq!((all.iter().count(), found(&all, &[("unit", "late")])), (2, 0));
        assert_eq!(all.iter().next().unwrap().log.path, PathBuf::from("/l/journald_monitor.log"));
    }

    #[test]
    fn instances_with_ids_have_files_of_their_own_and_an_entry_that_stands_twice_has_one() {
        let entries = json!([{ "journald_unit": "ssh" }, { "journald_unit": "ssh", "parser": "late" }]);
        let paths = |id| -> Vec<PathBuf> {
            routes(entries.clone(), id).unwrap().iter().map(|route| route.log.path.clone()).collect()
        };
        let (one, other) = (paths(""), paths("b"));
        assert_eq!((one.len(), other.len()), (2, 2));
        assert!(one[0] != other[0] && one[1] != other[1], "{one:?} {other:?}");
        // A log that the user has named stays what it is.
        let named = Routes::new(&[], &LogConfig::new("/l/mine.log"), "b").unwrap();
        assert_eq!(named.iter().next().unwrap().log.path, PathBuf::from("/l/mine.log"));
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once_with_its_place() {
        let error = routes(
            json!([
                { "journald_unit": "(" },
                { "journald_globs": { "a": 5 } },
                { "emit_raw_details": "yes" },
                { "parser": 7 },
            ]),
            "",
        )
        .unwrap_err();
        assert_eq!(
            error.to_string().replace("; ", "\n"),
            "journald_logs[0].journald_unit: \"(\" is not a regular expression: the `(` at character 1 is never closed\n\
             journald_logs[1].journald_globs.a: must be a text, but is 5\n\
             journald_logs[2].emit_raw_details: must be true or false, but is \"yes\"\n\
             journald_logs[3].parser: must be a text, but is 7"
        );
    }

    #[test]
    fn an_expression_that_gives_up_takes_the_line_when_it_has_redaction_rules() {
        let slow = "^(a|aa)+$\\1b";
        let fields = [("unit", Cow::Owned("a".repeat(40) + "c"))];
        for (entry, number) in
            [(json!([{ "journald_unit": slow }]), 1), (json!([{ "journald_unit": slow, "redaction_rules": [{}] }]), 0)]
        {
            let mut told = 0;
            assert_eq!((routes(entry, "").unwrap().find(&fields, |_| told += 1), told), (number, 1));
        }
    }
}
