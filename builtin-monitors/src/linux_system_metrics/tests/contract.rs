//! Every metric that users of the Python agent know is told, and every metric that we declare.

use super::{Running, Value, fixture, json};
use scalyr_monitor::registry::Registry;

/// A line for each metric of the Python agent's table: its name, and its extra fields, with their values where the table
/// has them.
const CONTRACT: &str = include_str!("../../../tests/fixtures/linux_system_metrics/contract.txt");

/// What the samples of all fixture trees told, without the time; and what this machine tells of its file systems, whose
/// sizes and inodes no fixture can hold.
fn told_somewhere() -> Vec<String> {
    let mut told = Vec::new();
    for tree in std::fs::read_dir(fixture("")).unwrap() {
        let golden = tree.unwrap().path().join("golden.txt");
        if let Ok(golden) = std::fs::read_to_string(golden) {
            told.extend(golden.lines().map(bare));
        }
    }
    // The folder of the agent's own tests lies on a file system that counts inodes, or its memory's one does.
    let own = Running::start(json!({ "ignore_mounts": Value::Array(vec![]) })).unwrap().sample();
    told.extend(own.lines().map(bare));
    told
}

fn bare(line: &str) -> String {
    line.split_once("] ").map_or(line, |(_, bare)| bare).to_owned()
}

/// Whether a line has this name and these extra fields: whole ones, or the beginnings of them.
fn is_told(told: &[String], name: &str, fields: &[&str]) -> bool {
    told.iter().any(|line| {
        let (metric, rest) = line.split_once(' ').unwrap_or((line, ""));
        metric == name && fields.iter().all(|field| rest.contains(&format!(" {field}")))
    })
}

#[test]
fn every_metric_of_the_python_agent_is_told_somewhere() {
    let told = told_somewhere();
    let missing: Vec<&str> = CONTRACT
        .lines()
        .filter(|row| {
            let mut words = row.split(' ');
            let name = words.next().unwrap_or_default();
            !is_told(&told, name, &words.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_metric_that_is_declared_is_told_somewhere() {
    let told = told_somewhere();
    let registration = Registry::linked().unwrap().find("linux_system_metrics").unwrap();
    let metrics = registration.metrics();
    let missing: Vec<_> = metrics
        .iter()
        .filter(|metric| {
            let constants: Vec<_> = metric.constants.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            !is_told(&told, metric.name, &constants.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .map(|metric| (metric.name, metric.constants))
        .collect();
    assert_eq!(missing, []);
    assert!(metrics.iter().all(|metric| metric.category.is_some()), "the reference sorts them by category");
}
