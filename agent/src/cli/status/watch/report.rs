//! What is known of the watched agent: its reports, as far as they are shown, and what was pressed.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use scalyr_monitor::Timestamp;
use serde::Deserialize;

use super::keys::{Effect, Key};

/// An answer of the agent, or none.
pub(super) struct Seen {
    /// When it came.
    pub(super) at: Instant,
    /// The same by the wall clock.
    pub(super) wall: Timestamp,
    /// What came: a report in JSON.
    pub(super) text: io::Result<String>,
}

/// What is shown of a report of the agent. A member that it does not have is as if there was nothing to tell.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    pub(super) version: String,
    pub(super) pid: u32,
    pub(super) started: f64,
    pub(super) now: f64,
    pub(super) server_host: String,
    pub(super) healthy: bool,
    pub(super) health: Option<String>,
    pub(super) troubles: Vec<String>,
    pub(super) sessions: Vec<Session>,
    pub(super) leaving_sessions: Vec<Session>,
    pub(super) monitors: Vec<Monitor>,
    pub(super) files: Vec<File>,
    pub(super) totals: Totals,
    pub(super) lag: Lag,
}

/// What became of bytes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Totals {
    pub(super) read: u64,
    pub(super) accepted: Count,
    pub(super) dropped: BTreeMap<String, Count>,
    pub(super) skipped: BTreeMap<String, Count>,
}

/// Bytes and lines.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Count {
    pub(super) bytes: u64,
}

/// How far everything is behind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Lag {
    pub(super) bytes: u64,
    pub(super) seconds: f64,
}

/// A followed file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(super) id: u64,
    pub(super) path: String,
    pub(super) settled_to: u64,
    #[serde(flatten)]
    pub(super) totals: Totals,
    pub(super) lag_bytes: u64,
    pub(super) lag_seconds: f64,
    pub(super) last_error: Option<String>,
}

/// A monitor instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Monitor {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) sample_interval_secs: f64,
    pub(super) last_sample_at: Option<f64>,
    pub(super) last_sample_secs: Option<f64>,
    pub(super) values: Vec<Value>,
    pub(super) errors: u64,
    pub(super) restarts: u64,
    pub(super) lines_emitted: u64,
    pub(super) lines_dropped: u64,
    pub(super) sample_running_secs: Option<f64>,
    pub(super) held_secs: Option<f64>,
    pub(super) restart_in_secs: Option<f64>,
    pub(super) last_failure: Option<String>,
    pub(super) trouble: Option<String>,
}

/// A value of the last sample of a monitor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Value {
    pub(super) metric: String,
    pub(super) value: String,
    pub(super) fields: String,
}

/// An upload session.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) server: String,
    pub(super) state: String,
    pub(super) requests_sent: u64,
    pub(super) requests_failed: u64,
    pub(super) events_accepted: u64,
    pub(super) last_success_ms: Option<f64>,
    pub(super) last_answer: Option<String>,
    pub(super) back_off_seconds: Option<f64>,
    pub(super) rate_pause_seconds: Option<f64>,
    pub(super) broken: Option<String>,
    pub(super) bytes_per_second: f64,
    pub(super) blocked: Option<Blocked>,
}

/// Why a session does not deliver.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Blocked {
    pub(super) by: String,
    pub(super) seconds: f64,
}

impl Report {
    /// `good`, `degraded` or `failing`.
    pub(super) fn health(&self) -> &str {
        self.health.as_deref().unwrap_or(if self.healthy { "good" } else { "degraded" })
    }

    /// Whether both are reports of one run of the agent.
    fn is_same_run(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started.to_bits() == other.started.to_bits()
    }

    fn sum(&self, of: fn(&Session) -> u64) -> u64 {
        self.sessions.iter().chain(&self.leaving_sessions).map(of).sum()
    }
}

/// What happened between two reports, per second.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    pub(super) read: f64,
    pub(super) shipped: f64,
    pub(super) events: f64,
    pub(super) requests: f64,
    /// What was accepted of each file, by its number.
    pub(super) files: HashMap<u64, f64>,
}

impl Rates {
    /// None when they are not two reports of one run.
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    fn between(before: &Report, now: &Report) -> Option<Self> {
        let seconds = now.now - before.now;
        if !now.is_same_run(before) || seconds < 0.001 {
            return None;
        }
        // A session that a reload has replaced takes its counts with it.
        let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
        let of_sessions = |of| rate(before.sum(of), now.sum(of));
        let known: HashMap<u64, u64> = before.files.iter().map(|file| (file.id, file.totals.accepted.bytes)).collect();
        let of_file = |file: &File| {
            let accepted = file.totals.accepted.bytes;
            (file.id, rate(known.get(&file.id).copied().unwrap_or(accepted), accepted))
        };
        Some(Self {
            read: rate(before.totals.read, now.totals.read),
            shipped: rate(before.totals.accepted.bytes, now.totals.accepted.bytes),
            events: of_sessions(|session| session.events_accepted),
            requests: of_sessions(|session| session.requests_sent),
            files: now.files.iter().map(of_file).collect(),
        })
    }
}

