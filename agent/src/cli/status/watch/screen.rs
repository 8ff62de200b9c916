//! The screen: lines of a view, drawn for a size. Nothing here touches a terminal.

use super::amounts::{bytes, count, harmless, time, width};
use super::report::{Focus, Report, View};
use super::sections::{self, Section};
use super::table::{Line, Tone, row_lines, titles};

/// What the keys do.
const HELP: &[&str] = &[
    "q, Ctrl-C      end; the agent goes on",
    "f  m  u        files, monitors or uploads on the whole screen; the same key again, a or Esc: all three",
    "Tab            the next of them",
    "arrows, j k    a row down or up",
    "PgUp PgDn      a screen; Home and End",
    "?              this help",
    "",
    "LAG       bytes that the server has not accepted yet, and AGE of the oldest of them",
    "POSITION  where a restart would go on; LOST: bytes dropped or skipped",
    "SAMPLE    how long ago the last one was; RETRY: when a failed monitor is started again",
    "SUCCESS   how long ago the server last took a request. K, M, G are multiples of 1024.",
];

/// What was drawn.
pub(super) struct Drawn {
    /// Not more lines than the screen has, none wider than it is.
    pub(super) lines: Vec<Line>,
    /// How far one can scroll.
    pub(super) furthest: usize,
}

/// Draws a view for a screen of so many columns and rows.
pub(super) fn render(view: &View, (columns, rows): (u16, u16)) -> Drawn {
    let (columns, rows) = (usize::from(columns.max(1)), usize::from(rows.max(1)));
    let mut lines = head(view, columns, rows);
    let foot = usize::from(rows > lines.len());
    let room = rows.saturating_sub(lines.len() + foot);
    let mut furthest = 0;
    let body = if view.shows_help {
        HELP.iter().take(room).map(|text| Line::of(columns, Tone::Plain, &format!(" {text}"))).collect()
    } else if let Some(report) = &view.report {
        let (body, last) = body(view, report, columns, room);
        furthest = last;
        body
    } else {
        Vec::new()
    };
    lines.extend(body);
    lines.truncate(rows);
    if foot > 0 {
        lines.resize_with(rows - 1, || Line::new(columns));
        lines.push(keys_line(columns));
    }
    Drawn { lines, furthest }
}

fn keys_line(columns: usize) -> Line {
    let long = " q quit  f files  m monitors  u uploads  a all  arrows scroll  ? help";
    Line::of(columns, Tone::Faint, if width(long) <= columns { long } else { " q quit  f m u a  ? help" })
}

/// Who is watched, how it is, and what it does now.
fn head(view: &View, columns: usize, rows: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let clock = view.wall.to_string();
    let clock = clock.split([' ', '.']).nth(1).unwrap_or_default();
    let mut first = Line::new(columns);
    match &view.report {
        Some(report) => {
            first.add(
                Tone::Title,
                &format!(" {}", if report.server_host.is_empty() { "agent" } else { &report.server_host }),
            );
            first.add(Tone::Plain, &format!("  agent {}  pid {}", report.version, report.pid));
            if view.absence.is_none() {
                first.add(Tone::Plain, &format!("  up {}", time(report.now - report.started)));
            }
        }
        None => _ = first.add(Tone::Title, " agent"),
    }
    first.end_with(Tone::Faint, &format!("{clock}Z"));
    lines.push(first);
    lines.extend(standing(view, columns, rows));
    if let (Some(report), None) = (&view.report, &view.absence) {
        lines.extend(flow(view, report, columns));
    }
    lines
}

/// Whether it answers; its health, and its troubles as far as a sixth of the screen has room for them.
fn standing(view: &View, columns: usize, rows: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(absence) = &view.absence {
        let since = absence.since.to_string();
        let since = since.split('.').next().unwrap_or_default();
        lines.extend(wrapped(&format!("{}.", absence.why), Tone::Bad, columns, 3));
        lines.extend(wrapped(&format!("Since {since} UTC; it is waited for."), Tone::Odd, columns, 2));
        if view.report.is_some() {
            lines.extend(wrapped("Below is its last report.", Tone::Faint, columns, 1));
        }
        return lines;
    }
    if let Some(waiting) = view.waiting {
        let text = format!("The agent has not answered for {}.", time(waiting.as_secs_f64()));
        lines.extend(wrapped(&text, Tone::Bad, columns, 2));
    }
    let Some(report) = &view.report else {
        if view.waiting.is_none() {
            lines.push(Line::of(columns, Tone::Faint, " asking …"));
        }
        return lines;
    };
    let health = report.health();
    let tone = match health {
        "good" => Tone::Good,
        "degraded" => Tone::Odd,
        _ => Tone::Bad,
    };
    let mut line = Line::new(columns);
    line.add(Tone::Plain, " health ").add(tone, health);
    let most = (rows / 6).max(1);
    let troubles = &report.troubles;
    // One that has no line of its own stands behind the health.
    let own = if troubles.len() > most { most - 1 } else { troubles.len() };
    let own = if own <= 1 { 0 } else { own };
    match (troubles.first(), troubles.len() - own) {
        (Some(first), 1) if own == 0 => _ = line.add(Tone::Plain, &format!(": {first}")),
        (Some(first), more) if own == 0 => _ = line.add(Tone::Plain, &format!(" (1 of {more}): {first}")),
        (_, 0) | (None, _) => {}
        (_, more) => _ = line.add(Tone::Plain, &format!("; {more} more troubles in status -v")),
    }
    lines.push(line);
    lines.extend(troubles.iter().take(own).map(|text| Line::of(columns, tone, &format!("   ! {text}"))));
    lines
}

