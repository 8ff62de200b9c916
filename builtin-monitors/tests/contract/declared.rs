//! Each option, each metric, each unit and each extra field of the contract is declared by the monitor of that name.

use std::collections::BTreeSet;

use scalyr_monitor::config::{Kind, OptionDecl};
use scalyr_monitor::registry::{Registration, Registry};
use serde_json::Value;

use super::{contract, list};

/// What differs for good: monitor, what (`*` at its end for whatever follows), reason. A line that is not needed any more
/// fails the test.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("graphite_monitor", "metric <graphite path>", "the senders name them"),
    ("graphite_monitor", "minimum of pickle_port", "0 takes any port that is free"),
    ("graphite_monitor", "minimum of plaintext_port", "0 takes any port that is free"),
    (
        "journald_monitor",
        "default of staleness_threshold_secs",
        "without it nothing that came while the agent stood still is skipped",
    ),
    (
        "linux_system_metrics",
        "metric proc.meminfo.<lower-cased key>",
        "the kernel names them; those that every kernel has are declared",
    ),
    (
        "linux_system_metrics",
        "default of network_interface_prefixes",
        "the contract has none there; its text says eth, which is ours",
    ),
    (
        "linux_system_metrics",
        "default of network_interface_suffix",
        "the contract has none there; its text says [0-9A-Z]+, which is ours",
    ),
    ("openmetrics_monitor", "metric <sample name, lower-cased>", "the exporters name them"),
    ("openmetrics_monitor", "url is required", "without it there is nothing to ask"),
    ("symlink_file_monitor", "input_path_glob is required", "without it each sample of the Python agent failed"),
    (
        "symlink_file_monitor",
        "symlink_file_name_format is required",
        "without it each sample of the Python agent failed",
    ),
    ("syslog_monitor", "default of docker_*", "`mode: docker` is not built: each of its options is refused by name"),
    (
        "syslog_monitor",
        "default of tcp_message_delimiter",
        "the same as the escape that a user writes: a backslash and an n",
    ),
    ("url_monitor", "minimum of timeout", "0 means that no answer is ever in time"),
    (
        "url_monitor",
        "maximum of timeout",
        "as for all monitors that ask over HTTP; it is the time of the whole request here",
    ),
];

/// Numbers by their value, and what is empty as what is not there.
fn is_same(one: &Value, other: &Value) -> bool {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    let is_number = one.as_f64().is_some_and(|number| Some(number) == other.as_f64());
    one == other || is_number || is_empty(one) && is_empty(other)
}

/// How an option differs from what the contract says of it.
fn differences_of_option(contract: &Value, options: &[OptionDecl], differ: &mut impl FnMut(String)) {
    let name = contract["name"].as_str().unwrap();
    let Some(ours) = options.iter().find(|option| option.key == name || option.aliases.contains(&name)) else {
        return differ(format!("option {name}"));
    };
    if ours.required && contract["required"] != true {
        differ(format!("{name} is required"));
    }
    if !ours.required && !is_same(&contract["default"], &ours.default.clone().unwrap_or_default()) {
        differ(format!("default of {name}"));
    }
    // What fits into its type, where nothing else is said.
    let (least, greatest) = match ours.kind {
        Kind::Integer { min, max } => {
            (i64::try_from(min).ok().map(Value::from), i64::try_from(max).ok().map(Value::from))
        }
        _ => (None, None),
    };
    for (what, ours) in [("min", ours.min.clone().or(least)), ("max", ours.max.clone().or(greatest))] {
        // A bound of our own where the contract has none is for the reference to say.
        if !contract[what].is_null() && !ours.is_some_and(|ours| is_same(&contract[what], &ours)) {
            differ(format!("{what}imum of {name}"));
        }
    }
}

/// How a metric differs from what the contract says of it.
fn differences_of_metric(contract: &Value, registration: &Registration, differ: &mut impl FnMut(String)) {
    let name = contract["name"].as_str().unwrap();
    let ours: Vec<_> = registration.metrics().into_iter().filter(|metric| metric.name == name).collect();
    if ours.is_empty() {
        return differ(format!("metric {name}"));
    }
    let units: BTreeSet<_> = ours.iter().map(|metric| metric.unit).collect();
    if let Some(unit) = contract["unit"].as_str()
        && units != BTreeSet::from([Some(unit)])
    {
        differ(format!("unit of {name}"));
    }
    for field in list(contract, "fields").filter_map(Value::as_str) {
        let has_it = |metric: &&scalyr_monitor::metric::MetricDecl| {
            metric.fields.contains(&field) || metric.constants.iter().any(|(constant, _)| *constant == field)
        };
        if !ours.iter().any(has_it) {
            differ(format!("field {field} of {name}"));
        }
    }
}

/// All that differs, each as monitor and what.
fn differences(registry: &Registry) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for monitor in contract() {
        let name = monitor["monitor"].as_str().unwrap();
        let mut differ = |what: String| _ = found.insert((name.to_owned(), what));
        let Some(registration) = registry.find(name) else {
            differ("monitor".to_owned());
            continue;
        };
        if registration.module != monitor["module"].as_str() {
            differ("module".to_owned());
        }
        let options = registration.options();
        list(&monitor, "options").for_each(|option| differences_of_option(option, &options, &mut differ));
        list(&monitor, "metrics").for_each(|metric| differences_of_metric(metric, registration, &mut differ));
    }
    found
}

#[test]
fn every_option_and_metric_of_the_contract_is_there_or_listed_with_the_reason() {
    let registry = Registry::linked().unwrap();
    let found = differences(&registry);
    let names = |listed: &str, what: &str| match listed.strip_suffix('*') {
        Some(start) => what.starts_with(start),
        None => what == listed,
    };
    let is_listed = |(monitor, what): &(String, String)| {
        DIFFERENT.iter().any(|(other, listed, _)| other == monitor && names(listed, what))
    };
    let unlisted: Vec<_> = found.iter().filter(|difference| !is_listed(difference)).collect();
    assert!(
        unlisted.is_empty(),
        "these differ from the contract; mend them, or list them with the reason: {unlisted:#?}"
    );

    let needless: Vec<_> = DIFFERENT
        .iter()
        .filter(|(monitor, listed, _)| !found.iter().any(|(other, what)| other == monitor && names(listed, what)))
        .collect();
    assert!(needless.is_empty(), "these do not differ any more; take them out of the list: {needless:#?}");
    assert!(DIFFERENT.iter().all(|(_, _, reason)| !reason.is_empty()));
}
