//! Whether data flows, and whether the agent does all that it is told to do.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{ConfigurationState, Snapshot};
use crate::lag::BehindFile;
use crate::monitors::state::MonitorSnapshot;
use crate::upload::{SessionSnapshot, SessionState};

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// The agent does all that it is told to do.
    #[default]
    Good,
    /// Data flows, yet something wants a look.
    Degraded,
    /// Data does not flow, or not for sure.
    Failing,
}

/// The health check of what is well.
pub(super) const GOOD: &str = "Good";

/// The health check of one session: `Good`, or a sentence.
pub(super) fn of_session(snapshot: &Snapshot, session: &SessionSnapshot) -> String {
    undelivered(session, snapshot.healthy_within, snapshot.now).unwrap_or_else(|| GOOD.to_owned())
}

/// Why data does not flow, a sentence each: for `Health check:`. An agent that has nothing to send is well.
pub(super) fn failures(snapshot: &Snapshot) -> Vec<String> {
    let limit = snapshot.healthy_within;
    let mut failures = Vec::new();
    if snapshot.tail.broken.is_some() {
        failures.push("Copying log files has ended.".to_owned());
    }
    if let Some(seconds) = snapshot.tail.round_seconds.filter(|seconds| *seconds > limit) {
        failures.push(format!(
            "Log files have not been looked after for {seconds:.0} seconds (the limit is {limit:.0} seconds)."
        ));
    }
    failures.extend(snapshot.sessions.iter().filter_map(|session| undelivered(session, limit, snapshot.now)));
    if snapshot.checkpoint.last_error.is_some() {
        failures.push("Positions are not saved.".to_owned());
    }
    failures
}

/// Why what a session has to send does not arrive. A refused key is told of at once, since nothing but a person can help;
/// a pause of the limit of the rate is as it was wished.
fn undelivered(session: &SessionSnapshot, limit: f64, now: f64) -> Option<String> {
    let name = &session.name;
    if session.broken.is_some() {
        return Some(format!("Upload session {name} has ended."));
    }
    let since = |millis: i64| (now - millis as f64 / 1e3).max(0.0);
    let failing = session.failing_since_ms.map(since).filter(|seconds| *seconds > limit);
    let of_limit = format!("(the limit is {limit:.0} seconds)");
    match (session.state, failing) {
        (SessionState::KeyRefused, _) => return Some(format!("The server refuses the api key of session {name}.")),
        (SessionState::RefusingEverything, Some(seconds)) => {
            return Some(format!(
                "The server refuses everything of session {name} for {seconds:.0} seconds {of_limit}."
            ));
        }
        (_, Some(seconds)) if session.in_flight => {
            return Some(format!("Uploads of session {name} have failed for {seconds:.0} seconds {of_limit}."));
        }
        _ => {}
    }
    let waits = session.undelivered_seconds.filter(|seconds| *seconds > limit)?;
    Some(format!("Session {name} has waited {waits:.0} seconds for the server to take what it sends {of_limit}."))
}

