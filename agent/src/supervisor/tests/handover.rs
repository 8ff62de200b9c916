//! What a reload does to files and sessions: every line arrives once, whatever changes while it is on its way.

use std::collections::BTreeSet;

use super::*;
use crate::config::plan::{ApiKey, MonitorPlan, SessionPlan};
use crate::ledger::WorkerId;
use crate::status::Snapshot;
use crate::supervisor::Difference;
use crate::upload::SessionSnapshot;

/// What the agent log says when a session could not deliver everything.
const CUT: &str = "was ended before its server had acknowledged";
/// What it says when it could.
const DELIVERED: &str = "has delivered everything that it had been handed";

/// A running agent with files that grow by numbered lines.
struct Reloads {
    story: Story,
    written: BTreeMap<String, u64>,
}

impl Reloads {
    /// The agent copies what `logs` says.
    fn new(logs: Value) -> Self {
        let mut reloads = Self { story: Story::new(), written: BTreeMap::new() };
        reloads.apply(logs, |_| {});
        reloads
    }

    /// Brings the agent to these entries, and to what `change` makes of the plan. Paths are relative to the story.
    fn apply(&mut self, logs: Value, change: impl FnOnce(&mut Plan)) {
        self.apply_keys(json!({}), logs, change);
    }

    fn apply_keys(&mut self, mut keys: Value, mut logs: Value, change: impl FnOnce(&mut Plan)) {
        for log in logs.as_array_mut().unwrap() {
            let path = self.story.path(log["path"].as_str().unwrap());
            log["path"] = path.display().to_string().into();
        }
        keys["logs"] = logs;
        let (mut plan, report) = self.story.plan(keys);
        change(&mut plan);
        self.story.follow(plan, report);
    }

    fn append(&mut self, file: &str, count: u64) {
        let written = self.written.entry(file.to_owned()).or_default();
        let text: String = (*written..*written + count).map(|number| format!("{number}\n")).collect();
        *written += count;
        self.story.append(file, &text);
    }

    /// How often each line of a file has come, in the order of their arrival.
    fn numbers(&self, file: &str) -> Vec<u64> {
        self.story.events(file).iter().map(|(_, line)| line.trim_end().parse().unwrap()).collect()
    }

    /// Waits until all that was written has come, and that nothing of it came twice or in another order.
    #[track_caller]
    fn all_arrive(&self) {
        for (file, &written) in &self.written {
            self.story.waits(&format!("all lines of {file} have come"), || {
                self.numbers(file).into_iter().collect::<BTreeSet<_>>().len() as u64 == written
            });
            assert_eq!(self.numbers(file), (0..written).collect::<Vec<_>>(), "{file}");
        }
        self.story.waits("all is settled", || self.snapshot().totals.pending == 0);
        let snapshot = self.snapshot();
        assert!(snapshot.totals.reconciles(), "{:?}", snapshot.totals);
        for file in &snapshot.files {
            assert!(file.totals.reconciles(), "{file:?}");
        }
    }

    fn snapshot(&self) -> Snapshot {
        self.story.supervisor.as_ref().unwrap().snapshot()
    }

    fn ids(&self) -> Vec<u64> {
        self.snapshot().files.iter().map(|file| file.id.0).collect()
    }

    #[track_caller]
    fn tells(&self, text: &str, times: usize) {
        self.story.waits(text, || self.story.told(text).len() == times);
    }

    /// Waits until a request is on its way that is not answered.
    #[track_caller]
    fn hangs(&self) {
        self.story
            .waits("a request is on its way", || self.snapshot().sessions.iter().any(|session| session.in_flight));
    }

    #[track_caller]
    fn ends(self) {
        self.all_arrive();
        self.story.stop();
    }
}

fn second() -> WorkerId {
    WorkerId("second".into())
}

/// Adds the worker `second`, with the server of the first one.
fn with_second(plan: &mut Plan) {
    let session = plan.sessions[0].clone();
    plan.sessions.push(SessionPlan { id: second().into(), ..session });
}

/// The same, and all logs are its.
fn all_second(plan: &mut Plan) {
    with_second(plan);
    plan.logs.iter_mut().for_each(|log| log.worker = second());
}

