//! Sessions that take nothing for a while: what waits for them costs nothing, and keeps nobody else.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_agent::config::plan::{LogPlan, SessionId};
use scalyr_agent::ledger::WorkerId;
use scalyr_agent::logs::batch::Batch;
use scalyr_agent::logs::{Port, Withdrawal};

use super::{DEADLINE, Tailing, messages, settle, worker};

/// Far more looks than anything needs in three seconds, and far fewer than a thread makes that does nothing else.
const MANY: u64 = 500;

fn other() -> WorkerId {
    WorkerId("other".into())
}

fn open_port_of_the_other(tailing: &Tailing) -> Receiver<Batch> {
    let (sender, batches) = bounded(8);
    let (_, recycled) = bounded(1);
    tailing.running().tail.open_port(Port { session: other().into(), batches: sender, recycled });
    batches
}

fn looks_within_three_seconds(tailing: &Tailing) -> u64 {
    let before = tailing.running().tail.snapshot().looks;
    sleep(Duration::from_secs(3));
    tailing.is_heard();
    tailing.running().tail.snapshot().looks - before
}

fn is_parked(tailing: &Tailing) {
    tailing.fills_the_channel();
    sleep(Duration::from_millis(700));
    tailing.is_heard();
    assert!(tailing.running().tail.snapshot().waiting_for.contains(&worker().into()));
}

#[test]
fn unfinished_lines_behind_a_stalled_session_are_not_looked_at_all_the_time() {
    let mut tailing = Tailing::new();
    tailing.plan.line_completion_wait = Duration::from_secs(3);
    tailing.start("*.log");
    for n in 0..20 {
        tailing.append(&format!("{n}.log"), "unfinished");
    }
    sleep(Duration::from_millis(500));
    tailing.append("flood.log", "x\n".repeat(2_000_000));
    is_parked(&tailing);
    // Their time comes.
    sleep(Duration::from_secs(3));
    let looks = looks_within_three_seconds(&tailing);
    assert!(looks < MANY, "{looks} looks");
}

#[test]
fn unfinished_lines_of_a_worker_without_a_session_are_not_looked_at_all_the_time() {
    let mut tailing = Tailing::new();
    tailing.plan.line_completion_wait = Duration::from_secs(1);
    tailing.start("*.log");
    for n in 0..20 {
        tailing.append(&format!("{n}.log"), "unfinished");
    }
    sleep(Duration::from_millis(500));
    tailing.running().tail.close_port(worker());
    sleep(Duration::from_millis(700));
    let looks = looks_within_three_seconds(&tailing);
    assert!(looks < MANY, "{looks} looks");
}

#[test]
fn a_file_that_was_withdrawn_at_once_and_is_not_settled_is_not_looked_at_all_the_time() {
    let mut tailing = Tailing::new();
    tailing.start("none.log");
    tailing.register(tailing.entry("a.log"));
    tailing.append("a.log", "1\n");
    let held = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    // A deleted file is looked at every now and then.
    fs::remove_file(tailing.path("a.log")).unwrap();
    tailing.append("a.log", "unfinished");
    sleep(Duration::from_millis(100));
    tailing.running().tail.withdraw(worker(), tailing.entry("a.log").path, Withdrawal::AtOnce);
    sleep(Duration::from_millis(700));
    let looks = looks_within_three_seconds(&tailing);
    assert!(looks < MANY, "{looks} looks");
    settle(&held);
    tailing.watches(1);
}

#[test]
fn a_file_that_moves_away_from_a_stalled_session_does_not_wait_for_it() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    let others = open_port_of_the_other(&tailing);
    tailing.append("flood.log", "x\n".repeat(2_000_000));
    tailing.fills_the_channel();
    tailing.append("moves.log", "1\n");
    is_parked(&tailing);
    let moved = LogPlan { worker: other(), ..tailing.entry("moves.log") };
    let flood = LogPlan { origin: "logs[1]".into(), ..tailing.entry("flood.log") };
    tailing.follow(vec![moved, flood]);
    let batch = others.recv_timeout(DEADLINE).expect("it waits for the session that it left");
    assert_eq!(messages(&batch), ["1\n"]);
}

/// The three sessions of `worker()`, the first one being that of `tailing`.
fn three_sessions(tailing: &Tailing) -> [Receiver<Batch>; 2] {
    tailing.running().tail.share([(worker(), 3)].into());
    [1, 2].map(|number| {
        let (sender, batches) = bounded(8);
        let (_, recycled) = bounded(1);
        let session = SessionId { worker: worker(), number };
        tailing.running().tail.open_port(Port { session, batches: sender, recycled });
        batches
    })
}

