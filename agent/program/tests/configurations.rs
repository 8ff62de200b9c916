//! "Does my configuration still work?" Ten configurations as operators of the Python agent have them, run by the real
//! program and unchanged: only folders, ports and the server are those of the test. Each sets something that is no default,
//! and its story looks for the effect.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use story::{Process, ReceiverProcess, Scratch, assert_reconciles, free_port, wait_until};

const PATIENCE: Duration = Duration::from_secs(120);

/// A host with one of the configurations, an agent that runs it, and a server.
struct Host {
    scratch: Scratch,
    receiver: ReceiverProcess,
    variables: BTreeMap<String, String>,
    agent: Option<Process>,
}

impl Host {
    /// A host whose agent has not been started yet. What the configuration says of `/var/log` and `/srv` means folders
    /// of the test.
    fn with(name: &str, variables: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new();
        let receiver = ReceiverProcess::start(&scratch, "receiver");
        let own = [
            ("SCALYR_SERVER", receiver.url()),
            ("SCALYR_ALLOW_HTTP", "true".to_owned()),
            ("SCALYR_AGENT_LOG_PATH", scratch.path("log").display().to_string()),
            ("SCALYR_AGENT_DATA_PATH", scratch.path("data").display().to_string()),
        ];
        let given = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let variables = own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configurations").join(name);
        copy(&from, &scratch.path("etc"), scratch.folder());
        Self { scratch, receiver, variables, agent: None }
    }