#[test]
fn a_file_goes_on_where_it_was_whatever_is_said_about_it_now() {
    let a = json!({ "path": "a.log", "attributes": { "n": 1 } });
    let glob = json!({ "path": "*.log", "attributes": { "of": "glob" } });
    let mut reloads = Reloads::new(json!([a, glob]));
    for file in ["a.log", "b.log"] {
        reloads.append(file, 3);
    }
    reloads.all_arrive();
    let ids = reloads.ids();
    let other_a = json!({ "path": "a.log", "attributes": { "n": 2 } });
    let first = json!({ "path": "none/*.log" });
    for logs in [json!([first, a, glob]), json!([first, other_a, glob]), json!([glob, other_a]), json!([glob])] {
        for file in ["a.log", "b.log"] {
            reloads.append(file, 5);
        }
        reloads.apply(logs, |_| {});
        for file in ["a.log", "b.log"] {
            reloads.append(file, 5);
        }
        reloads.all_arrive();
        assert_eq!(reloads.ids(), ids, "the files stay open");
    }
    let events = reloads.story.events("a.log");
    assert_eq!(events.first().unwrap().0["n"], "1");
    assert_eq!(events.last().unwrap().0["of"], "glob");
    let n: BTreeSet<_> = events.iter().filter_map(|(attributes, _)| attributes.get("n").cloned()).collect();
    assert_eq!(n.len(), 2);
    // An entry that only stands elsewhere now is named so.
    let unmatched = |reloads: &Reloads| reloads.snapshot().tail.unmatched.into_values().collect::<Vec<_>>();
    reloads.apply(json!([glob, first]), |_| {});
    assert_eq!(unmatched(&reloads), ["logs[1]"]);
    reloads.apply(json!([first, glob]), |_| {});
    assert_eq!(unmatched(&reloads), ["logs[0]"]);
    reloads.ends();
}

#[test]
fn a_session_whose_settings_change_delivers_what_it_has_before_the_next_one_goes_on() {
    let logs = json!([{ "path": "a.log" }]);
    let mut reloads = Reloads::new(logs.clone());
    let keys = [
        json!({ "compression_level": 6 }),
        json!({ "compression_level": 6, "max_request_spacing_interval": 0.1 }),
        json!({ "compression_type": "zstandard" }),
        json!({ "compression_type": "lz4", "compression_level": 9 }),
        json!({ "compression_type": "bz2" }),
        json!({ "server_attributes": { "serverHost": "story", "tier": "db" } }),
    ];
    let mut sessions = BTreeSet::new();
    for (index, keys) in keys.into_iter().enumerate() {
        reloads.append("a.log", 500);
        reloads.apply_keys(keys, logs.clone(), |_| {});
        reloads.append("a.log", 500);
        reloads.tells(DELIVERED, index + 1);
        reloads.all_arrive();
        sessions.insert(reloads.snapshot().sessions[0].session.clone());
    }
    assert_eq!(sessions.len(), 6);
    assert_eq!(reloads.story.told(CUT).len(), 0);
    reloads.ends();
}

#[test]
fn what_a_wrong_key_has_kept_back_is_delivered_with_the_right_one() {
    let logs = json!([{ "path": "a.log" }]);
    let mut reloads = Reloads::new(logs.clone());
    reloads.story.receiver.faults().set("status:error/client/badAPIKey".parse().unwrap());
    reloads.append("a.log", 1000);
    reloads
        .story
        .waits("the key is refused", || reloads.snapshot().sessions.iter().any(|session| session.requests_failed > 0));
    reloads.apply(logs, |plan| plan.sessions[0].api_key = ApiKey::new("right"));
    reloads.tells(CUT, 1);
    reloads.story.receiver.faults().set("ok".parse().unwrap());
    reloads.append("a.log", 10);
    reloads.ends();
}

#[test]
fn what_a_server_does_not_answer_to_goes_to_the_next_one() {
    let logs = json!([{ "path": "a.log" }]);
    let mut reloads = Reloads::new(logs.clone());
    let keys = json!({ "request_deadline": 2 });
    reloads.apply_keys(keys.clone(), logs.clone(), |_| {});
    reloads.story.receiver.faults().set("stall".parse().unwrap());
    reloads.append("a.log", 1000);
    reloads.hangs();
    let next = receiver(&reloads.story.heard);
    reloads.apply_keys(keys, logs, |plan| plan.sessions[0].server = next.url());
    let leaving: Vec<_> = reloads.snapshot().leaving_sessions.into_iter().map(|session| session.server).collect();
    assert_eq!(leaving, [reloads.story.receiver.url()], "status shows what leaves");
    reloads.append("a.log", 10);
    reloads.tells(CUT, 1);
    assert!(reloads.story.told("they are read again")[0].contains("its successor goes on"));
    reloads.ends();
}

