//! The uploads.

use super::html::Html;
use super::table::{Column, MOST_ROWS, Table};
use super::units;
use crate::order;
use crate::status::Snapshot;
use crate::upload::{SessionSnapshot, SessionState};

const COLUMNS: &[Column] = &[
    ("Session", false),
    ("State", false),
    ("Accepted", true),
    ("Requests", true),
    ("Sent", true),
    ("Last success", true),
    ("Last answer", false),
];

pub(super) fn write(html: &mut Html, snapshot: &Snapshot) {
    let mut table = Table::begin(html, "uploads", "Uploads", COLUMNS);
    let leaving = snapshot.leaving_sessions.iter().map(|session| (session, true));
    let mut sessions: Vec<_> = snapshot.sessions.iter().map(|session| (session, false)).chain(leaving).collect();
    order::by_key(&mut sessions, |(session, _)| is_well(session));
    for (session, leaves) in sessions.iter().take(MOST_ROWS) {
        row(&mut table, session, *leaves, snapshot.now);
    }
    let rest = sessions.iter().skip(MOST_ROWS);
    let (many, rate) = rest.fold((0, 0.0), |(many, rate), (session, _)| (many + 1, rate + session.bytes_per_second));
    table.end(match many {
        0 => String::new(),
        many => format!("And {many} more sessions, which are no worse, with {} together.", units::rate(rate)),
    });
}

fn is_well(session: &SessionSnapshot) -> bool {
    session.broken.is_none() && session.state == SessionState::Ok && session.blocked.is_none()
}

fn row(table: &mut Table<'_>, session: &SessionSnapshot, leaves: bool, now: f64) {
    let (class, state) = match (&session.broken, session.state) {
        (Some(_), _) => ("bad", "ended"),
        (None, SessionState::Ok) if leaves => ("", "leaving"),
        (None, SessionState::Ok) => ("", "ok"),
        (None, SessionState::Failing) => ("warn", "failing"),
        (None, SessionState::KeyRefused) => ("bad", "key refused"),
        (None, SessionState::RefusingEverything) => ("bad", "refuses everything"),
    };
    table.row(class);
    table.cell(|html| {
        html.element("b", "", &session.name).raw(" ").element("small", "path", &session.server);
    });
    table.cell(|html| {
        html.element("span", "state", state);
        if let Some(blocked) = &session.blocked {
            html.raw(" <small>").text(blocked.by).raw(" for ").text(units::seconds(blocked.seconds)).raw("</small>");
        }
        if let Some(pause) = session.back_off_seconds {
            html.raw(" <small>next attempt within ").text(units::seconds(pause)).raw("</small>");
        }
    });
    table.cell(|html| {
        html.text(units::rate(session.bytes_per_second))
            .raw(" <small>")
            .text(units::count(session.events_accepted as f64));
        html.raw(" events</small>");
    });
    table.cell(|html| {
        html.text(units::count(session.requests_succeeded as f64));
        let class = if session.requests_failed > 0 { "loss" } else { "" };
        html.raw(" <small class=\"")
            .raw(class)
            .raw("\">")
            .text(units::count(session.requests_failed as f64))
            .raw(" failed</small>");
    });
    table.cell(|html| {
        html.text(units::bytes(session.bytes_compressed as f64))
            .raw(" <small>of ")
            .text(units::bytes(session.bytes_raw as f64));
        html.raw("</small>");
    });
    table.text(session.last_success_ms.map_or("never".to_owned(), |at| units::ago(at as f64 / 1e3, now)));
    table.cell(|html| {
        let (lost, answer) =
            (session.events_discarded + session.events_too_large + session.events_refused, &session.last_answer);
        if lost > 0 {
            html.raw("<span class=\"loss\">").text(units::count(lost as f64)).raw(" events lost</span> ");
        }
        match (&session.broken, answer, &session.last_status) {
            (Some(text), ..) | (None, Some(text), _) | (None, None, Some(text)) => {
                html.folded(format_args!("answer of {}", session.name), text)
            }
            (None, None, None) => html.raw("–"),
        };
    });
    table.end_row();
}
