//! The followed files, the one that is furthest behind first.

use std::cmp::Reverse;

use super::html::Html;
use super::table::{Column, MOST_ROWS, Table};
use super::units;
use crate::order;
use crate::status::{FileSnapshot, Snapshot};

const COLUMNS: &[Column] = &[
    ("Path", false),
    ("Lag", true),
    ("Waiting", true),
    ("Position", true),
    ("Accepted", true),
    ("Dropped or skipped", true),
    ("Last error", false),
];

pub(super) fn write(html: &mut Html, snapshot: &Snapshot) {
    let mut table = Table::begin(html, "files", "Files", COLUMNS);
    let mut files: Vec<&FileSnapshot> = snapshot.files.iter().collect();
    order::by(&mut files, |one, other| {
        let rank = |file: &FileSnapshot| Reverse((file.lag_bytes, file.last_error.is_some(), lost(file)));
        rank(one).cmp(&rank(other)).then_with(|| one.path.cmp(&other.path))
    });
    let troubles = snapshot.tail.troubles.iter();
    let has_workers = snapshot.sessions.iter().any(|session| session.worker != snapshot.sessions[0].worker);
    // Half of the places at most: there may be many of both.
    for (path, why) in troubles.clone().take(MOST_ROWS / 2) {
        table.row("bad");
        table.cell(|html| {
            html.element("span", "path", path.display());
        });
        for _ in 1..6 {
            table.none();
        }
        table.cell(|html| {
            html.folded(format_args!("trouble of {}", path.display()), why);
        });
        table.end_row();
    }
    let places = MOST_ROWS - troubles.len().min(MOST_ROWS / 2);
    for file in files.iter().take(places) {
        row(&mut table, file, has_workers, snapshot);
    }
    table.end(rest(&files, places, troubles.len()));
}

fn rest(files: &[&FileSnapshot], places: usize, troubles: usize) -> String {
    let rest = files.get(places..).unwrap_or_default();
    let unreadable = troubles.saturating_sub(MOST_ROWS / 2);
    let mut text = match (files.len() + troubles, rest.len()) {
        (0, _) => "No file is followed.".to_owned(),
        (_, 0) => String::new(),
        (_, many) => {
            let lag: u64 = rest.iter().map(|file| file.lag_bytes).sum();
            format!("And {many} more files, none further behind; their lag is {} together.", units::bytes(lag as f64))
        }
    };
    if unreadable > 0 {
        text += &format!(" And {unreadable} more paths that cannot be copied.");
    }
    text
}

fn lost(file: &FileSnapshot) -> u64 {
    file.totals.dropped.values().chain(file.totals.skipped.values()).map(|count| count.bytes).sum()
}

fn row(table: &mut Table<'_>, file: &FileSnapshot, has_workers: bool, snapshot: &Snapshot) {
    let is_far_behind =
        snapshot.behind.worst.iter().any(|behind| behind.path == file.path && behind.worker == file.worker);
    let is_slow = file.lag_bytes > 0 && file.lag_seconds > 60.0;
    table.row(match (is_far_behind, is_slow || file.last_error.is_some()) {
        (true, _) => "bad",
        (false, true) => "warn",
        (false, false) => "",
    });
    table.cell(|html| {
        html.element("span", "path", file.path.display());
        if has_workers {
            html.raw(" ").element("small", "", format_args!("worker {}", file.worker));
        }
    });
    table.text(units::bytes(file.lag_bytes as f64));
    match file.lag_bytes {
        0 => table.none(),
        _ => table.text(units::seconds(file.lag_seconds)),
    }
    table.cell(|html| {
        let (position, size) = (file.settled_to.0, file.read_to.0 + file.unread_bytes);
        html.text(units::bytes(position as f64)).raw(" <small>of ").text(units::bytes(size as f64)).raw("</small>");
        let share = if size == 0 { 1.0 } else { position as f64 / size as f64 };
        html.raw("<meter min=\"0\" max=\"1\" value=\"").text(format_args!("{share:.3}")).raw("\" title=\"");
        html.text(format_args!("{position} of {size} bytes")).raw("\"></meter>");
    });
    table.cell(|html| {
        let accepted = file.totals.accepted;
        html.text(units::bytes(accepted.bytes as f64))
            .raw(" <small>")
            .text(units::count(accepted.lines as f64))
            .raw(" lines</small>");
    });
    table.cell(|html| match lost(file) {
        0 => {
            html.raw("–");
        }
        bytes => {
            html.element("span", "loss", units::bytes(bytes as f64));
            let dropped = file.totals.dropped.iter().map(|(reason, count)| (reason.to_string(), count.bytes));
            let skipped = file.totals.skipped.iter().map(|(reason, count)| (reason.to_string(), count.bytes));
            for (reason, _) in dropped.chain(skipped).filter(|(_, bytes)| *bytes > 0) {
                html.raw(" ").element("small", "", reason);
            }
        }
    });
    let key = format_args!("error of {} {}", file.id.0, file.path.display());
    match &file.last_error {
        Some(error) => table.cell(|html| {
            html.folded(key, error);
            if let Some(at) = file.last_error_at {
                html.raw(" <small>").text(units::ago(at, snapshot.now)).raw("</small>");
            }
        }),
        None => table.none(),
    }
    table.end_row();
}