#[test]
fn a_stalled_session_that_is_replaced_holds_up_no_other_one() {
    let logs = json!([{ "path": "a.log" }, { "path": "b.log" }]);
    let mut reloads = Reloads::new(json!([]));
    let stalled = receiver(&reloads.story.heard);
    stalled.faults().set("stall".parse().unwrap());
    let workers = |stalled: String| {
        move |plan: &mut Plan| {
            with_second(plan);
            plan.sessions[1].server = stalled;
            plan.logs[1].worker = second();
        }
    };
    reloads.apply(logs.clone(), workers(stalled.url()));
    reloads.append("b.log", 100);
    reloads.hangs();
    reloads.apply(logs.clone(), |plan| {
        workers(stalled.url())(plan);
        plan.sessions[1].api_key = ApiKey::new("other");
    });
    // It is being handed over now, for a minute at most; everything else goes on.
    reloads.append("a.log", 100);
    reloads.story.waits("the other worker's lines come", || reloads.numbers("a.log").len() == 100);
    reloads.story.supervisor.as_ref().unwrap().tick().unwrap();
    // A second reload while the first one is not done.
    let server = reloads.story.receiver.url();
    reloads.apply(logs, workers(server));
    stalled.stop();
    reloads.tells(CUT, 1);
    reloads.append("b.log", 100);
    reloads.ends();
}

#[test]
fn a_worker_that_is_removed_delivers_what_it_has_and_its_files_go_on_when_it_comes_back() {
    let (a, b) = (json!({ "path": "a.log" }), json!({ "path": "b.log" }));
    let both = |plan: &mut Plan| {
        with_second(plan);
        plan.logs[1].worker = second();
    };
    let mut reloads = Reloads::new(json!([]));
    reloads.apply(json!([a, b]), both);
    for file in ["a.log", "b.log"] {
        reloads.append(file, 100);
    }
    reloads.all_arrive();
    reloads.append("b.log", 100);
    reloads.apply(json!([a]), |_| {});
    reloads.tells("its worker has no session any more", 1);
    reloads.story.waits("its file is let go", || reloads.snapshot().tail.watched_paths == 1);
    reloads.append("b.log", 100);
    reloads.append("a.log", 100);
    reloads.story.waits("the other one goes on", || reloads.numbers("a.log").len() == 200);
    reloads.apply(json!([a, b]), both);
    reloads.append("b.log", 100);
    reloads.ends();
}

#[test]
fn a_file_that_goes_to_another_worker_and_back_loses_and_repeats_nothing() {
    let logs = json!([{ "path": "a.log" }, { "path": "rotated/*.log" }]);
    let mut reloads = Reloads::new(logs.clone());
    fs::create_dir(reloads.story.path("rotated")).unwrap();
    for round in 0..3 {
        for change in [with_second as fn(&mut Plan), all_second] {
            for file in ["a.log", "rotated/b.log"] {
                reloads.append(file, 100);
            }
            reloads.apply(logs.clone(), change);
            for file in ["a.log", "rotated/b.log"] {
                reloads.append(file, 100);
            }
        }
        reloads.story.waits("the files have moved", || {
            let files = reloads.snapshot().files;
            !files.is_empty() && files.iter().all(|file| file.worker == second())
        });
        assert!(round < 3);
    }
    reloads.ends();
}

#[test]
fn a_file_whose_worker_changes_waits_until_the_one_before_has_settled_it() {
    let logs = json!([{ "path": "a.log" }]);
    let mut reloads = Reloads::new(json!([]));
    reloads.apply(logs.clone(), with_second);
    reloads.story.receiver.faults().set("status:error/server/backoff".parse().unwrap());
    reloads.append("a.log", 100);
    reloads.story.waits("it is on its way", || reloads.snapshot().totals.pending > 0);
    let other = receiver(&reloads.story.heard);
    reloads.apply(logs.clone(), |plan| {
        all_second(plan);
        plan.sessions[1].server = other.url();
    });
    reloads.append("a.log", 100);
    reloads.story.waits("the other session runs", || reloads.snapshot().sessions.len() == 2);
    assert_eq!(other.summary().events, 0);
    reloads.story.receiver.faults().set("ok".parse().unwrap());
    reloads.all_arrive();
    assert_eq!(other.summary().events, 100);
    // Killed in the middle, or restarted instead of reloaded: what one worker had, the other one goes on with.
    let Reloads { mut story, written } = reloads;
    assert!(story.supervisor.take().unwrap().stop().drained);
    let mut reloads = Reloads { story, written };
    reloads.append("a.log", 50);
    reloads.apply(logs, with_second);
    reloads.append("a.log", 50);
    reloads.ends();
}

