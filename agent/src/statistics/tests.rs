use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use scalyr_monitor::{Clock, Timestamp};

use super::*;
use crate::checkpoint::CheckpointSnapshot;
use crate::lag::BehindSnapshot;
use crate::ledger::{Count, DropReason, FileId, Identity, Offset, SkipReason, Totals, WorkerId};
use crate::logs::TailSnapshot;
use crate::own_logs::told::Told;
use crate::status::{AgentLogSnapshot, ConfigurationSnapshot, ConfigurationState, FileSnapshot, Health, LagSnapshot};
use crate::upload::MemoryBound;

const MINUTE: Duration = Duration::from_secs(60);
const USAGE: ProcessUsage = ProcessUsage { user_seconds: 1.5, system_seconds: 0.25, resident_bytes: 20_971_520 };

fn plan() -> StatisticsPlan {
    StatisticsPlan {
        says_is_agent: false,
        bandwidth: Some(MINUTE),
        overall: Some(10 * MINUTE),
        copying: Some(5 * MINUTE),
        sessions: Some(10 * MINUTE),
    }
}

/// An agent at work, in memory.
struct Story {
    clock: Clock,
    statistics: Statistics,
    told: Told,
    snapshot: Snapshot,
    own: Totals,
    other: Totals,
}

impl Story {
    fn new() -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_795_353_451_000));
        let session = SessionSnapshot::new(WorkerId("default".into()).into(), "abc".into(), "https://s".into());
        Self {
            statistics: Statistics::new(clock.monotonic()),
            snapshot: snapshot(&clock, session),
            clock,
            told: Told::default(),
            own: Totals::default(),
            other: Totals::default(),
        }
    }

    /// A request that carries so many bytes of the agent log and of another one.
    fn request(&mut self, own: u64, other: u64) {
        for (totals, bytes) in [(&mut self.own, own), (&mut self.other, other)] {
            totals.read += bytes;
            totals.accepted.merge(Count { bytes, lines: 1 });
        }
        let session = &mut self.snapshot.sessions[0];
        session.requests_sent += 1;
        session.bytes_raw += 300 + own + other;
        session.bytes_compressed += 200;
        session.bytes_received += 25;
        session.request_seconds += 0.125;
    }

    /// So much time passes, in ticks. Returns what was told.
    fn pass(&mut self, time: Duration) -> Vec<String> {
        let before = self.told.lines().len();
        let end = self.clock.monotonic() + time;
        while self.clock.monotonic() < end {
            self.clock.advance(LOOK_EVERY);
            self.snapshot.files = vec![file("/log/agent.log", &self.own), file("/app.log", &self.other)];
            self.snapshot.totals = self.own.clone();
            self.snapshot.totals.merge(&self.other);
            let now = self.clock.monotonic();
            if self.statistics.is_due(now, &plan()) {
                self.statistics.note_sessions(now, self.snapshot.sessions.iter());
                let snapshot = self.snapshot.clone();
                self.statistics.tell(now, &plan(), || snapshot, || USAGE, &self.told.logger());
            }
        }
        self.told.lines().split_off(before)
    }
}

fn file(path: &str, totals: &Totals) -> FileSnapshot {
    let head_hash = String::new();
    FileSnapshot {
        id: FileId(1),
        path: PathBuf::from(path),
        worker: WorkerId("default".into()),
        session_number: 0,
        entry: None,
        identity: Identity { device: 1, inode: 2, born: None, head_length: 0, head_hash },
        read_to: Offset(0),
        settled_to: Offset(0),
        totals: totals.clone(),
        lag_bytes: 0,
        unread_bytes: 0,
        lag_seconds: 0.0,
        last_checked: None,
        last_error: None,
        last_error_at: None,
    }
}

