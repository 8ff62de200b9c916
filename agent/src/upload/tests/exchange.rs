//! One exchange with a server: how long it may take, what becomes of connections, and what is said when it fails.

mod certificates;
mod deadlines;
mod failures;
mod interruptions;
mod proxies;
mod raw_server;
mod stale;
#[path = "../../../tests/tls_front/mod.rs"]
pub(super) mod tls_front;
mod ugly_answers;

use std::path::PathBuf;
use std::sync::Arc;

use scalyr_monitor::Clock;
use scalyr_monitor::registry::{Environment, Registry};

use crate::config::plan::SessionPlan;
use crate::config::{self, Surroundings};
use crate::threads::Threads;
use crate::upload::client::{Client, Reply};
use crate::upload::connection::Failure;

const BODY: &[u8] = br#"{"token":"k","session":"s","threads":[],"client_time":1,"events":[],"logs":[]}"#;

/// The plan of a session with that server, and more keys of the configuration.
fn plan(server: &str, more: &str) -> SessionPlan {
    let environment = Arc::new(Environment::default());
    let text =
        format!("{{ api_key: 'k', allow_http: true, compression_type: 'none', scalyr_server: '{server}', {more} }}");
    let loaded = config::load::from_text(&text, "/etc/agent.json".into(), &environment).unwrap();
    let registry = Registry::linked().unwrap();
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
    let (plan, report) = config::build(&loaded, &surroundings).unwrap();
    let refused: Vec<_> = report.problems().iter().filter(|it| it.severity > config::Severity::Warning).collect();
    assert!(refused.is_empty(), "{refused:?}");
    plan.sessions[0].clone()
}

fn client(server: &str, more: &str) -> Client {
    Client::new(&plan(server, more), &Clock::system(), &Threads::new()).unwrap()
}

/// What a new client gets from that server, or is told.
fn asked(server: &str, more: &str) -> Result<Reply, Failure> {
    client(server, more).post(BODY, "test")
}

fn told(server: &str, more: &str) -> Failure {
    asked(server, more).unwrap_err()
}

/// A file of that content, in a folder that stays.
fn written(name: &str, content: &str) -> PathBuf {
    let path = tempfile::Builder::new().prefix(name).tempdir().unwrap().keep().join(name);
    std::fs::write(&path, content).unwrap();
    path
}
