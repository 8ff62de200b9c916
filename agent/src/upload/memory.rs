//! How much memory uploads may take, whatever the servers do: a sum that follows from the configuration.

use serde::Serialize;

use crate::config::plan::{LogPlan, Plan, SessionPlan, TailPlan};
use crate::ledger::Segment;
use crate::logs::MOST_GROWTH;
use crate::logs::batch::{BATCH_BYTES, BATCH_EVENTS, Event};

use super::compress::{most_packed, working_memory};
use super::request::SETTLEMENT_MEMORY;
use super::session::CHANNEL_BATCHES;

/// A session has two requests: one is packed while the other one is on its way.
const REQUESTS: u64 = 2;
/// An event has at least so many bytes in a body, and so many say where it lies.
const SHORTEST_EVENT: u64 = 64;
const MARK: u64 = 8;
/// Batches of a session beside those in its channel: one is being packed, and one is kept for what is read next. Those
/// that wait to be used again were in the channel before: a new one is made only when none of them waits.
const MORE_BATCHES: usize = 2;
/// A batch of lines that no rule concerns has one segment, and those of what was passed over before it, each with a marker.
const RAW_SEGMENTS: usize = 64;
const MARKERS: usize = 4 * 1024;
/// What is known of a followed file: its path, its account, where it is read, what it is recognised by, when it is looked
/// at next. In bytes, on average; `tests/memory_per_file.rs` measures it.
pub const FILE_MEMORY: u64 = 4 * 1024;

/// The most memory that following and uploading log files takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryBound {
    /// Requests of all sessions: two of each, before and after compression, with the places of their events and what
    /// their answers settle, and a part of one.
    pub requests: u64,
    /// Compressors of all sessions.
    pub compressors: u64,
    /// Channels of all sessions: lines that are read, wait to be packed, or are packed.
    pub channels: u64,
    /// Followed files.
    pub files: u64,
    /// The sum.
    pub total: u64,
}

impl MemoryBound {
    /// Of a plan, with so many files.
    pub fn of(plan: &Plan, files: usize) -> Self {
        let sum = |of: &dyn Fn(&SessionPlan) -> u64| plan.sessions.iter().map(of).fold(0, u64::saturating_add);
        let (requests, compressors) = (sum(&requests), sum(&compressor));
        let channels = sum(&|_| channel(&plan.tail, &plan.logs));
        let files = FILE_MEMORY.saturating_mul(files as u64);
        let total = [requests, compressors, channels, files].into_iter().fold(0, u64::saturating_add);
        Self { requests, compressors, channels, files, total }
    }
}

/// What the bodies of a session's requests take, compressed ones beside them.
fn requests(session: &SessionPlan) -> u64 {
    let size = session.pacing.max_request_size;
    let (body, compressed) = (size as u64, most_packed(session.compression, size) as u64);
    let marks = body / SHORTEST_EVENT * MARK;
    // A part of a request that is too large for the server; its compressed form takes the place of that of the whole.
    let part = body / 2;
    let parts = [body, compressed, marks, SETTLEMENT_MEMORY as u64];
    let request = parts.into_iter().fold(0, u64::saturating_add);
    REQUESTS.saturating_mul(request).saturating_add(part)
}

/// What its compressor keeps from request to request.
fn compressor(session: &SessionPlan) -> u64 {
    working_memory(session.compression, session.pacing.max_request_size) as u64
}

/// What the batches of a session take at most. One is as long as the longest line where that is longer than usual, and
/// holds beside the lines what rules and formats make of them.
fn channel(tail: &TailPlan, logs: &[LogPlan]) -> u64 {
    let batch = |log: &LogPlan| match log.lines.is_raw() {
        true => raw_batch(tail),
        false => {
            let lines = BATCH_BYTES.max(tail.max_line_size).max(tail.max_record_size).saturating_mul(MOST_GROWTH);
            lines.saturating_add(BATCH_EVENTS * (size_of::<Event>() + size_of::<Segment>()))
        }
    };
    let batch = logs.iter().map(batch).max().unwrap_or(0).max(raw_batch(tail));
    ((CHANNEL_BATCHES + MORE_BATCHES) as u64).saturating_mul(batch as u64)
}

/// The usual batch: lines as they are.
fn raw_batch(tail: &TailPlan) -> usize {
    let beside = BATCH_EVENTS * size_of::<Event>() + RAW_SEGMENTS * size_of::<Segment>() + MARKERS;
    BATCH_BYTES.max(tail.max_line_size.saturating_add(1)).saturating_add(beside)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scalyr_monitor::registry::{Environment, Registry};

    use super::*;
    use crate::config::{self, Surroundings};

    const MIB: u64 = 1024 * 1024;

    fn plan(keys: &str) -> Plan {
        let environment = Arc::new(Environment::default());
        let text = format!("{{ api_key: 'k', {keys} }}");
        let loaded = config::load::from_text(&text, "/etc/agent.json".into(), &environment).unwrap();
        let registry = Registry::linked().unwrap();
        let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
        config::build(&loaded, &surroundings).unwrap().0
    }

    fn bound(keys: &str, files: usize) -> MemoryBound {
        MemoryBound::of(&plan(keys), files)
    }

    #[test]
    fn the_bound_is_the_sum_of_what_each_session_and_file_may_take() {
        let usual = bound("", 0);
        let session = &plan("").sessions[0];
        let (body, compressed, marks) =
            (5_900_000, most_packed(session.compression, 5_900_000) as u64, 5_900_000 / 64 * 8);
        let request = body + compressed + marks + SETTLEMENT_MEMORY as u64;
        let (requests, compressors) = (2 * request + body / 2, compressor(session));
        let batch = (128 * 1024 + 2048 * size_of::<Event>() + 64 * size_of::<Segment>() + 4096) as u64;
        let channels = 6 * batch;
        let total = requests + compressors + channels;
        assert_eq!(usual, MemoryBound { requests, compressors, channels, files: 0, total });
        assert!(4 * batch <= MIB, "{batch} bytes in each batch of a channel");
        let more = bound("default_sessions_per_worker: 3", 1000);
        assert_eq!((more.channels, more.files), (3 * channels, 4096 * 1000));
        assert_eq!(more.total, 3 * usual.total + 4096 * 1000);
    }

    #[test]
    fn what_the_configuration_says_counts() {
        let small = bound("max_allowed_request_size: 1000, compression_type: 'none'", 0);
        assert_eq!((small.requests, small.compressors), (2 * (1000 + 15 * 8 + SETTLEMENT_MEMORY as u64) + 500, 0));
        assert!((6 * MIB..7 * MIB).contains(&bound("max_line_size: 1048576", 0).channels));
        let redacted = bound("logs: [{ path: '/a', redaction_rules: [{ match_expression: 'x' }] }]", 0).channels;
        assert!((6 * 4 * 128 * 1024..5 * MIB).contains(&redacted), "{redacted}");
        let workers = "workers: [{ id: 'a', api_key: 'a', sessions: 4 }]";
        assert_eq!(bound(workers, 0).channels, 5 * bound("", 0).channels);
    }
}
