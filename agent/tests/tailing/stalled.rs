//! Sessions that take nothing for a while: what waits for them costs nothing, and keeps nobody else.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_agent::config::plan::LogPlan;
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
    tailing.running().tail.open_port(Port { worker: other(), batches: sender, recycled });
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
    assert!(tailing.running().tail.snapshot().waiting_for.contains(&worker()));
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
