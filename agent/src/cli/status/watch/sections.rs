//! Files, monitors and uploads as tables, what is worst first.

use std::cmp::Reverse;

use crate::order;

use super::amounts::{Keep, bytes, time};
use super::report::{File, Monitor, Report, Session, View};
use super::table::{Cell, Column, Row, Tone};

/// A part of the screen.
pub(super) struct Section {
    /// Its title, with how many there are.
    pub(super) title: String,
    pub(super) columns: &'static [Column],
    pub(super) rows: Vec<Row>,
}

const fn column(title: &'static str, width: usize, from: usize) -> Column {
    Column { title, width, from, keep: Keep::Begin }
}

const FILES: &[Column] = &[
    column("LAG", 6, 0),
    column("AGE", 6, 0),
    column("RATE/s", 6, 60),
    column("POSITION", 12, 76),
    column("LOST", 6, 44),
    Column { keep: Keep::End, ..column("FILE", 0, 0) },
];

const MONITORS: &[Column] = &[
    column("STATE", 8, 0),
    column("SAMPLE", 6, 44),
    column("TOOK", 6, 76),
    column("LINES", 8, 70),
    column("ERRORS", 6, 0),
    column("RETRY", 6, 60),
    column("MONITOR", 0, 0),
];

const UPLOADS: &[Column] = &[
    column("STATE", 12, 0),
    column("RATE/s", 6, 0),
    column("SENT", 7, 70),
    column("FAILED", 6, 60),
    column("SUCCESS", 7, 44),
    column("SESSION", 0, 0),
];

fn plain(text: impl Into<String>) -> Cell {
    (Tone::Plain, text.into())
}

/// A number that should be 0.
fn lost(text: String, number: u64) -> Cell {
    (if number > 0 { Tone::Odd } else { Tone::Plain }, text)
}

/// How many files are tables' rows at most: nobody scrolls further, and each costs work with every drawing.
const MOST_ROWS: usize = 1000;

/// The followed files: those with an error first, then those that are furthest behind.
pub(super) fn files(report: &Report, view: &View) -> Section {
    let mut files: Vec<&File> = report.files.iter().collect();
    order::by_key(&mut files, |file| {
        (file.last_error.is_none(), Reverse((file.lag_bytes, lost_bytes(file))), &file.path)
    });
    let row = |file: &&File| {
        let rate = view.rates.as_ref().and_then(|rates| rates.files.get(&file.id));
        let lag_tone = if file.lag_seconds >= 60.0 { Tone::Odd } else { Tone::Plain };
        let notes = file.last_error.iter().map(|error| (Tone::Bad, error.clone())).collect();
        #[expect(clippy::cast_precision_loss, reason = "it is shown with two digits")]
        let cells = vec![
            (lag_tone, bytes(file.lag_bytes as f64)),
            (lag_tone, time(file.lag_seconds)),
            plain(rate.map_or("-".to_owned(), |rate| bytes(*rate))),
            plain(file.settled_to.to_string()),
            lost(bytes(lost_bytes(file) as f64), lost_bytes(file)),
            plain(file.path.clone()),
        ];
        Row { cells, notes }
    };
    let rows = files.iter().take(MOST_ROWS).map(row).collect();
    Section { title: format!("files {}", report.files.len()), columns: FILES, rows }
}

/// Bytes that were dropped or skipped.
fn lost_bytes(file: &File) -> u64 {
    file.totals.dropped.values().chain(file.totals.skipped.values()).map(|count| count.bytes).sum()
}

/// The monitors: those that should run and do not first, then those that hang or are held back.
pub(super) fn monitors(report: &Report, details: bool) -> Section {
    let mut monitors: Vec<&Monitor> = report.monitors.iter().collect();
    order::by_key(&mut monitors, |monitor| (state_of(monitor).0, Reverse(monitor.errors), &monitor.name));
    let row = |monitor: &&Monitor| {
        let (_, tone, state) = state_of(monitor);
        let sampled = monitor.last_sample_at.map(|at| time(report.now - at));
        let cells = vec![
            (tone, state.to_owned()),
            plain(sampled.unwrap_or_else(|| "-".to_owned())),
            plain(monitor.last_sample_secs.map_or("-".to_owned(), time)),
            plain(monitor.lines_emitted.to_string()),
            lost(monitor.errors.to_string(), monitor.errors),
            plain(monitor.restart_in_secs.map_or("-".to_owned(), time)),
            plain(monitor.name.clone()),
        ];
        Row { cells, notes: monitor_notes(monitor, tone, details) }
    };
    let rows = monitors.iter().take(MOST_ROWS).map(row).collect();
    Section { title: format!("monitors {}", report.monitors.len()), columns: MONITORS, rows }
}