/// Why the agent is not healthy, a short line each; nothing when it is.
pub(super) fn troubles(snapshot: &Snapshot) -> Vec<String> {
    let refused = snapshot.refused_values + snapshot.refused.len();
    let (dead, running) = (snapshot.dead_monitors, snapshot.running_monitors);
    let mut troubles = Vec::new();
    if snapshot.configuration.state == ConfigurationState::NewerAndInvalid {
        troubles.push("the configuration on disk is newer and invalid".to_owned());
    }
    match refused {
        0 => {}
        1 => troubles.push("one entry or value of the configuration is refused".to_owned()),
        _ => troubles.push(format!("{refused} entries or values of the configuration are refused")),
    }
    if dead > 0 {
        troubles.push(format!("{dead} of {} monitors should run and do not", dead + running));
    }
    let hanging = snapshot.monitors.iter().filter(|monitor| monitor.is_hanging()).count();
    if hanging > 0 {
        troubles.push(format!("the sample of {hanging} of {} monitors does not end", dead + running));
    }
    let in_trouble = snapshot.monitors.iter().filter(|monitor| monitor.is_in_trouble()).count();
    if in_trouble > 0 {
        troubles.push(format!(
            "{in_trouble} of {} monitors run and cannot do all of their work; the last failure of each says why",
            dead + running
        ));
    }
    let fails = |monitor: &&MonitorSnapshot| monitor.is_failing() && !monitor.is_hanging() && !monitor.is_in_trouble();
    let failing = snapshot.monitors.iter().filter(fails).count();
    if failing > 0 {
        troubles.push(format!("{failing} of {} monitors fail in half of their samples or more", dead + running));
    }
    let held = snapshot.monitors.iter().filter(|monitor| monitor.held_secs.is_some()).count();
    if held > 0 {
        troubles.push(format!("{held} of {} monitors wait until their metric logs are uploaded", dead + running));
    }
    let broken = snapshot.sessions.iter().filter(|session| session.broken.is_some());
    troubles.extend(broken.map(|session| format!("the upload session {} has ended", session.name)));
    troubles.extend(refusals(&snapshot.sessions));
    if let Some(worst) = snapshot.behind.worst.first() {
        let BehindFile { path, bytes, seconds, factor, .. } = worst;
        let others = match snapshot.behind.files.saturating_sub(1) {
            0 => String::new(),
            1 => ", and one more file is far behind".to_owned(),
            others => format!(", and {others} more files are far behind"),
        };
        troubles.push(format!("{} is {bytes} bytes ({seconds:.0} s) behind ({factor}){others}", path.display()));
    }
    if snapshot.tail.broken.is_some() {
        troubles.push("copying log files has ended".to_owned());
    }
    troubles.extend(stalls(snapshot));
    if snapshot.checkpoint.last_error.is_some() {
        troubles.push("positions are not saved".to_owned());
    }
    if let Some(listen) = &snapshot.status_listen
        && let Some(error) = &listen.error
    {
        troubles.push(format!("the page of the status cannot be served on {}: {error}", listen.wanted));
    }
    troubles
}

/// The failures that no other trouble tells of.
fn stalls(snapshot: &Snapshot) -> Vec<String> {
    let limit = snapshot.healthy_within;
    let told = |session: &&SessionSnapshot| {
        session.broken.is_some() || matches!(session.state, SessionState::KeyRefused | SessionState::RefusingEverything)
    };
    let sessions = snapshot.sessions.iter().filter(|session| !told(session));
    let stalled = sessions.filter(|session| undelivered(session, limit, snapshot.now).is_some());
    let mut stalls: Vec<String> =
        stalled.map(|session| format!("the upload session {} delivers nothing", session.name)).collect();
    if snapshot.tail.round_seconds.is_some_and(|seconds| seconds > limit) {
        stalls.push("log files are not looked after".to_owned());
    }
    stalls
}

