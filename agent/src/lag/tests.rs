//! How files that fall behind are told of.

use std::sync::{Arc, Mutex};

use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::{Clock, Level, Timestamp};

use super::*;
use crate::ledger::{Identity, Ledger, Offset, Sequence};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl LogSink for Lines {
    fn enabled(&self, level: Level) -> bool {
        level >= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.level, record.message));
    }
}

impl Lines {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Story {
    ledger: Ledger,
    clock: Clock,
    lines: Lines,
    watch: LagWatch,
    plan: TailPlan,
    sessions: Vec<SessionSnapshot>,
    waiting_for: BTreeSet<SessionId>,
}

fn worker() -> WorkerId {
    WorkerId("default".into())
}

impl Story {
    fn new() -> Self {
        let lines = Lines::default();
        let logger = Logger::new(Arc::new(lines.clone()), "core");
        let session = SessionSnapshot::new(worker().into(), "session".to_owned(), "https://server".to_owned());
        Self {
            ledger: Ledger::new(),
            clock: Clock::manual(Timestamp::from_millis(0)),
            lines,
            watch: LagWatch::new(logger),
            plan: TailPlan::default(),
            sessions: vec![session],
            waiting_for: BTreeSet::new(),
        }
    }

    fn file(&self, path: &str) -> Arc<Account> {
        let identity = Identity { device: 1, inode: 2, head_length: 0, head_hash: String::new(), born: None };
        let sequence = Sequence { id: "si".to_owned(), begin: Offset(0) };
        self.ledger.open(worker(), path.into(), identity, sequence, Offset(0))
    }

    /// The file has grown to so many bytes.
    fn grow(&self, account: &Account, end: u64) {
        account.note_look(Offset(end), self.clock.monotonic());
    }

    /// Everything of it was dealt with.
    fn settle(&self, account: &Arc<Account>, end: u64) {
        let claim = account.hand_on(Offset(end));
        assert!(claim.settle(Offset(end), 1, crate::ledger::Outcome::SampledOut));
    }

    /// A look, so many seconds after the one before.
    fn look_after(&self, seconds: u64) -> Vec<String> {
        self.clock.advance(Duration::from_secs(seconds));
        self.watch.look(&Look {
            accounts: &self.ledger.accounts(),
            sessions: &self.sessions,
            waiting_for: &self.waiting_for,
            plan: &self.plan,
            now: self.clock.monotonic(),
        });
        self.lines.take()
    }
}

#[test]
fn a_file_is_told_of_at_half_of_its_limit_once_and_again_when_it_has_caught_up() {
    let mut story = Story::new();
    story.plan.max_log_offset_size = Some(1000);
    let file = story.file("/a.log");
    story.grow(&file, 499);
    assert_eq!(story.look_after(5), [""; 0]);
    story.grow(&file, 500);
    story.sessions[0].server_seconds = 9.0;
    story.sessions[0].bytes_dealt_with = 120;
    let told = story.look_after(5);
    assert_eq!(
        told,
        ["WARNING /a.log is 500 bytes (10 s) behind; session default-0 uploads 24 bytes/s; limiting factor: server: \
          requests take long. When more than 1000 bytes are unread, the oldest are skipped (max_log_offset_size)"]
    );
    story.grow(&file, 400);
    assert_eq!(story.look_after(600), [""; 0], "the same episode");
    assert_eq!(story.watch.snapshot().files, 1);
    story.settle(&file, 400);
    assert_eq!(story.look_after(60), ["INFO /a.log has caught up after 660 s"]);
    assert_eq!(story.watch.snapshot(), BehindSnapshot::default());
}

#[test]
fn without_a_limit_a_file_is_told_of_at_a_hundred_million_bytes_or_when_it_waits_a_quarter_of_an_hour() {
    let story = Story::new();
    let (large, old) = (story.file("/large.log"), story.file("/old.log"));
    story.grow(&large, 100_000_000);
    story.grow(&old, 10);
    let told = story.look_after(5);
    assert!(told[0].contains("/large.log is 100000000 bytes") && told[0].contains("Nothing is skipped"), "{told:?}");
    story.settle(&large, 100_000_000);
    assert_eq!(story.look_after(890).len(), 1, "caught up");
    let told = story.look_after(10);
    assert!(told[0].contains("/old.log is 10 bytes (905 s) behind"), "{told:?}");
}

#[test]
fn ten_thousand_files_that_fall_behind_and_catch_up_are_a_few_lines() {
    let mut story = Story::new();
    story.plan.max_log_offset_size = Some(100);
    let files: Vec<_> = (0..10_000).map(|n| story.file(&format!("/{n}.log"))).collect();
    let mut told = Vec::new();
    for (n, file) in files.iter().enumerate() {
        story.grow(file, 50 + n as u64);
        if n % 1000 == 0 {
            told.extend(story.look_after(5));
        }
    }
    told.extend(story.look_after(60));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("WARNING 9999 files have fallen behind by more than half"), "{told:?}");
    assert!(told[1].contains("/9999.log is 10049 bytes"), "{told:?}");
    let shown = story.watch.snapshot();
    assert_eq!((shown.files, shown.worst.len()), (10_000, 10));
    for (n, file) in files.iter().enumerate() {
        story.settle(file, 50 + n as u64);
    }
    let told = story.look_after(5);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("INFO 10000 files have caught up"), "{told:?}");
}

#[test]
fn what_limits_is_what_takes_most_of_the_time() {
    let mut story = Story::new();
    let file = story.file("/a.log");
    story.grow(&file, 150_000_000);
    let factor = |story: &Story| {
        story.look_after(30);
        story.watch.snapshot().worst[0].factor
    };
    assert_eq!(factor(&story), Factor::Reading);
    story.waiting_for.insert(worker().into());
    assert_eq!(factor(&story), Factor::Cpu, "the channel is full and the server quick");
    story.sessions[0].server_seconds += 59.0;
    assert_eq!(factor(&story), Factor::Server);
    story.sessions[0].rate_limit_seconds += 75.0;
    assert_eq!(factor(&story), Factor::RateLimit);
    story.sessions[0].failing_since_ms = Some(1);
    assert_eq!(factor(&story), Factor::FailingServer);
    story.sessions.clear();
    assert_eq!(factor(&story), Factor::NoSession);
}
