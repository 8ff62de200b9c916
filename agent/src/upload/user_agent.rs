//! The `User-Agent` header: which agent talks, from what kind of host, and what its monitors add to that
//! (`wire-protocol.md` section 2, `monitor-framework.md` section 14).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use scalyr_monitor::Logger;

/// So many bytes of the header may come from monitors: servers refuse requests with long headers.
const MOST_BYTES: usize = 1024;

/// The header of all sessions. Cheap to clone; clones are the same header.
#[derive(Clone)]
pub struct UserAgent(Arc<Shared>);

struct Shared {
    own: String,
    state: Mutex<State>,
    logger: Logger,
}

struct State {
    header: Arc<str>,
    /// What each instance has set.
    fragments: BTreeMap<u64, String>,
    told_of_length: bool,
}

impl UserAgent {
    /// The agent's own part, without fragments. What has no room is told through `logger`.
    pub fn new(logger: Logger) -> Self {
        let own = user_agent();
        let header = own.as_str().into();
        let state = State { header, fragments: BTreeMap::new(), told_of_length: false };
        Self(Arc::new(Shared { own, state: Mutex::new(state), logger }))
    }

    /// Sets the fragment of the instance with this number; an empty one takes it back. The next request has it.
    pub fn set(&self, id: u64, fragment: &str) {
        let mut guard = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        if fragment.is_empty() {
            state.fragments.remove(&id);
        } else {
            state.fragments.insert(id, fragment.to_owned());
        }
        let parts = state.fragments.values().flat_map(|fragment| fragment.split(';')).map(str::trim);
        let parts: BTreeSet<&str> = parts.filter(|part| !part.is_empty()).collect();
        let mut header = self.0.own.clone();
        let mut left_out = Vec::new();
        for part in parts {
            if header.len() + 1 + part.len() <= self.0.own.len() + MOST_BYTES {
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
    format!("{platform};rust-{rust};agent-{agent};a-{};mw-0", u8::from(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_stand_in_the_order_of_the_protocol() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("Linux-6.1.0-x86_64;rust-1.95;agent-{version};a-1;mw-0");
        assert_eq!(compose("Linux-6.1.0-x86_64", true), expected);
        assert_eq!(user_agent().split(';').count(), 5);
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
