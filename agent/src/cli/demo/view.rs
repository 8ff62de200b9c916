//! How the demo looks.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::scene::{End, Scene};
use crate::monitors::state::MonitorSnapshot;
use crate::status::{FileSnapshot, Snapshot};

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// The first lines: what this is.
pub(super) fn introduce(scene: &Scene, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{HEADING}Scalyr agent demo{HEADING:#}: an agent and a receiver over real HTTP and files.\n\
         {FAINT}files in {}, receiver at {}{FAINT:#}\nCtrl-C ends it.\n",
        scene.directory().display(),
        scene.url()
    )?;
    out.flush()
}

/// Columns and rows of the terminal on standard output; the usual 80 and 24 when there is none.
pub(super) fn terminal_size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    size.map_or((80, 24), |size| (usize::from(size.ws_col).max(40), usize::from(size.ws_row)))
}

/// How it stands now; every line ends in a line end and fits into so many columns.
pub(super) fn draw(scene: &Scene, columns: usize) -> String {
    let snapshot = scene.snapshot();
    let mut out = String::new();
    _ = writeln!(out, "{HEADING}{:<26}{:>9}{:>9}  state{HEADING:#}", "monitors", "samples", "lines");
    for monitor in &snapshot.monitors {
        let MonitorSnapshot { name, samples, lines_emitted, state, .. } = monitor;
        _ = writeln!(out, "{name:<26}{samples:>9}{lines_emitted:>9}  {state}");
    }
    _ = writeln!(out, "\n{HEADING}{:<26}{:>9}{:>12}{:>9}{HEADING:#}", "log files", "lines", "accepted", "pending");
    for file in &snapshot.files {
        draw_file(&mut out, file);
    }
    draw_upload(&mut out, &snapshot, scene);
    _ = writeln!(out, "\n{HEADING}last line at the receiver{HEADING:#}");
    for (path, message) in scene.latest() {
        let shown: String = message.chars().take(columns - 28).collect();
        _ = writeln!(out, "{:<26}{FAINT}{shown}{FAINT:#}", name_of(&path));
    }
    out.push('\n');
    out
}

fn draw_file(out: &mut String, file: &FileSnapshot) {
    let totals = &file.totals;
    let name = name_of(&file.path.to_string_lossy()).to_owned();
    let style = if totals.pending == 0 { GOOD } else { Style::new() };
    _ = writeln!(
        out,
        "{name:<26}{:>9}{style}{:>12}{:>9}{style:#}",
        totals.accepted.lines,
        size(totals.accepted.bytes),
        size(totals.pending)
    );
}

fn draw_upload(out: &mut String, snapshot: &Snapshot, scene: &Scene) {
    let summary = scene.summary();
    for session in &snapshot.sessions {
        _ = writeln!(
            out,
            "\n{HEADING}upload{HEADING:#}  {} requests sent, {GOOD}{} acknowledged{GOOD:#}, {} failed\n        {} as {} on the wire",
            session.requests_sent,
            session.requests_succeeded,
            session.requests_failed,
            size(session.bytes_raw),
            size(session.bytes_compressed)
        );
    }
    _ = writeln!(out, "        the receiver has {} events, {}", summary.events, size(summary.message_bytes));
}

/// The sums of both sides, and whether they agree.
pub(super) fn conclude(end: &End, out: &mut dyn Write) -> io::Result<()> {
    let End { totals, summary } = end;
    let dropped: u64 = totals.dropped.values().map(|count| count.bytes).sum();
    let skipped: u64 = totals.skipped.values().map(|count| count.bytes).sum();
    writeln!(out, "\n{HEADING}The sums{HEADING:#}")?;
    writeln!(
        out,
        "agent:    read {} bytes =\n          accepted {} + sampled out {} + dropped {dropped} + skipped {skipped} + pending {}",
        totals.read, totals.accepted.bytes, totals.sampled_out.bytes, totals.pending
    )?;
    writeln!(
        out,
        "agent:    {} lines accepted\nreceiver: {} events, {} bytes, {} repeated",
        totals.accepted.lines, summary.events, summary.message_bytes, summary.repeated_events
    )?;
    if end.reconciles() {
        writeln!(out, "{GOOD}They agree: every line that was read is at the receiver, once.{GOOD:#}")
    } else {
        writeln!(out, "{BAD}They do not agree.{BAD:#}")
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
