//! When the next request may leave. Pure: told the time, asked for moments; all of it monotonic.

mod back_off;
mod rate;
mod spacing;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::config::plan::Pacing;

use back_off::BackOff;
pub(super) use rate::Allowance;
use rate::Rate;
use spacing::{QUIET_SPACING, Spacing};

/// When the send thread, which is free now, may begin its next request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Turn {
    /// A request smaller than `high_water_bytes_sent`; `None` = at once.
    pub(super) small: Option<Instant>,
    /// A larger or a full one.
    pub(super) large: Option<Instant>,
    /// Settlements of bytes of which nothing is to be sent.
    pub(super) settlement: Option<Instant>,
    /// How many log bytes may be sent, and when; `None` = no limit.
    pub(super) allowance: Option<Allowance>,
    /// Up to how many bytes it is filled.
    pub(super) fill: usize,
}

/// When requests may leave: their spacing, the limit of the rate, and the pauses after failures.
pub(super) struct Pace {
    spacing: Spacing,
    rate: Option<Rate>,
    back_off: BackOff,
    last_settlement: Option<Instant>,
}

impl Pace {
    /// Nothing was sent yet.
    pub(super) fn new(pacing: Pacing, now: Instant) -> Self {
        Self {
            spacing: Spacing::new(pacing),
            rate: pacing.max_rate.map(|per_second| Rate::new(per_second, now)),
            back_off: BackOff::new(pacing.max_error_spacing, pacing.failure_adjustment),
            last_settlement: None,
        }
    }

    /// Of a session that sends nothing: there is no rate to limit.
    pub(super) fn without_sending(pacing: Pacing, now: Instant) -> Self {
        Self::new(Pacing { max_rate: None, ..pacing }, now)
    }

    /// Before a request leaves for the first time: its log bytes count from now on, however often it is sent again.
    pub(super) fn charge(&mut self, log_bytes: u64, now: Instant) {
        if let Some(rate) = &mut self.rate {
            rate.charge(log_bytes, now);
        }
    }

    /// A request leaves, for the first time or again.
    pub(super) fn started(&mut self, now: Instant) {
        self.spacing.started(now);
    }

    /// Bytes were settled without a request.
    pub(super) fn settled(&mut self, now: Instant) {
        self.last_settlement = Some(now);
    }

    /// A request with a body of this many bytes, uncompressed, was dealt with by the server.
    pub(super) fn succeeded(&mut self, body_bytes: usize) {
        self.back_off.succeeded();
        self.spacing.succeeded(body_bytes);
    }

    /// A request failed: how long to wait before it is tried again. `chance` lies in 0..=1, `retry_after` is what the
    /// server asked for.
    pub(super) fn failed(&mut self, chance: f64, retry_after: Option<Duration>) -> Duration {
        self.back_off.failed(chance, retry_after)
    }

    /// When the next request may begin, which is filled up to so many bytes.
    pub(super) fn turn(&self, fill: usize) -> Turn {
        let (small, large) = self.spacing.next();
        Turn {
            small,
            large,
            settlement: self.last_settlement.map(|last| last + QUIET_SPACING),
            allowance: self.rate.map(Rate::allowance),
            fill,
        }
    }
}

/// `time` times `factor`, at most `longest`; a factor that makes no sense changes nothing.
fn scaled(time: Duration, factor: f64, longest: Duration) -> Duration {
    let seconds = time.as_secs_f64() * factor;
    Duration::try_from_secs_f64(seconds).unwrap_or(time).min(longest)
}
