//! The user's rules at work in a sample: what is not written, and the rates that are written besides.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::{Clock, Timestamp};
use crate::lines::HAND_ON_BYTES;
use crate::log::Logger;
use crate::metric::MetricValue;
use crate::rate::{MANY_SERIES, MAX_SERIES, Observed, Outcome, Rates};
use crate::rules::{MetricRules, SeriesBudget};

/// How often the same thing is told of.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// How often it is told that there are too many series.
const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

/// A finished metric line, in its parts.
pub(crate) struct MetricLine<'l> {
    /// Time and name of the monitor, up to the metric.
    pub(crate) head: &'l str,
    /// The id in it.
    pub(crate) id: &'l str,
    /// The name of the metric.
    pub(crate) metric: &'l str,
    /// As written.
    pub(crate) value: &'l str,
    /// As written.
    pub(crate) fields: &'l str,
    /// The time that the emission gave itself.
    pub(crate) time: Option<Timestamp>,
}

/// The rules of one instance, and what its rates need.
pub(crate) struct Governed {
    rules: Arc<MetricRules>,
    rates: Rates,
    /// The line of a rate that was calculated; kept for its memory.
    line: String,
}

impl Governed {
    pub(crate) fn new(rules: Arc<MetricRules>, budget: SeriesBudget, now: Instant) -> Self {
        Self { rules, rates: Rates::new(budget, now), line: String::new() }
    }

    /// Adds a rate that the monitor asks for itself; false when it asks for too many.
    pub(crate) fn add_rate(&mut self, metric: &str, filter: Option<(&str, &str)>) -> bool {
        Arc::make_mut(&mut self.rules).add_rate(metric, filter)
    }

    /// The cause under which it is told that this metric is not written; `None` when it is.
    pub(crate) fn blacklisted(&self, metric: &str) -> Option<&str> {
        self.rules.blacklisted(metric)
    }

    /// Calculates the rate of the line's metric; true when there is one to be [pushed](Self::push_rate).
    pub(crate) fn calculate_rate(&mut self, line: &MetricLine<'_>, clock: &Clock, logger: &Logger) -> bool {
        let MetricLine { head, id, metric, value, fields, time } = *line;
        let Some(rule) = self.rules.rate_of(metric, fields) else { return false };
        let observed = Observed { metric, id, value, fields, own_time: time, now: clock.monotonic() };
        let rate = match self.rates.observe(&observed) {
            // The name of the rate may be on the blacklist itself.
            Outcome::Rate(rate) if self.rules.blacklisted(&rule.name).is_none() => rate,
            Outcome::Rate(_) | Outcome::Nothing => return false,
            Outcome::Many(count) => {
                logger.limited(clock, "many rates", DAY).warn(format_args!(
                    "Rates are calculated for {count} combinations of metric and extra fields, more than {MANY_SERIES}; \
                     at {MAX_SERIES} new ones get no rate. Filter the entries of `calculate_rate_metric_names` by a field"
                ));
                return false;
            }
            Outcome::TooMany => {
                logger.limited(clock, "too many rates", HALF_AN_HOUR).warn(format_args!(
                    "No rate for a new combination of the metric {metric:?} and its extra fields: the agent calculates \
                     {MAX_SERIES} already. Filter the entries of `calculate_rate_metric_names` by a field"
                ));
                return false;
            }
            Outcome::NoNumber => {
                let value = &value[..value.floor_char_boundary(100)];
                logger.limited(clock, &rule.cause, DAY).warn(format_args!(
                    "The metric {metric:?} has no rate: its value {value} is no number; this is told once a day"
                ));
                return false;
            }
        };
        self.line.clear();
        self.line.shrink_to(HAND_ON_BYTES);
        self.line.push_str(head);
        self.line.push_str(&rule.name);
        self.line.push(' ');
        rate.write(&mut self.line);
        self.line.push_str(fields);
        true
    }

    /// Appends the line of the rate that was calculated last, without its end.
    pub(crate) fn push_rate(&self, text: &mut String) {
        text.push_str(&self.line);
    }

    /// Forgets series that had no value for long, when it is time to.
    pub(crate) fn clean_up(&mut self, clock: &Clock, logger: &Logger) {
        if let Some((forgotten, left)) = self.rates.clean_up(self.rules.clean_up_interval(), clock.monotonic()) {
            logger.info(format_args!(
                "Series of `calculate_rate_metric_names` without a value for half an hour: {forgotten} forgotten, \
                 {left} left"
            ));
        }
    }
}
