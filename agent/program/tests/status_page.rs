//! "How is the agent?" Asked by a browser, a load balancer and a collector of metrics, of a real agent.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

#[path = "isolation/broken_agent.rs"]
mod broken_agent;
#[path = "isolation/monitors.rs"]
mod monitors;
mod story;

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use story::{API_KEY, AgentProcess, Lines, ReceiverProcess, Scratch, end_well, say, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(120);

/// Where this agent's page is, once it says so.
fn address(agent: &AgentProcess) -> SocketAddr {
    let mut address = None;
    wait_until("the agent tells where its page is", PATIENCE, || {
        let told = agent.status().and_then(|status| Some(status["status_listen"]["address"].as_str()?.to_owned()));
        address = told.map(|told| told.parse().unwrap());
        address.is_some()
    });
    address.unwrap()
}

/// Head and body of the answer to a GET.
fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

/// A program that a test needs, or a sentence that says what to install.
fn needed(program: &str, package: &str) -> Command {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(program));
    let found: Vec<PathBuf> = found.filter(|path| path.exists()).collect();
    let path = found.first();
    let path = path.unwrap_or_else(|| panic!("this test needs {program}: apt-get install {package} (as .ci/run does)"));
    Command::new(path)
}

/// Reads the text with the parser of Prometheus' own library; each sample as `name{labels}` with its value.
fn parsed(metrics: &str) -> Vec<(String, Value, f64)> {
    const SCRIPT: &str = "
import sys, json
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    sys.exit('this test needs its parser: apt-get install python3-prometheus-client (as .ci/run does)')
families = text_string_to_metric_families(sys.stdin.read())
print(json.dumps([[s.name, s.labels, s.value] for family in families for s in family.samples]))
";
    let mut python = needed("python3", "python3 python3-prometheus-client");
    python.args(["-c", SCRIPT]).env("PYTHONUTF8", "1");
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{metrics}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What Chromium makes of the page: the DOM, and what stands on its console. A screenshot goes to `target/tmp`.
fn browsed(
    scratch: &Scratch,
    url: &str,
    name: &str,
    size: (u32, u32),
    is_dark: bool,
    seconds: u32,
) -> (String, String) {
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
    let mut chromium = needed("chromium", "chromium");
    chromium.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        "--v=0",
    ]);
    chromium.arg(format!("--user-data-dir={}", scratch.path(&format!("chromium-{name}")).display()));
    chromium.arg(format!("--window-size={},{}", size.0, size.1)).arg(format!("--screenshot={}", picture.display()));
    if is_dark {
        chromium.arg("--blink-settings=preferredColorScheme=0");
    }
    chromium.arg(format!("--virtual-time-budget={}", seconds * 1000)).args(["--dump-dom", url]);
    chromium.env("HOME", scratch.folder()).stdin(Stdio::null());
    let output = chromium.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    say(&format!("screenshot: {}", picture.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let console = text(&output.stderr).lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n");
    (text(&output.stdout), console)
}

/// A file that lags, a monitor that fails, and healthy ones of both; names that would like to be markup.
struct Scene {
    scratch: Scratch,
    agent: AgentProcess,
    stalled: ReceiverProcess,
    receiver: ReceiverProcess,
    address: SocketAddr,
    healthy: Lines,
}

/// A path with everything in it that could break out of an attribute, a label or a tag.
const HOSTILE: &str = "<script>alert(1)</script> \"quoted\" 'and' & \\n.log";

impl Scene {
    fn set() -> Self {
        let scratch = Scratch::new();
        let (receiver, stalled) =
            (ReceiverProcess::start(&scratch, "receiver"), ReceiverProcess::start(&scratch, "stalled"));
        stalled.set_faults("9999*http:503");
        let apps = scratch.path("app");
        fs::create_dir_all(apps.join("<script>alert(1)<")).unwrap();
        let (healthy, lagging, hostile) = (apps.join("web.log"), apps.join("payments.log"), apps.join(HOSTILE));
        let (healthy_of, lagging_of) = (healthy.to_str().unwrap(), lagging.to_str().unwrap());
        let logs = json!([
            { "path": healthy_of },
            { "path": lagging_of, "worker_id": "slow" },
            { "path": apps.join("<script>alert(1)<").join("*.log"), "copy_from_start": true },
        ]);
        let extra = json!({
            "status_listen": "127.0.0.1:0",
            "workers": [{ "id": "slow", "api_key": API_KEY, "server_url": stalled.url() }],
            "global_monitor_sample_interval_enable_jitter": false,
            "monitors": [
                { "module": "coin", "sample_interval": 1.0 },
                { "module": "coin", "id": "\"<b>bold</b>\"", "sample_interval": 1.0 },
                { "module": "test_monitor", "id": "refused", "gauss_mean": 99 },
                { "module": "broken", "id": "sensor", "how": "panic", "sample_interval": 1.0 },
                { "module": "broken", "id": "probe", "how": "fail", "sample_interval": 2.0 },
                { "module": "broken", "id": "hung", "how": "hang", "sample_interval": 1.0 },
                { "module": "linux_process_metrics", "id": "agent", "pid": "$$", "sample_interval": 2.0 },
                { "module": "linux_system_metrics", "sample_interval": 5.0 },
            ],
            "no_such_key_<b>": true,
        });
        fs::write(&hostile, "one line\n").unwrap();
        let config = write_config(&scratch, &receiver.url(), logs, extra);
        let command = broken_agent::command(&["start", "--no-fork"], &config, None);
        let agent = AgentProcess::start_as(&scratch, &config, command);
        let address = address(&agent);
        let mut healthy = Lines::new(&healthy, 200);
        healthy.append(400);
        Lines::new(&lagging, 200).append(50_000);
        Self { scratch, agent, stalled, receiver, address, healthy }
    }
}

#[test]
fn a_browser_shows_what_lags_and_what_fails_and_keeps_itself_up_to_date() {
    let mut scene = Scene::set();
    let Scene { agent, receiver, address, healthy, .. } = &mut scene;
    wait_until("both the well and the ill are there", PATIENCE, || {
        let Some(status) = agent.status() else { return false };
        let lags = status["lag"]["bytes"].as_u64() > Some(1_000_000);
        let monitor = |name: &str| {
            status["monitors"].as_array().into_iter().flatten().find(|one| one["name"] == name).unwrap_or(&Value::Null)
        };
        let samples = monitor("coin(1)")["samples"].as_u64() > Some(2)
            && monitor("broken(probe)")["failed_samples"].as_u64() > Some(1)
            && monitor("broken(hung)")["sample_running_secs"].as_f64() > Some(6.0)
            && monitor("broken(sensor)")["restarts"].as_u64() > Some(2)
            && monitor("broken(sensor)")["restart_in_secs"].as_f64() > Some(2.0);
        // Two samples of what the plots show lie ten seconds apart.
        let is_old_enough = status["now"].as_f64() > status["started"].as_f64().map(|started| started + 25.0);
        is_old_enough
            && lags
            && samples
            && status["sessions"].as_array().unwrap().iter().any(|session| session["state"] == "failing")
            && receiver.events().len() >= 400
    });
    let begin = story::now();
    // For a picture with more in its plots: `PAGE_SECONDS=90 cargo test --test status_page a_browser`.
    let longer = Duration::from_secs(story::number_from_environment("PAGE_SECONDS", 0));
    while begin.elapsed() < longer {
        healthy.append(200 + 40 * (begin.elapsed().as_secs() % 30));
        std::thread::sleep(Duration::from_millis(500));
    }
    let url = format!("http://{address}/");
    let (dom, console) = browsed(&scene.scratch, &url, "page-light", (1280, 2300), false, 12);
    assert_eq!(console, "", "nothing is complained about: neither the policy nor the script");
    for expected in [
        ">story</h1>",
        "payments.log",
        "web.log",
        "coin(1)",
        "test_monitor(refused)",
        "above the maximum 10",
        "failing",
        "no_such_key",
        // What each broken monitor looks like.
        "resting after a failure</span> <small>starts again in ",
        "the sensor fell off",
        "the sensor answers nonsense",
        "its sample runs for ",
        "<span class=\"state\">refused</span>",
        "of 7 monitors should run and do not",
    ] {
        assert!(dom.contains(expected), "{expected} is missing in {dom}");
    }
    assert!(dom.find("payments.log").unwrap() < dom.find("web.log").unwrap(), "the worst comes first");
    // The session fails for longer than the limit by and by.
    let badge = |word| dom.contains(&format!("<strong class=\"badge {word}\">{word}</strong>"));
    assert!(badge("degraded") || badge("failing"), "{dom}");
    let monitors = ["test_monitor(refused)", "broken(sensor)", "broken(hung)", "broken(probe)", "coin(1)"];
    let at = monitors.map(|name| dom.find(&format!("<b class=\"\">{name}</b>")).expect(name));
    assert!(at.is_sorted(), "the worst comes first: {monitors:?} at {at:?}");
    assert!(dom.matches("class=\"line\"").count() >= 3, "half a minute after the start each plot has a line");
    assert!(dom.contains("<html lang=\"en\" data-refreshed="), "the script has brought it up to date: {dom}");
    assert!(!dom.contains("<b>bold") && !dom.contains("key_<b>"), "what others wrote is text");
    assert!(!dom.contains(API_KEY));
    for (name, size, is_dark) in [("page-dark", (1280, 2300), true), ("page-phone", (400, 5200), false)] {
        let (dom, console) = browsed(&scene.scratch, &url, name, size, is_dark, 1);
        assert!(dom.contains("payments.log") && console.is_empty(), "{console}");
    }

    scene.stalled.set_faults("");
    end_well(&mut scene.agent, PATIENCE);
}

#[test]
fn a_load_balancer_and_a_collector_of_metrics_are_answered_from_the_same_snapshot() {
    let mut scene = Scene::set();
    let (agent, address) = (&mut scene.agent, scene.address);
    wait_until("one session fails and the other works", PATIENCE, || {
        let samples = parsed(&get(address, "/metrics").1);
        let value = |name: &str, session: &str, outcome: &str| {
            let is_meant = |labels: &Value| labels["session"] == session && labels["outcome"] == outcome;
            samples.iter().find(|(of, labels, _)| of == name && is_meant(labels)).map_or(0.0, |sample| sample.2)
        };
        let of = |session, outcome| value("scalyr_agent_session_requests_total", session, outcome);
        of("default-0", "succeeded") >= 1.0 && of("slow-0", "failed") >= 1.0
    });
    let (head, metrics) = get(address, "/metrics");
    assert!(head.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"), "{head}");
    let samples = parsed(&metrics);
    let of = |name: &str| samples.iter().filter(|sample| sample.0 == name).collect::<Vec<_>>();
    assert_eq!(of("scalyr_agent_process_open_fds").len(), 1);
    assert!(of("scalyr_agent_process_resident_memory_bytes")[0].2 > 1e6);
    assert!(of("scalyr_agent_log_lag_bytes")[0].2 > 1e6);
    let files = of("scalyr_agent_file_lag_bytes");
    assert!(
        files.iter().any(|sample| sample.1["path"].as_str().unwrap().ends_with(HOSTILE)),
        "labels come back whole: {files:?}"
    );
    assert!(of("scalyr_agent_monitor_samples_total").iter().any(|sample| sample.1["monitor"] == "coin(1)"));
    assert_eq!(of("scalyr_agent_health").iter().map(|sample| sample.2).sum::<f64>(), 1.0);

    let (head, health) = get(address, "/healthz");
    assert!(health.starts_with("degraded\n") && head.starts_with("HTTP/1.1 200 "), "{head}\n{health}");
    let (_, status) = get(address, "/status.json");
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["pid"], agent.process().id());
    assert_eq!(status["status_listen"]["address"], address.to_string());
    for path in ["/", "/status.json", "/metrics", "/healthz", "/nothing"] {
        assert!(!get(address, path).1.contains(API_KEY), "{path}");
    }

    // The key is refused: nothing of that worker arrives until a person does something.
    scene.stalled.set_faults("9999*key");
    wait_until("it is failing", PATIENCE, || get(address, "/healthz").0.starts_with("HTTP/1.1 503 "));
    assert!(get(address, "/healthz").1.starts_with("failing\n"));
    scene.stalled.set_faults("");
    end_well(agent, PATIENCE);
}

#[test]
fn the_page_moves_with_the_configuration_and_a_taken_port_is_tried_until_it_is_free() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = taken.local_addr().unwrap();
    let write = |listen: &str| {
        write_config(
            &scratch,
            &receiver.url(),
            json!([]),
            json!({ "status_listen": listen, "config_change_check_interval": 0.2 }),
        )
    };
    let config = write(&wanted.to_string());
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("it says that the port is taken", PATIENCE, || {
        let status = agent.status().unwrap_or_default();
        let troubles = status["troubles"].to_string();
        status["status_listen"]["error"].is_string() && troubles.contains(&wanted.to_string())
    });
    drop(taken);
    assert_eq!(address(&agent), wanted, "it was tried again");
    write("127.0.0.1:0");
    wait_until("it has moved", PATIENCE, || {
        agent.status().is_some_and(|s| s["status_listen"]["wanted"] == "127.0.0.1:0")
    });
    let moved = address(&agent);
    assert_ne!(moved, wanted);
    assert!(get(moved, "/healthz").1.starts_with("good\n"));
    wait_until("the old address is left", PATIENCE, || TcpStream::connect(wanted).is_err());
    write("");
    wait_until("nothing listens", PATIENCE, || TcpStream::connect(moved).is_err());
    let mut log = String::new();
    OpenOptions::new().read(true).open(scratch.path("log/agent.log")).unwrap().read_to_string(&mut log).unwrap();
    for expected in [
        "cannot listen on ",
        "is served over HTTP: http://127.0.0.1:",
        "no more",
        "where the status is served over HTTP changed",
    ] {
        assert!(log.contains(expected), "{expected} is missing in {log}");
    }
    end_well(&mut agent, PATIENCE);
}
