//! The snapshot for people.

mod files;

use std::fmt::{self, Write as _};

use scalyr_monitor::Timestamp;

use super::{ConfigurationSnapshot, ConfigurationState, RefusedMonitor, Snapshot};
use crate::monitors::state::MonitorSnapshot;
use crate::upload::{MemoryBound, SessionSnapshot, SessionState};

/// Shows a snapshot as text, with the labels that the Python agent's `status -v` has where it shows the same.
/// Of more than [`SHOWN`] paths the others are summed up, unless all are asked for.
pub fn render(snapshot: &Snapshot, every_path: bool) -> String {
    let shown = if every_path { usize::MAX } else { SHOWN };
    let mut out = String::new();
    // Writing to a string cannot fail.
    _ = facts(&mut out, snapshot)
        .and_then(|()| sessions(&mut out, snapshot))
        .and_then(|()| files::write(&mut out, snapshot, shown))
        .and_then(|()| monitors(&mut out, snapshot));
    out
}

/// So many paths, and so many of each kind of trouble, are shown one by one.
const SHOWN: usize = 100;

fn facts(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    writeln!(out, "Scalyr Agent status.\n")?;
    writeln!(out, "Current time:            {}", moment(snapshot.now))?;
    writeln!(out, "Agent started at:        {}", moment(snapshot.started))?;
    writeln!(out, "Main process pid:        {}", snapshot.pid)?;
    writeln!(out, "Version:                 {}", snapshot.version)?;
    writeln!(out, "Agent log:               {}", snapshot.log_path.join("agent.log").display())?;
    writeln!(out, "ServerHost:              {}", snapshot.server_host)?;
    match snapshot.troubles.as_slice() {
        [] => writeln!(out, "Health:                  good")?,
        troubles => writeln!(out, "Health:                  unhealthy: {}", troubles.join("; "))?,
    }
    configuration(out, &snapshot.configuration, snapshot.refused_values)?;
    let AgentLogLosses(losses) = AgentLogLosses::of(snapshot);
    out.push_str(&losses);
    for problem in snapshot.config_problems.iter().chain(snapshot.refused.iter().map(|refused| &refused.why)) {
        writeln!(out, "  {}", problem.replace('\n', "\n  "))?;
    }
    if let Some(error) = &snapshot.checkpoint.last_error {
        writeln!(out, "Positions are not saved: {}: {error}", snapshot.checkpoint.path.display())?;
        if let Some(since) = snapshot.checkpoint.failing_since {
            writeln!(out, "  Since:                 {}", moment(since))?;
        }
    }
    Ok(())
}

/// `Configuration file: FILE (good)`, or why the one on disk is not in use.
fn configuration(out: &mut String, configuration: &ConfigurationSnapshot, refused: usize) -> fmt::Result {
    let ConfigurationSnapshot { file, loaded, last_checked, state, found, problems } = configuration;
    let state = match state {
        ConfigurationState::Good if refused == 0 => "good".to_owned(),
        ConfigurationState::Good => format!("in use, with {refused} refused"),
        ConfigurationState::NewerAndInvalid => "configuration on disk is newer and invalid".to_owned(),
    };
    writeln!(out, "Configuration file:      {} ({state})", file.display())?;
    if let Some(found) = found {
        let (found, loaded) = (moment(*found), moment(*loaded));
        writeln!(out, "  The one of {loaded} stays in use. Found at {found}:")?;
    }
    problems.iter().try_for_each(|problem| writeln!(out, "  {}", problem.replace('\n', "\n  ")))?;
    writeln!(out, "Last checked:            {}", moment(*last_checked))
}

/// What the agent's own log could not take.
struct AgentLogLosses(String);