#[test]
fn files_are_shared_out_in_turn_and_keep_their_session_with_all_their_generations() {
    let mut tailing = Tailing::new();
    tailing.start("none/*.log");
    let [second, third] = three_sessions(&tailing);
    tailing.follow(vec![tailing.entry("*.log")]);
    let mut sent = Vec::new();
    for name in ["a.log", "b.log", "c.log", "d.log"] {
        tailing.append(name, format!("{name} 1\n"));
        let first = tailing.running().batches.clone();
        // In the order of their discovery.
        let session = [&first, &second, &third][sent.len() % 3];
        let batch = session.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{name} goes to another session"));
        assert_eq!(messages(&batch), [format!("{name} 1\n")]);
        assert_eq!(batch.account.session_number() as usize, sent.len() % 3);
        settle(&batch);
        sent.push(batch);
    }
    // A new generation of the second file, while the old one is written to, and the others too.
    fs::rename(tailing.path("b.log"), tailing.path("b.1")).unwrap();
    tailing.append("b.1", "b.log 2\n");
    tailing.append("b.log", "b.log 3\n");
    tailing.append("c.log", "c.log 2\n");
    let of = |session: &Receiver<Batch>, count: usize| -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let batch = session.recv_timeout(DEADLINE).expect("a line goes to another session");
            settle(&batch);
            lines.extend(messages(&batch));
        }
        lines
    };
    assert_eq!(of(&second, 2), ["b.log 2\n", "b.log 3\n"]);
    assert_eq!(of(&third, 1), ["c.log 2\n"]);
}

#[test]
fn a_stalled_session_parks_its_own_files_and_those_of_its_sisters_go_on() {
    let mut tailing = Tailing::new();
    tailing.start("none/*.log");
    let [second, third] = three_sessions(&tailing);
    tailing.follow(vec![tailing.entry("*.log")]);
    // Found one after the other, so that it is known which session takes which.
    tailing.append("flood.log", "x\n");
    assert_eq!(tailing.lines(1), ["x\n"]);
    for (name, session) in [("b.log", &second), ("c.log", &third)] {
        tailing.append(name, "1\n");
        settle(&session.recv_timeout(DEADLINE).unwrap());
    }
    tailing.append("flood.log", "x\n".repeat(2_000_000));
    is_parked(&tailing);
    let waiting = tailing.running().tail.snapshot().waiting_for;
    assert_eq!(waiting.into_iter().map(|id| id.to_string()).collect::<Vec<_>>(), ["default-0"]);
    for (name, session) in [("b.log", &second), ("c.log", &third)] {
        tailing.append(name, "2\n");
        let batch = session.recv_timeout(DEADLINE).expect("it waits for a session that is not its own");
        assert_eq!(messages(&batch), ["2\n"]);
    }
}

#[test]
fn a_file_changes_its_session_only_when_nothing_of_it_is_in_flight_in_the_one_before() {
    let mut tailing = Tailing::new();
    tailing.start("none/*.log");
    let [second, _third] = three_sessions(&tailing);
    tailing.follow(vec![tailing.entry("*.log")]);
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.append("b.log", "1\n");
    let held = second.recv_timeout(DEADLINE).unwrap();
    // One session from now on; the second one takes its time.
    tailing.running().tail.share([(worker(), 1)].into());
    tailing.append("b.log", "2\n");
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"], "of the first file, while the other one waits");
    tailing.is_heard();
    let moving = tailing.running().tail.snapshot().moving_from;
    assert_eq!(moving.into_iter().map(|id| id.to_string()).collect::<Vec<_>>(), ["default-1"]);
    assert!(tailing.running().batches.is_empty() && second.is_empty());
    settle(&held);
    assert_eq!(tailing.lines(1), ["2\n"], "of the second file, which has gone to the first session");
    assert!(second.is_empty());
}

#[test]
fn a_file_that_is_gone_while_it_moves_is_found_when_it_comes_back() {
    let mut tailing = Tailing::new();
    tailing.plan.log_deletion_delay = Duration::ZERO;
    tailing.start("*.log");
    let others = open_port_of_the_other(&tailing);
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::remove_file(tailing.path("a.log")).unwrap();
    tailing.follow(vec![LogPlan { worker: other(), ..tailing.entry("*.log") }]);
    tailing.watches(0);
    tailing.append("a.log", "2\n");
    let batch = others.recv_timeout(DEADLINE).expect("the other worker never hears of it");
    assert_eq!(messages(&batch), ["2\n"]);
}
