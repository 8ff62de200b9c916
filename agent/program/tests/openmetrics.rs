//! "Two exporters run on this host. Does every number of theirs arrive, and am I told when one of them is gone?"
#![expect(clippy::unwrap_used, reason = "a story may end where it stands")]

mod story;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use story::{AgentProcess, Process, ReceiverProcess, Scratch, assert_reconciles, say, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

/// An exporter of every type that there is, by Prometheus' own library for Python; tells its port.
const EXPORTER: &str = r#"
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
try:
    from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary, make_wsgi_app
except ImportError:
    sys.exit("this story needs it: apt-get install python3-prometheus-client (as .ci/run does)")

shop = CollectorRegistry()
orders = Counter("shop_orders", "Orders.", ["customer"], registry=shop)
orders.labels('Tom "T" \\ {a="b",}\nJerry').inc(3)
orders.labels("Zoë").inc(2.5)
Gauge("shop_Temperature", "Degrees.", registry=shop).set(-1.5)
Gauge("shop_limit", "None.", ["value"], registry=shop).labels("x").set(float("inf"))
Gauge("shop_unknown", "Nobody knows.", registry=shop).set(float("nan"))
latency = Histogram("shop_latency_seconds", "How long.", buckets=[0.1, 1], registry=shop)
latency.observe(0.05, {"trace_id": "KOO5S4vxi0o"})
Summary("shop_size_bytes", "How much.", registry=shop).observe(2000)
Info("shop_build", "Which.", registry=shop).info({"version": "1.2"})
Enum("shop_state", "Which.", states=["open", "closed"], registry=shop).state("open")

class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass

server = make_server("127.0.0.1", 0, make_wsgi_app(shop), handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// What the agent makes of it; without the times at which they were made, which the library counts as a metric.
const LINES: [&str; 14] = [
    r#"shop_build_info 1.0 version="1.2""#,
    "shop_latency_seconds_bucket 1.0 le=\"+Inf\"",
    "shop_latency_seconds_bucket 1.0 le=\"0.1\"",
    "shop_latency_seconds_bucket 1.0 le=\"1.0\"",
    "shop_latency_seconds_count 1.0",
    "shop_latency_seconds_sum 0.05",
    r#"shop_limit "+Inf" value_="x""#,
    r#"shop_orders_total 2.5 customer="Zoë""#,
    r#"shop_orders_total 3.0 customer="Tom \"T\" \\ {a=\"b\",}\nJerry""#,
    "shop_size_bytes_count 1.0",
    "shop_size_bytes_sum 2000.0",
    // In the text format a state set is a gauge like any other.
    r#"shop_state 0.0 shop_state="closed""#,
    r#"shop_state 1.0 shop_state="open""#,
    "shop_temperature -1.5",
];

/// A program of the system, or a failure with the name of its package.
fn installed(paths: &[&str], package: &str) -> Command {
    let found = paths.iter().find(|path| Path::new(path).exists());
    let needs = || panic!("this story needs {}: apt-get install {package} (as .ci/run does)", paths[0]);
    Command::new(found.unwrap_or_else(needs))
}

/// Starts the exporter of Debian that tells of the host; another one may take the port that was free.
fn start_node_exporter(scratch: &Scratch) -> (Process, SocketAddr) {
    for attempt in 0..5 {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let paths = ["/usr/bin/prometheus-node-exporter", "/usr/local/bin/node_exporter"];
        let mut command = installed(&paths, "prometheus-node-exporter");
        command.arg(format!("--web.listen-address={address}"));
        let mut exporter = Process::start(scratch, &format!("node-exporter-{attempt}"), command);
        let mut is_up = false;
        wait_until("the exporter listens or has ended", PATIENCE, || {
            is_up = TcpStream::connect(address).is_ok();
            is_up || exporter.ended().is_some()
        });
        if is_up && exporter.ended().is_none() {
            return (exporter, address);
        }
    }
    panic!("no port was left to prometheus-node-exporter in five attempts");
}

fn start_python_exporter(scratch: &Scratch) -> (Process, SocketAddr) {
    let mut command = installed(&["/usr/bin/python3"], "python3 python3-prometheus-client");
    command.args(["-c", EXPORTER]).env("PYTHONUTF8", "1");
    let mut exporter = Process::start(scratch, "python-exporter", command);
    wait_until("the exporter tells its port", PATIENCE, || {
        exporter.stdout().ends_with('\n') || exporter.ended().is_some()
    });
    let port: u16 = exporter.stdout().trim().parse().unwrap_or_else(|_| panic!("{}", exporter.stderr()));
    (exporter, SocketAddr::from(([127, 0, 0, 1], port)))
}

/// The page as it is, without the agent.
fn page(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nAccept: text/plain\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

/// The names of what a page shows a number for, in small letters; without quantiles.
fn names(page: &str) -> BTreeSet<String> {
    let samples = page.lines().filter(|line| !line.is_empty() && !line.starts_with('#') && !line.ends_with("NaN"));
    let samples = samples.filter(|line| !line.contains("{quantile="));
    samples.map(|line| line.split(['{', ' ']).next().unwrap().to_ascii_lowercase()).collect()
}

/// The lines of one monitor that have arrived, from the metric on.
fn arrived(receiver: &mut ReceiverProcess, monitor: &str) -> Vec<String> {
    let head = format!(" [openmetrics_monitor({monitor})] ");
    let texts = receiver.events().iter().map(|event| event.text().trim_end().to_owned());
    texts.filter_map(|text| text.split_once(&head).map(|(_, line)| line.to_owned())).collect()
}

#[test]
fn every_number_of_two_exporters_arrives_and_the_end_of_one_is_told_once() {
    let scratch = Scratch::new();
    let (mut node, node_address) = start_node_exporter(&scratch);
    let (_python, python_address) = start_python_exporter(&scratch);
    let monitor = |id: &str, address: SocketAddr| {
        json!({ "module": "scalyr_agent.builtin_monitors.openmetrics_monitor", "id": id, "sample_interval": 1,
            "url": format!("http://{address}/metrics") })
    };
    let mut openmetrics = monitor("openmetrics", python_address);
    openmetrics["prefer_openmetrics"] = json!(true);
    openmetrics["include_all_types"] = json!(true);
    let monitors = json!([monitor("node", node_address), monitor("text", python_address), openmetrics]);
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let config = write_config(&scratch, &receiver.url(), json!([]), json!({ "monitors": monitors }));
    let mut agent = AgentProcess::start(&scratch, &config);

    let expected = names(&page(node_address));
    say(&format!("the host's exporter shows {} metrics", expected.len()));
    assert!(expected.len() > 100 && expected.contains("node_load1"), "{expected:?}");
    let mut missing = Vec::new();
    wait_until("all that the host's exporter shows has arrived", PATIENCE, || {
        let lines = arrived(&mut receiver, "node");
        let seen: BTreeSet<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
        missing = expected.iter().filter(|name| !seen.contains(name.as_str())).cloned().collect();
        missing.is_empty()
    });

    for id in ["text", "openmetrics"] {
        let mut lines = BTreeSet::new();
        wait_until("all that the exporter of every type shows has arrived", PATIENCE, || {
            let arrived = arrived(&mut receiver, id);
            lines = arrived.into_iter().filter(|line| !line.split(' ').next().unwrap().ends_with("_created")).collect();
            lines.len() >= LINES.len()
        });
        assert_eq!(lines.iter().map(String::as_str).collect::<Vec<_>>(), LINES, "{id}");
    }

    // The log takes all of it, sample after sample: far more than the usual limit.
    let log = |name: &str| std::fs::read_to_string(scratch.path("log").join(name)).unwrap_or_default();
    wait_until("more was written than other logs take", PATIENCE, || log("openmetrics_monitor.log").len() > 300_000);
    assert!(!log("openmetrics_monitor.log").contains("skipped writing"));

    node.kill();
    let failed = |agent: &AgentProcess| {
        let status = agent.status().unwrap_or_default();
        let all = status["monitors"].as_array().cloned().unwrap_or_default();
        let node = all.iter().find(|monitor| monitor["name"] == "openmetrics_monitor(node)").cloned();
        node.and_then(|node| node["failed_samples"].as_u64()).unwrap_or(0)
    };
    wait_until("some samples have failed", PATIENCE, || failed(&agent) >= 3);
    let told = log("agent.log");
    let cause = format!("GET http://{node_address}/metrics: the connection is refused; does the server run");
    assert_eq!(told.matches(&cause).count(), 1, "{told}");

    let mut last = None;
    wait_until("the agent tells its status", PATIENCE, || {
        last = agent.status();
        last.is_some()
    });
    assert_reconciles(&last.unwrap());
    assert_eq!(agent.stop(PATIENCE), Some(0));
}

#[test]
fn a_user_tries_it_at_the_terminal() {
    let scratch = Scratch::new();
    let (_python, address) = start_python_exporter(&scratch);
    let entry = json!({ "url": format!("http://{address}/"), "metric_name_include_list": ["shop_orders*"] });
    let mut command = story::agent_command();
    command.args(["--run-monitor", "openmetrics_monitor", "--samples", "2", "-s", "0.1", "-c", &entry.to_string()]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    say(&text);
    assert_eq!(text.matches(r#" [openmetrics_monitor()] shop_orders_total 2.5 customer="Zoë""#).count(), 2, "{text}");
}