fn snapshot(clock: &Clock, session: SessionSnapshot) -> Snapshot {
    let configuration = ConfigurationSnapshot {
        file: PathBuf::new(),
        fragments: Vec::new(),
        loaded: 0.0,
        last_checked: 0.0,
        state: ConfigurationState::Good,
        found: None,
        problems: Vec::new(),
    };
    let agent_log = AgentLogSnapshot {
        skipped_lines: 0,
        skipped_by_component: BTreeMap::new(),
        lost_lines: 0,
        removed_unsettled_bytes: 0,
    };
    Snapshot {
        version: "1.2.3".into(),
        pid: 1,
        started: clock.now().as_nanos() as f64 / 1e9,
        now: 0.0,
        config_file: PathBuf::new(),
        user: "root".into(),
        environment: Vec::new(),
        server: String::new(),
        compression: "deflate".into(),
        compression_level: 6,
        average_seconds: None,
        usage: ProcessUsage::default(),
        uploads: Figures::default(),
        logs: Vec::new(),
        healthy_within: 60.0,
        healthy: true,
        health: Health::Good,
        failures: Vec::new(),
        troubles: Vec::new(),
        config_problems: Vec::new(),
        refused_values: 0,
        configuration,
        log_path: PathBuf::from("/log"),
        data_path: PathBuf::new(),
        server_host: String::new(),
        memory_bound: MemoryBound::default(),
        sessions: vec![session],
        leaving_sessions: Vec::new(),
        monitors: Vec::new(),
        running_monitors: 0,
        dead_monitors: 0,
        refused: Vec::new(),
        refused_entries: Vec::new(),
        files: Vec::new(),
        closed_files: Totals::default(),
        totals: Totals::default(),
        lag: LagSnapshot::default(),
        behind: BehindSnapshot::default(),
        tail: TailSnapshot::default(),
        checkpoint: CheckpointSnapshot::default(),
        agent_log,
        status_listen: None,
    }
}

#[test]
fn an_agent_with_traffic_tells_each_line_in_its_own_time() {
    let mut story = Story::new();
    let mut told = Vec::new();
    for _ in 0..20 {
        story.request(0, 100);
        told.extend(story.pass(MINUTE));
    }
    let count = |name: &str| told.iter().filter(|line| line.starts_with(&format!("INFO {name} "))).count();
    assert_eq!(
        ["agent_requests", "agent_status", "copy_manager_status", "worker_session_requests"].map(count),
        [20, 2, 4, 2]
    );
    assert_eq!(told.len(), 28);
}

#[test]
fn an_idle_agent_falls_silent_although_its_own_log_is_shipped() {
    let mut story = Story::new();
    assert_eq!(story.pass(30 * MINUTE), [""; 0], "nothing has happened yet");
    story.request(0, 100);
    let told = story.pass(10 * MINUTE);
    assert_eq!(told.len(), 4, "each in its time: {told:?}");
    // Each line is shipped, and the request that carries it counts.
    let mut shipped = told.len();
    for _ in 0..120 {
        for _ in 0..shipped {
            story.request(250, 0);
        }
        shipped = story.pass(MINUTE).len();
        assert_eq!(shipped, 0);
    }
    // One line of another file brings all of them back, once.
    story.request(0, 1);
    assert_eq!(story.pass(60 * MINUTE).len(), 4);
    assert_eq!(story.pass(60 * MINUTE).len(), 0);
}

#[test]
fn failing_requests_are_told_of_while_anything_but_the_agent_log_waits() {
    let mut story = Story::new();
    story.request(0, 10);
    story.pass(60 * MINUTE);
    (story.own.read, story.own.pending) = (500, 500);
    story.snapshot.sessions[0].requests_failed += 1;
    assert_eq!(story.pass(60 * MINUTE), [""; 0], "only lines about itself fail to arrive");
    (story.other.read, story.other.pending) = (30, 20);
    for _ in 0..3 {
        story.snapshot.sessions[0].requests_failed += 1;
        let told = story.pass(MINUTE);
        assert!(told.iter().any(|line| line.contains("agent_requests requests_sent=1 requests_failed=")), "{told:?}");
    }
}

