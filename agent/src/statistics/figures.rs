//! The sums over all sessions, also those that reloads have replaced.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::order;
use crate::upload::SessionSnapshot;

/// What sessions have done, in all (`wire-protocol.md` section 14). Sizes in bytes, times in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Requests with events that left.
    pub requests_sent: u64,
    /// Attempts that failed.
    pub requests_failed: u64,
    /// Bodies sent, before compression.
    pub bytes_sent: u64,
    /// Bodies sent, after compression.
    pub compressed_bytes_sent: u64,
    /// Bodies of answers.
    pub bytes_received: u64,
    /// Connections opened.
    pub connections_created: u64,
    /// Requests that were full, and closed, while the one before was on its way.
    pub requests_prepared_ahead: u64,
    /// How long requests took.
    pub request_seconds: f64,
    /// How long bodies were compressed.
    pub compression_seconds: f64,
    /// How long no request was on its way.
    pub rest_seconds: f64,
    /// How long the limit of the rate has kept requests back.
    pub rate_limit_seconds: f64,
}

impl Figures {
    /// Those of one session.
    pub(super) fn of(session: &SessionSnapshot) -> Self {
        Self {
            requests_sent: session.requests_sent,
            requests_failed: session.requests_failed,
            bytes_sent: session.bytes_raw,
            compressed_bytes_sent: session.bytes_compressed,
            bytes_received: session.bytes_received,
            connections_created: session.connections_opened,
            requests_prepared_ahead: session.requests_prepared_ahead,
            request_seconds: session.request_seconds,
            compression_seconds: session.compression_seconds,
            rest_seconds: session.rest_seconds,
            rate_limit_seconds: session.rate_limit_seconds,
        }
    }

    fn add(&mut self, other: &Self) {
        // Every field is named, so that none is forgotten.
        let Self {
            requests_sent,
            requests_failed,
            bytes_sent,
            compressed_bytes_sent,
            bytes_received,
            connections_created,
            requests_prepared_ahead,
            request_seconds,
            compression_seconds,
            rest_seconds,
            rate_limit_seconds,
        } = other;
        self.requests_sent += requests_sent;
        self.requests_failed += requests_failed;
        self.bytes_sent += bytes_sent;
        self.compressed_bytes_sent += compressed_bytes_sent;
        self.bytes_received += bytes_received;
        self.connections_created += connections_created;
        self.requests_prepared_ahead += requests_prepared_ahead;
        self.request_seconds += request_seconds;
        self.compression_seconds += compression_seconds;
        self.rest_seconds += rest_seconds;
        self.rate_limit_seconds += rate_limit_seconds;
    }
}

/// The figures of the sessions that there are, by their ids, and the sum of those that have ended: what these did after
/// the last look at them is missing in it.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    there: BTreeMap<String, Figures>,
    ended: Figures,
}

impl Sessions {
    /// Takes note of how they stand.
    pub(super) fn look<'a>(&mut self, sessions: impl Iterator<Item = &'a SessionSnapshot>) {
        let now: BTreeMap<String, Figures> =
            order::tree(sessions.map(|session| (session.session.clone(), Figures::of(session))));
        for (id, figures) in std::mem::take(&mut self.there) {
            if !now.contains_key(&id) {
                self.ended.add(&figures);
            }
        }
        self.there = now;
    }

    /// What all have done since the agent started, when those that there are stand like this.
    pub(super) fn sum_with<'a>(&self, sessions: impl Iterator<Item = &'a SessionSnapshot>) -> Figures {
        let (mut sum, mut known) = (self.ended, self.there.clone());
        for session in sessions {
            known.remove(&session.session);
            sum.add(&Figures::of(session));
        }
        known.values().for_each(|figures| sum.add(figures));
        sum
    }

    /// What all of them have done since the agent started.
    pub(super) fn sum(&self) -> Figures {
        let mut sum = self.ended;
        self.there.values().for_each(|figures| sum.add(figures));
        sum
    }
}
