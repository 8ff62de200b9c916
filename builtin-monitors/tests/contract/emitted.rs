//! Each metric of the contract is really emitted, with its extra fields and their values, and each that a monitor declares.
//!
//! Of the host's metrics many need hardware: those are looked for in the goldens of `linux_system_metrics`, which its own
//! tests prove.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use builtin_monitors::linux_process_metrics::LinuxProcessMetrics;
use builtin_monitors::linux_system_metrics::LinuxSystemMetrics;
use builtin_monitors::shell_monitor::ShellMonitor;
use builtin_monitors::test_monitor::TestMonitor;
use builtin_monitors::url_monitor::UrlMonitor;
use scalyr_monitor::metric::MetricDecl;
use scalyr_monitor::registry::Registry;
use scalyr_monitor::testing::{Harness, Taken, json};
use serde_json::Value;

use super::{contract, list};

/// What is not emitted here: monitor, metric, reason.
const NOT_HERE: &[(&str, &str, &str)] = &[
    ("graphite_monitor", "<graphite path>", "the senders name them; its own tests send some"),
    (
        "linux_system_metrics",
        "proc.meminfo.<lower-cased key>",
        "the kernel names them; the goldens hold those of several kernels",
    ),
    ("openmetrics_monitor", "<sample name, lower-cased>", "the exporters name them; its own tests ask some"),
];

/// The lines that were seen, each as its metric and the rest.
struct Seen(Vec<String>);

impl Seen {
    fn of_samples(samples: impl IntoIterator<Item = Taken>) -> Self {
        let lines = |sample: Taken| sample.lines().iter().map(ToString::to_string).collect::<Vec<_>>();
        Self(samples.into_iter().flat_map(lines).collect())
    }

    /// What the goldens of the host's metrics hold, those of all kernels together.
    fn of_goldens() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/linux_system_metrics");
        let goldens = fs::read_dir(folder).unwrap().map(|kernel| kernel.unwrap().path().join("golden.txt"));
        let texts: Vec<String> = goldens.filter_map(|golden| fs::read_to_string(golden).ok()).collect();
        let lines = texts.iter().flat_map(|text| text.lines());
        Self(lines.filter_map(|line| Some(line.split_once(")] ")?.1.to_owned())).collect())
    }

    /// Whether there was a line with this name and these extra fields: whole ones, or the beginnings of them.
    fn has(&self, name: &str, fields: &[String]) -> bool {
        self.0.iter().any(|line| {
            let (metric, rest) = line.split_once(' ').unwrap_or((line, ""));
            metric == name && fields.iter().all(|field| rest.contains(&format!(" {field}")))
        })
    }

    /// What of a metric of the contract was not seen.
    fn lacks_of_contract(&self, metric: &Value) -> Vec<String> {
        let name = metric["name"].as_str().unwrap();
        if !self.has(name, &[]) {
            return vec![name.to_owned()];
        }
        let of_fields = list(metric, "fields").map(|field| format!("{}=", field.as_str().unwrap()));
        let of_values = metric["values"].as_object().into_iter().flatten().flat_map(|(field, values)| {
            let values = values.as_array().into_iter().flatten();
            values.map(move |value| format!("{field}={value}"))
        });
        let wanted = of_fields.chain(of_values);
        wanted
            .filter(|field| !self.has(name, std::slice::from_ref(field)))
            .map(|field| format!("{name} {field}"))
            .collect()
    }

    /// What of a metric as a monitor declares it was not seen.
    fn lacks_of_declared(&self, metric: &MetricDecl) -> Option<String> {
        let constants: Vec<_> = metric.constants.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        (!self.has(metric.name, &constants)).then(|| format!("{} {}", metric.name, constants.join(" ")))
    }
}

/// The address of a server that answers once.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a server of the test, which the agent's threads know nothing of")]
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        _ = connection.read(&mut [0; 4096]);
        _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nup\n");
    });
    url
}

/// What a monitor emits; nothing of one that is not tried here.
fn seen_of(monitor: &str) -> Option<Seen> {
    Some(match monitor {
        "linux_process_metrics" => {
            let mut own = Harness::<LinuxProcessMetrics>::from_config(json!({ "pid": "$$" }));
            Seen::of_samples([own.sample(), own.sample()])
        }
        "linux_system_metrics" => {
            // What the kernel is asked for by a call stands in no file, and so in no golden.
            let entry = json!({ "ignore_mounts": [] });
            let own = Harness::<LinuxSystemMetrics>::from_config(entry).allow_dynamic().sample();
            Seen([Seen::of_samples([own]).0, Seen::of_goldens().0].concat())
        }
        "shell_monitor" => {
            let entry = json!({ "command": "echo 1", "emit_number": true });
            Seen::of_samples([Harness::<ShellMonitor>::from_config(entry).sample()])
        }
        "test_monitor" => Seen::of_samples([Harness::<TestMonitor>::from_config(json!({ "gauss_mean": 1 })).sample()]),
        "url_monitor" => Seen::of_samples([Harness::<UrlMonitor>::from_config(json!({ "url": server() })).sample()]),
        _ => return None,
    })
}

#[test]
fn each_metric_of_the_contract_and_each_declared_one_is_emitted_or_listed_with_the_reason() {
    let registry = Registry::linked().unwrap();
    let mut missing = Vec::new();
    for monitor in contract() {
        let name = monitor["monitor"].as_str().unwrap();
        let seen = seen_of(name);
        let is_listed = |metric: &str| NOT_HERE.iter().any(|(other, listed, _)| *other == name && *listed == metric);
        for metric in list(&monitor, "metrics").filter(|metric| !is_listed(metric["name"].as_str().unwrap())) {
            match &seen {
                Some(seen) => missing.extend(seen.lacks_of_contract(metric)),
                None => missing.push(format!("{name}: {}", metric["name"])),
            }
        }
        if let Some(seen) = &seen {
            let declared = registry.find(name).unwrap().metrics();
            missing.extend(declared.iter().filter_map(|metric| seen.lacks_of_declared(metric)));
        }
    }
    assert!(missing.is_empty(), "these are emitted by no test: {missing:#?}");
}
