//! Reads a monitor's entry, option by option, and keeps every problem.

use serde_json::{Map, Value};

use super::FRAMEWORK_KEYS;
use super::option::{Absent, DescribeOption, TypedOption};
use super::value::{Found, Manner, member_path};
use crate::nearest;
use crate::problem::{Problem, ProblemKind};
use crate::registry::BuildContext;

/// What is put behind a message about a default.
const OWN_DEFAULT: &str = " (the monitor's own default)";

/// Reads the options of one entry. A value in the entry wins over the environment, which wins over the default; a
/// `null` counts as absent (`monitor-framework.md` sections 10.1 and 10.4).
pub struct Reader<'e> {
    entry: &'e Map<String, Value>,
    context: BuildContext<'e>,
    problems: Vec<Problem>,
}

/// A value that was read, and where it came from.
struct Origin<T> {
    value: T,
    /// The key in the entry, or the option's.
    path: String,
    /// What is put behind a message about it.
    origin: String,
    /// What it was read from.
    source: Option<Value>,
}

impl<'e> Reader<'e> {
    /// A reader of this entry.
    pub fn new(entry: &'e Map<String, Value>, context: impl Into<BuildContext<'e>>) -> Self {
        Self { entry, context: context.into(), problems: Vec::new() }
    }

    /// Reads one option; `None` after a problem that refuses the entry.
    pub fn read<T>(&mut self, option: &TypedOption<T>) -> Option<T> {
        let given = self.given(option);
        let variable = option.env.and_then(|name| self.variable(name));
        let read = match (given, variable) {
            (Some((key, value)), variable) => self.read_entry(option, key, value, variable),
            (None, Some((name, text))) => self.read_environment(option, &name, text),
            (None, None) => {
                self.warn_of_unread_variables(option);
                return self.absent(option);
            }
        }?;
        self.accepted(option, read)
    }

    /// The value in the entry, with the key that it stands under: the option's own, or an older name of it.
    fn given<T>(&mut self, option: &TypedOption<T>) -> Option<(&'static str, &'e Value)> {
        let entry = self.entry;
        let value = |key: &'static str| entry.get(key).filter(|value| !value.is_null()).map(|value| (key, value));
        let mut present = std::iter::once(option.key).chain(option.aliases.iter().copied()).filter_map(value);
        let (used, counts) = present.next()?;
        let new = option.key;
        if used != new {
            let problem = Problem::warning(used, format!("is the older name of `{new}`"));
            self.problems.push(problem.of_kind(ProblemKind::Obsolete).with_hint(format!("write `{new}` in its place")));
        }
        for (other, _) in present.filter(|(_, value)| option.differ(counts, value)) {
            let message = format!("is an older name of `{new}` and differs from `{used}`, which counts");
            let problem = Problem::warning(other, message).of_kind(ProblemKind::Conflict);
            self.problems.push(problem.with_hint("leave it out"));
        }
        Some((used, counts))
    }

    fn read_entry<T>(
        &mut self,
        option: &TypedOption<T>,
        key: &str,
        value: &Value,
        variable: Option<(String, &str)>,
    ) -> Option<Origin<T>> {
        let read = self.convert(option, value, key, "")?;
        if let Some((name, text)) = variable
            && option.differ(value, &Value::from(text))
        {
            let message = format!("given here and, differently, by the environment variable {name}, which is ignored");
            self.problems.push(Problem::warning(key, message).of_kind(ProblemKind::Conflict));
        }
        Some(Origin { value: read, path: key.to_owned(), origin: String::new(), source: Some(value.clone()) })
    }

    fn read_environment<T>(&mut self, option: &TypedOption<T>, name: &str, text: &str) -> Option<Origin<T>> {
        let origin = format!(" (from the environment variable {name})");
        let source = Value::from(text);
        let value = self.convert(option, &source, option.key, &origin)?;
        Some(Origin { value, path: option.key.to_owned(), origin, source: Some(source) })
    }

    fn convert<T>(&mut self, option: &TypedOption<T>, value: &Value, path: &str, origin: &str) -> Option<T> {
        let manner = self.manner(option);
        (option.reading.read)(&mut Found::read_in(manner, value, path, origin, &mut self.problems))
    }

    fn manner<T>(&self, option: &TypedOption<T>) -> Manner {
        Manner { secret: option.is_secret(), force_https: option.no_http && !self.context.allow_http }
    }

    /// What the option is when nothing gives it.
    fn absent<T>(&mut self, option: &TypedOption<T>) -> Option<T> {
        match &option.absent {
            Absent::Nothing(nothing) => return Some(nothing()),
            Absent::Default(default) => {
                let mut value = default();
                let kind = option.reading.kind;
                // A pattern must be one in a default, too, and a URL is brought to https; the mask of a secret cannot be
                // read again.
                if !kind.is_secret() && (kind.is_pattern() || self.manner(option).force_https) {
                    let written = (option.reading.to_value)(&value);
                    value = self.convert(option, &written, option.key, OWN_DEFAULT)?;
                }
                let (path, origin) = (option.key.to_owned(), OWN_DEFAULT.to_owned());
                return self.accepted(option, Origin { value, path, origin, source: None });
            }
            Absent::Refused => {
                let hint = option.env.map(|name| format!("the environment variable {name} would do, too"));
                let problem = Problem::refused(option.key, "required, but not given").of_kind(ProblemKind::Missing);
                self.problems.push(problem.with_hint(hint.unwrap_or_default()));
            }
        }
        None
    }

