//! What a monitor does in `initialize`: what is refused, what counts, and what counts at its first start only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scalyr_agent::monitors::instance::construct;
use scalyr_agent::monitors::state::Phase;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Declared;

use super::{PATIENCE, agent, plan, wait_for};

/// Does in `initialize` what its option says.
#[scalyr_monitor(name = "beginning")]
struct Beginning {
    /// `panic`, `refuse`, `disable`, `spin`, `usurp` or `move`.
    #[config(required)]
    how: String,
}

impl Monitor for Beginning {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        match self.how.as_str() {
            "panic" => panic!("no beginning"),
            "refuse" => return Err(Error::new("host and hosts contradict each other")),
            "disable" => context.disabled = true,
            "spin" => context.sample_interval = Duration::ZERO,
            "usurp" => context.log_config.path = "sub/../agent.log".into(),
            _ => {
                context.log_config.path = "elsewhere.log".into();
                context.server_attributes.insert("zone".into(), "b".into());
            }
        }
        Ok(())
    }
}

/// Wants another log each time it is built, and ends after one line.
#[scalyr_monitor(name = "wavering")]
struct Wavering {}

static WAVERED: AtomicU64 = AtomicU64::new(0);

impl Monitor for Wavering {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        let round = WAVERED.fetch_add(1, Ordering::SeqCst);
        if round > 0 {
            context.log_config = LogConfig::new(format!("wavering{round}.log")).attribute("round", round);
        }
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        if run.next() {
            run.sample(|out| {
                out.line("one");
                Ok(())
            });
        }
        Ok(())
    }
}

#[test]
fn a_bad_beginning_refuses_the_entry_and_says_why() {
    let agent = agent();
    let problem = |how: &str| agent.construct::<Beginning>(serde_json::json!({ "how": how })).unwrap_err().to_string();
    let head = "Invalid configuration of monitor beginning() (--run-monitor): ";
    assert!(
        problem("panic").starts_with(&format!("{head}initialising panicked at agent/tests/bad_monitors/beginning.rs:"))
    );
    assert!(problem("panic").ends_with(": no beginning"));
    assert_eq!(problem("refuse"), format!("{head}host and hosts contradict each other"));
    assert_eq!(problem("spin"), format!("{head}sample_interval: 0 s is too short; the least is 0.1 s"));
    let usurped = problem("usurp");
    assert!(usurped.starts_with(&format!("{head}the metric log would be ")), "{usurped}");
    assert!(usurped.contains("/agent.log, which is the agent's own log; name another file"), "{usurped}");
    let mut without = plan(Beginning::registration(), serde_json::json!({ "how": "move" }));
    without.entry.remove("how");
    let missing = construct(&without, &agent.surroundings).unwrap_err().to_string();
    assert!(missing.contains(": how: "), "{missing}");
}

#[test]
fn what_a_monitor_changes_at_its_beginning_counts() {
    let agent = agent();
    let moved = agent.construct::<Beginning>(serde_json::json!({ "how": "move" })).unwrap();
    assert_eq!(moved.log_config.path, agent.directory.path().join("elsewhere.log"));
    assert_eq!(moved.server_attributes["zone"], "b");

    let disabled = agent.construct::<Beginning>(serde_json::json!({ "how": "disable" })).unwrap();
    let monitor = agent.run(disabled);
    assert!(monitor.is_finished());
    assert_eq!(monitor.snapshot().state, Phase::Disabled);
    // The one on which it is dropped ends by itself.
    wait_for(&monitor, |_| agent.threads.running() == 0);
}

#[test]
fn another_log_config_after_a_failure_is_not_used_and_that_is_told_once() {
    let agent = agent();
    let monitor = agent.start::<Wavering>();
    wait_for(&monitor, |snapshot| snapshot.restarts >= 3);
    agent.stop(&[monitor], PATIENCE);
    let log = agent.read("agent.log");
    let path = agent.directory.path().join("wavering.log");
    let told = format!(
        " When it was built anew after a failure, the monitor gave another log_config (path, attributes); its log {} is \
         kept as at its first start\n",
        path.display()
    );
    assert_eq!(log.matches(&told).count(), 1, "{log}");
    assert_eq!(log.matches("another log_config").count(), 1, "{log}");
    let lines = agent.read("wavering.log").lines().count();
    assert!(lines >= 3, "all runs write into it: {lines}");
    assert!(!agent.directory.path().join("wavering1.log").exists());
}
