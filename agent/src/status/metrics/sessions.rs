//! The upload sessions.

use super::exposition::{Exposition, Kind};
use super::number;
use crate::status::word;
use crate::upload::{SessionSnapshot, SessionState};

/// A metric of which each session has one sample.
type Single = (Kind, &'static str, &'static str, &'static str, fn(&SessionSnapshot) -> Option<f64>);

const SINGLE: &[Single] = &[
    (Kind::Counter, "scalyr_agent_session_sent_bytes", "bytes", "Bodies of requests, before compression.", |s| {
        Some(number(s.bytes_raw))
    }),
    (Kind::Counter, "scalyr_agent_session_wire_bytes", "bytes", "Bodies of requests, after compression.", |s| {
        Some(number(s.bytes_compressed))
    }),
    (Kind::Counter, "scalyr_agent_session_received_bytes", "bytes", "Bodies of answers.", |s| {
        Some(number(s.bytes_received))
    }),
    (Kind::Counter, "scalyr_agent_session_connections_opened", "", "Connections opened.", |s| {
        Some(number(s.connections_opened))
    }),
    (Kind::Counter, "scalyr_agent_session_request_seconds", "seconds", "How long all requests took.", |s| {
        Some(s.request_seconds)
    }),
    (Kind::Counter, "scalyr_agent_session_compression_seconds", "seconds", "How long compression took.", |s| {
        Some(s.compression_seconds)
    }),
    (
        Kind::Counter,
        "scalyr_agent_session_rate_limit_seconds",
        "seconds",
        "How long max_send_rate_enforcement kept requests back.",
        |s| Some(s.rate_limit_seconds),
    ),
    (
        Kind::Gauge,
        "scalyr_agent_session_back_off_seconds",
        "seconds",
        "The pause before a failed request is sent again; 0 for none.",
        |s| Some(s.back_off_seconds.unwrap_or(0.0)),
    ),
    (
        Kind::Gauge,
        "scalyr_agent_session_unanswered_bytes",
        "bytes",
        "Bytes of log in the request that was not answered yet.",
        |s| Some(number(s.unanswered_bytes)),
    ),
    (
        Kind::Gauge,
        "scalyr_agent_session_last_success_seconds",
        "seconds",
        "When a request last succeeded, seconds since the epoch.",
        |s| s.last_success_ms.map(|at| at as f64 / 1e3),
    ),
    (
        Kind::Gauge,
        "scalyr_agent_session_last_attempt_seconds",
        "seconds",
        "When a request was last sent, seconds since the epoch.",
        |s| s.last_attempt_ms.map(|at| at as f64 / 1e3),
    ),
];

pub(super) fn write(text: &mut Exposition, sessions: &[SessionSnapshot]) {
    let names: Vec<String> = sessions.iter().map(|session| session.name.to_string()).collect();
    let named = || names.iter().map(String::as_str).zip(sessions);
    let help = "1 for each session, with its worker and server.";
    let mut info = text.family(Kind::Info, "scalyr_agent_session", "", help);
    for (name, session) in named() {
        info.sample(&[("session", name), ("worker", &session.worker.0), ("server", &session.server)], 1.0);
    }
    let states = [SessionState::Ok, SessionState::Failing, SessionState::KeyRefused, SessionState::RefusingEverything];
    let states: Vec<String> = states.iter().map(word).collect();
    let states: Vec<&str> = states.iter().map(String::as_str).chain(["broken"]).collect();
    let mut state =
        text.family(Kind::StateSet, "scalyr_agent_session_state", "", "How the uploads of a session stand.");
    for (name, session) in named() {
        let current = if session.broken.is_some() { "broken".to_owned() } else { word(&session.state) };
        state.states(&[("session", name)], &states, &current);
    }
    let help = "Attempts to send a request: dealt with by the server, or failed.";
    let mut requests = text.family(Kind::Counter, "scalyr_agent_session_requests", "", help);
    for (name, session) in named() {
        requests.sample(&[("session", name), ("outcome", "succeeded")], number(session.requests_succeeded));
        requests.sample(&[("session", name), ("outcome", "failed")], number(session.requests_failed));
    }
    let help = "Events by what became of them.";
    let mut events = text.family(Kind::Counter, "scalyr_agent_session_events", "", help);
    for (name, session) in named() {
        for (outcome, count) in [
            ("accepted", session.events_accepted),
            ("discarded", session.events_discarded),
            ("too_large", session.events_too_large),
            ("refused", session.events_refused),
        ] {
            events.sample(&[("session", name), ("outcome", outcome)], number(count));
        }
    }
    for (kind, metric, unit, help, of) in SINGLE {
        let mut family = text.family(*kind, metric, unit, help);
        for (name, session) in named() {
            if let Some(value) = of(session) {
                family.sample(&[("session", name)], value);
            }
        }
    }
}