/// How bad it is, how that is shown, and what it is called.
fn state_of(monitor: &Monitor) -> (u8, Tone, &str) {
    let hangs = monitor.sample_running_secs.is_some_and(|running| running > monitor.sample_interval_secs.max(1.0));
    match monitor.state.as_str() {
        "failed" => (0, Tone::Bad, "failed"),
        "left_behind" => (0, Tone::Bad, "hangs"),
        "stopped" => (1, Tone::Bad, "ended"),
        "backing_off" => (1, Tone::Bad, "resting"),
        "running" if hangs => (2, Tone::Odd, "hangs"),
        "running" if monitor.held_secs.is_some() => (3, Tone::Odd, "waits"),
        "running" if monitor.trouble.is_some() => (3, Tone::Odd, "failing"),
        "running" => (4, Tone::Good, "running"),
        "disabled" => (6, Tone::Faint, "disabled"),
        other => (5, Tone::Odd, other),
    }
}

fn monitor_notes(monitor: &Monitor, tone: Tone, details: bool) -> Vec<Cell> {
    let mut notes = Vec::new();
    if let Some(running) = monitor.sample_running_secs.filter(|_| tone != Tone::Good) {
        notes.push((Tone::Odd, format!("a sample has been under way for {}", time(running))));
    }
    if let Some(held) = monitor.held_secs {
        let text = format!("waits for {} because its log is full of lines that are not uploaded yet", time(held));
        notes.push((Tone::Odd, text));
    }
    if let Some(trouble) = &monitor.trouble {
        notes.push((Tone::Odd, trouble.clone()));
    }
    let is_told = monitor.trouble.is_some() && monitor.trouble == monitor.last_failure;
    if let Some(failure) = monitor.last_failure.as_ref().filter(|_| (tone == Tone::Bad || details) && !is_told) {
        notes.push((if tone == Tone::Bad { Tone::Bad } else { Tone::Faint }, format!("last failure: {failure}")));
    }
    if details {
        if monitor.restarts > 0 || monitor.lines_dropped > 0 {
            let text = format!("{} restarts, {} lines dropped", monitor.restarts, monitor.lines_dropped);
            notes.push((Tone::Odd, text));
        }
        let values: Vec<String> = monitor.values.iter().map(value_text).collect();
        if !values.is_empty() {
            notes.push((Tone::Faint, values.join(" · ")));
        }
    }
    notes
}

fn value_text(value: &super::report::Value) -> String {
    let behind = if value.fields.is_empty() { String::new() } else { format!(" {}", value.fields.trim()) };
    format!("{} {}{behind}", value.metric, value.value)
}

/// The sessions: those that do not deliver first; behind them those that a reload has replaced.
pub(super) fn uploads(report: &Report) -> Section {
    let mut sessions: Vec<(bool, &Session)> = report.sessions.iter().map(|session| (false, session)).collect();
    sessions.extend(report.leaving_sessions.iter().map(|session| (true, session)));
    order::by_key(&mut sessions, |(leaves, session)| {
        (*leaves, session.broken.is_none(), session.state == "ok", session.blocked.is_none(), &session.name)
    });
    let row = |(leaves, session): &(bool, &Session)| {
        let (tone, state) = match session.state.as_str() {
            _ if session.broken.is_some() => (Tone::Bad, "ended"),
            "ok" if *leaves => (Tone::Faint, "leaving"),
            "ok" if session.blocked.is_some() => (Tone::Odd, "blocked"),
            "ok" => (Tone::Good, "ok"),
            "failing" => (Tone::Bad, "failing"),
            "key_refused" => (Tone::Bad, "key refused"),
            "refusing_everything" => (Tone::Bad, "all refused"),
            other => (Tone::Odd, other),
        };
        let success = session.last_success_ms.map(|ms| time(report.now - ms / 1000.0));
        let cells = vec![
            (tone, state.to_owned()),
            plain(bytes(session.bytes_per_second)),
            plain(session.requests_sent.to_string()),
            lost(session.requests_failed.to_string(), session.requests_failed),
            plain(success.unwrap_or_else(|| "never".to_owned())),
            plain(format!("{}  {}", session.name, session.server)),
        ];
        Row { cells, notes: session_notes(session, tone) }
    };
    let rows = sessions.iter().take(MOST_ROWS).map(row).collect();
    Section { title: format!("uploads {}", sessions.len()), columns: UPLOADS, rows }
}

fn session_notes(session: &Session, tone: Tone) -> Vec<Cell> {
    let mut notes = Vec::new();
    if let Some(why) = &session.broken {
        notes.push((Tone::Bad, why.clone()));
    }
    if let Some(blocked) = &session.blocked {
        let by = blocked.by.replace('_', " ");
        notes.push((Tone::Odd, format!("blocked for {}: {by}", time(blocked.seconds))));
    }
    if let Some(pause) = session.back_off_seconds {
        notes.push((Tone::Odd, format!("tries again in {} or less", time(pause))));
    }
    if let Some(pause) = session.rate_pause_seconds {
        notes.push((Tone::Faint, format!("kept back by max_send_rate_enforcement for {}", time(pause))));
    }
    if let Some(answer) = &session.last_answer {
        notes.push((if tone == Tone::Bad { Tone::Bad } else { Tone::Odd }, format!("last answer: {answer}")));
    }
    notes
}
