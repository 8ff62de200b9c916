//! The text as a whole; that an independent parser takes it is told by `agent/program/tests/status_page.rs`.

use std::collections::BTreeSet;

use super::*;
use crate::status::sample::{good, hostile::snapshot};

#[test]
fn each_metric_has_one_head_each_sample_its_own_labels_and_files_are_bounded() {
    let text = render(&snapshot(5_000, 3));
    assert!(text.ends_with("\n# EOF\n"));
    let heads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let names: BTreeSet<&str> = heads.iter().filter_map(|head| head.split(' ').next()).collect();
    assert_eq!(names.len(), heads.len());
    assert!(names.len() > 50 && names.iter().all(|name| name.starts_with("scalyr_agent_")), "{names:?}");
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let labels: BTreeSet<&str> =
        samples.iter().filter_map(|line| line.rsplit_once(' ').map(|(labels, _)| labels)).collect();
    assert_eq!(labels.len(), samples.len());
    assert_eq!(samples.iter().filter(|line| line.starts_with("scalyr_agent_file_lag_bytes{")).count(), 100);
    assert!(text.contains("\nscalyr_agent_files_left_out 4900\n"), "{text}");
    assert!(text.contains("\nscalyr_agent_health{scalyr_agent_health=\"failing\"} 1\n"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\r'));
}

/// What the guide says of each metric: its name as it is asked for, its labels, its meaning.
fn rows(text: &str) -> Vec<String> {
    let mut rows: Vec<(String, BTreeSet<String>, String)> = Vec::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            rows.push((name.to_owned(), BTreeSet::new(), help.to_owned()));
        }
        let Some((name, labels, _)) = rows.last_mut().filter(|_| !line.starts_with('#')) else { continue };
        *name = line.split(['{', ' ']).next().unwrap().to_owned();
        let inside = line.split_once('{').map_or("", |(_, rest)| rest);
        // The names of labels stand in front of `="`; values that others wrote have no quotes that are not escaped.
        let names = inside.match_indices("=\"").map(|(at, _)| {
            let before = &inside[..at];
            before.rsplit(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap().to_owned()
        });
        labels.extend(names.filter(|label| !label.is_empty() && *label != "x"));
    }
    let row = |(name, labels, help): (String, BTreeSet<String>, String)| {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {} | {help} |", labels.join(", ")).replace("|  |", "| |")
    };
    rows.into_iter().map(row).collect()
}

#[test]
fn the_guide_lists_each_metric_with_its_labels_and_its_meaning() {
    let mut snapshot = snapshot(1, 1);
    snapshot.files[0].path = "/a.log".into();
    snapshot.monitors[0].name = "coin(1)".into();
    snapshot.server_host = "host".into();
    snapshot.sessions = good().sessions;
    snapshot.totals = snapshot.files[0].totals.clone();
    let rows = rows(&render(&snapshot));
    let guide = include_str!("../../../../docs/operating.md");
    let missing: Vec<&String> = rows.iter().filter(|row| !guide.lines().any(|line| line == row.as_str())).collect();
    assert!(missing.is_empty(), "these rows are missing in docs/operating.md; all of them are:\n{}", rows.join("\n"));
    let told = guide.lines().filter(|line| line.starts_with("| `scalyr_agent_") && line.ends_with(". |"));
    assert_eq!(told.count(), rows.len(), "the guide tells of one that is no more");
}
