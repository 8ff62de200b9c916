//! The keys of an entry that the agent itself reads, as far as a test can see what comes of them.

use std::time::Duration;

use serde_json::{Map, Value};

use super::problem::Problem;
use crate::config::{ConfigValue, Found};
use crate::registry::{self, Registration, Severity};
use crate::rules::MetricRules;
use crate::run::{LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL};

/// The agent's `global_monitor_sample_interval`, when nobody says otherwise.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(30);

/// What the entry says to the agent.
#[derive(Default)]
pub(super) struct AgentKeys {
    pub(super) id: String,
    pub(super) sample_interval: Duration,
    pub(super) disabled: bool,
    pub(super) rules: MetricRules,
}

/// Reads these keys, and notes what is wrong with them.
pub(super) fn read(registration: &Registration, entry: &Map<String, Value>, problems: &mut Vec<Problem>) -> AgentKeys {
    let mut reader = KeyReader { entry, problems };
    reader.check_module(registration);
    let interval = reader.read::<f64>("sample_interval").and_then(|seconds| reader.interval(seconds));
    AgentKeys {
        id: reader.id(),
        sample_interval: interval.unwrap_or(SAMPLE_INTERVAL),
        disabled: reader.read("disabled").unwrap_or_default(),
        rules: reader.rules(registration),
    }
}

struct KeyReader<'e> {
    entry: &'e Map<String, Value>,
    problems: &'e mut Vec<Problem>,
}

impl KeyReader<'_> {
    fn given(&self, key: &str) -> Option<&Value> {
        self.entry.get(key).filter(|value| !value.is_null())
    }

    fn note(&mut self, path: &str, severity: Severity, message: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), message: message.into(), severity });
    }

    fn read<T: ConfigValue>(&mut self, key: &str) -> Option<T> {
        let value = self.given(key)?.clone();
        let mut found = Vec::<registry::Problem>::new();
        let read = T::read(&mut Found::new(&value, key, "", &mut found));
        self.problems.extend(found.into_iter().map(Problem::from));
        read
    }

    /// The agent would run another monitor, or none.
    fn check_module(&mut self, registration: &Registration) {
        let Some(module) = self.given("module") else { return };
        let plain = |name: &str| name.replace('-', "_");
        let mut names = [Some(registration.name), registration.module].into_iter().flatten();
        if !module.as_str().is_some_and(|module| names.any(|name| plain(name) == plain(module))) {
            let name = registration.name;
            let message = format!("{module} is another monitor; this one is `{name}`, or leave `module` out");
            self.note("module", Severity::Refused, message);
        }
    }

    fn interval(&mut self, seconds: f64) -> Option<Duration> {
        let (least, longest) = (LEAST_SAMPLE_INTERVAL.as_secs_f64(), LONGEST_SAMPLE_INTERVAL.as_secs_f64());
        if seconds < least {
            self.note("sample_interval", Severity::Refused, format!("{seconds} is below the minimum {least}"));
        } else if seconds > longest {
            self.note("sample_interval", Severity::Refused, format!("{seconds} is above the maximum {longest}"));
        }
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn id(&mut self) -> String {
        match self.given("id").cloned() {
            None => String::new(),
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                self.note("id", Severity::Refused, "must not hold line breaks or other control characters");
                String::new()
            }
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(truth)) => if truth { "True" } else { "False" }.to_owned(),
            Some(_) => {
                self.note("id", Severity::Refused, "must be a text, a number, true or false");
                String::new()
            }
        }
    }

    /// `metric_name_blacklist` and `calculate_rate_metric_names`; what cannot act there is only odd.
    fn rules(&mut self, registration: &Registration) -> MetricRules {
        const RATES: &str = "calculate_rate_metric_names";
        let blacklist: Vec<String> = self.read("metric_name_blacklist").unwrap_or_default();
        let mut rules = MetricRules::default().blacklist(blacklist);
        for rate in self.read::<Vec<String>>(RATES).unwrap_or_default() {
            let mut parts = rate.splitn(3, ':');
            let (module, metric, filter) = (parts.next(), parts.next(), parts.next());
            let filter = filter.map(|filter| filter.split_once('='));
            match (module, metric, filter) {
                (Some(module), Some(metric), None | Some(Some(_))) if !metric.trim().is_empty() => {
                    // The short name, as the metric log shows it; an entry for another monitor does nothing here.
                    if module.trim() == registration.name {
                        rules = rules.rate(metric.trim(), filter.flatten().map(|(field, value)| (field.trim(), value)));
                    }
                }
                _ => self.note(
                    RATES,
                    Severity::Warning,
                    format!("{rate:?}: an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`"),
                ),
            }
        }
        rules
    }
}
