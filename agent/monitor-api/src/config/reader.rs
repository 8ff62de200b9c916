//! Reads a monitor's entry, option by option, and keeps every problem.

use serde_json::{Map, Value};

use super::FRAMEWORK_KEYS;
use super::option::{Absent, DescribeOption, Reading, TypedOption};
use super::value::Found;
use crate::nearest;
use crate::registry::{Environment, Problem, Severity};

/// Reads the options of one entry. A value in the entry wins over the environment, which wins over the default; a
/// `null` counts as absent (`monitor-framework.md` sections 10.1 and 10.4).
pub struct Reader<'e> {
    entry: &'e Map<String, Value>,
    environment: &'e Environment,
    problems: Vec<Problem>,
}

impl<'e> Reader<'e> {
    /// A reader of this entry.
    pub fn new(entry: &'e Map<String, Value>, environment: &'e Environment) -> Self {
        Self { entry, environment, problems: Vec::new() }
    }

    /// Reads one option; `None` after a problem that refuses the entry.
    pub fn read<T>(&mut self, option: &TypedOption<T>) -> Option<T> {
        let given = self.entry.get(option.key).filter(|value| !value.is_null());
        let variable = option.env.and_then(|name| self.variable(name));
        let read = match (given, variable) {
            (Some(value), variable) => {
                let read = (option.reading.read)(&mut Found::new(value, option.key, "", &mut self.problems));
                if let (Some(read), Some((name, text))) = (&read, variable) {
                    self.warn_of_conflict(option, read, &name, text);
                }
                read.map(|read| (read, String::new()))
            }
            (None, Some((name, text))) => {
                let origin = format!(" (from the environment variable {name})");
                let text = Value::String(text.to_owned());
                let read = (option.reading.read)(&mut Found::new(&text, option.key, &origin, &mut self.problems));
                read.map(|read| (read, origin))
            }
            (None, None) => {
                self.warn_of_unread_variable(option.key, option.env);
                self.absent(option).map(|default| (default, " (the monitor's own default)".to_owned()))
            }
        };
        let (value, origin) = read?;
        if let Some(fault) = option.bounds.as_ref().and_then(|bounds| bounds.fault(&value)) {
            self.note(option.key, fault + &origin, Severity::Refused);
            return None;
        }
        Some(value)
    }

    fn absent<T>(&mut self, option: &TypedOption<T>) -> Option<T> {
        match (&option.absent, option.env) {
            (Absent::Default(value) | Absent::Nothing(value), _) => return Some(value()),
            (Absent::Refused, None) => self.note(option.key, "required, but not given".to_owned(), Severity::Refused),
            (Absent::Refused, Some(name)) => {
                let message = format!("required, but not given; the environment variable {name} would do, too");
                self.note(option.key, message, Severity::Refused);
            }
        }
        None
    }

    /// Looks a variable up as it is written, then in upper and in lower case.
    fn variable(&self, name: &str) -> Option<(String, &'e str)> {
        [name.to_owned(), name.to_uppercase(), name.to_lowercase()]
            .into_iter()
            .find_map(|name| self.environment.get(&name).map(|text| (name, text)))
    }

    fn warn_of_conflict<T>(&mut self, option: &TypedOption<T>, used: &T, name: &str, text: &str) {
        let (key, Reading { read, to_value, .. }) = (option.key, &option.reading);
        let text = Value::String(text.to_owned());
        let other = read(&mut Found::new(&text, key, "", &mut Vec::new()));
        if other.is_none_or(|other| to_value(&other) != to_value(used)) {
            let message = format!("given here and, differently, by the environment variable {name}, which is ignored");
            self.note(key, message, Severity::Warning);
        }
    }

    /// The old agent read every absent option from the environment, declared for it or not; ours must say so when it
    /// does not.
    fn warn_of_unread_variable(&mut self, key: &str, env: Option<&str>) {
        if env.is_none()
            && let Some((name, _)) = self.variable(&format!("SCALYR_{}", key.to_uppercase()))
        {
            let message = format!("the environment variable {name} is not read for this option; set it in the entry");
            self.note(key, message, Severity::Warning);
        }
    }

    /// Warns of each key that neither the monitor nor the agent reads.
    pub(crate) fn warn_of_unknown_keys(&mut self, options: &[&dyn DescribeOption]) {
        let known: Vec<&str> = options.iter().map(|option| option.key()).collect();
        for key in self.entry.keys() {
            if known.contains(&key.as_str()) || FRAMEWORK_KEYS.contains(&key.as_str()) {
                continue;
            }
            let near = nearest::nearest(key, known.iter().chain(&FRAMEWORK_KEYS).copied());
            let message = match (near.first(), known.is_empty()) {
                (Some(near), _) => format!("unknown option; did you mean `{near}`?"),
                (None, true) => "unknown option; this monitor has none of its own".to_owned(),
                (None, false) => format!("unknown option; this monitor has {}", nearest::quoted(&known)),
            };
            self.problems.push(Problem { path: key.clone(), message, severity: Severity::Warning });
        }
    }

    /// All problems that were found.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn note(&mut self, key: &str, message: String, severity: Severity) {
        self.problems.push(Problem { path: key.to_owned(), message, severity });
    }
}
