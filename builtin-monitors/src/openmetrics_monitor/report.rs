//! What is told of a scrape in the agent log: each trouble at most once in five minutes, a state of affairs once a day.

use std::fmt::Display;
use std::time::Duration;

use scalyr_monitor::http::Response;
use scalyr_monitor::{Error, Result, Sample};

use super::answer;
use super::exposition::Remains;
use super::scrape::Tally;

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);

/// With more metrics than this the user is asked whether all of them are wanted.
const MANY: u64 = 2000;

/// A scrape that has ended.
pub(super) struct Report<'r> {
    /// What was asked.
    pub(super) place: &'r str,
    pub(super) tally: &'r Tally,
    pub(super) remains: &'r Remains,
}

/// Tells what a server says for its refusal.
pub(super) fn tell_refusal(response: &Response, out: &Sample) {
    if let Some(said) = answer::refusal(response) {
        out.limited("refusal", FIVE_MINUTES).warn(format_args!("{response}; the server says: {said}"));
    }
}

impl Report<'_> {
    /// Tells what is odd.
    pub(super) fn tell(&self, max_metrics: u64, out: &Sample) {
        let Self { place, tally, remains } = self;
        if let Some((line, text, why)) = &remains.first_fault {
            let others = match remains.faulty - 1 {
                0 => String::new(),
                others => format!("; so are {others} more of this answer, for this or another reason"),
            };
            out.limited("faulty lines", FIVE_MINUTES).warn(format_args!(
                "{place}: line {line} is left out, because {why}: {text:?}{others}. It must be as Prometheus or OpenMetrics \
                 has it"
            ));
        }
        if tally.beyond > 0 {
            out.limited("more than max_metrics", FIVE_MINUTES).warn(format_args!(
                "{place}: {} metrics are left out, because there are more than `max_metrics` ({max_metrics}); take fewer by \
                 the filters, let the exporter show fewer, or raise it",
                tally.beyond
            ));
        }
        if let Some([first, second, written]) = &tally.merged {
            out.limited("merged names", DAY).warn(format_args!(
                "{place}: the metrics {first:?} and {second:?} are both written as {written:?}; leave one of them out by \
                 `metric_name_exclude_list`"
            ));
        }
        if tally.emitted > MANY {
            out.limited("many metrics", DAY).warn(format_args!(
                "{place}: {} metrics are written with each sample, and every one of them is sent and stored; take those \
                 that you need by the filters, best in the exporter itself. This is told once a day",
                tally.emitted
            ));
        }
        self.tell_of_nothing(out);
        out.logger().debug(format_args!(
            "{place}: {} metrics written, {} not wanted, {} left out for their type, {} without a number",
            tally.emitted, tally.filtered, remains.of_left_out_types, remains.without_value
        ));
    }

    /// Tells why there is no line at all.
    fn tell_of_nothing(&self, out: &Sample) {
        let Self { place, tally, remains } = self;
        if tally.emitted > 0 || remains.faulty > 0 {
            return;
        }
        if tally.filtered > 0 {
            out.limited("all filtered", DAY).warn(format_args!(
                "{place}: none of the {} metrics is wanted; look at `metric_name_include_list`, \
                 `metric_name_exclude_list` and `metric_component_value_include_list`. This is told once a day",
                tally.filtered
            ));
        } else if remains.of_left_out_types + remains.without_value == 0 {
            out.limited("empty", DAY).warn(format_args!(
                "{place}: the answer holds no metrics; is the path right, and does the exporter have something to show? \
                 This is told once a day"
            ));
        }
    }

    /// Whether there was something, and nothing of it makes sense.
    pub(super) fn understood_nothing(&self) -> bool {
        let Self { tally, remains, .. } = self;
        let understood =
            tally.emitted + tally.filtered + tally.beyond + remains.of_left_out_types + remains.without_value;
        remains.faulty > 0 && understood == 0
    }

    /// The sample has failed, though what was read is written.
    pub(super) fn fail(&self, why: impl Display) -> Result<()> {
        Err(Error::new(format!("{}: {why}", self.place)))
    }
}
