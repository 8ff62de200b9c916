//! "Our team's logs go to our account, everything else to the company's." A whole agent, and a receiver for each.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_agent::cli::configuration;
use scalyr_agent::receiver::{Arrival, Observer, Options, Receiver};
use scalyr_agent::supervisor::{Edge, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Environment;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// Has its metric log uploaded by a worker of its choice, and another file too.
#[scalyr_monitor(name = "chooser")]
pub struct Chooser {
    /// The worker.
    #[config(default)]
    worker: String,

    /// The other file.
    #[config(default)]
    file: String,

    /// Always one.
    #[metric]
    one: Metric<u64>,
}

impl Monitor for Chooser {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        context.log_config.options.insert("worker_id".into(), self.worker.clone().into());
        if !self.file.is_empty() {
            let log = LogConfig::new(&self.file).option("worker_id", self.worker.clone());
            let log = LogConfig { copy_from_start: true, ..log };
            context.log_files().register(log)?;
        }
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.one, 1);
        Ok(())
    }
}

/// A receiver that remembers each line with the key that it came with.
struct Account {
    receiver: Receiver,
    lines: Arc<Mutex<Vec<(String, String)>>>,
}

impl Account {
    fn open() -> Self {
        let lines = Arc::<Mutex<Vec<(String, String)>>>::default();
        let into = Arc::clone(&lines);
        let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| {
            let key = arrival.request.token.reveal();
            let line = |message: &[u8]| (key.to_owned(), String::from_utf8_lossy(message).trim_end().to_owned());
            into.lock().unwrap().extend(arrival.request.events.iter().map(|event| line(&event.message)));
        });
        let options = Options { observer: Some(observer), ..Options::default() };
        let receiver = Receiver::start(options, &Threads::new(), &Clock::system()).unwrap();
        Self { receiver, lines }
    }

    fn lines(&self) -> Vec<(String, String)> {
        self.lines.lock().unwrap().clone()
    }

    fn has(&self, key: &str, part: &str) -> bool {
        self.lines().iter().any(|(by, line)| by == key && line.contains(part))
    }
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Clock::system().monotonic();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn start(directory: &Path, keys: Value) -> Supervisor {
    let mut config = json!({
        "api_key": "company-key",
        "allow_http": true,
        "agent_log_path": directory.join("log"),
        "agent_data_path": directory.join("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "implicit_agent_log_collection": false,
        "global_monitor_sample_interval": 0.1,
        "global_monitor_sample_interval_enable_jitter": false,
    });
    config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let file = directory.join("agent.json");
    fs::write(&file, config.to_string()).unwrap();
    let (plan, report) = configuration::read(&file, &Arc::new(Environment::default())).unwrap();
    Supervisor::start(
        plan,
        Edge { config_file: file, report, options: Vec::new(), clock: Clock::system(), stdout: None },
    )
    .unwrap()
}

#[test]
fn each_log_arrives_where_its_worker_uploads_to_with_the_key_of_that_worker() {
    let directory = tempfile::tempdir().unwrap();
    let (company, team) = (Account::open(), Account::open());
    for name in ["shared.log", "team.log", "registered.log"] {
        fs::write(directory.path().join(name), format!("a line of {name}\n")).unwrap();
    }
    let log = |name: &str| json!({ "path": directory.path().join(name), "copy_from_start": true });
    let mut of_team = log("team.log");
    of_team["worker_id"] = "team".into();
    let mut nobody = log("shared.log");
    nobody["worker_id"] = "taem".into();
    let supervisor = start(
        directory.path(),
        json!({
            "scalyr_server": company.receiver.url(),
            "workers": [{ "id": "team", "api_key": "team-key", "server_url": team.receiver.url() }],
            "logs": [nobody, of_team, log("shared.log")],
            "monitors": [
                { "module": "chooser", "id": "of_team", "log_path": "of_team.log", "worker": "team", "file": directory.path().join("registered.log") },
                { "module": "chooser", "id": "of_company", "log_path": "of_company.log", "worker": "default" },
                { "module": "chooser", "id": "of_nobody", "worker": "taem" },
            ],
        }),
    );
    wait_until("all have come", || {
        let of_team = ["a line of team.log", "a line of registered.log", "[chooser(of_team)] one 1"];
        let of_company = ["a line of shared.log", "[chooser(of_company)] one 1"];
        of_team.iter().all(|part| team.has("team-key", part))
            && of_company.iter().all(|part| company.has("company-key", part))
    });
    let strange = |account: &Account, own: &str, foreign: &[&str]| -> Vec<_> {
        let is_strange = |(key, line): &(String, String)| key != own || foreign.iter().any(|part| line.contains(part));
        account.lines().into_iter().filter(is_strange).collect()
    };
    assert_eq!(strange(&team, "team-key", &["shared.log", "of_company"]), []);
    assert_eq!(strange(&company, "company-key", &["team.log", "registered.log", "of_team"]), []);

    let snapshot = supervisor.snapshot();
    let problems = snapshot.config_problems.join("\n");
    assert!(problems.contains("logs[0].worker_id: \"taem\" is no worker"), "{problems}");
    assert!(problems.contains("did you mean \"team\"?"), "{problems}");
    let sessions: Vec<_> = snapshot.sessions.iter().map(|session| &*session.worker.0).collect();
    assert_eq!(sessions, ["default", "team"]);
    let stopped = supervisor.stop();
    assert!(stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
    let agent_log = fs::read_to_string(directory.path().join("log/agent.log")).unwrap();
    let refused = "Invalid configuration of monitor chooser(of_nobody)";
    let line = agent_log.lines().find(|line| line.contains(refused)).unwrap_or_default();
    assert!(
        line.contains("\"taem\" is no worker; there are \"default\", \"team\"; did you mean \"team\"?"),
        "{agent_log}"
    );
}
