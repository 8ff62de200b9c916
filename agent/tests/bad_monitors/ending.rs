//! Monitors that end without being asked to: they are started again, or the agent ends with them.

use scalyr_agent::monitors::state::Phase;
use scalyr_monitor::prelude::*;

use super::panics::Panicking;
use super::steady::Steady;
use super::{PATIENCE, agent, wait_for};

/// Runs its own loop, badly: returns, fails, returns …
#[scalyr_monitor(name = "returning")]
struct Returning {
    /// Whether it fails instead of just returning.
    #[config(default = false)]
    fails: bool,
}

impl Monitor for Returning {
    fn run(&mut self, _: &mut Run) -> Result<()> {
        if self.fails { Err(Error::new("cannot listen")) } else { Ok(()) }
    }
}

#[test]
fn a_monitor_that_returns_or_fails_is_started_again() {
    let agent = agent();
    let returning = agent.start::<Returning>();
    let failing = agent.run(agent.construct::<Returning>(serde_json::json!({ "fails": true })).unwrap());
    wait_for(&returning, |snapshot| snapshot.restarts >= 2);
    let snapshot = wait_for(&failing, |snapshot| snapshot.restarts >= 2 && snapshot.restart_in_secs.is_some());
    assert_eq!(snapshot.state, Phase::BackingOff);
    assert_eq!(snapshot.last_failure.as_deref(), Some("The monitor failed: cannot listen"));
    agent.stop(&[returning, failing], PATIENCE);
    let log = agent.read("agent.log");
    assert!(log.contains("[error=\"failedMonitor\"] The monitor ended without being asked to\n"), "{log}");
    assert!(log.contains("[error=\"failedMonitor\"] The monitor failed: cannot listen\n"), "{log}");
}

#[test]
fn a_monitor_with_stop_agent_on_failure_is_not_started_again_and_tells_why() {
    let agent = agent();
    let run = |entry| agent.run(agent.construct::<Returning>(entry).unwrap());
    let returned = run(serde_json::json!({ "stop_agent_on_failure": true }));
    let failed = run(serde_json::json!({ "stop_agent_on_failure": "true", "fails": true }));
    let other = run(serde_json::json!({ "stop_agent_on_failure": "false" }));
    let panicking = agent.construct::<Panicking>(serde_json::json!({ "stop_agent_on_failure": true })).unwrap();
    let panicking = agent.run(panicking);
    for (monitor, cause) in [
        (&returned, "The monitor ended without being asked to"),
        (&failed, "The monitor failed: cannot listen"),
        (&panicking, "The monitor panicked at agent/tests/bad_monitors/panics.rs:"),
    ] {
        let snapshot = wait_for(monitor, |snapshot| snapshot.state == Phase::Failed);
        assert!(monitor.wait(PATIENCE) && snapshot.stop_agent_on_failure && snapshot.state.is_dead());
        let fatal = monitor.fatal_failure().unwrap();
        let named = format!("Monitor {} (short hash {}) has failed", snapshot.name, snapshot.short_hash);
        assert!(fatal.starts_with(&named) && fatal.contains(cause), "{fatal}");
        assert_eq!(snapshot.restarts, 0);
    }
    wait_for(&other, |snapshot| snapshot.restarts >= 1);
    assert_eq!(other.fatal_failure(), None, "the text \"false\" means false");
    let healthy = agent.run(agent.construct::<Steady>(serde_json::json!({ "stop_agent_on_failure": true })).unwrap());
    wait_for(&healthy, |snapshot| snapshot.samples >= 1);
    let monitors = [healthy, other];
    agent.stop(&monitors, PATIENCE);
    assert_eq!(monitors[0].fatal_failure(), None, "it was asked to stop");
}