#[test]
fn the_lines_have_the_names_of_the_python_agent_in_its_order() {
    let mut story = Story::new();
    story.request(1000, 2000);
    story.other.skipped.insert(SkipReason::TooFarBehind, Count { bytes: 70, lines: 0 });
    story.other.skipped.insert(SkipReason::Truncated, Count { bytes: 5, lines: 0 });
    story.other.dropped.insert(DropReason::TooLarge, Count { bytes: 9, lines: 1 });
    story.other.sampled_out = Count { bytes: 11, lines: 1 };
    story.other.redacted_lines = 6;
    (story.snapshot.running_monitors, story.snapshot.dead_monitors) = (3, 1);
    story.snapshot.lag.bytes = 44;
    (story.snapshot.tail.watched_paths, story.snapshot.tail.looks, story.snapshot.tail.busy_seconds) = (7, 8, 0.5);
    let session = &mut story.snapshot.sessions[0];
    (session.connections_opened, session.requests_prepared_ahead, session.requests_failed) = (2, 4, 1);
    (session.compression_seconds, session.rest_seconds) = (0.25, 590.0);
    let told = story.pass(10 * MINUTE);
    let one = |name: &str| told.iter().find(|line| line.starts_with(&format!("INFO {name} "))).unwrap().as_str();
    assert_eq!(
        one("agent_status"),
        "INFO agent_status launch_time=\"2026-11-22 13:17:31.000Z\" version=\"1.2.3\" watched_paths=7 copying_paths=2 \
         total_bytes_copied=3000 total_bytes_skipped=75 total_bytes_subsampled=11 total_redactions=6 \
         total_bytes_failed=9 total_copy_request_errors=1 total_monitor_reported_lines=0 running_monitors=3 \
         dead_monitors=1 user_cpu_=1.500000 system_cpu=0.250000 ram_usage=20971520 skipped_new_bytes=0 \
         skipped_preexisting_bytes=70 total_bytes_pending=44"
    );
    let requests = "requests_sent=1 requests_failed=1 bytes_sent=3300 compressed_bytes_sent=200 bytes_received=25 \
                    request_latency_secs=0.125000 connections_created=2";
    assert_eq!(one("agent_requests"), format!("INFO agent_requests {requests}"));
    assert_eq!(
        one("worker_session_requests"),
        format!("INFO worker_session_requests worker_id=\"default\" session_id=\"abc\" {requests}")
    );
    assert_eq!(
        one("copy_manager_status"),
        "INFO copy_manager_status num_worker_sessions=1 total_scan_iterations=8 total_read_time=0.500000 \
         total_compression_time=0.250000 total_waiting_time=590.000000 total_blocking_response_time=0.125000 \
         total_request_time=0.375000 total_pipelined_requests=4 avg_bytes_produced_rate=10.000000 \
         avg_bytes_copied_rate=10.000000"
    );
}

#[test]
fn what_a_replaced_session_has_done_still_counts() {
    let mut story = Story::new();
    story.request(0, 100);
    story.pass(MINUTE);
    story.snapshot.sessions =
        vec![SessionSnapshot::new(WorkerId("default".into()).into(), "new".into(), "https://s".into())];
    story.request(0, 100);
    let told = story.pass(MINUTE);
    assert!(told.iter().any(|line| line.contains("agent_requests requests_sent=2 ")), "{told:?}");
}

#[test]
fn the_last_line_is_written_unless_there_are_to_be_none() {
    let story = Story::new();
    for (overall, lines) in [(Some(MINUTE), 1), (None, 0)] {
        let (told, plan) = (Told::default(), StatisticsPlan { overall, ..plan() });
        story.statistics.tell_last(&plan, &story.snapshot, &USAGE, &told.logger());
        assert_eq!(told.lines().len(), lines);
    }
}