/// The part of the screen that has it whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    /// Each part has a share of it.
    #[default]
    All,
    Files,
    Monitors,
    Uploads,
}

/// Why there is no new report.
#[derive(Clone, Debug)]
pub(super) struct Absence {
    /// Since when.
    pub(super) since: Timestamp,
    /// What is wrong, in words for the person who watches.
    pub(super) why: String,
}

/// All that the screen is drawn from.
pub(super) struct View {
    data_path: PathBuf,
    interval: Duration,
    pub(super) report: Option<Report>,
    pub(super) rates: Option<Rates>,
    pub(super) absence: Option<Absence>,
    /// For how long the agent has not answered, where that is longer than it should be.
    pub(super) waiting: Option<Duration>,
    pub(super) wall: Timestamp,
    last: Option<Instant>,
    pub(super) focus: Focus,
    pub(super) scrolled: usize,
    pub(super) shows_help: bool,
}

impl View {
    /// Nothing is known yet.
    pub(super) fn new(data_path: &Path, interval: Duration) -> Self {
        Self {
            data_path: data_path.to_owned(),
            interval,
            report: None,
            rates: None,
            absence: None,
            waiting: None,
            wall: Timestamp::from_millis(0),
            last: None,
            focus: Focus::All,
            scrolled: 0,
            shows_help: false,
        }
    }

    /// It is this late.
    pub(super) fn look_at_clock(&mut self, wall: Timestamp, now: Instant) {
        self.wall = wall;
        let last = *self.last.get_or_insert(now);
        let silent = now.saturating_duration_since(last);
        self.waiting = (silent > self.interval + Duration::from_secs(3)).then_some(silent);
    }

    /// Takes note of an answer.
    pub(super) fn note(&mut self, Seen { at, wall, text }: Seen) {
        (self.last, self.waiting, self.wall) = (Some(at), None, wall);
        let why = match text.map(|text| serde_json::from_str::<Report>(&text)) {
            Ok(Ok(report)) => {
                self.rates = self.report.as_ref().and_then(|before| Rates::between(before, &report));
                self.report = Some(report);
                self.absence = None;
                return;
            }
            Ok(Err(error)) => format!("its answer cannot be read ({error})"),
            Err(error) if is_absent(&error) => {
                format!("the agent does not run: nobody answers in {}", self.data_path.display())
            }
            Err(error) => format!("the agent in {} cannot be asked: {error}", self.data_path.display()),
        };
        self.rates = None;
        let since = self.absence.take().map_or(wall, |absence| absence.since);
        self.absence = Some(Absence { since, why });
    }

    /// Does what a key is for, on a screen of so many rows.
    pub(super) fn press(&mut self, key: Key, rows: usize) -> Effect {
        let page = rows.saturating_sub(8).max(1);
        let was_help = std::mem::take(&mut self.shows_help);
        match key {
            Key::Sign('q' | 'Q') | Key::Interrupt => return Effect::Quit,
            Key::Sign('?' | 'h') => self.shows_help = !was_help,
            Key::Sign('f') => self.turn_to(Focus::Files),
            Key::Sign('m') => self.turn_to(Focus::Monitors),
            Key::Sign('u') => self.turn_to(Focus::Uploads),
            Key::Sign('a') => self.turn_to(Focus::All),
            Key::Escape if !was_help => self.turn_to(Focus::All),
            Key::Next => self.turn_to(match self.focus {
                Focus::All => Focus::Files,
                Focus::Files => Focus::Monitors,
                Focus::Monitors => Focus::Uploads,
                Focus::Uploads => Focus::All,
            }),
            Key::Up | Key::Sign('k') => self.scrolled = self.scrolled.saturating_sub(1),
            Key::Down | Key::Sign('j') => self.scrolled = self.scrolled.saturating_add(1),
            Key::PageUp => self.scrolled = self.scrolled.saturating_sub(page),
            Key::PageDown | Key::Sign(' ') => self.scrolled = self.scrolled.saturating_add(page),
            Key::Home => self.scrolled = 0,
            Key::End => self.scrolled = usize::MAX,
            Key::Sign(_) | Key::Escape | Key::Suspend => {}
        }
        Effect::Go
    }

    /// A part of the screen that is asked for again gives its room back.
    fn turn_to(&mut self, focus: Focus) {
        self.focus = if self.focus == focus { Focus::All } else { focus };
        self.scrolled = 0;
    }

    /// There is nothing behind this row.
    pub(super) fn keep_scroll_within(&mut self, furthest: usize) {
        self.scrolled = self.scrolled.min(furthest);
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
