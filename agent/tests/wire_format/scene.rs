//! A whole agent within this process, on files and with a receiver of its own. It sends what is written at one time in
//! one request: a request about another file is on its way meanwhile, and is answered afterwards.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use scalyr_agent::cli::configuration;
use scalyr_agent::receiver::{Arrival, Observer, Options, Receiver, Request};
use scalyr_agent::supervisor::{Edge, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Timestamp};
use serde_json::{Value, json};

use super::body::{Names, TIME, at_one_time};

const PATIENCE: Duration = Duration::from_secs(60);
/// A file whose lines hold up the session until its request is answered.
const WAIT_LOG: &str = "/var/log/wait/wait.log";

/// A request of ours.
pub(super) struct Sent {
    /// Whether it is the only one that came.
    pub(super) is_one: bool,
    /// Its session id, as it was.
    pub(super) session: String,
    /// Its body, without what depends on the run.
    pub(super) body: Vec<u8>,
    /// No more events than these are compared.
    pub(super) most: usize,
}

impl Sent {
    /// Looks at the first events only.
    pub(super) fn shorten(&mut self, most: usize) {
        self.most = most;
    }
}

/// Bodies as they came, and whether a held one may be answered.
#[derive(Default)]
struct Came {
    bodies: Vec<Vec<u8>>,
    is_held: bool,
}

type Shared = Arc<(Mutex<Came>, Condvar)>;

pub(super) struct Scene {
    directory: tempfile::TempDir,
    receiver: Receiver,
    came: Shared,
    clock: Clock,
    config: Value,
    agent: Option<Supervisor>,
    written: u64,
    names: Names,
}

impl Scene {
    /// An agent with these entries of `logs`, whose paths stand below its folder, and these further keys.
    pub(super) fn new(mut entries: Value, extra: Value) -> Self {
        let came = Shared::default();
        let into = Arc::clone(&came);
        let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| {
            let (came, changed) = &*into;
            let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
            came.bodies.push(arrival.body.to_vec());
            changed.notify_all();
            drop(changed.wait_timeout_while(came, PATIENCE, |came| came.is_held));
        });
        let options = Options { observer: Some(observer), ..Options::default() };
        let receiver = Receiver::start(options, &Threads::new(), &Clock::system()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let below = |path: &str| format!("{}{path}", directory.path().display());
        for entry in entries.as_array_mut().unwrap() {
            entry["path"] = below(entry["path"].as_str().unwrap()).into();
            entry["copy_from_start"] = true.into();
        }
        entries.as_array_mut().unwrap().push(json!({ "path": below(WAIT_LOG), "copy_from_start": true }));
        let mut config = json!({
            "api_key": "fake-key",
            "scalyr_server": receiver.url(),
            "allow_http": true,
            "agent_log_path": below("/agent/log"),
            "agent_data_path": below("/agent/data"),
            "server_attributes": { "serverHost": "web-1", "tier": "frontend" },
            "implicit_metric_monitor": false,
            "implicit_agent_process_metrics_monitor": false,
            "implicit_agent_log_collection": false,
            "logs": entries,
        });
        config.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let names = Names(vec![(below(""), String::new())]);
        let clock = Clock::manual(Timestamp::from_millis(TIME * 1000));
        let mut scene = Self { directory, receiver, came, clock, config, agent: None, written: 0, names };
        scene.start();
        scene
    }

    fn below(&self, path: &str) -> PathBuf {
        self.directory.path().join(path.trim_start_matches('/'))
    }

    fn start(&mut self) {
        let file = self.below("/agent.json");
        fs::write(&file, self.config.to_string()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let (plan, report) = configuration::read(&file, &Arc::new(Environment::default())).unwrap();
        let edge = Edge { config_file: file, report, options: Vec::new(), clock: self.clock.clone(), stdout: None };
        self.written = 0;
        self.agent = Some(Supervisor::start(plan, edge).unwrap());
    }

    /// Stops the agent, with everything acknowledged.
    pub(super) fn stop(&mut self) {
        assert!(self.agent.take().unwrap().stop().drained);
    }

    /// Appends to a file.
    pub(super) fn append(&mut self, path: &str, bytes: &[u8]) {
        let file = self.below(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        OpenOptions::new().append(true).create(true).open(file).unwrap().write_all(bytes).unwrap();
        self.written += bytes.len() as u64;
    }

    /// Renames a file.
    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.below(from), self.below(to)).unwrap();
    }

    /// Waits while the clock of the agent goes on.
    #[track_caller]
    fn wait(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let begin = Clock::system().monotonic();
        while !condition() {
            assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}: {:?}", self.receiver.summary());
            std::thread::sleep(Duration::from_millis(5));
            self.clock.advance(Duration::from_millis(20));
        }
    }

    fn arrived(&self) -> usize {
        self.came.0.lock().unwrap_or_else(PoisonError::into_inner).bodies.len()
    }

    fn is_acknowledged(&self) -> bool {
        self.agent.as_ref().unwrap().snapshot().totals.pending == 0
    }

    fn hold(&self, is_held: bool) {
        self.came.0.lock().unwrap_or_else(PoisonError::into_inner).is_held = is_held;
        self.came.1.notify_all();
    }

    /// The request that these lines make.
    pub(super) fn request(&mut self, lines: &[(&str, &[u8])]) -> Sent {
        self.request_of(|scene| lines.iter().for_each(|(path, bytes)| scene.append(path, bytes)))
    }

    /// The request that this makes.
    pub(super) fn request_of(&mut self, write: impl FnOnce(&mut Self)) -> Sent {
        let before = self.arrived();
        self.hold(true);
        self.append(WAIT_LOG, b"wait\n");
        self.wait("a request is on its way", || self.arrived() > before);
        write(self);
        let read = || self.agent.as_ref().unwrap().snapshot().totals.read;
        self.wait("all of it is read", || read() == self.written);
        self.hold(false);
        self.wait("it is acknowledged", || self.arrived() > before + 1 && self.is_acknowledged());
        self.take(before + 1)
    }

    /// Starts the agent again; the request that it makes of what was written meanwhile.
    pub(super) fn start_and_take(&mut self) -> Sent {
        let before = self.arrived();
        self.start();
        self.wait("what was written meanwhile has come", || self.arrived() > before && self.is_acknowledged());
        self.take(before)
    }

    fn take(&mut self, index: usize) -> Sent {
        let bodies = self.came.0.lock().unwrap_or_else(PoisonError::into_inner).bodies.clone();
        let body = &bodies[index];
        let request = Request::parse(body).unwrap();
        let session = request.session.to_string();
        self.names.learn(&session, "session-", |number| format!("session-{number}"));
        for thread in &request.threads {
            self.names.learn(&format!("\"{}\"", thread.id), "\"file_", |number| format!("\"file_{number}\""));
        }
        for event in &request.events {
            self.names.learn(&event.si, "sequence-", |number| format!("sequence-{number}"));
        }
        // The names of log files are the same digits in another order, so they are replaced in two steps.
        let text = self.names.apply(&at_one_time(body));
        let body = Names(vec![("\"file_".to_owned(), "\"log_".to_owned())]).apply(&text);
        Sent { is_one: bodies.len() == index + 1, session, body, most: usize::MAX }
    }
}
