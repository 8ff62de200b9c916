//! What the page costs, and what a probe is told.

use super::*;
use crate::status::Health;
use crate::status::listener::Detail;

#[test]
fn a_sample_of_the_history_and_a_probe_of_health_need_no_snapshot_of_all_files() {
    let mut story = Story::new();
    for number in 0..20 {
        story.append(&format!("app-{number}.log"), "one line\n");
    }
    let logs = json!([{ "path": story.path("app-*.log"), "copy_from_start": true }]);
    let refused = json!([{ "module": "no_such_monitor" }]);
    story.apply(json!({ "logs": logs, "status_listen": "127.0.0.1:0", "monitors": refused }));
    let stages = Arc::clone(&story.supervisor.as_ref().unwrap().stages);
    let now = || stages.clock.now().as_nanos() as f64 / 1e9;
    assert_eq!(stages.history.points(now()).len(), 1, "the first sample is there at once");
    story.waits("all lines are accepted", || stages.sums().accepted_bytes >= 20 * 9);
    for _ in 0..1000 {
        stages.note_history();
        stages.sums();
    }
    assert!(stages.history.points(now()).len() < 30);
    let judged = stages.snapshot_with(Detail::Health);
    assert!(judged.files.is_empty() && judged.average_seconds.is_none(), "no snapshot was taken so far");
    assert_eq!(judged.health, Health::Degraded);
    let whole = stages.snapshot();
    assert_eq!((whole.files.len(), whole.average_seconds), (20, None), "this was the first one");
    assert!(stages.snapshot().average_seconds.is_some());
    assert_eq!((whole.health, whole.troubles, whole.failures), (judged.health, judged.troubles, judged.failures));
    drop(stages);
    story.stop();
}
