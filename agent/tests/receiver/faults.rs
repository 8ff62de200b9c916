//! Each fault does what it says, to the client and to the counts.

use std::time::Duration;

use scalyr_agent::receiver::{Action, Receiver};
use scalyr_monitor::Clock;

use crate::client::{Client, PATIENCE, good_body, start_with};

/// Sends one request on a connection of its own and returns all that comes back until it is closed.
fn raw_answer(receiver: &Receiver) -> String {
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "", &good_body(1));
    client.half_close();
    client.rest()
}

#[test]
fn a_status_is_answered_for_so_many_requests() {
    let receiver = start_with("2*status:error/server/backoff,1*retry-after:7+http:429");
    let mut client = Client::connect(receiver.address());
    for _ in 0..2 {
        let answer = client.upload(1);
        assert_eq!(answer.code, 200);
        assert!(answer.body.contains(r#""status":"error/server/backoff""#), "{}", answer.body);
    }
    let answer = client.upload(1);
    assert_eq!(answer.code, 429);
    assert!(answer.head.contains("Retry-After: 7\r\n"), "{}", answer.head);
    assert_eq!(client.upload(1).code, 200);
    let summary = receiver.summary();
    assert_eq!((summary.requests, summary.withheld, summary.accepted, summary.events), (4, 3, 1, 1));
    assert_eq!(summary.last_error, None);
}

#[test]
fn codes_come_with_bodies_that_are_json_or_not() {
    let receiver = start_with("1*http:500:success,1*http:503:html,1*http:200:empty,1*http:200:half,1*http:502");
    let mut client = Client::connect(receiver.address());
    let answers: Vec<_> = (0..5).map(|_| client.upload(1)).collect();
    let codes: Vec<_> = answers.iter().map(|answer| answer.code).collect();
    assert_eq!(codes, [500, 503, 200, 200, 502]);
    assert_eq!(answers[0].body, r#"{"status":"success","bytesCharged":0}"#);
    assert!(answers[1].head.contains("text/html") && answers[1].body.starts_with("<html>"));
    assert_eq!(answers[2].body, "");
    assert_eq!(answers[3].body, r#"{"status":"succ"#);
    assert!(answers[4].body.contains(r#""status":"error/server""#));
    assert_eq!(receiver.summary().events, 0);
}

#[test]
fn a_delay_comes_before_and_lateness_after_the_events_are_accepted() {
    let receiver = start_with("1*delay:300ms,1*late:300ms");
    let mut client = Client::connect(receiver.address());
    let begin = Clock::system().monotonic();
    assert_eq!(client.upload(1).code, 200);
    assert!((Clock::system().monotonic() - begin) >= Duration::from_millis(300));
    client.post("/addEvents", "", &good_body(2));
    assert!(receiver.wait_until(PATIENCE, |summary| summary.accepted == 2));
    assert_eq!(receiver.summary().finished, 1, "accepted, and not answered yet");
    assert_eq!(client.answer().code, 200);
}

#[test]
fn a_client_that_gives_up_during_a_delay_is_not_served() {
    let receiver = start_with("delay:1m");
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "", &good_body(1));
    assert!(receiver.wait_until(PATIENCE, |summary| summary.requests == 1));
    drop(client);
    assert!(receiver.wait_until(PATIENCE, |summary| summary.withheld == 1 && summary.open_connections == 0));
    assert_eq!(receiver.summary().accepted, 0);
}

#[test]
fn connections_are_cut_at_the_place_that_was_asked_for() {
    let receiver = start_with("1*cut,1*cut:head,1*cut:accepted,1*cut:answer,1*hangup,1*close");
    assert_eq!(raw_answer(&receiver), "");
    assert_eq!(raw_answer(&receiver), "");
    assert_eq!(receiver.summary().accepted, 0);
    assert_eq!(raw_answer(&receiver), "");
    let half = raw_answer(&receiver);
    assert!(half.contains("\r\n\r\n{\"status\":\"succ") && !half.ends_with('}'), "{half}");
    for announced in [false, true] {
        let mut client = Client::connect(receiver.address());
        let answer = client.upload(1);
        assert_eq!((answer.code, answer.head.contains("Connection: close")), (200, announced));
        assert_eq!(client.rest(), "");
    }
    let summary = receiver.summary();
    assert_eq!((summary.withheld, summary.accepted, summary.repeated_events), (2, 4, 3));
}

#[test]
fn an_answer_drips() {
    let receiver = start_with("drip:1ms");
    let mut client = Client::connect(receiver.address());
    let begin = Clock::system().monotonic();
    let answer = client.upload(1);
    assert_eq!(answer.code, 200);
    let bytes = answer.head.len() + answer.body.len();
    assert!((Clock::system().monotonic() - begin) >= Duration::from_millis(bytes as u64 - 1));
}

#[test]
fn a_stalled_request_is_let_go_when_its_client_gives_up() {
    let receiver = start_with("stall");
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "", &good_body(1));
    assert!(receiver.wait_until(PATIENCE, |summary| summary.requests == 1));
    client.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(client.rest(), "");
    assert_eq!(receiver.summary().finished, 0);
    drop(client);
    assert!(receiver.wait_until(PATIENCE, |summary| summary.finished == 1 && summary.open_connections == 0));
    assert_eq!(receiver.summary().withheld, 1);
}

#[test]
fn faults_are_changed_while_it_runs_from_within_and_over_http() {
    let receiver = start_with("status:error/client/badParam");
    let mut client = Client::connect(receiver.address());
    assert!(client.upload(1).body.contains("badParam"));
    receiver.faults().next(1, Action::Status("error/server".to_owned()));
    assert!(client.upload(1).body.contains(r#""error/server""#));
    assert!(client.upload(1).body.contains("badParam"));

    client.post("/control/faults", "", b"1*http:503, close");
    let answer = client.answer();
    assert_eq!(answer.body, r#"{"status":"success","faults":"1*http:503:error,close"}"#);
    assert_eq!(client.upload(1).code, 503);
    client.post("/control/faults", "", b"stal");
    let answer = client.answer();
    assert_eq!(answer.code, 400);
    assert!(answer.body.contains("did you mean `stall`?"), "{}", answer.body);
    client.post("/control/faults", "", b"");
    assert_eq!(client.answer().code, 200);
    assert!(!client.upload(1).head.contains("close"));
    receiver.faults().clear();
    assert_eq!(client.upload(2).code, 200);
}