impl AgentLogLosses {
    fn of(snapshot: &Snapshot) -> Self {
        let log = &snapshot.agent_log;
        let by: Vec<_> = log.skipped_by_component.iter().map(|(name, lines)| format!("{lines} of {name}")).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        Self(match (log.skipped_lines, log.lost_lines) {
            (0, 0) => String::new(),
            (skipped, lost) => {
                format!("Agent log losses:        {skipped} lines over its limit{by}, {lost} not writable\n")
            }
        })
    }
}

fn sessions(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    writeln!(out, "\nLog transmission:\n=================\n")?;
    let MemoryBound { requests, compressors, channels, files, total } = snapshot.memory_bound;
    let [total, requests, compressors, channels, files] =
        [total, requests, compressors, channels, files].map(mebibytes);
    writeln!(
        out,
        "Memory for uploads:      at most {total} MiB: {requests} for requests, {compressors} for compression, {channels} for \
         lines that wait, {files} for files\n"
    )?;
    // The name of the only session tells nothing.
    let is_alone = snapshot.sessions.len() + snapshot.leaving_sessions.len() == 1;
    snapshot.sessions.iter().try_for_each(|session| self::session(out, session, is_alone, snapshot.now))?;
    for session in &snapshot.leaving_sessions {
        writeln!(out, "\nLeaving because of a reload, once it has delivered what it was handed:")?;
        self::session(out, session, is_alone, snapshot.now)?;
    }
    Ok(())
}

fn session(out: &mut String, session: &SessionSnapshot, is_alone: bool, now: f64) -> fmt::Result {
    let SessionSnapshot { name, server, requests_succeeded, requests_failed, .. } = session;
    match is_alone {
        true => writeln!(out, "Server {server}")?,
        false => writeln!(out, "Session {name}, server {server}")?,
    }
    // Attempts, so that the parts add up: a request that failed is tried again, over a connection or without finding one.
    let under_way = u64::from(session.in_flight && session.back_off_seconds.is_none());
    let attempts = requests_succeeded + requests_failed + under_way;
    write!(
        out,
        "  Requests:                {}: {requests_succeeded} dealt with by the server, {requests_failed} failed",
        counted(attempts, "attempt")
    )?;
    writeln!(out, "{}", if under_way == 1 { ", 1 on its way" } else { "" })?;
    let (raw, sent) = (session.bytes_raw, session.bytes_compressed);
    writeln!(out, "  Bytes sent:              {sent}, which were {raw} before compression")?;
    writeln!(out, "  Events accepted:         {}", session.events_accepted)?;
    writeln!(out, "  Last success:            {}", session.last_success_ms.map_or("Never".to_owned(), at_millis))?;
    writeln!(out, "  Last attempt:            {}", session.last_attempt_ms.map_or("Never".to_owned(), at_millis))?;
    if let Some(status) = &session.last_status {
        writeln!(out, "  Last response status:    {status}")?;
    }
    if let Some(answer) = &session.last_answer {
        writeln!(out, "  Last response:           {answer}")?;
    }
    stand(out, session, now)?;
    let (discarded, large) = (session.events_discarded, session.events_too_large);
    match session.events_refused {
        0 if discarded + large == 0 => {}
        0 => writeln!(out, "  Events lost:             {discarded} discarded by the server, {large} too large")?,
        refused => writeln!(
            out,
            "  Events lost:             {discarded} discarded by the server, {large} too large, {refused} refused by it"
        )?,
    }
    if let Some(broken) = &session.broken {
        writeln!(out, "  Broken:                  {broken}; restart the agent")?;
    }
    Ok(())
}

