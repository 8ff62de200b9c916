//! The look at the servers before the agent starts (`wire-protocol.md` section 9).

use std::fmt::Write as _;
use std::io::Write;

use scalyr_monitor::{Clock, Stop};

use crate::cli::connect;
use crate::config::plan::Plan;
use crate::upload::Verdict;

/// Asks each server whether it accepts the key. What else is wrong is written to `err`, and the agent starts all the same:
/// it tries until it works. True when each of them does.
///
/// # Errors
/// When a key is refused; the text names the workers.
pub(super) fn check(plan: &Plan, clock: &Clock, stop: &Stop, err: &mut dyn Write) -> Result<bool, String> {
    let mut refused = String::new();
    let mut all_accept = true;
    for asked in connect::ask(&plan.sessions, clock, stop) {
        let sentence = asked.sentence();
        all_accept &= asked.is_accepted();
        // Writing to a string cannot fail; nowhere is left to tell it when stderr fails.
        match asked.verdict {
            Verdict::Accepted => {}
            Verdict::KeyRefused => _ = writeln!(refused, "error: {sentence}"),
            Verdict::ClockSkew | Verdict::Failed => {
                _ = writeln!(err, "warning: {sentence}. The agent starts all the same and tries until it does");
            }
        }
    }
    if refused.is_empty() {
        // Those that were not asked because of a stop have said nothing.
        return Ok(all_accept && !stop.is_stopped());
    }
    Err(refused + "To start without asking the servers: --no-check-remote-server")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scalyr_monitor::registry::{Environment, Registry};
    use serde_json::json;

    use super::*;
    use crate::config::{self, Surroundings};
    use crate::receiver::{Options, Receiver};
    use crate::threads::Threads;

    /// What is said before the start when the servers of two workers do what these scripts say, and why it ends. A third
    /// worker has key and server of the first, which are asked about once.
    fn said(one: &str, two: &str) -> (String, Result<bool, String>) {
        let start = |script: &str| {
            let options = Options { faults: script.parse().unwrap(), ..Options::default() };
            Receiver::start(options, &Threads::new(), &Clock::system()).unwrap()
        };
        let (one, two) = (start(one), start(two));
        let keys = json!({
            "api_key": "the-key",
            "allow_http": true,
            "scalyr_server": one.url(),
            "workers": [
                { "id": "team", "api_key": "another-key", "server_url": two.url() },
                { "id": "twin", "api_key": "the-key" },
            ],
        });
        let environment = Arc::new(Environment::default());
        let loaded = config::load::from_text(&keys.to_string(), "/etc/agent.json".into(), &environment).unwrap();
        let registry = Registry::linked().unwrap();
        let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
        let (plan, _) = config::build(&loaded, &surroundings).unwrap();
        let mut err = Vec::new();
        let result = check(&plan, &Clock::system(), &Stop::new(), &mut err);
        assert_eq!((one.summary().requests, two.summary().requests), (1, 1));
        (String::from_utf8(err).unwrap(), result)
    }

    #[test]
    fn servers_that_accept_the_keys_cause_no_word() {
        assert_eq!(said("", ""), (String::new(), Ok(true)));
    }

    #[test]
    fn a_refused_key_ends_the_start_and_names_each_worker_that_has_it() {
        for script in ["status:error/client/badParam", "status:invalidApiKey", "http:401", "http:403:html", "key"] {
            let (err, refusal) = said("", script);
            let refusal = refusal.unwrap_err();
            assert_eq!(err, "", "{script}");
            assert!(refusal.contains("refuses the api key of worker team: the server answers"), "{refusal}");
            assert!(!refusal.contains("worker default") && !refusal.contains("another-key"), "{refusal}");
        }
        let refusal = said("key", "").1.unwrap_err();
        assert!(refusal.contains("worker default") && refusal.contains("worker twin"), "{refusal}");
    }

    #[test]
    fn anything_else_is_told_and_the_agent_starts() {
        for (script, says) in [
            ("status:error/client/badClientClockSkew", "the clock of this host is wrong"),
            ("http:503:html", "HTTP 503"),
            ("http:400:html", "HTTP 400"),
            ("cut", "closed the connection without an answer"),
        ] {
            let (err, result) = said("", script);
            assert_eq!(result, Ok(false), "{script}");
            assert!(err.starts_with("warning: http://127.0.0.1:") && err.contains(says), "{err}");
            assert!(err.contains(" takes no uploads with the api key of worker team: "), "{err}");
            assert_eq!(err.lines().count(), 1, "{err}");
        }
    }
}
