//! "One session is not enough for our logs." A whole agent whose workers have several sessions, and its receivers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_agent::cli::configuration::Source;
use scalyr_agent::receiver::{Arrival, Observer, Options, Receiver};
use scalyr_agent::status::{Format, Snapshot};
use scalyr_agent::supervisor::{Edge, Reloaded, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

/// A line as it came: its file, its text, and the `session` of the request.
type Line = (String, String, String);

/// A receiver that remembers what came, in the order in which it was accepted.
struct Account {
    receiver: Receiver,
    lines: Arc<Mutex<Vec<Line>>>,
    user_agents: Arc<Mutex<Vec<String>>>,
}

impl Account {
    fn open(faults: &str) -> Self {
        let (lines, user_agents) = (Arc::<Mutex<Vec<Line>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (into, agents) = (Arc::clone(&lines), Arc::clone(&user_agents));
        let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| {
            let request = arrival.request;
            agents.lock().unwrap().push(arrival.user_agent.to_owned());
            let lines = request.events.iter().map(|event| {
                let text = String::from_utf8_lossy(&event.message).trim_end().to_owned();
                (request.logfile(event).into_owned(), text, request.session.to_string())
            });
            into.lock().unwrap().extend(lines);
        });
        let options = Options { observer: Some(observer), faults: faults.parse().unwrap(), ..Options::default() };
        let receiver = Receiver::start(options, &Threads::new(), &Clock::system()).unwrap();
        Self { receiver, lines, user_agents }
    }

    /// How many lines have come.
    fn count(&self) -> u64 {
        self.lines.lock().unwrap().len() as u64
    }

    /// How many sessions they have come from.
    fn sessions(&self) -> usize {
        self.lines.lock().unwrap().iter().map(|line| &line.2).collect::<BTreeSet<_>>().len()
    }

    /// The numbers that came of a file.
    fn numbers(&self, path: &str) -> Vec<u64> {
        let of_file = |line: &Line| (line.0 == path).then(|| line.1.parse().unwrap());
        self.lines.lock().unwrap().iter().filter_map(of_file).collect()
    }

    /// Part 6 of the `User-Agent` of the last request.
    fn sessions_part(&self) -> String {
        self.user_agents.lock().unwrap().last().unwrap().split(';').nth(4).unwrap().to_owned()
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

/// A running agent, whose files grow by numbered lines.
struct Story {
    directory: tempfile::TempDir,
    supervisor: Option<Supervisor>,
    written: BTreeMap<String, u64>,
}

impl Story {
    fn start(keys: Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("logs")).unwrap();
        let mut story = Self { directory, supervisor: None, written: BTreeMap::new() };
        story.write(keys);
        let source = story.source();
        let (plan, report) = source.draft(&source.load()).runnable().unwrap();
        let config_file = story.path("agent.json");
        let edge = Edge { config_file, report, options: Vec::new(), clock: Clock::system(), stdout: None };
        story.supervisor = Some(Supervisor::start(plan, edge).unwrap());
        story
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self, name: &str) -> String {
        self.path(&format!("logs/{name}.log")).display().to_string()
    }

    fn source(&self) -> Source {
        Source::new(&self.path("agent.json"), None, &Arc::new(Environment::default())).unwrap()
    }

    /// Paths of logs are relative to the story.
    fn write(&self, keys: Value) {
        let mut config = json!({
            "api_key": "company-key",
            "allow_http": true,
            "agent_log_path": self.path("log"),
            "agent_data_path": self.path("data"),
            "implicit_metric_monitor": false,
            "implicit_agent_process_metrics_monitor": false,
            "implicit_agent_log_collection": false,
            "max_error_request_spacing_interval": 0.2,
            "logs": [{ "path": "logs/*.log" }],
        });
        config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        for log in config["logs"].as_array_mut().unwrap() {
            log["path"] = self.path(log["path"].as_str().unwrap()).display().to_string().into();
        }
        fs::write(self.path("agent.json"), config.to_string()).unwrap();
    }

    fn running(&self) -> &Supervisor {
        self.supervisor.as_ref().unwrap()
    }

    fn reload(&self, keys: Value) {
        self.write(keys);
        let source = self.source();
        let reloaded = self.running().reload(source.draft(&source.load()), true).unwrap();
        assert!(matches!(reloaded, Reloaded::Applied(_)), "{reloaded:?}");
    }

    fn append(&mut self, name: &str, count: u64) {
        let path = self.log(name);
        let written = self.written.entry(path.clone()).or_default();
        let text: String = (*written..*written + count).map(|number| format!("{number}\n")).collect();
        *written += count;
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn snapshot(&self) -> Snapshot {
        self.running().snapshot()
    }

    /// The files of each session.
    fn files_of_sessions(&self) -> BTreeMap<String, BTreeSet<PathBuf>> {
        let mut sessions = BTreeMap::<String, BTreeSet<PathBuf>>::new();
        for file in self.snapshot().files {
            sessions.entry(format!("{}-{}", file.worker, file.session_number)).or_default().insert(file.path);
        }
        sessions
    }

    /// Waits until everything has come, and says that each line came once and in its order.
    #[track_caller]
    fn all_arrive(&self, account: &Account) {
        for (path, &written) in &self.written {
            wait_until(&format!("all lines of {path} have come"), || {
                self.running().tick().unwrap();
                account.numbers(path).len() as u64 >= written
            });
            assert_eq!(account.numbers(path), (0..written).collect::<Vec<_>>(), "{path}");
        }
        wait_until("all is settled", || self.snapshot().totals.pending == 0);
        let snapshot = self.snapshot();
        assert!(snapshot.totals.reconciles(), "{:?}", snapshot.totals);
        assert!(snapshot.files.iter().all(|file| file.totals.reconciles()), "{:?}", snapshot.files);
    }
}

fn with_sessions(account: &Account, sessions: u32) -> Value {
    json!({ "scalyr_server": account.receiver.url(), "default_sessions_per_worker": sessions })
}

#[test]
fn more_sessions_and_fewer_ones_under_load_lose_and_repeat_nothing() {
    // A server with moods, so that a session may have something in flight for long.
    let account = Account::open(&["6*delay:20ms+ok", "1*http:503", "1*cut"].repeat(3).join(","));
    let mut story = Story::start(with_sessions(&account, 1));
    let names: Vec<String> = (0..12).map(|number| format!("file{number:02}")).collect();
    let grow = |story: &mut Story, times: usize| {
        for _ in 0..times {
            names.iter().for_each(|name| story.append(name, 7));
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    // Which sessions have work, as soon as the files have gone to where they belong.
    let works_with = |story: &mut Story, sessions: &[&str]| {
        wait_until(&format!("the files are with {sessions:?}"), || {
            grow(story, 1);
            story.running().tick().unwrap();
            let files = story.files_of_sessions();
            let shares: Vec<usize> = files.values().map(BTreeSet::len).collect();
            files.keys().eq(sessions) && shares.iter().all(|share| *share == names.len() / sessions.len())
        });
    };
    works_with(&mut story, &["default-0"]);
    for (count, sessions) in [
        (3, &["default-0", "default-1", "default-2"][..]),
        (2, &["default-0", "default-1"][..]),
        (1, &["default-0"][..]),
        (4, &["default-0", "default-1", "default-2", "default-3"][..]),
    ] {
        grow(&mut story, 5);
        story.reload(with_sessions(&account, count));
        works_with(&mut story, sessions);
        wait_until("the header says how many there are", || {
            grow(&mut story, 1);
            let expected = if count == 1 { "mw-0".to_owned() } else { format!("mw-1|{count}|1") };
            account.sessions_part() == expected
        });
    }
    story.all_arrive(&account);
    assert!(account.sessions() >= 4, "{}", account.sessions());
    let stopped = story.supervisor.take().unwrap().stop();
    assert!(stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
}

#[test]
fn a_worker_whose_server_never_answers_and_one_whose_key_is_refused_keep_back_their_own_files_only() {
    let (good, stalled, refused) =
        (Account::open(""), Account::open("stall"), Account::open("status:error/client/badParam"));
    let worker = |id: &str, account: &Account| json!({ "id": id, "api_key": id, "server_url": account.receiver.url(), "sessions": 2 });
    let log = |worker: &str| json!({ "path": format!("logs/{worker}*.log"), "worker_id": worker });
    let mut story = Story::start(json!({
        "scalyr_server": good.receiver.url(),
        "default_sessions_per_worker": 2,
        "workers": [worker("stalled", &stalled), worker("refused", &refused)],
        "logs": [log("stalled"), log("refused"), log("default")],
        "request_deadline": 600,
        // So that what is written now fills requests and channels.
        "max_allowed_request_size": 500_000,
    }));
    for name in ["stalled1", "refused1", "stalled2", "refused2"] {
        story.append(name, 300_000);
    }
    wait_until("all of their sessions are held up", || {
        let sessions = story.snapshot().sessions;
        let is_held = |name: &str| sessions.iter().any(|it| it.name.to_string() == name && it.in_flight);
        ["stalled-0", "stalled-1", "refused-0", "refused-1"].iter().all(|name| is_held(name))
            && sessions.iter().filter(|it| it.requests_failed > 0).count() >= 2
            && story.snapshot().tail.waiting_for.len() == 4
    });
    let held_up = std::mem::take(&mut story.written);
    for round in 0..5 {
        for name in ["default1", "default2", "default3"] {
            story.append(name, 100 + round);
        }
        story.all_arrive_of_default(&good);
    }
    let snapshot = story.snapshot();
    for file in &snapshot.files {
        let name = file.path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(file.totals.accepted.bytes == 0, !name.starts_with("default"), "{name}: {:?}", file.totals);
    }
    let text = Format::Text.render(&snapshot);
    for name in ["default-0", "default-1", "stalled-0", "stalled-1", "refused-0", "refused-1"] {
        assert!(text.contains(&format!("Session {name}, server http")), "{text}");
    }
    let json: Value = serde_json::from_str(&Format::Json.render(&snapshot)).unwrap();
    let of = |key: &str| json["sessions"].as_array().unwrap().iter().map(|it| it[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("name")[2], "stalled-0");
    assert_eq!((of("worker")[3].clone(), of("session_number")[3].clone()), (json!("stalled"), json!(1)));
    assert_eq!(good.sessions_part(), "mw-1|6|3");

    // The servers come to their senses, and the key is given rights: everything arrives.
    refused.receiver.faults().set("ok".parse().unwrap());
    stalled.receiver.faults().set("ok".parse().unwrap());
    wait_until("what the key kept back has come", || {
        let of_refused = held_up.iter().filter(|(path, _)| path.contains("refused"));
        of_refused.map(|(_, written)| written).sum::<u64>() == refused.count()
    });
    for (path, written) in held_up.iter().filter(|(path, _)| path.contains("refused")) {
        assert_eq!(refused.numbers(path), (0..*written).collect::<Vec<_>>(), "{path}");
    }
    assert_eq!(stalled.count(), 0, "its requests still wait for an answer");
    let stopped = story.supervisor.take().unwrap().stop();
    assert!(!stopped.drained && stopped.totals.reconciles() && stopped.totals.pending > 0, "{stopped:?}");
}

impl Story {
    /// [`Self::all_arrive`], whatever the other workers have in flight.
    #[track_caller]
    fn all_arrive_of_default(&self, account: &Account) {
        for (path, &written) in &self.written {
            wait_until(&format!("all lines of {path} have come"), || account.numbers(path).len() as u64 >= written);
            assert_eq!(account.numbers(path), (0..written).collect::<Vec<_>>(), "{path}");
        }
    }
}

#[test]
fn a_stop_gives_each_session_its_last_attempt_whoever_else_is_stalled() {
    // The first sessions to be waited for never answer; the last ones wait for a minute to try again.
    let (stalled, busy) = (Account::open("stall"), Account::open("3*retry-after:60+http:429"));
    let workers = json!([{ "id": "busy", "api_key": "b", "server_url": busy.receiver.url(), "sessions": 3 }]);
    let mut story = Story::start(json!({
        "scalyr_server": stalled.receiver.url(),
        "default_sessions_per_worker": 3,
        "workers": workers,
        "logs": [{ "path": "logs/stalled*.log" }, { "path": "logs/busy*.log", "worker_id": "busy" }],
        "max_error_request_spacing_interval": 3600,
    }));
    for number in 0..3 {
        story.append(&format!("stalled{number}"), 10);
        story.append(&format!("busy{number}"), 10);
    }
    wait_until("three never hear an answer, and three rest", || {
        let sessions = story.snapshot().sessions;
        sessions.iter().filter(|it| it.back_off_seconds.is_some()).count() == 3
            && sessions.iter().filter(|it| it.in_flight).count() == 6
    });
    let stopped = story.supervisor.take().unwrap().stop();
    assert!(!stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
    assert_eq!(busy.count(), 30, "each of the resting sessions has tried once more");
    assert_eq!(stalled.count(), 0);
    let agent_log = fs::read_to_string(story.path("log/agent.log")).unwrap();
    assert!(agent_log.contains("Sent, but not answered within ") && agent_log.contains(" s: 60 bytes"), "{agent_log}");
}
