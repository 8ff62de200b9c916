//! The monitors, those that do not run first.

use super::html::Html;
use super::table::{Column, MOST_ROWS, Table};
use super::units;
use crate::monitors::state::{MonitorSnapshot, Phase};
use crate::order;
use crate::status::Snapshot;

const COLUMNS: &[Column] = &[
    ("Monitor", false),
    ("State", false),
    ("Last sample", true),
    ("Took", true),
    ("Values", false),
    ("Failures", true),
    ("Last failure", false),
];
/// So many values of a monitor are shown; the others unfold.
const VALUES: usize = 3;

pub(super) fn write(html: &mut Html, snapshot: &Snapshot) {
    let mut table = Table::begin(html, "monitors", "Monitors", COLUMNS);
    let refused = || snapshot.refused.iter().chain(&snapshot.refused_entries);
    let all_refused = refused().count();
    for refused in refused().take(MOST_ROWS / 2) {
        table.row("bad");
        table.cell(|html| {
            html.element("b", "", &refused.name);
        });
        table.cell(|html| {
            html.element("span", "state", "refused");
        });
        for _ in 2..6 {
            table.none();
        }
        table.cell(|html| {
            html.folded(format_args!("refused {}", refused.name), &refused.why);
        });
        table.end_row();
    }
    let mut monitors: Vec<&MonitorSnapshot> = snapshot.monitors.iter().collect();
    order::by(&mut monitors, |one, other| rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name)));
    let places = MOST_ROWS - all_refused.min(MOST_ROWS / 2);
    for monitor in monitors.iter().take(places) {
        row(&mut table, monitor, snapshot.now);
    }
    let rest = monitors.get(places..).unwrap_or_default();
    let refused = all_refused.saturating_sub(MOST_ROWS / 2);
    let lines: u64 = rest.iter().map(|monitor| monitor.lines_emitted).sum();
    table.end(match (rest.len(), refused) {
        _ if monitors.is_empty() && all_refused == 0 => "No monitor is configured.".to_owned(),
        (0, 0) => String::new(),
        (more, 0) => format!("And {more} more, which are no worse, with {lines} lines together."),
        (more, refused) => {
            format!(
                "And {more} more, which are no worse, with {lines} lines together; and {refused} more that are refused."
            )
        }
    });
}

/// The worst first.
fn rank(monitor: &MonitorSnapshot) -> u8 {
    match monitor.state {
        state if state.is_dead() => 0,
        _ if monitor.held_secs.is_some() || monitor.is_hanging() => 1,
        _ if monitor.is_failing() => 2,
        Phase::Disabled => 5,
        _ if monitor.errors > 0 || monitor.restarts > 0 => 3,
        _ => 4,
    }
}

fn row(table: &mut Table<'_>, monitor: &MonitorSnapshot, now: f64) {
    table.row(match rank(monitor) {
        0 => "bad",
        1 | 2 => "warn",
        5 => "off",
        _ => "",
    });
    table.cell(|html| {
        html.element("b", "", &monitor.name);
        if let Some(owner) = &monitor.added_by {
            html.raw(" <small>added by ").text(owner).raw("</small>");
        }
    });
    table.cell(|html| {
        let state = match monitor.state {
            Phase::Running if monitor.held_secs.is_some() => "waits".to_owned(),
            _ if monitor.is_hanging() => "hangs".to_owned(),
            _ if monitor.is_failing() => "failing".to_owned(),
            state => state.to_string(),
        };
        html.element("span", "state", state);
        if let Some(seconds) = monitor.restart_in_secs {
            html.raw(" <small>starts again in ").text(units::seconds(seconds)).raw("</small>");
        }
        if let Some(seconds) = monitor.held_secs {
            html.raw(" <small>its log waits to be uploaded since ").text(units::seconds(seconds)).raw("</small>");
        }
        if let Some(seconds) = monitor.sample_running_secs.filter(|_| monitor.is_hanging()) {
            html.raw(" <small>its sample runs for ").text(units::seconds(seconds)).raw("</small>");
        }
    });
    table.text(monitor.last_sample_at.map_or("–".to_owned(), |at| units::ago(at, now)));
    table.text(monitor.last_sample_secs.map_or("–".to_owned(), units::took));
    table.cell(|html| values(html, monitor));
    table.cell(|html| {
        let failures = monitor.failed_samples.max(monitor.errors);
        html.element("span", if failures > 0 { "loss" } else { "" }, units::count(failures as f64));
        html.raw(" <small>of ").text(units::count(monitor.samples as f64)).raw("</small>");
        for (many, of) in [
            (monitor.restarts, " restarts"),
            (monitor.slow_samples, " slow"),
            (monitor.missed_samples, " missed"),
            (monitor.lines_dropped, " lines dropped"),
        ] {
            if many > 0 {
                html.raw(" <small>").text(units::count(many as f64)).raw(of).raw("</small>");
            }
        }
    });
    match &monitor.last_failure {
        Some(failure) => table.cell(|html| {
            html.folded(format_args!("failure of {}", monitor.name), failure);
        }),
        None => table.none(),
    }
    table.end_row();
}

fn values(html: &mut Html, monitor: &MonitorSnapshot) {
    if monitor.values.is_empty() {
        html.raw("–");
        return;
    }
    let (first, others) = monitor.values.split_at(monitor.values.len().min(VALUES));
    list(html, first);
    let more = others.len() as u64 + monitor.more_values;
    if more == 0 {
        return;
    }
    html.raw("<details data-key=\"").text(&monitor.name).raw("\"><summary>").text(more).raw(" more</summary>");
    list(html, others);
    if monitor.more_values > 0 {
        html.raw("<small>and ").text(monitor.more_values).raw(" that are not kept</small>");
    }
    html.raw("</details>");
}

fn list(html: &mut Html, values: &[crate::monitors::last_values::MetricValue]) {
    html.raw("<ul class=\"values\">");
    for value in values {
        html.raw("<li><span>").text(&value.metric);
        if !value.fields.is_empty() {
            html.raw(" <small>").text(&value.fields).raw("</small>");
        }
        html.raw("</span> ");
        let short = units::shortened(&value.value);
        match short.as_deref() {
            // What does not fit is read by pointing at it.
            None if value.value.len() <= 20 => html.raw("<b>"),
            _ => html.raw("<b title=\"").text(&value.value).raw("\">"),
        };
        html.text(short.as_deref().unwrap_or(&value.value)).raw("</b></li>");
    }
    html.raw("</ul>");
}