#[test]
fn a_file_does_not_wait_for_ever_for_a_worker_whose_server_is_dead() {
    let logs = json!([{ "path": "a.log" }, { "path": "b.log" }]);
    let keys = json!({ "request_deadline": 1 });
    let mut reloads = Reloads::new(json!([]));
    reloads.apply_keys(keys.clone(), logs.clone(), with_second);
    reloads.story.receiver.faults().set("stall".parse().unwrap());
    for file in ["a.log", "b.log"] {
        reloads.append(file, 100);
    }
    reloads.hangs();
    let other = receiver(&reloads.story.heard);
    // Only one of them goes.
    reloads.apply_keys(keys, logs, |plan| {
        with_second(plan);
        (plan.logs[0].worker, plan.sessions[1].server) = (second(), other.url());
    });
    reloads.append("a.log", 100);
    reloads.story.waits("it has gone", || {
        reloads.story.supervisor.as_ref().unwrap().tick().unwrap();
        reloads.numbers("a.log").len() == 200
    });
    assert_eq!(reloads.story.told("the session is replaced, and what it cannot deliver goes with the files").len(), 1);
    assert_eq!(other.summary().events, 200);
    // The other one is still its worker's, and comes when its server does.
    reloads.story.receiver.faults().set("ok".parse().unwrap());
    reloads.append("b.log", 100);
    reloads.ends();
}

#[test]
fn a_session_in_the_middle_of_the_parts_of_a_request_is_not_cut() {
    let logs = json!([{ "path": "a.log" }]);
    let keys = json!({ "request_deadline": 10 });
    let mut reloads = Reloads::new(json!([]));
    reloads.apply_keys(keys.clone(), logs.clone(), |_| {});
    // The whole is refused, and after a probe its half, a quarter and so on to an event by itself: more than a deadline
    // without a success.
    let script = "1*delay:2s+http:400:empty,1*delay:2s,7*delay:2s+http:400:empty,1*delay:2s";
    reloads.story.receiver.faults().set(script.parse().unwrap());
    reloads.append("a.log", 128);
    reloads
        .story
        .waits("the parts begin", || reloads.snapshot().sessions.iter().any(|session| session.probes_sent > 0));
    reloads.apply_keys(keys, logs, |plan| plan.sessions[0].api_key = ApiKey::new("other"));
    // The first one was that of the start.
    reloads.tells(DELIVERED, 2);
    assert_eq!(reloads.story.told(CUT).len(), 0);
    reloads.ends();
}

#[test]
fn a_worker_that_waits_for_the_rate_is_not_dead_and_its_file_waits_for_it() {
    const REPLACED: &str = "the session is replaced, and what it cannot deliver goes with the files";
    let logs = json!([{ "path": "a.log" }]);
    let keys = json!({ "request_deadline": 2 });
    let limited = |plan: &mut Plan| {
        // 290 bytes, of which 80 may leave at once: ten seconds and more.
        plan.sessions[0].pacing.max_rate = Some(20.0);
        with_second(plan);
        plan.sessions[1].pacing.max_rate = None;
    };
    let mut reloads = Reloads::new(json!([]));
    reloads.apply_keys(keys.clone(), logs.clone(), limited);
    reloads.append("a.log", 100);
    let is_kept_back = |session: &SessionSnapshot| session.rate_pause_seconds > Some(4.0);
    reloads.story.waits("the rate keeps it back", || reloads.snapshot().sessions.iter().any(is_kept_back));
    reloads.apply_keys(keys, logs, |plan| {
        limited(plan);
        plan.logs[0].worker = second();
    });
    reloads.append("a.log", 100);
    reloads.story.waits("all of it has come", || {
        reloads.story.supervisor.as_ref().unwrap().tick().unwrap();
        reloads.numbers("a.log").len() >= 200
    });
    assert_eq!(reloads.story.told(REPLACED).len(), 0);
    reloads.ends();
}

