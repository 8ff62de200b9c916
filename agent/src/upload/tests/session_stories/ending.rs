//! What is dropped, and how a session ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use scalyr_monitor::Stop;

use super::super::fixture::wait_until;
use super::super::server::{Server, Step};
use super::{LONG, Story, plan};
use crate::ledger::{DropReason, Verdict};
use crate::logs::batch::Blank;
use crate::upload::Finished;

#[test]
fn bytes_that_are_not_sent_are_settled_without_a_request_and_in_order() {
    let server = Server::start([]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    let sampled_out = file.batch_of(&[(b"sampled out\n", Verdict::SampledOut)]);
    story.session.batches().send(sampled_out).unwrap();
    story.settles(&file);
    assert_eq!((server.count(), file.totals().sampled_out.lines), (0, 1));
    assert!(story.saves.count.load(Ordering::SeqCst) >= 1);
    story.append(&mut file, &["line\n"]);
    let sampled_out = file.batch_of(&[(b"sampled out\n", Verdict::SampledOut)]);
    story.session.batches().send(sampled_out).unwrap();
    story.settles(&file);
    assert_eq!((server.count(), file.totals().sampled_out.lines, file.totals().accepted.lines), (1, 2, 1));
}

#[test]
fn an_event_too_large_for_every_request_is_dropped_and_the_others_arrive() {
    let server = Server::start([]);
    let mut small = plan(&server.url());
    small.pacing.max_request_size = 2000;
    let story = Story::new(small);
    let mut file = story.file("/a");
    let huge = "x".repeat(5000) + "\n";
    story.append(&mut file, &["one\n", &huge, "two\n"]);
    story.settles(&file);
    assert_eq!(server.messages("log_1"), ["one\n", "two\n"]);
    let totals = file.totals();
    let dropped = totals.dropped[&DropReason::TooLarge];
    assert_eq!((dropped.lines, dropped.bytes, totals.accepted.lines), (1, 5001, 2));
    wait_until("the loss is told", || !story.lines.of("WARNING").is_empty());
    assert_eq!(story.session.snapshot().events_too_large, 1);
    let warnings = story.lines.of("WARNING");
    assert!(warnings.len() == 1 && warnings[0].contains("max_allowed_request_size"), "{warnings:?}");
    assert!(warnings[0].contains("/a"), "{warnings:?}");
}

#[test]
fn finishing_ends_a_pause_and_tries_once_more() {
    let server = Server::start([Step::Answer("503 Service Unavailable", "Retry-After: 3600\r\n", String::new())]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    wait_until("the first attempt has failed", || story.session.snapshot().requests_failed == 1);
    story.append(&mut file, &["two\n"]);
    assert_eq!(story.session.finish(LONG), Finished { drained: true });
    assert_eq!(server.messages("log_1"), ["one\n", "one\n", "two\n"]);
    assert_eq!(file.totals().accepted.lines, 2);
}

#[test]
fn finishing_gives_up_when_the_last_attempt_fails_and_leaves_the_bytes_pending() {
    let story = Story::new(plan("http://127.0.0.1:1"));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n", "two\n"]);
    wait_until("an attempt has failed", || story.session.snapshot().requests_failed > 0);
    assert_eq!(story.session.finish(LONG), Finished { drained: false });
    assert_eq!((file.totals().pending, file.totals().accepted.lines), (8, 0));
    assert_eq!(story.session.snapshot().unanswered_bytes, 0, "nothing has left, so nothing can arrive twice");
    wait_until("the threads have ended", || story.threads.running() == 0);
}

#[test]
fn finishing_does_not_wait_longer_than_its_budget_for_a_server_that_hangs() {
    let never = Stop::new();
    let server = Server::start([Step::Hold(never.clone()), Step::Hold(never.clone())]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    wait_until("the server has it", || server.count() == 1);
    let waited = story.session.snapshot().server_seconds;
    wait_until("the wait for the server is measured", || story.session.snapshot().server_seconds > waited);
    assert_eq!(story.session.finish(Duration::from_millis(50)), Finished { drained: false });
    wait_until("the threads have ended although the server is silent", || story.threads.running() == 0);
    assert_eq!(story.session.snapshot().unanswered_bytes, 4, "the server may have it");
    assert_eq!(file.totals().pending, 4, "nobody knows whether it was accepted, so it stays pending");
    never.stop();
}

#[test]
fn a_missing_certificate_file_is_named_and_waited_for() {
    let missing = "/nonexistent/ca.pem";
    let mut broken = plan("https://127.0.0.1:1");
    broken.roots = crate::config::plan::Roots::File(missing.into());
    let story = Story::new(broken);
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    wait_until("it was tried again", || story.session.snapshot().requests_failed > 1);
    let warnings = story.lines.of("WARNING");
    assert!(warnings.len() == 1 && warnings[0].contains(missing), "{warnings:?}");
    assert_eq!(file.totals().pending, 4);
}

#[test]
fn a_panic_in_a_thread_of_the_session_is_logged_and_settles_nothing_more() {
    let server = Server::start([]);
    let story = Story::with(plan(&server.url()), |saves| assert!(saves < 2, "a mistake in the checkpoint"));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    story.settles(&file);
    story.append(&mut file, &["two\n"]);
    wait_until("the session has ended", || story.session.snapshot().broken.is_some());
    wait_until("the channel is closed", || story.session.batches().send(file.batch(&[b"three\n"])).is_err());
    assert!(story.lines.of("CRITICAL")[0].contains("a mistake in the checkpoint"), "{:?}", story.lines.all());
    assert_eq!(story.session.finish(LONG), Finished { drained: false });
    assert!(file.totals().pending > 0);
}

#[test]
fn the_memory_of_batches_comes_back_empty() {
    let server = Server::start([]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    let Blank { arena, events, segments } = story.session.recycled().recv_timeout(LONG).unwrap();
    assert!(arena.is_empty() && arena.capacity() >= 4);
    assert!(events.is_empty() && events.capacity() >= 1);
    assert!(segments.is_empty() && segments.capacity() >= 1);
}