    /// The value when it is within its bounds and passes the author's own check.
    fn accepted<T>(&mut self, option: &TypedOption<T>, read: Origin<T>) -> Option<T> {
        let Origin { value, path, origin, source } = read;
        let is_secret = option.is_secret();
        let faults = option.bounds.as_ref().map(|bounds| bounds.faults(&value, is_secret)).unwrap_or_default();
        let is_within = faults.is_empty();
        for (place, fault) in faults {
            let place = if is_secret { "" } else { &place };
            let problem = Problem::refused(format!("{path}{place}"), fault + &origin);
            self.problems.push(problem.of_kind(ProblemKind::Range));
        }
        if !is_within {
            return None;
        }
        if let Some(Err(error)) = option.check.map(|check| check(&value)) {
            let mut message = error.to_string();
            let sources = source.into_iter().chain([(option.reading.to_value)(&value)]);
            if is_secret && sources.into_iter().any(|source| shows(&message, &source)) {
                "is refused by the monitor; the reason is not shown, because it holds the secret"
                    .clone_into(&mut message);
            }
            self.problems.push(Problem::refused(path, message + &origin));
            return None;
        }
        Some(value)
    }

    /// Looks a variable up in upper case, then in lower case, then as it is written.
    fn variable(&self, name: &str) -> Option<(String, &'e str)> {
        [name.to_uppercase(), name.to_lowercase(), name.to_owned()]
            .into_iter()
            .find_map(|name| self.context.environment.get(&name).map(|text| (name, text)))
    }

    /// The old agent read every absent option from the environment, declared for it or not; ours must say so when it
    /// does not.
    fn warn_of_unread_variables<T>(&mut self, option: &TypedOption<T>) {
        if option.env.is_some() {
            return;
        }
        for key in std::iter::once(option.key).chain(option.aliases.iter().copied()) {
            if let Some((name, _)) = self.variable(&format!("SCALYR_{}", key.to_uppercase())) {
                let message = format!("the environment variable {name} is not read for this option");
                let problem = Problem::warning(option.key, message).of_kind(ProblemKind::Obsolete);
                self.problems.push(problem.with_hint("set it in the entry"));
            }
        }
    }

    /// Warns of each key that neither the monitor nor the agent reads.
    pub(crate) fn warn_of_unknown_keys(&mut self, options: &[&dyn DescribeOption]) {
        let known: Vec<&str> = options.iter().map(|option| option.key()).collect();
        // An older name that is nearest stands for the new one.
        let named = |option: &&dyn DescribeOption| {
            let key = option.key();
            option.aliases().iter().map(move |alias| (*alias, key)).chain([(key, key)]).collect::<Vec<_>>()
        };
        let framework = FRAMEWORK_KEYS.iter().map(|key| (*key, *key));
        let names: Vec<(&str, &str)> = options.iter().flat_map(named).chain(framework).collect();
        for key in self.entry.keys().filter(|key| !names.iter().any(|(name, _)| name == key)) {
            let near = nearest::nearest(key, names.iter().map(|(name, _)| *name));
            let near = near.first().and_then(|near| names.iter().find(|(name, _)| name == near));
            let hint = match (near, known.is_empty()) {
                (Some((_, near)), _) => format!("did you mean `{near}`?"),
                (None, true) => "this monitor has none of its own".to_owned(),
                (None, false) => format!("this monitor has {}", nearest::quoted(&known)),
            };
            let problem = Problem::warning(member_path("", key), "unknown option").of_kind(ProblemKind::UnknownKey);
            self.problems.push(problem.with_hint(hint));
        }
    }

    /// All problems that were found.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl<T> TypedOption<T> {
    /// Whether its value is shown nowhere.
    fn is_secret(&self) -> bool {
        self.secret || self.reading.kind.is_secret()
    }

    /// Whether two values that it may be given mean different things.
    fn differ(&self, a: &Value, b: &Value) -> bool {
        if a == b {
            return false;
        }
        if self.reading.kind.is_secret() {
            // What was read shows itself as a mask, so what was written is compared.
            let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return written(a) != written(b);
        }
        let read = |value| (self.reading.read)(&mut Found::new(value, self.key, "", &mut Vec::new()));
        match (read(a), read(b)) {
            (Some(a), Some(b)) => (self.reading.to_value)(&a) != (self.reading.to_value)(&b),
            _ => true,
        }
    }
}

/// Whether a message holds any text or number of a value.
fn shows(message: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => shows_text(message, text),
        Value::Number(number) => message.contains(&number.to_string()),
        Value::Array(elements) => elements.iter().any(|element| shows(message, element)),
        Value::Object(members) => {
            members.iter().any(|(key, member)| shows_text(message, key) || shows(message, member))
        }
        Value::Null | Value::Bool(_) => false,
    }
}

/// Whether a message holds a text, also when blanks were taken off, capitals changed or quotes put around it.
fn shows_text(message: &str, text: &str) -> bool {
    let (message, text) = (message.to_lowercase(), text.trim().to_lowercase());
    !text.is_empty() && (message.contains(&text) || message.contains(&text.escape_debug().to_string()))
}
