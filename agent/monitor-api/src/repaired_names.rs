//! Names that are only known at run time and had to be repaired: told of, but not with each line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::log::{Level, Logger};
use crate::metric::{is_valid_name, sanitise_name};

/// How long a name that was told of is not told of again.
const DAY: Duration = Duration::from_secs(86_400);

/// How many names are told of in a day; more would be a flood, and a collection that grows with what is looked at.
const MAX_NAMES: usize = 20;

/// Repairs names of one kind and warns of each once a day (`logging.md` section 5).
pub(crate) struct RepairedNames {
    what: &'static str,
    code: &'static str,
    told: HashSet<String>,
    /// When the first of them was told of.
    since: Option<Instant>,
}

impl RepairedNames {
    /// Those of metrics.
    pub(crate) fn of_metrics() -> Self {
        Self { what: "metric", code: "client/badMetricName", told: HashSet::new(), since: None }
    }

    /// Those of extra fields.
    pub(crate) fn of_fields() -> Self {
        Self { what: "field", code: "client/badFieldName", told: HashSet::new(), since: None }
    }

    /// The name as it may stand in the log.
    pub(crate) fn repair<'n>(&mut self, name: &'n str, clock: &Clock, logger: &Logger) -> Cow<'n, str> {
        let written = sanitise_name(name);
        if !is_valid_name(name) {
            self.tell(name, &written, clock, logger);
        }
        written
    }

    fn tell(&mut self, name: &str, written: &str, clock: &Clock, logger: &Logger) {
        let now = clock.monotonic();
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= DAY) {
            self.told.clear();
            self.since = Some(now);
        }
        if self.told.len() >= MAX_NAMES || self.told.contains(name) {
            return;
        }
        self.told.insert(name.to_owned());
        let last = if self.told.len() == MAX_NAMES { "; further names are repaired without a word today" } else { "" };
        let what = self.what;
        // The instance's logger outlives a monitor that is built anew.
        logger.limited(clock, &format!("{what} name {name}"), DAY).coded(
            Level::Warning,
            self.code,
            format_args!(
                "The {what} name {} is written as {}. A name is an ASCII letter or `_`, then letters, digits, `_`, `.` \
                 and `-`; other characters become `_`. Only the first occurrence in a day is reported{last}",
                Short(name),
                Short(written)
            ),
        );
    }
}

/// A name in quotes, escaped and cut short.
struct Short<'n>(&'n str);

impl std::fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.char_indices().nth(100) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}
