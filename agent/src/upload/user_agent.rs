//! The `User-Agent` header: which agent talks, from what kind of host, and what its monitors add to that
//! (`wire-protocol.md` section 2, `monitor-framework.md` section 14).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use scalyr_monitor::Logger;

use crate::config::plan::SessionPlan;
use crate::order;

/// So many bytes of the header may come from monitors: servers refuse requests with long headers.
const MOST_BYTES: usize = 1024;

/// The header of all sessions. Cheap to clone; clones are the same header.
#[derive(Clone)]
pub struct UserAgent(Arc<Shared>);

struct Shared {
    host: String,
    state: Mutex<State>,
    logger: Logger,
}

struct State {
    header: Arc<str>,
    sessions: SessionsPart,
    /// What each instance has set.
    fragments: BTreeMap<u64, String>,
    told_of_length: bool,
}

/// How many sessions there are, and with how many keys: `mw-0` for one session in all, else
/// `mw-1|<sessions>|<distinct api keys>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SessionsPart {
    sessions: usize,
    keys: usize,
}

impl fmt::Display for SessionsPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sessions {
            0 | 1 => f.write_str("mw-0"),
            sessions => write!(f, "mw-1|{sessions}|{}", self.keys),
        }
    }
}

/// One session, as an agent has whose configuration says nothing about it.
const ONE_SESSION: SessionsPart = SessionsPart { sessions: 1, keys: 1 };

impl UserAgent {
    /// The agent's own part, of one session and without fragments. What has no room is told through `logger`.
    pub fn new(logger: Logger) -> Self {
        let (header, host) = (user_agent().into(), host());
        let state = State { header, sessions: ONE_SESSION, fragments: BTreeMap::new(), told_of_length: false };
        Self(Arc::new(Shared { host, state: Mutex::new(state), logger }))
    }

    /// The agent has these sessions now. The next request says so.
    pub fn count_sessions(&self, plans: &[SessionPlan]) {
        let mut keys: Vec<&str> = plans.iter().map(|plan| plan.api_key.reveal()).collect();
        keys.sort_unstable();
        keys.dedup();
        self.change(|state| state.sessions = SessionsPart { sessions: plans.len(), keys: keys.len() });
    }

    /// Sets the fragment of the instance with this number; an empty one takes it back. The next request has it.
    pub fn set(&self, id: u64, fragment: &str) {
        self.change(|state| {
            if fragment.is_empty() {
                state.fragments.remove(&id);
            } else {
                state.fragments.insert(id, fragment.to_owned());
            }
        });
    }

    /// Makes the header anew.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut guard = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        change(state);
        let parts = state.fragments.values().flat_map(|fragment| fragment.split(';')).map(str::trim);
        let parts: BTreeSet<&str> = order::tree(parts.filter(|part| !part.is_empty()));
        let mut header = format!("{};{}", self.0.host, state.sessions);
        let most = header.len() + MOST_BYTES;
        let mut left_out = Vec::new();
        for part in parts {
            if header.len() + 1 + part.len() <= most {
                header.push(';');
                header.push_str(part);
            } else {
                left_out.push(part.to_owned());
            }
        }
        state.header = header.into();
        let tell = !left_out.is_empty() && !std::mem::replace(&mut state.told_of_length, !left_out.is_empty());
        drop(guard);
        if tell {
            self.0.logger.warn(format_args!(
                "Monitors may add {MOST_BYTES} bytes to the User-Agent; left out: {}",
                left_out.join(", ")
            ));
        }
    }

    /// The header as it is now.
    pub(super) fn header(&self) -> Arc<str> {
        Arc::clone(&self.0.state.lock().unwrap_or_else(PoisonError::into_inner).header)
    }
}

/// The header of an agent with one upload session:
/// `Linux-<kernel release>-<architecture>;rust-<version>;agent-<version>;a-<1 for root>;mw-0`.
///
/// Two parts differ from the Python agent: the libc is left out of the platform, and the OpenSSL part, which we have
/// none of, too.
pub fn user_agent() -> String {
    format!("{};{ONE_SESSION}", host())
}

/// The parts before that of the sessions.
fn host() -> String {
    let system = rustix::system::uname();
    let platform = [system.sysname(), system.release(), system.machine()]
        .map(|part| part.to_string_lossy().into_owned())
        .join("-");
    compose(&platform, rustix::process::geteuid().is_root())
}

fn compose(platform: &str, root: bool) -> String {
    // Only what may stand in a header; a semicolon would begin another part.
    let platform: String = platform.chars().map(|c| if c.is_ascii_graphic() && c != ';' { c } else { '_' }).collect();
    let rust = env!("CARGO_PKG_RUST_VERSION");
    let agent = env!("CARGO_PKG_VERSION");
    format!("{platform};rust-{rust};agent-{agent};a-{}", u8::from(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_stand_in_the_order_of_the_protocol() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("Linux-6.1.0-x86_64;rust-1.95;agent-{version};a-1");
        assert_eq!(compose("Linux-6.1.0-x86_64", true), expected);
        assert_eq!(user_agent().split(';').count(), 5);
    }

    #[test]
    fn several_sessions_are_counted_with_their_keys_and_keep_the_fragments() {
        let agent = UserAgent::new(Logger::none());
        agent.set(1, "k8s:1.2");
        let part = |keys: &[&str]| {
            agent.count_sessions(&keys.iter().map(|key| plan(key)).collect::<Vec<_>>());
            agent.header().split(';').skip(4).collect::<Vec<_>>().join(";")
        };
        assert_eq!(part(&["a", "b", "b"]), "mw-1|3|2;k8s:1.2");
        assert_eq!(part(&["a", "a"]), "mw-1|2|1;k8s:1.2");
        assert_eq!(part(&["a"]), "mw-0;k8s:1.2");
    }

    fn plan(key: &str) -> SessionPlan {
        let plan = crate::upload::tests::session_stories::plan("http://localhost");
        SessionPlan { api_key: crate::config::plan::ApiKey::new(key), ..plan }
    }

    #[test]
    fn fragments_stand_behind_it_sorted_and_each_once() {
        let agent = UserAgent::new(Logger::none());
        let behind = |agent: &UserAgent| agent.header().strip_prefix(&user_agent()).unwrap().to_owned();
        assert_eq!(behind(&agent), "");
        for (id, fragment) in [(1, "k8s:1.2"), (2, "docker:20; k8s:1.2;"), (3, "a b")] {
            agent.set(id, fragment);
        }
        assert_eq!(behind(&agent), ";a b;docker:20;k8s:1.2");
        agent.set(1, "k8s:1.3");
        agent.set(2, "");
        assert_eq!(behind(&agent), ";a b;k8s:1.3");
    }

    #[test]
    fn the_header_stays_short_however_many_monitors_there_are() {
        let lines = crate::upload::tests::fixture::Lines::default();
        let agent = UserAgent::new(lines.logger());
        for id in 0..100 {
            agent.set(id, &format!("{id:0>100}"));
        }
        let header = agent.header();
        let length = header.len() - user_agent().len();
        assert!((900..=MOST_BYTES).contains(&length), "{length}");
        assert_eq!(lines.all().len(), 1, "{:?}", lines.all());
        for id in 0..100 {
            agent.set(id, "");
        }
        assert_eq!(*agent.header(), user_agent());
    }

    #[test]
    fn a_strange_kernel_name_cannot_break_the_header() {
        assert!(compose("Linux 6.1;\r\nX-Evil: 1é", false).starts_with("Linux_6.1___X-Evil:_1_;rust-"));
    }
}
