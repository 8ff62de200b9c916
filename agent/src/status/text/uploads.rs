//! The uploads: of the only session, or of each behind their sums.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::super::Snapshot;
use super::super::health;
use super::{at_millis, counted, heading, moment, on_one_line};
use crate::ledger::WorkerId;
use crate::upload::{SessionSnapshot, SessionState};

/// Longer answers are cut.
const MOST_ANSWER: usize = 1000;

pub(super) fn write(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    heading(out, "Log transmission:")?;
    writeln!(out, "(these statistics cover the period from {})\n", moment(snapshot.configuration.loaded))?;
    match snapshot.sessions.as_slice() {
        [session] => {
            old_lines(out, snapshot, session, "")?;
            writeln!(out, "{:<43}{}", "Health check:", snapshot.health_check())?;
            details(out, session, "", snapshot.now)?;
        }
        sessions => several(out, snapshot, sessions)?,
    }
    for session in &snapshot.leaving_sessions {
        writeln!(out, "\n  Leaving because of a reload, once it has delivered what it was handed:")?;
        details(out, session, "  ", snapshot.now)?;
    }
    Ok(())
}

fn several(out: &mut String, snapshot: &Snapshot, sessions: &[SessionSnapshot]) -> fmt::Result {
    let bytes: u64 = sessions.iter().map(|session| session.bytes_dealt_with).sum();
    let errors: u64 = sessions.iter().map(|session| session.requests_failed).sum();
    writeln!(out, "{:<49}{bytes}", "Total bytes uploaded:")?;
    writeln!(out, "{:<49}{}", "Overall health check:", snapshot.health_check())?;
    if errors > 0 {
        writeln!(out, "{:<49}{}", "Total errors occurred:", errors_seen(snapshot, errors))?;
    }
    writeln!(out, "\nUploads statistics by worker:")?;
    let mut workers: BTreeMap<&WorkerId, Vec<&SessionSnapshot>> = BTreeMap::new();
    sessions.iter().for_each(|session| workers.entry(&session.worker).or_default().push(session));
    for (worker, sessions) in workers {
        writeln!(out, " Worker ID: {worker}")?;
        for session in sessions {
            writeln!(out, "    Session ID: {}", session.name)?;
            old_lines(out, snapshot, session, "      ")?;
            writeln!(out, "      {:<43}{}", "Health check:", health::of_session(snapshot, session))?;
            details(out, session, "      ", snapshot.now)?;
        }
    }
    writeln!(out, "\n Log files associated with workers:")
}

/// What the Python agent tells of a session.
fn old_lines(out: &mut String, snapshot: &Snapshot, session: &SessionSnapshot, indent: &str) -> fmt::Result {
    let mut line = |label: &str, value: &dyn fmt::Display| writeln!(out, "{indent}{label:<43}{value}");
    line("Bytes uploaded successfully:", &session.bytes_dealt_with)?;
    line("Last successful communication with Scalyr:", &at_millis(session.last_success_ms))?;
    line("Last attempt:", &at_millis(session.last_attempt_ms))?;
    if session.last_attempt_ms.is_some() {
        line("Last copy request size:", &session.last_request_bytes)?;
    }
    if let Some(bytes) = session.last_response_bytes {
        line("Last copy response size:", &bytes)?;
    }
    if let Some(status) = &session.last_status {
        line("Last copy response status:", &on_one_line(status))?;
    }
    if let Some(answer) = &session.last_answer {
        let answer = answer.replace(['\n', '\r'], "");
        line("Last copy response:", &&answer[..answer.floor_char_boundary(MOST_ANSWER)])?;
    }
    if session.requests_failed > 0 {
        line("Total responses with errors:", &errors_seen(snapshot, session.requests_failed))?;
    }
    Ok(())
}

fn errors_seen(snapshot: &Snapshot, errors: u64) -> String {
    format!("{errors} (see '{}' for details)", snapshot.log_path.join("agent.log").display())
}

/// What we tell beyond.
fn details(out: &mut String, session: &SessionSnapshot, indent: &str, now: f64) -> fmt::Result {
    let SessionSnapshot { name, server, requests_succeeded, requests_failed, .. } = session;
    let indent = format!("{indent}  ");
    writeln!(out, "{indent}Session {name}, server {server}")?;
    let mut line = |label: &str, value: &dyn fmt::Display| writeln!(out, "{indent}{label:<25}{value}");
    line("Rate:", &format!("{:.1} bytes of logs per second accepted over the last minute", session.bytes_per_second))?;
    match session.blocked {
        Some(blocked) => line("Blocked:", &format!("{}, for {:.0} s", blocked.by, blocked.seconds))?,
        None => line("Blocked:", &"no")?,
    }
    // Attempts, so that the parts add up: a request that failed is tried again, over a connection or without finding one.
    let under_way = u64::from(session.in_flight && session.back_off_seconds.is_none());
    let attempts = requests_succeeded + requests_failed + under_way;
    let requests = format!(
        "{}: {requests_succeeded} dealt with by the server, {requests_failed} failed",
        counted(attempts, "attempt")
    );
    line("Requests:", &format!("{requests}{}", if under_way == 1 { ", 1 on its way" } else { "" }))?;
    let (raw, sent) = (session.bytes_raw, session.bytes_compressed);
    line("Bytes sent:", &format!("{sent}, which were {raw} before compression"))?;
    line("Events accepted:", &session.events_accepted)?;
    if let Some(stand) = stand(session, now) {
        line(stand.0, &stand.1)?;
    }
    if session.requests_split > 0 {
        let (split, limit) = (session.requests_split, session.request_limit);
        let why = "because they were too large; now at most";
        line("Requests split:", &format!("{split}, {why} {limit} bytes before compression"))?;
    }
    if session.probes_sent > 0 {
        line("Probes sent:", &format!("{}, to see whether the key is accepted", session.probes_sent))?;
    }
    let (discarded, large, refused) = (session.events_discarded, session.events_too_large, session.events_refused);
    if discarded + large + refused > 0 {
        let lost = format!("{discarded} discarded by the server, {large} too large, {refused} refused by it");
        line("Events lost:", &lost)?;
    }
    if let Some(broken) = &session.broken {
        line("Broken:", &format!("{broken}; restart the agent"))?;
    }
    Ok(())
}

/// How the uploads of a session stand, unless all is well: a label, and since when.
#[expect(clippy::cast_precision_loss, reason = "exact for thousands of years")]
fn stand(session: &SessionSnapshot, now: f64) -> Option<(&'static str, String)> {
    let (label, note) = match session.state {
        SessionState::KeyRefused => ("Key refused:", "; its files wait, nothing is dropped"),
        SessionState::RefusingEverything => {
            ("Refusing everything:", "; each event that is refused makes the next one wait")
        }
        SessionState::Ok | SessionState::Failing => ("Failing:", ""),
    };
    let since = session.state_since_ms.or(session.failing_since_ms)?;
    let seconds = (now - since as f64 / 1e3).max(0.0);
    let next = session.back_off_seconds.map(|pause| format!(", next attempt within {pause:.0} s"));
    Some((label, format!("since {} ({seconds:.0} s){}{note}", at_millis(Some(since)), next.unwrap_or_default())))
}