    /// Replaces a part of the configuration that cannot be had twice on one machine.
    fn configure(&self, part: &str, by: &str) {
        let file = self.scratch.path("etc/agent.json");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(part), "{text}");
        fs::write(&file, text.replace(part, by)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(arguments).arg("-c").arg(self.scratch.path("etc/agent.json"));
        command.env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    /// Starts the agent and waits until it answers. The configuration is right, but for what is not built yet.
    fn start(&mut self) {
        self.agent = Some(Process::start(&self.scratch, "agent", self.command(&["start", "--no-fork"])));
        wait_until("the agent runs", PATIENCE, || self.status().is_some());
        let check = self.check();
        let errors = check["problems"].as_array().unwrap().iter().filter(|problem| problem["severity"] == "error");
        errors.for_each(|problem| assert_eq!(problem["kind"], "not_built", "{problem}"));
    }

    /// What `agent check` says.
    fn check(&self) -> Value {
        let output = self.command(&["check", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The value in effect of a key, and where it comes from.
    fn option(&self, name: &str) -> (Value, String) {
        let option = self.check()["options"][name].clone();
        (option["value"].clone(), option["origin"].as_str().unwrap_or_default().to_owned())
    }

    fn status(&self) -> Option<Value> {
        let output = self.command(&["status", "-v", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    /// A path of this host.
    fn path(&self, path: &str) -> PathBuf {
        self.scratch.path(path.trim_start_matches('/'))
    }

    /// Appends to a file of this host.
    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut content = fs::read(&path).unwrap_or_default();
        content.extend_from_slice(text.as_bytes());
        fs::write(path, content).unwrap();
    }

    /// The events that have arrived.
    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.scratch.path("receiver-1.jsonl")).unwrap_or_default();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits for an event whose message begins so.
    #[track_caller]
    fn event(&self, begins: &str) -> Value {
        let mut found = None;
        wait_until(&format!("an event begins with {begins:?}"), PATIENCE, || {
            found = self.events().into_iter().find(|event| event["message"].as_str().unwrap().starts_with(begins));
            found.is_some()
        });
        found.unwrap()
    }

    /// Nothing that was written, printed or sent holds this text, but the files of `etc`.
    fn is_nowhere(&self, secret: &str) {
        let files = walk(self.scratch.folder());
        let files = files.iter().filter(|file| !file.starts_with(self.scratch.path("etc")));
        for file in files {
            let bytes = fs::read(file).unwrap_or_default();
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} stands in {}", file.display());
        }
    }

    /// Stops the agent: everything is settled, and the counters add up.
    fn stop(mut self) {
        wait_until("everything is acknowledged", PATIENCE, || {
            self.status().is_some_and(|status| status["totals"]["pending"] == 0)
        });
        assert_reconciles(&self.status().unwrap());
        assert_eq!(self.agent.as_mut().unwrap().stop(PATIENCE), Some(0));
        assert!(self.receiver.process().ended().is_none());
    }
}

/// Copies a configuration; `/var/log` and `/srv` become folders below `root`.
fn copy(from: &Path, to: &Path, root: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, root);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let root = root.display();
        fs::write(
            &target,
            text.replace("/var/log/", &format!("{root}/var/log/")).replace("/srv/", &format!("{root}/srv/")),
        )
        .unwrap();
    }
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .filter(|path| path.is_file())
        .collect()
}

#[test]
fn a_web_host() {
    let mut host = Host::with("web-host", &[]);
    host.write("/var/log/nginx/debug-access.log", "must stay here\n");
    host.start();
    host.write("/var/log/nginx/shop-access.log", "GET /cart\n");
    host.write("/var/log/php/app.log", "PHP Notice\n");
    let event = host.event("GET /cart");
    assert_eq!((&event["attrs"]["parser"], &event["attrs"]["site"]), (&"accessLog".into(), &"shop".into()));
    assert_eq!(event["serverHost"], "web-17.example.com");
    assert_eq!(host.event("PHP Notice")["attrs"]["parser"], "phpApp");
    assert!(host.events().iter().all(|event| event["message"] != "must stay here\n"));
    let status = host.status().unwrap();
    let monitors = status["monitors"].as_array().unwrap();
    let intervals: Vec<_> = monitors.iter().map(|monitor| monitor["sample_interval_secs"].as_f64()).collect();
    assert_eq!(intervals, [Some(10.0), Some(30.0)], "the one that is not built is refused, these run: {monitors:?}");
    host.stop();
}

#[test]
fn a_database_host() {
    let mut host = Host::with("database-host", &[]);
    host.start();
    let long = format!("2026-11-22 {}\n", "x".repeat(30_000));
    host.write("/var/log/postgresql/postgresql-17.log", &long);
    wait_until("the long line has arrived in two pieces", PATIENCE, || {
        let events = host.events();
        let pieces = events.iter().filter(|event| event["attrs"]["parser"] == "postgres");
        let lengths: Vec<_> = pieces.map(|event| event["message"].as_str().unwrap().len()).collect();
        lengths == [20_000, long.len() - 20_000]
    });
    assert!(host.path("log/agent_debug.log").exists(), "debug_level is 2");
    host.is_nowhere("hunter2-of-the-database");
    host.stop();
}

#[test]
fn a_syslog_gateway() {
    let mut host = Host::with("syslog-gateway", &[]);
    let port = free_port();
    host.configure("tcp:601, udp:514", &format!("tcp:{port}, udp:{port}"));
    host.start();
    // What the devices send is waited for; the monitor listens a moment after the agent has started.
    wait_until("the gateway listens", PATIENCE, || {
        TcpStream::connect(("127.0.0.1", port)).is_ok_and(|mut device| device.write_all(b"<13>fan failed\n").is_ok())
    });
    let event = host.event("<13>fan failed");
    assert_eq!((&event["attrs"]["monitor"], &event["attrs"]["parser"]), (&"agentSyslog".into(), &"agentSyslog".into()));
    host.write("/var/log/remote/fra1/rack-2/switch-7.log", "link down\n");
    let event = host.event("link down");
    assert_eq!((&event["attrs"]["source"], &event["serverHost"]), (&"rsyslog".into(), &"syslog-gw".into()));
    assert_eq!(host.option("log_rotation_backup_count").0, 5);
    let status = host.status().unwrap();
    assert_eq!(
        (&status["healthy"], &status["monitors"][0]["name"]),
        (&true.into(), &"syslog_monitor()".into()),
        "{status}"
    );
    host.stop();
}

#[test]
fn a_host_of_many_fragments() {
    let key = "0-write-key-of-the-shop-host-";
    let mut host = Host::with("many-fragments", &[("SHOP_WRITE_KEY", key), ("SHOP_STAGE", "prod")]);
    host.start();
    for number in 1..=24 {
        host.write(&format!("/var/log/service-{number:02}/current"), &format!("service {number:02} is up\n"));
    }
    for number in 1..=24 {
        let event = host.event(&format!("service {number:02} is up"));
        assert_eq!(event["attrs"]["service"], format!("service-{number:02}"));
        assert_eq!(event["serverHost"], "app-prod-4");
    }
    let status = host.status().unwrap();
    assert_eq!(status["monitors"][0]["name"], "coin(canary)");
    let (limit, origin) = host.option("max_log_offset_size");
    assert_eq!(limit, 300_000_000);
    assert!(origin.ends_with("/agent.d/90-monitoring.json:4"), "{origin}");
    assert_eq!(host.option("server_attributes").0["owner"], "platform");
    host.is_nowhere(key);
    host.stop();
}

#[test]
fn a_node_of_containers() {
    let key = "0-write-key-of-the-containers";
    let mut host = Host::with("containers", &[("SCALYR_API_KEY", key), ("SCALYR_K8S_API_URL", "https://10.0.0.1")]);
    host.write("/var/log/containers/dns_kube-system_1.log", "must stay here\n");
    host.start();
    host.write("/var/log/containers/shop_default_1.log", "sold\n");
    assert_eq!(host.event("sold")["attrs"]["parser"], "docker");
    assert!(host.events().iter().all(|event| event["message"] != "must stay here\n"));
    assert_eq!(host.option("max_send_rate_enforcement").0, "2 MB/s");
    assert_eq!(host.option("api_key").1, "env:SCALYR_API_KEY");
    host.is_nowhere(key);
    host.stop();
}

#[test]
fn a_host_behind_a_proxy() {
    let mut host = Host::with("behind-a-proxy", &[]);
    host.start();
    host.write("/var/log/teller/audit.log", &"paid out 20\n".repeat(1_000));
    assert_eq!(host.event("paid out")["attrs"]["pci"], "yes");
    wait_until("all of it has arrived", PATIENCE, || host.events().len() >= 1_000);
    wait_until("it is acknowledged", PATIENCE, || host.status().unwrap()["totals"]["pending"] == 0);
    let status = host.status().unwrap();
    let session = &status["sessions"][0];
    assert_eq!(session["bytes_raw"], session["bytes_compressed"], "compression_type is none");
    host.is_nowhere("hunter2-of-the-proxy");
    host.stop();
}

#[test]
fn a_host_of_several_teams() {
    let mut host = Host::with("several-teams", &[]);
    host.start();
    host.write("/var/log/syslog", "for the platform\n");
    host.write("/var/log/payments/ledger.log", "for payments\n");
    host.write("/var/log/search/query.log", "for search\n");
    let texts = ["for the platform", "for payments", "for search"];
    let sessions: BTreeSet<String> = texts.map(|text| host.event(text)["session"].to_string()).into();
    assert_eq!(sessions.len(), 3, "each team has a session of its own");
    let status = host.status().unwrap();
    let workers: Vec<_> = status["sessions"].as_array().unwrap().iter().map(|session| &session["worker"]).collect();
    assert_eq!(workers, ["default", "payments", "search"]);
    host.is_nowhere("0-write-key-of-payments-team-");
    host.stop();
}

#[test]
fn a_host_that_the_environment_configures() {
    let key = "0-write-key-from-the-service-";
    let variables = [
        ("SCALYR_API_KEY", key),
        ("SCALYR_SERVER_ATTRIBUTES", r#"{serverHost: "from-the-environment", zone: "b"}"#),
        ("SCALYR_DEBUG_LEVEL", "3"),
        ("scalyr_implicit_metric_monitor", "false"),
        ("SCALYR_IMPLICIT_AGENT_PROCESS_METRICS_MONITOR", "False"),
    ];
    let mut host = Host::with("from-the-environment", &variables);
    host.start();
    host.write("log/app.log", "hello\n");
    assert_eq!(host.event("hello")["serverHost"], "from-the-environment");
    assert!(host.path("log/agent_debug.log").exists(), "debug_level is 3");
    assert_eq!(host.status().unwrap()["monitors"], Value::Array(Vec::new()));
    assert_eq!(host.option("debug_level"), (3.into(), "env:SCALYR_DEBUG_LEVEL".to_owned()));
    host.is_nowhere(key);
    host.stop();
}

#[test]
fn a_configuration_of_old_habits() {
    let mut host = Host::with("old-habits", &[]);
    host.start();
    host.write("/var/log/billing.log", "billed\n");
    host.write("/var/log/billing.err", "not billed\n");
    assert_eq!(host.event("billed")["serverHost"], "legacy-1");
    assert_eq!(host.event("not billed")["attrs"]["severity"], "4");
    assert!(host.path("log/agent_debug.log").exists(), "debug_level is 1");
    assert_eq!(host.option("log_rotation_backup_count").0, 7);
    assert_eq!(host.option("server_attributes").0["description"], "the \"old\" billing host");
    host.stop();
}

#[test]
fn a_busy_host() {
    let mut host = Host::with("busy-host", &[]);
    host.write("/srv/app/logs/trace-1.log", "must stay here\n");
    host.start();
    host.write("/srv/app/logs/app.log", &format!("{}{}\n", "a".repeat(60), "b".repeat(30)));
    assert_eq!(host.event("aaa")["message"], "a".repeat(60));
    assert_eq!(host.event("bbb")["message"], "b".repeat(30) + "\n");
    // Without its line break it is waited for a second, and then sent.
    host.write("/srv/app/logs/app.log", "unfinished");
    assert_eq!(host.event("unfinished")["message"], "unfinished");
    let coin = |metric: &str| {
        let metrics = fs::read_to_string(host.path("log/coin.log")).unwrap_or_default();
        metrics.lines().any(|line| line.contains(&format!("[coin(1)] {metric} ")))
    };
    wait_until("a metric is written", PATIENCE, || coin("uniform"));
    assert!(!coin("gauss"), "it is blacklisted");
    assert!(host.events().iter().all(|event| event["message"] != "must stay here\n"));
    host.stop();
}
