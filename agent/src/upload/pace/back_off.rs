//! The pauses after failures.

use std::time::Duration;

use super::scaled;

/// The pause after a first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The shortest pause after a failure, whatever `max_error_request_spacing_interval` says: no server is hammered.
pub(super) const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The longest `Retry-After` that is honoured: a mistaken one must not silence the agent for days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// After a failure the same request is tried again after 1 s, then each time longer by
/// `failure_request_spacing_adjustment` up to `max_error_request_spacing_interval`, each pause up to 20 % longer or
/// shorter by chance so that a fleet does not knock in step. `Retry-After` is honoured up to an hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackOff {
    longest: Duration,
    factor: f64,
    /// The pause after the next failure, before chance.
    pause: Duration,
}

impl BackOff {
    /// `max_error_request_spacing_interval` and `failure_request_spacing_adjustment`.
    pub(super) fn new(longest: Duration, factor: f64) -> Self {
        let longest = longest.max(SHORTEST_PAUSE);
        Self { longest, factor: factor.max(1.0), pause: FIRST_PAUSE.min(longest) }
    }

    /// The server has dealt with a request: pauses begin anew.
    pub(super) fn succeeded(&mut self) {
        self.pause = FIRST_PAUSE.min(self.longest);
    }

    /// The pause after one more failure. `chance` lies in 0..=1.
    pub(super) fn failed(&mut self, chance: f64, retry_after: Option<Duration>) -> Duration {
        let pause = scaled(self.pause, 0.8 + 0.4 * chance, self.longest);
        self.pause = scaled(self.pause, self.factor, self.longest);
        pause.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
    }
}