#[test]
fn a_stop_in_the_middle_of_a_handover_is_orderly_and_the_next_start_goes_on() {
    let logs = json!([{ "path": "a.log" }]);
    let mut reloads = Reloads::new(logs.clone());
    reloads.story.receiver.faults().set("stall".parse().unwrap());
    reloads.append("a.log", 1000);
    reloads.hangs();
    reloads.apply(logs.clone(), |plan| plan.sessions[0].api_key = ApiKey::new("other"));
    let Reloads { mut story, written } = reloads;
    let snapshot = story.supervisor.as_ref().unwrap().snapshot();
    assert!(snapshot.lag.bytes > 0 && snapshot.lag.worst.is_some(), "{:?}", snapshot.lag);
    let of_files: u64 = snapshot.files.iter().map(|file| file.lag_bytes).sum();
    let parts: u64 = snapshot.files.iter().map(|file| file.totals.pending + file.unread_bytes).sum();
    assert_eq!((of_files, parts), (snapshot.lag.bytes, snapshot.lag.bytes));
    let stopped = story.supervisor.take().unwrap().stop();
    assert_eq!(story.told("Sent, but not answered within ").len(), 1);
    assert!(!stopped.drained && stopped.totals.reconciles() && stopped.totals.pending > 0, "{stopped:?}");
    story.receiver.faults().set("ok".parse().unwrap());
    let mut reloads = Reloads { story, written };
    reloads.apply(logs, |_| {});
    reloads.append("a.log", 10);
    reloads.ends();
}

#[test]
fn an_agent_that_is_brought_to_the_plan_it_has_touches_nothing() {
    let logs = json!([{ "path": "a.log" }]);
    let mut reloads = Reloads::new(logs.clone());
    reloads.append("a.log", 10);
    reloads.all_arrive();
    let before = (reloads.ids(), reloads.snapshot().sessions[0].session.clone());
    reloads.apply(logs, |_| {});
    assert_eq!((reloads.ids(), reloads.snapshot().sessions[0].session.clone()), before);
    reloads.ends();
}

#[test]
fn where_an_entry_stands_is_no_difference_and_everything_else_is() {
    let story = Story::new();
    let plan = |keys: Value| story.plan(keys).0;
    let entry = |path: &str| json!({ "path": story.path(path) });
    let of = |before: &Plan, after: &Plan| {
        let Difference { logs, monitors, sessions, .. } = Difference::between(Some(before), after);
        let names = |plans: &[MonitorPlan]| plans.iter().map(MonitorPlan::name).collect::<Vec<_>>();
        assert_eq!(names(&monitors.removed), names(&monitors.added));
        (logs.removed.len(), logs.added.len(), names(&monitors.added), sessions.added.len())
    };
    let (a, b) = (json!({ "module": "speaker", "id": "a" }), json!({ "module": "speaker", "id": "b" }));
    let before = plan(json!({ "logs": [entry("1.log"), entry("2.log")], "monitors": [a, b] }));
    assert!(Difference::between(Some(&before), &before.clone()).is_empty());
    let inserted = plan(json!({ "logs": [entry("0.log"), entry("1.log"), entry("2.log")], "monitors": [b, a] }));
    assert_eq!(of(&before, &inserted), (0, 1, vec![], 0));
    assert!(!Difference::between(Some(&before), &inserted).logs_moved);
    let turned = plan(json!({ "logs": [entry("2.log"), entry("1.log")], "monitors": [a, b] }));
    assert_eq!(of(&before, &turned), (0, 0, vec![], 0));
    assert!(Difference::between(Some(&before), &turned).logs_moved);
    let keys = json!({ "logs": [entry("1.log"), entry("2.log")], "monitors": [a, b], "max_line_size": 100 });
    assert_eq!(Difference::between(Some(&before), &plan(keys)).tail.map(|tail| tail.max_line_size), Some(100));
    for (key, value) in [("disabled", json!(true)), ("stop_agent_on_failure", json!(true)), ("mode", json!("end"))] {
        let mut changed = b.clone();
        changed[key] = value;
        let after = plan(json!({ "logs": [entry("1.log"), entry("2.log")], "monitors": [a, changed] }));
        assert_eq!(of(&before, &after), (0, 0, vec!["speaker(b)".to_owned()], 0), "{key}");
    }
    let mut elsewhere = before.clone();
    elsewhere.monitors[0].environment = Arc::new(Environment::new([("SCALYR_X".to_owned(), "1".to_owned())]));
    assert_eq!(of(&before, &elsewhere).2, ["speaker(a)"]);
}
