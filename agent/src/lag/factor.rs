//! What keeps a session from sending faster, and how fast it sends: from two snapshots of it that lie apart.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::config::plan::SessionId;
use crate::upload::SessionSnapshot;

/// The time over which it is measured.
const WINDOW: Duration = Duration::from_secs(60);
/// What takes this share of the time is what limits.
const SHARE: f64 = 0.5;

/// What limits the copying of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Requests to the server fail.
    FailingServer,
    /// Requests take long.
    Server,
    /// `max_send_rate_enforcement` keeps requests back.
    RateLimit,
    /// Packing and compressing: batches wait although the server is quick.
    Cpu,
    /// Finding and reading lines: nothing waits to be packed.
    Reading,
    /// No session takes the lines.
    NoSession,
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FailingServer => "server: requests fail",
            Self::Server => "server: requests take long",
            Self::RateLimit => "rate limit: max_send_rate_enforcement",
            Self::Cpu => "CPU: packing and compressing",
            Self::Reading => "reading the file",
            Self::NoSession => "no upload session takes its lines",
        })
    }
}

/// How a session works now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    pub(super) factor: Factor,
    /// Bytes of request bodies per second that the server dealt with, before compression; none when there was no time
    /// to measure it.
    pub(super) rate: Option<f64>,
}

/// The figures of a session at one moment; all of them only grow.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    server: f64,
    rate_limit: f64,
    bytes: u64,
}

/// The sessions' figures of the last minute.
#[derive(Default)]
pub(super) struct Paces {
    /// By the session, which has another id on the wire when it was replaced; a few each.
    samples: BTreeMap<(SessionId, String), VecDeque<Sample>>,
}

impl Paces {
    /// Takes the figures of all sessions. Returns how each works; `is_full` says whether its channel is full.
    pub(super) fn look(
        &mut self,
        sessions: &[SessionSnapshot],
        is_full: impl Fn(&SessionId) -> bool,
        now: Instant,
    ) -> BTreeMap<SessionId, Pace> {
        let key = |session: &SessionSnapshot| (session.name.clone(), session.session.clone());
        self.samples.retain(|known, _| sessions.iter().any(|session| key(session) == *known));
        let mut paces = BTreeMap::new();
        for session in sessions {
            let sample = Sample {
                at: now,
                server: session.server_seconds,
                rate_limit: session.rate_limit_seconds,
                bytes: session.bytes_dealt_with,
            };
            let samples = self.samples.entry(key(session)).or_default();
            while samples.get(1).is_some_and(|second| now.saturating_duration_since(second.at) >= WINDOW) {
                samples.pop_front();
            }
            let pace = pace(session, samples.front().copied(), sample, is_full(&session.name));
            samples.push_back(sample);
            paces.insert(session.name.clone(), pace);
        }
        paces
    }
}

fn pace(session: &SessionSnapshot, before: Option<Sample>, sample: Sample, is_full: bool) -> Pace {
    let seconds = before.map_or(0.0, |before| sample.at.saturating_duration_since(before.at).as_secs_f64());
    let measured = before.filter(|_| seconds > 0.0);
    let share = |of: fn(&Sample) -> f64| measured.map_or(0.0, |before| (of(&sample) - of(&before)) / seconds);
    let (server, rate_limit) = (share(|it| it.server), share(|it| it.rate_limit));
    let factor = if session.broken.is_some() {
        Factor::NoSession
    } else if session.failing_since_ms.is_some() {
        Factor::FailingServer
    } else if server.max(rate_limit) >= SHARE {
        if server > rate_limit { Factor::Server } else { Factor::RateLimit }
    } else if is_full {
        Factor::Cpu
    } else {
        Factor::Reading
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    let rate = measured.map(|before| sample.bytes.saturating_sub(before.bytes) as f64 / seconds);
    Pace { factor, rate }
}
