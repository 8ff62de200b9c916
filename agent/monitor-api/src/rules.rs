//! What the user said about metrics by their names: which are not written, and of which the rate is calculated
//! (`monitor-framework.md` sections 11 and 12). Made by the agent from the configuration.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use crate::metric::{MetricValue, sanitise_name};
pub use crate::rate::SeriesBudget;
use crate::rate::written_fields;

/// So many rates and filters an instance may ask for itself; the user may ask for any number.
const MAX_ADDED: usize = 1000;

/// The rules for the metrics of one instance. None by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricRules {
    /// The names, each with the cause under which it is told of.
    blacklist: HashMap<String, String>,
    /// By the name of the metric.
    rates: HashMap<String, RateRule>,
    clean_up: Option<Duration>,
    /// How many rates and filters the monitor added itself.
    added: usize,
}

impl Default for MetricRules {
    fn default() -> Self {
        let clean_up = Some(Duration::from_secs(1800));
        Self { blacklist: HashMap::new(), rates: HashMap::new(), clean_up, added: 0 }
    }
}

impl MetricRules {
    /// `metric_name_blacklist`: metrics of these names, exactly as they stand in the log, are not written.
    pub fn blacklist(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.blacklist.extend(names.into_iter().map(|name| {
            let cause = format!("blacklist {name}");
            (name, cause)
        }));
        self
    }

    /// `calculate_rate_metric_names`: the rate of this metric is written behind it; with a `filter` only where the
    /// extra field has the value. Names may be given as they are emitted or as they stand in the log.
    pub fn rate(mut self, metric: &str, filter: Option<(&str, &str)>) -> Self {
        self.push_rate(metric, filter);
        self
    }

    /// Adds a rate that the monitor asks for itself; false when it asks for too many.
    pub(crate) fn add_rate(&mut self, metric: &str, filter: Option<(&str, &str)>) -> bool {
        let rule = self.rates.get(&*sanitise_name(metric));
        if rule.is_some_and(|rule| rule.covers(filter)) {
            return true;
        }
        if self.added == MAX_ADDED {
            return false;
        }
        self.added += 1;
        self.push_rate(metric, filter);
        true
    }

    fn push_rate(&mut self, metric: &str, filter: Option<(&str, &str)>) {
        let name = sanitise_name(metric).into_owned();
        let rule = self.rates.entry(name).or_insert_with_key(|name| RateRule::of(name));
        match filter {
            Some((field, value)) => rule.filters.push(Filter::new(field, value)),
            None => rule.everywhere = true,
        }
    }

    /// `metric_functions_cleanup_interval`: how often forgotten series are looked for; `None` = never.
    pub fn clean_up(mut self, interval: Option<Duration>) -> Self {
        self.clean_up = interval;
        self
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.blacklist.is_empty() && self.rates.is_empty()
    }

    pub(crate) fn clean_up_interval(&self) -> Option<Duration> {
        self.clean_up
    }

    /// The cause under which it is told that this metric is not written; `None` when it is.
    pub(crate) fn blacklisted(&self, metric: &str) -> Option<&str> {
        self.blacklist.get(metric).map(String::as_str)
    }

    /// The rule for this metric, when it wants the rate of what was written with these fields.
    pub(crate) fn rate_of(&self, metric: &str, fields: &str) -> Option<&RateRule> {
        self.rates.get(metric).filter(|rule| rule.everywhere || rule.filters.iter().any(|filter| filter.takes(fields)))
    }
}

/// The rate of one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RateRule {
    /// The name of the rate.
    pub(crate) name: String,
    /// The cause under which it is told that the metric is no number.
    pub(crate) cause: String,
    everywhere: bool,
    filters: Vec<Filter>,
}

impl RateRule {
    fn of(metric: &str) -> Self {
        Self { name: format!("{metric}_rate"), cause: format!("rate {metric}"), everywhere: false, filters: Vec::new() }
    }
}

impl RateRule {
    /// Whether a further entry would change nothing.
    fn covers(&self, filter: Option<(&str, &str)>) -> bool {
        let is_there = |(field, value): (&str, &str)| {
            let field = sanitise_name(field);
            self.filters.iter().any(|filter| filter.field == field && filter.bare == value)
        };
        self.everywhere || filter.is_some_and(is_there)
    }
}

/// An extra field and its value, in both forms in which it may have been written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter {
    field: String,
    bare: String,
    quoted: String,
}

impl Filter {
    fn new(field: &str, value: &str) -> Self {
        let mut quoted = String::new();
        value.write(&mut quoted);
        Self { field: sanitise_name(field).into_owned(), bare: value.to_owned(), quoted }
    }

    fn takes(&self, fields: &str) -> bool {
        written_fields(fields).any(|(name, value)| name == self.field && (value == self.quoted || value == self.bare))
    }
}

/// What is wrong with a name that is to be matched against those in the log: the form it has there, when that differs.
pub fn name_in_log(name: &str) -> Option<Cow<'_, str>> {
    let written = sanitise_name(name);
    (written != name).then_some(written)
}
