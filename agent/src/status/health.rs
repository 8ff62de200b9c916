//! Whether the agent does all that it is told to do.

use super::{ConfigurationState, Snapshot};
use crate::lag::BehindFile;
use crate::upload::SessionState;

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
    let held = snapshot.monitors.iter().filter(|monitor| monitor.held_secs.is_some()).count();
    if held > 0 {
        troubles.push(format!("{held} of {} monitors wait until their metric logs are uploaded", dead + running));
    }
    let broken = snapshot.sessions.iter().filter(|session| session.broken.is_some());
    troubles.extend(broken.map(|session| format!("the upload session {} has ended", session.name)));
    for session in &snapshot.sessions {
        let name = &session.name;
        match session.state {
            SessionState::KeyRefused => troubles.push(format!("the api key of session {name} is refused")),
            SessionState::RefusingEverything => {
                troubles.push(format!("the server of session {name} refuses every event"));
            }
            SessionState::Ok | SessionState::Failing => {}
        }
    }
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
    if snapshot.checkpoint.last_error.is_some() {
        troubles.push("positions are not saved".to_owned());
    }
    troubles
}
