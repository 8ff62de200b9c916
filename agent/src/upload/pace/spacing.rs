//! The time between the starts of two requests while all is well.

use std::time::{Duration, Instant};

use crate::config::plan::Pacing;

use super::scaled;

/// Least time between the starts of two small requests where the configuration names none (at most four a second).
pub(super) const QUIET_SPACING: Duration = Duration::from_millis(250);

/// The spacing of requests. It counts from the start of the last one, so that the first line after a silence always
/// leaves at once.
///
/// Unless the water marks act, the agent wants low latency and few requests: a request smaller than the high water mark
/// starts at least 250 ms (or `max_request_spacing_interval` when that is less) after the one before, so trickling lines
/// cost at most four requests a second and wait an eighth of a second on average, and lines rarer than that do not wait
/// at all; a request that has reached the high water mark is worth its overhead and does not wait. A
/// `min_request_spacing_interval` that the user set holds for both. The Python agent's rule starts at 5 s and needs eight
/// large requests to become quick.
///
/// Where the water marks act (`legacy`, or the user set one of their keys) the old rule counts: between minimum and
/// maximum, longer after a request below the low water mark, shorter after one above the high water mark. It starts at
/// the minimum, but not below 250 ms, which is also where a spacing that has to grow begins. Sizes are uncompressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spacing {
    pacing: Pacing,
    spacing: Duration,
    last_start: Option<Instant>,
}

impl Spacing {
    /// Nothing was sent yet.
    pub(super) fn new(pacing: Pacing) -> Self {
        Self { pacing, spacing: quiet(&pacing), last_start: None }
    }

    /// A request leaves.
    pub(super) fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
    }

    /// A request with a body of this many bytes, uncompressed, was dealt with.
    pub(super) fn succeeded(&mut self, bytes: usize) {
        let Pacing { low_water, high_water, min_spacing, max_spacing, .. } = self.pacing;
        let (from, factor) = match bytes {
            _ if bytes < low_water.0 => (self.spacing.max(quiet(&self.pacing)), low_water.1),
            _ if bytes > high_water.0 => (self.spacing, high_water.1),
            _ => return,
        };
        self.spacing = scaled(from, factor, max_spacing.max(min_spacing)).max(min_spacing);
    }

    /// When the next request may start: a small one, and one that has reached the high water mark; `None` = at once.
    pub(super) fn next(&self) -> (Option<Instant>, Option<Instant>) {
        let (small, large) = match self.pacing.water_marks {
            true => (self.spacing, self.spacing),
            false => (quiet(&self.pacing), self.pacing.min_spacing),
        };
        let after = |spacing: Duration| self.last_start.map(|start| start + spacing);
        (after(small), after(large))
    }
}

/// The spacing of small requests in a calm session.
fn quiet(pacing: &Pacing) -> Duration {
    QUIET_SPACING.min(pacing.max_spacing).max(pacing.min_spacing)
}
