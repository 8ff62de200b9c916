//! Each metric of the contract is really emitted, with its extra fields, or stands below with the reason.
//!
//! Of the host's metrics many need hardware: those are looked for in the goldens of `linux_system_metrics`, which its own
//! tests prove.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use builtin_monitors::linux_process_metrics::LinuxProcessMetrics;
use builtin_monitors::linux_system_metrics::LinuxSystemMetrics;
use builtin_monitors::shell_monitor::ShellMonitor;
use builtin_monitors::test_monitor::TestMonitor;
use builtin_monitors::url_monitor::UrlMonitor;
use scalyr_monitor::testing::{Harness, Taken, json};
use serde_json::Value;

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

/// The extra fields that were seen of each metric.
type Seen = BTreeMap<String, BTreeSet<String>>;

fn of_samples(samples: impl IntoIterator<Item = Taken>) -> Seen {
    let mut seen = Seen::new();
    for sample in samples {
        for emitted in sample.emitted() {
            let fields = emitted.fields().iter().map(|(name, _)| name.clone());
            seen.entry(emitted.name().to_owned()).or_default().extend(fields);
        }
    }
    seen
}

/// What the goldens of the host's metrics hold, those of all kernels together.
fn of_goldens() -> Seen {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/linux_system_metrics");
    let mut seen = Seen::new();
    for kernel in fs::read_dir(folder).unwrap() {
        let Ok(golden) = fs::read_to_string(kernel.unwrap().path().join("golden.txt")) else { continue };
        for line in golden.lines() {
            let Some((_, metric)) = line.split_once(")] ") else { continue };
            let mut words = metric.split(' ');
            let fields = seen.entry(words.next().unwrap().to_owned()).or_default();
            fields.extend(words.filter_map(|word| Some(word.split_once('=')?.0.to_owned())));
        }
    }
    seen
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
fn seen_of(monitor: &str) -> Seen {
    match monitor {
        "linux_process_metrics" => {
            let mut own = Harness::<LinuxProcessMetrics>::from_config(json!({ "pid": "$$" }));
            of_samples([own.sample(), own.sample()])
        }
        "linux_system_metrics" => {
            // What the kernel is asked for by a call stands in no file, and so in no golden.
            let entry = json!({ "ignore_mounts": [] });
            let mut seen = of_samples([Harness::<LinuxSystemMetrics>::from_config(entry).allow_dynamic().sample()]);
            for (metric, fields) in of_goldens() {
                seen.entry(metric).or_default().extend(fields);
            }
            seen
        }
        "shell_monitor" => of_samples([Harness::<ShellMonitor>::from_config(json!({ "command": "true" })).sample()]),
        "test_monitor" => of_samples([Harness::<TestMonitor>::from_config(json!({ "gauss_mean": 1 })).sample()]),
        "url_monitor" => of_samples([Harness::<UrlMonitor>::from_config(json!({ "url": server() })).sample()]),
        _ => Seen::new(),
    }
}

#[test]
fn each_metric_of_the_contract_is_emitted_or_listed_with_the_reason() {
    let contract: Value = serde_json::from_str(include_str!("fixtures/contract.json")).unwrap();
    let mut missing = Vec::new();
    for monitor in contract.as_array().unwrap() {
        let name = monitor["monitor"].as_str().unwrap();
        let seen = seen_of(name);
        for metric in monitor["metrics"].as_array().unwrap() {
            let of_metric = metric["name"].as_str().unwrap();
            let is_listed = NOT_HERE.iter().any(|(other, listed, _)| *other == name && *listed == of_metric);
            let fields = metric["fields"].as_array().into_iter().flatten().filter_map(Value::as_str);
            match seen.get(of_metric) {
                Some(seen) => missing.extend(
                    fields
                        .filter(|field| !seen.contains(*field))
                        .map(|field| format!("{name}: {of_metric} with {field}")),
                ),
                None if is_listed => {}
                None => missing.push(format!("{name}: {of_metric}")),
            }
        }
    }
    assert!(missing.is_empty(), "these are emitted by no test: {missing:#?}");
}