/// What servers refuse: once for each worker, whose sessions have one key and one server; by its name where there are several.
fn refusals(sessions: &[SessionSnapshot]) -> BTreeSet<String> {
    let is_alone = sessions.iter().all(|session| session.worker == sessions[0].worker);
    let refusal = |session: &SessionSnapshot| {
        let of = if is_alone { String::new() } else { format!(" of worker {}", session.worker) };
        match session.state {
            SessionState::KeyRefused => Some(format!("the api key{of} is refused")),
            SessionState::RefusingEverything => Some(format!("the server{of} refuses every event")),
            SessionState::Ok | SessionState::Failing => None,
        }
    };
    sessions.iter().filter_map(refusal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::SessionId;
    use crate::ledger::WorkerId;

    /// A snapshot with one session, and what is wrong with it.
    fn with(change: impl FnOnce(&mut Snapshot)) -> Snapshot {
        let mut snapshot = super::super::sample::good();
        change(&mut snapshot);
        snapshot.judged()
    }

    /// Milliseconds since the epoch, so many seconds before the snapshot.
    fn ago(seconds: f64) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "a time of these days")]
        Some(((super::super::sample::NOW - seconds) * 1e3) as i64)
    }

    #[test]
    fn each_situation_has_its_level_and_its_sentence() {
        type Change = fn(&mut Snapshot);
        let cases: [(&str, Change, Health, &str); 19] = [
            ("all is well", |_| (), Health::Good, "Good"),
            ("a sample does not end", |it| it.monitors[0].sample_running_secs = Some(31.0), Health::Degraded, "Good"),
            (
                "samples fail",
                |it| (it.monitors[0].samples, it.monitors[0].failed_samples) = (4, 2),
                Health::Degraded,
                "Good",
            ),
            ("a port is taken", |it| it.monitors[0].trouble = Some("cannot listen".into()), Health::Degraded, "Good"),
            (
                "idle for ten days",
                |it| {
                    it.sessions[0].last_success_ms = ago(864_000.0);
                    it.sessions[0].last_attempt_ms = ago(864_000.0);
                },
                Health::Good,
                "Good",
            ),
            (
                "nothing was ever sent",
                |it| {
                    it.sessions[0].last_success_ms = None;
                    it.sessions[0].last_attempt_ms = None;
                },
                Health::Good,
                "Good",
            ),
            (
                "failing for a while",
                |it| {
                    it.sessions[0].failing_since_ms = ago(59.0);
                    it.sessions[0].in_flight = true;
                },
                Health::Good,
                "Good",
            ),
            (
                "failing for long",
                |it| {
                    it.sessions[0].failing_since_ms = ago(61.0);
                    it.sessions[0].in_flight = true;
                },
                Health::Failing,
                "Uploads of session default-0 have failed for 61 seconds (the limit is 60 seconds).",
            ),
            (
                "the limit is the user's",
                |it| {
                    it.healthy_within = 300.0;
                    it.sessions[0].failing_since_ms = ago(61.0);
                    it.sessions[0].in_flight = true;
                },
                Health::Good,
                "Good",
            ),
            (
                "no answer for long",
                |it| it.sessions[0].undelivered_seconds = Some(90.0),
                Health::Failing,
                "Session default-0 has waited 90 seconds for the server to take what it sends (the limit is 60 seconds).",
            ),
            (
                "kept back by the limit of the rate",
                |it| it.sessions[0].rate_pause_seconds = Some(900.0),
                Health::Good,
                "Good",
            ),
            (
                "refuses everything, just begun",
                |it| {
                    it.sessions[0].state = SessionState::RefusingEverything;
                    it.sessions[0].failing_since_ms = ago(10.0);
                },
                Health::Degraded,
                "Good",
            ),
            (
                "refuses everything",
                |it| {
                    it.sessions[0].state = SessionState::RefusingEverything;
                    it.sessions[0].failing_since_ms = ago(100.0);
                },
                Health::Failing,
                "The server refuses everything of session default-0 for 100 seconds (the limit is 60 seconds).",
            ),
            (
                "the key is refused",
                |it| it.sessions[0].state = SessionState::KeyRefused,
                Health::Failing,
                "The server refuses the api key of session default-0.",
            ),
            (
                "a session has ended",
                |it| it.sessions[0].broken = Some("panic".into()),
                Health::Failing,
                "Upload session default-0 has ended.",
            ),
            (
                "files are not looked after",
                |it| it.tail.round_seconds = Some(75.0),
                Health::Failing,
                "Log files have not been looked after for 75 seconds (the limit is 60 seconds).",
            ),
            (
                "copying and positions",
                |it| {
                    it.tail.broken = Some("panic".into());
                    it.checkpoint.last_error = Some("No space left".into());
                },
                Health::Failing,
                "Copying log files has ended., Positions are not saved.",
            ),
            ("monitors alone", |it| (it.dead_monitors, it.running_monitors) = (5, 0), Health::Degraded, "Good"),
            (
                "a configuration that is newer and invalid",
                |it| {
                    it.configuration.state = ConfigurationState::NewerAndInvalid;
                },
                Health::Degraded,
                "Good",
            ),
        ];
        for (what, change, health, sentence) in cases {
            let judged = with(change);
            assert_eq!((judged.health, judged.health_check().as_str()), (health, sentence), "{what}");
            assert_eq!(judged.healthy, judged.troubles.is_empty(), "{what}");
            assert_eq!(judged.health == Health::Good, judged.healthy, "{what}: {:?}", judged.troubles);
        }
    }

    #[test]
    fn a_refused_key_is_told_once_for_its_worker_which_is_named_where_there_are_several() {
        let session = |worker: &str, number, state| {
            let id = SessionId { worker: WorkerId(worker.into()), number };
            SessionSnapshot { state, ..SessionSnapshot::new(id, String::new(), String::new()) }
        };
        let (refused, well) = (SessionState::KeyRefused, SessionState::Ok);
        let told = |sessions: &[SessionSnapshot]| refusals(sessions).into_iter().collect::<Vec<_>>();
        assert!(told(&[]).is_empty() && told(&[session("default", 0, well)]).is_empty());
        assert_eq!(told(&[session("default", 0, refused)]), ["the api key is refused"]);
        let several = [session("team", 0, refused), session("team", 1, refused), session("default", 0, well)];
        assert_eq!(told(&several), ["the api key of worker team is refused"]);
    }
}