/// What flows now: in one line, or in two where it has no room.
#[expect(clippy::cast_precision_loss, reason = "it is shown with two digits")]
fn flow(view: &View, report: &Report, columns: usize) -> Vec<Line> {
    let lag = format!("lag {}B, {}", bytes(report.lag.bytes as f64), time(report.lag.seconds));
    let total = format!("{}B in all", bytes(report.totals.accepted.bytes as f64));
    let parts = match &view.rates {
        Some(rates) => vec![
            format!("shipped {}B/s", bytes(rates.shipped)),
            lag,
            format!("{} requests/s", count(rates.requests)),
            format!("{} events/s", count(rates.events)),
            format!("read {}B/s", bytes(rates.read)),
            total,
        ],
        None => vec!["shipped - B/s".to_owned(), lag, total],
    };
    let mut lines = vec![Line::of(columns, Tone::Plain, " ")];
    for (number, part) in parts.iter().enumerate() {
        let last = lines.len() - 1;
        if number > 0 && lines[last].room() < width(part) + 3 {
            if lines.len() == 2 {
                break;
            }
            lines.push(Line::of(columns, Tone::Plain, " "));
        } else if number > 0 {
            lines[last].add(Tone::Faint, " · ");
        }
        if let Some(line) = lines.last_mut() {
            line.add(Tone::Plain, part);
        }
    }
    lines
}

/// The sections, within so many rows; and how far the first of them can be scrolled.
fn body(view: &View, report: &Report, columns: usize, room: usize) -> (Vec<Line>, usize) {
    let details = view.focus == Focus::Monitors;
    let of = |focus| match focus {
        Focus::Files | Focus::All => sections::files(report, view),
        Focus::Monitors => sections::monitors(report, details),
        Focus::Uploads => sections::uploads(report),
    };
    // Three heads, and a row or two below each.
    let is_small = room < 9;
    let focus = if view.focus == Focus::All && is_small { Focus::Files } else { view.focus };
    if focus != Focus::All {
        return section(&of(focus), columns, room, view.scrolled);
    }
    let all = [Focus::Files, Focus::Monitors, Focus::Uploads].map(of);
    let needs = all.each_ref().map(|each| 2 + each.rows.iter().map(|row| 1 + row.notes.len()).sum::<usize>().max(1));
    let mut lines = Vec::new();
    let mut furthest = 0;
    for (number, (each, rows)) in all.iter().zip(shares(needs, room)).enumerate() {
        let (drawn, last) = section(each, columns, rows, if number == 0 { view.scrolled } else { 0 });
        lines.extend(drawn);
        furthest = if number == 0 { last } else { furthest };
    }
    (lines, furthest)
}

/// Shares out the rows: as equal as may be, and none has more than it needs.
fn shares(needs: [usize; 3], room: usize) -> [usize; 3] {
    let mut given = [0; 3];
    let mut left = room;
    while left > 0 {
        let mut any = false;
        for (given, need) in given.iter_mut().zip(needs) {
            if *given < need && left > 0 {
                (*given, left, any) = (*given + 1, left - 1, true);
            }
        }
        if !any {
            break;
        }
    }
    given
}

/// A section from its row `scrolled` on.
fn section(section: &Section, columns: usize, room: usize, scrolled: usize) -> (Vec<Line>, usize) {
    let rows: Vec<Vec<Line>> = section.rows.iter().map(|row| row_lines(section.columns, row, columns)).collect();
    let room_of_rows = room.saturating_sub(2);
    // The furthest row is the first one from which on all the rest has room.
    let mut left = room_of_rows;
    let mut furthest = rows.len();
    while furthest > 0 && rows[furthest - 1].len() <= left {
        furthest -= 1;
        left -= rows[furthest].len();
    }
    // A row that has no room for all its notes is still the last one that can be reached.
    let furthest = furthest.min(rows.len().saturating_sub(1));
    let from = scrolled.min(furthest);
    let mut body: Vec<Line> = Vec::new();
    let mut to = from;
    for row in &rows[from..] {
        if body.len() >= room_of_rows {
            break;
        }
        body.extend(row.iter().take(room_of_rows - body.len()).cloned());
        to += 1;
    }
    let mut title = Line::new(columns);
    title.add(Tone::Head, &format!(" {} ", section.title));
    let cut = if to - from < rows.len() { format!("{} to {to} ", from + 1) } else { String::new() };
    title.end_with(Tone::Head, if width(&harmless(&cut)) < title.room() { &cut } else { "" });
    let mut lines = vec![title];
    if rows.is_empty() {
        lines.push(Line::of(columns, Tone::Faint, "   none"));
    } else {
        lines.push(titles(section.columns, columns));
        lines.extend(body);
    }
    lines.truncate(room);
    (lines, furthest)
}

/// A text over at most so many lines, broken between words.
fn wrapped(text: &str, tone: Tone, columns: usize, most: usize) -> Vec<Line> {
    let text = harmless(text);
    let mut texts = vec![String::new()];
    for word in text.split(' ') {
        let last = texts.len() - 1;
        if !texts[last].is_empty() && width(&texts[last]) + width(word) + 2 > columns && texts.len() < most {
            texts.push(word.to_owned());
        } else {
            if !texts[last].is_empty() {
                texts[last].push(' ');
            }
            texts[last].push_str(word);
        }
    }
    texts.iter().map(|text| Line::of(columns, tone, &format!(" {text}"))).collect()
}
