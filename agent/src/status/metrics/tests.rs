//! The text as a whole; that an independent parser takes it is told by `agent/program/tests/status_page.rs`.

use std::collections::BTreeSet;

use super::*;
use crate::status::sample::hostile::snapshot;

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