/// How the uploads of a session stand, unless all is well, and what was learned about the server.
fn stand(out: &mut String, session: &SessionSnapshot, now: f64) -> fmt::Result {
    let (label, note) = match session.state {
        SessionState::KeyRefused => ("Key refused:", "; its files wait, nothing is dropped"),
        SessionState::RefusingEverything => {
            ("Refusing everything:", "; each event that is refused makes the next one wait")
        }
        SessionState::Ok | SessionState::Failing => ("Failing:", ""),
    };
    if let Some(since) = session.state_since_ms.or(session.failing_since_ms) {
        let seconds = now - since as f64 / 1e3;
        write!(out, "  {label:<24} since {} ({seconds:.0} s)", at_millis(since))?;
        match session.back_off_seconds {
            Some(pause) => writeln!(out, ", next attempt within {pause:.0} s{note}")?,
            None => writeln!(out, "{note}")?,
        }
    }
    if session.requests_split > 0 {
        writeln!(
            out,
            "  Requests split:          {}, because they were too large; now at most {} bytes before compression",
            session.requests_split, session.request_limit
        )?;
    }
    if session.probes_sent > 0 {
        writeln!(out, "  Probes sent:             {}, to see whether the key is accepted", session.probes_sent)?;
    }
    Ok(())
}

/// To a tenth, as figures of memory are read.
fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1024.0 * 1024.0))
}

/// `1 line`, `2 lines`.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn monitors(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    writeln!(out, "\nMonitors:\n=========\n")?;
    for monitor in &snapshot.monitors {
        writeln!(out, "{}", monitor_line(monitor))?;
    }
    for refused in &snapshot.refused {
        writeln!(out, "{}", refused_line(refused))?;
    }
    let (running, dead) = (snapshot.running_monitors, snapshot.dead_monitors);
    if dead > 0 {
        writeln!(out, "{running} monitors run, {dead} should and do not")?;
    }
    Ok(())
}

/// `<name>: <n> lines emitted, <m> errors, <state>`, with what is out of the ordinary behind it.
fn monitor_line(monitor: &MonitorSnapshot) -> String {
    let MonitorSnapshot { name, lines_emitted, errors, state, .. } = monitor;
    let mut line = format!("{name}: {lines_emitted} lines emitted, {errors} errors, {state}");
    if monitor.stop_agent_on_failure {
        line += ", stop_agent_on_failure=true";
    }
    if let Some(owner) = &monitor.added_by {
        _ = write!(line, ", added by {owner}");
    }
    if monitor.lines_dropped > 0 {
        _ = write!(line, ", {} lines dropped", monitor.lines_dropped);
    }
    if monitor.restarts > 0 {
        _ = write!(line, ", {} panics, restarted {} times", monitor.panics, monitor.restarts);
    }
    if let Some(seconds) = monitor.restart_in_secs {
        _ = write!(line, ", starts again in {seconds:.0} s");
    }
    if monitor.slow_samples > 0 || monitor.missed_samples > 0 {
        let (slow, missed) = (monitor.slow_samples, monitor.missed_samples);
        let interval = monitor.sample_interval_secs;
        _ = write!(line, ", {slow} samples took longer than the interval of {interval} s, {missed} turns left out");
        if let Some(seconds) = monitor.last_sample_secs {
            _ = write!(line, ", the last sample took {seconds:.1} s");
        }
    }
    if let Some(seconds) = monitor.held_secs {
        _ = write!(line, ", has waited {seconds:.0} s for its full metric log to be uploaded");
    }
    if let Some(seconds) = monitor.sample_running_secs.filter(|seconds| *seconds > 5.0) {
        _ = write!(line, ", its sample has been running for {seconds:.0} s");
    }
    if let Some(failure) = &monitor.last_failure {
        _ = write!(line, ", last failure: {}", failure.replace('\n', " "));
    }
    line
}

/// `<name>: refused: <why>`.
fn refused_line(RefusedMonitor { name, why }: &RefusedMonitor) -> String {
    format!("{name}: refused: {why}")
}

fn moment(seconds: f64) -> String {
    Timestamp::from_millis((seconds * 1e3) as i64).to_string()
}

