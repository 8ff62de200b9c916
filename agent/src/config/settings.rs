//! Reads the members of an object by their table of keys: types, ranges, and where each key acts.

use std::collections::BTreeMap;

use scalyr_monitor::config::Number;
use serde_json::{Map, Value};

use super::keys::{self, Effect, Key, Kind};
use super::report::{self, Report, Severity};
use super::value::{self, Misfit, Reading};

/// What a bad value and an unknown key mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The top level: a bad value is refused and the default used; unknown keys are named.
    Global,
    /// An entry: a bad value refuses the entry; unknown keys are named.
    Entry,
    /// An entry of a monitor: like `Entry`, but unknown keys belong to the monitor.
    Monitor,
}

/// The valid values of an object. What is not there reads as its default.
pub(super) struct Settings<'a> {
    keys: &'static [Key],
    given: BTreeMap<&'static str, Typed<'a>>,
    bad: Vec<&'static str>,
    refused: bool,
    #[cfg(test)]
    pub(super) read: std::cell::RefCell<std::collections::BTreeSet<&'static str>>,
}

enum Typed<'a> {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Texts(Vec<String>),
    Object(&'a Map<String, Value>),
    List(&'a [Value]),
    Any(&'a Value),
}

impl<'a> Settings<'a> {
    /// Reads `values`, which stand at `path`; each problem goes into the report.
    pub(super) fn read(
        values: &'a Map<String, Value>,
        keys: &'static [Key],
        path: &str,
        scope: Scope,
        report: &mut Report,
    ) -> Self {
        let mut settings = Self {
            keys,
            given: BTreeMap::new(),
            bad: Vec::new(),
            refused: false,
            #[cfg(test)]
            read: std::cell::RefCell::default(),
        };
        for (name, value) in values.iter().filter(|(_, value)| !value.is_null()) {
            let path = value::member_path(path, name);
            match keys.iter().find(|key| key.name == name || key.alias == Some(name.as_str())) {
                Some(key) if key.name != name && values.contains_key(key.name) => {
                    let message = format!("is the old name of `{}`, which is given too; that one counts", key.name);
                    report.warn_of_key(path, message).kind(report::Kind::Conflict);
                }
                Some(key) => settings.take(key, value, path, scope, report),
                None if scope == Scope::Monitor => {}
                None => tell_unknown(path, name, keys, report),
            }
        }
        settings
    }

    fn take(&mut self, key: &'static Key, value: &'a Value, path: String, scope: Scope, report: &mut Report) {
        match convert(key, value) {
            Ok(Reading { value: typed, note }) => {
                if let Some(note) = note {
                    report.warn(&path, note).kind(report::Kind::Conversion);
                }
                let says_nothing = typed.is_empty_list() || key.kind == Kind::Boolean(false) && typed.is_false();
                if !says_nothing {
                    self.refused |= warn_of_effect(key, path, report);
                }
                self.given.insert(key.name, typed);
            }
            Err(misfit) => {
                let severity = tell_misfit(key, &path, misfit, scope, report);
                if severity > Severity::Warning {
                    self.bad.push(key.name);
                }
                self.refused |= severity == Severity::Refused;
            }
        }
    }

    /// Whether a value was refused.
    pub(super) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether the user gave a valid value.
    pub(super) fn is_given(&self, name: &'static str) -> bool {
        self.get(name).is_some()
    }

    /// Whether the user gave a bad value, which was reported.
    pub(super) fn is_bad(&self, name: &str) -> bool {
        self.bad.contains(&name)
    }

    pub(super) fn boolean(&self, name: &'static str) -> bool {
        match (self.get(name), self.kind(name)) {
            (Some(Typed::Boolean(flag)), _) => *flag,
            (_, Kind::Boolean(default)) => default,
            _ => false,
        }
    }

    /// The number that the user gave, or the default of the table, if it has one.
    pub(super) fn integer(&self, name: &'static str) -> Option<i64> {
        match (self.get(name), self.kind(name)) {
            (Some(Typed::Integer(number)), _) => Some(*number),
            (_, Kind::Integer(default)) => default,
            _ => None,
        }
    }

    /// The same for a number that cannot be negative.
    pub(super) fn count(&self, name: &'static str) -> u64 {
        self.integer(name).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
    }

    /// The number that the user gave, or the default of the table, if it has one.
    pub(super) fn float(&self, name: &'static str) -> Option<f64> {
        match (self.get(name), self.kind(name)) {
            (Some(Typed::Float(number)), _) => Some(*number),
            (_, Kind::Float(default)) => default,
            _ => None,
        }
    }

    /// The text that the user gave, or the default of the table, if it has one.
    pub(super) fn text(&self, name: &'static str) -> Option<&str> {
        match (self.get(name), self.kind(name)) {
            (Some(Typed::Text(text)), _) => Some(text),
            (_, Kind::Text(default)) => default,
            _ => None,
        }
    }

    pub(super) fn texts(&self, name: &'static str) -> Vec<String> {
        match (self.get(name), self.kind(name)) {
            (Some(Typed::Texts(texts)), _) => texts.clone(),
            (_, Kind::Texts(default)) => default.iter().map(|&text| text.to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn object(&self, name: &'static str) -> Option<&'a Map<String, Value>> {
        match self.get(name) {
            Some(Typed::Object(object)) => Some(object),
            _ => None,
        }
    }

    pub(super) fn list(&self, name: &'static str) -> &'a [Value] {
        match self.get(name) {
            Some(Typed::List(items)) => items,
            _ => &[],
        }
    }

    /// The value that the user gave, after its conversion.
    pub(super) fn given(&self, name: &'static str) -> Option<Value> {
        self.get(name).map(Typed::to_value)
    }

    fn get(&self, name: &'static str) -> Option<&Typed<'a>> {
        #[cfg(test)]
        self.read.borrow_mut().insert(name);
        self.given.get(name)
    }

    /// What the table says about a key.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        let key = self.keys.iter().find(|key| key.name == name);
        debug_assert!(key.is_some(), "{name} is read and not in the table");
        key
    }

    fn kind(&self, name: &str) -> Kind {
        self.key(name).map_or(Kind::Any, |key| key.kind)
    }
}

impl Typed<'_> {
    fn is_empty_list(&self) -> bool {
        matches!(self, Self::List([])) || matches!(self, Self::Texts(texts) if texts.is_empty())
    }

    fn is_false(&self) -> bool {
        matches!(self, Self::Boolean(false))
    }

    /// As a user would write it; a whole number has no fraction.
    fn to_value(&self) -> Value {
        match self {
            Self::Boolean(flag) => (*flag).into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => Number::Float(*number).to_value(),
            Self::Text(text) => text.as_str().into(),
            Self::Texts(texts) => texts.iter().map(String::as_str).collect(),
            Self::Object(object) => Value::Object((*object).clone()),
            Self::List(items) => Value::Array(items.to_vec()),
            Self::Any(value) => (*value).clone(),
        }
    }
}

/// Whether two values of a key mean the same.
pub(super) fn are_alike(key: &Key, one: &Value, other: &Value) -> bool {
    let [one, other] = [one, other].map(|value| convert(key, value).map(|reading| reading.value.to_value()));
    one.is_ok() && one == other
}

fn convert<'a>(key: &Key, value: &'a Value) -> Result<Reading<Typed<'a>>, Misfit> {
    let plain = |value| Ok(Reading::plain(value));
    match (key.kind, value) {
        (Kind::Boolean(_), value) => Ok(value::boolean(value)?.map(Typed::Boolean)),
        (Kind::Integer(_), value) => {
            let reading = value::integer(value)?;
            #[expect(clippy::cast_precision_loss, reason = "bounds are far from where it matters")]
            check_range(key, reading.value as f64, value)?;
            Ok(reading.map(Typed::Integer))
        }
        (Kind::Float(_), value) => {
            let reading = value::float(value)?;
            check_range(key, reading.value, value)?;
            Ok(reading.map(Typed::Float))
        }
        (Kind::Text(_), value) => Ok(value::text(value)?.map(Typed::Text)),
        (Kind::TextsOrText, Value::String(text)) => plain(Typed::Texts(value::texts_in(text, |c| c == ','))),
        (Kind::Texts(_) | Kind::TextsOrText, value) => Ok(value::texts(value)?.map(Typed::Texts)),
        (Kind::Object, Value::Object(object)) => plain(Typed::Object(object)),
        (Kind::Object, other) => {
            Err(Misfit::of_type(format!("must be an object, {{ ... }}, but is {}", value::kind(other))))
        }
        (Kind::Objects, Value::Array(items)) => plain(Typed::List(items)),
        (Kind::Objects, other) => {
            Err(Misfit::of_type(format!("must be a list of objects, [{{ ... }}], but is {}", value::kind(other))))
        }
        (Kind::Any, value) => plain(Typed::Any(value)),
    }
}

fn check_range(key: &Key, number: f64, value: &Value) -> Result<(), Misfit> {
    let limit = match key.range {
        Some((min, _)) if number < min => format!("below the minimum {min}"),
        Some((_, max)) if number > max => format!("above the maximum {max}"),
        _ => return Ok(()),
    };
    Err(Misfit::of_range(format!("{} is {limit}", value::shown(value))))
}

/// Says that a value cannot be used, and what is used in its place; tells how bad that is. What has no effect in any case
/// is only warned of.
pub(super) fn tell_misfit(key: &Key, path: &str, misfit: Misfit, scope: Scope, report: &mut Report) -> Severity {
    let Misfit { kind, message } = misfit;
    let (severity, behind) = match key.effect {
        Effect::Obsolete(_) => (Severity::Warning, format!("; {}", effect_text(key))),
        // An entry is judged whole, so that nothing is wrong with it on the day when it is honoured.
        Effect::NotYet(_) if scope != Scope::Entry => (Severity::Warning, format!("; {}", effect_text(key))),
        _ if key.vital => (Severity::Fatal, String::new()),
        _ if scope == Scope::Global => (Severity::Refused, default_text(key)),
        _ => (Severity::Refused, String::new()),
    };
    report.add(severity, path, format!("{message}{behind}")).kind(kind);
    severity
}

/// Says so when a key that the user gave does not act; true when its entry is refused for it.
fn warn_of_effect(key: &Key, path: String, report: &mut Report) -> bool {
    match key.effect {
        Effect::Honoured => false,
        Effect::Refused(_) => {
            report.refuse(path, effect_text(key)).kind(report::Kind::Refused);
            true
        }
        Effect::NotYet(_) => {
            report.warn(path, effect_text(key)).kind(report::Kind::NotBuilt);
            false
        }
        Effect::Obsolete(_) => {
            report.warn(path, effect_text(key)).kind(report::Kind::Obsolete);
            false
        }
    }
}

fn effect_text(key: &Key) -> String {
    match key.effect {
        Effect::Honoured => String::new(),
        Effect::NotYet("") => "is not honoured yet".to_owned(),
        Effect::NotYet(instead) => format!("is not honoured yet: {instead}"),
        Effect::Obsolete(why) => format!("has no effect: {why}"),
        Effect::Refused(why) => why.to_owned(),
    }
}

fn default_text(key: &Key) -> String {
    match key.kind {
        _ if key.when_given => "; it counts as not given".to_owned(),
        // There are two of them.
        _ if key.unless_legacy.is_some() => "; the default is used".to_owned(),
        Kind::Boolean(default) => format!("; the default {default} is used"),
        Kind::Integer(Some(default)) => format!("; the default {default} is used"),
        Kind::Float(Some(default)) => format!("; the default {default} is used"),
        Kind::Text(Some(default)) => format!("; the default {default:?} is used"),
        _ => "; it is left out".to_owned(),
    }
}

fn tell_unknown(path: String, name: &str, keys: &[Key], report: &mut Report) {
    let problem = report.warn_of_key(path, "is not known and has no effect").kind(report::Kind::UnknownKey);
    if let Some(near) = keys::nearest(name, keys) {
        problem.hint(format!("did you mean `{near}`?"));
    }
}