fn at_millis(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitors::state::Phase;

    fn monitor() -> MonitorSnapshot {
        MonitorSnapshot {
            name: "coin(a)".to_owned(),
            id: "a".to_owned(),
            module: "coin".to_owned(),
            short_hash: "0123456789".to_owned(),
            state: Phase::Running,
            added_by: None,
            stop_agent_on_failure: false,
            sample_interval_secs: 30.0,
            samples: 4,
            failed_samples: 0,
            slow_samples: 0,
            missed_samples: 0,
            last_sample_secs: Some(0.25),
            last_sample_at: None,
            values: Vec::new(),
            more_values: 0,
            errors: 0,
            panics: 0,
            restarts: 0,
            lines_emitted: 8,
            lines_dropped: 0,
            sample_running_secs: None,
            held_secs: None,
            restart_in_secs: None,
            last_failure: None,
        }
    }

    #[test]
    fn a_configuration_that_is_not_used_is_told_with_its_problems_and_since_when() {
        let good = ConfigurationSnapshot {
            file: "/etc/agent.json".into(),
            loaded: 0.0,
            last_checked: 60.0,
            state: ConfigurationState::Good,
            found: None,
            problems: Vec::new(),
        };
        let shown = |snapshot: &ConfigurationSnapshot| {
            let mut out = String::new();
            configuration(&mut out, snapshot, 0).unwrap();
            out
        };
        assert_eq!(
            shown(&good),
            "Configuration file:      /etc/agent.json (good)\nLast checked:            1970-01-01 00:01:00.000Z\n"
        );
        let bad = ConfigurationSnapshot {
            state: ConfigurationState::NewerAndInvalid,
            found: Some(30.0),
            problems: vec!["error: /etc/agent.json:3:7: expected a comma".to_owned()],
            ..good
        };
        assert_eq!(
            shown(&bad),
            "Configuration file:      /etc/agent.json (configuration on disk is newer and invalid)\n\
             \x20 The one of 1970-01-01 00:00:00.000Z stays in use. Found at 1970-01-01 00:00:30.000Z:\n\
             \x20 error: /etc/agent.json:3:7: expected a comma\n\
             Last checked:            1970-01-01 00:01:00.000Z\n"
        );
    }

    #[test]
    fn a_healthy_monitor_is_a_short_line() {
        assert_eq!(monitor_line(&monitor()), "coin(a): 8 lines emitted, 0 errors, running");
    }

    #[test]
    fn a_refused_entry_stands_there_with_its_reason() {
        let refused = RefusedMonitor { name: "coin(b)".to_owned(), why: "no such currency".to_owned() };
        assert_eq!(refused_line(&refused), "coin(b): refused: no such currency");
    }

    #[test]
    fn what_is_out_of_the_ordinary_stands_behind_it() {
        let vital = MonitorSnapshot { stop_agent_on_failure: true, added_by: Some("finder()".to_owned()), ..monitor() };
        let line = "coin(a): 8 lines emitted, 0 errors, running, stop_agent_on_failure=true, added by finder()";
        assert_eq!(monitor_line(&vital), line);
        let slow = MonitorSnapshot { slow_samples: 2, missed_samples: 3, last_sample_secs: Some(41.3), ..monitor() };
        let line = "coin(a): 8 lines emitted, 0 errors, running, 2 samples took longer than the interval of 30 s, 3 \
                    turns left out, the last sample took 41.3 s";
        assert_eq!(monitor_line(&slow), line);
        let hangs = MonitorSnapshot { sample_running_secs: Some(61.0), ..monitor() };
        assert!(monitor_line(&hangs).ends_with(", its sample has been running for 61 s"));
        let failed = MonitorSnapshot {
            state: Phase::BackingOff,
            errors: 1,
            restarts: 2,
            restart_in_secs: Some(4.0),
            last_failure: Some("no\nluck".to_owned()),
            ..monitor()
        };
        let line = "coin(a): 8 lines emitted, 1 errors, resting after a failure, 0 panics, restarted 2 times, starts \
                    again in 4 s, last failure: no luck";
        assert_eq!(monitor_line(&failed), line);
    }
}
