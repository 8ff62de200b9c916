//! Servers that refuse what is too large, what is in it, or the key.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_monitor::Clock;

use super::super::fixture::wait_until;
use super::{LONG, Story, plan};
use crate::config::plan::{Compression, SessionPlan};
use crate::ledger::DropReason;
use crate::receiver::{Arrival, Options, Receiver};
use crate::threads::Threads;
use crate::upload::{Finished, SessionState};

/// A receiver, and the messages of each request that it accepted.
struct Account {
    receiver: Receiver,
    requests: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Account {
    fn open(faults: &str) -> Self {
        let requests = Arc::<Mutex<Vec<Vec<String>>>>::default();
        let into = Arc::clone(&requests);
        let observer = move |arrival: &Arrival<'_, '_>| {
            let text = |message: &[u8]| String::from_utf8_lossy(message).into_owned();
            into.lock().unwrap().push(arrival.request.events.iter().map(|event| text(&event.message)).collect());
        };
        let faults = faults.parse().unwrap();
        let options = Options { observer: Some(Arc::new(observer)), faults, ..Options::default() };
        Self { receiver: Receiver::start(options, &Threads::new(), &Clock::system()).unwrap(), requests }
    }

    fn messages(&self) -> Vec<String> {
        self.requests.lock().unwrap().concat()
    }

    /// How many requests with events were accepted.
    fn accepted(&self) -> usize {
        self.requests.lock().unwrap().iter().filter(|events| !events.is_empty()).count()
    }
}

fn lines(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:06} {}\n", "x".repeat(length))).collect()
}

fn append(story: &Story, file: &mut super::File, lines: &[String]) {
    story.append(file, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

fn small_least(url: &str) -> SessionPlan {
    let mut plan = plan(url);
    plan.pacing.min_request_size = 1000;
    plan
}

#[test]
fn a_request_too_large_for_the_server_comes_in_parts_and_the_next_ones_are_smaller() {
    let account = Account::open("too-large:20000");
    let story = Story::new(small_least(&account.receiver.url()));
    let mut file = story.file("/a");
    let all = lines(400, 150);
    append(&story, &mut file, &all);
    story.settles(&file);
    assert_eq!(account.messages(), all, "each once and in order");
    let snapshot = story.session.snapshot();
    assert!(snapshot.requests_split >= 4 && snapshot.request_limit < 20_000, "{snapshot:?}");
    assert!(snapshot.request_limit >= 10_000 - 500, "{snapshot:?}");
    assert!(story.saves.count.load(Ordering::SeqCst) >= account.accepted(), "each part is noted as it is accepted");
    assert_eq!((snapshot.state, snapshot.events_accepted), (SessionState::Ok, 400));
    let told = story.lines.of("INFO");
    assert!(told.len() == 1 && told[0].contains("too large for http://127.0.0.1"), "{:?}", story.lines.all());
    assert!(story.lines.of("WARNING").is_empty(), "{:?}", story.lines.all());
    let refused = snapshot.requests_failed;
    append(&story, &mut file, &all);
    story.settles(&file);
    assert_eq!(account.messages().len(), 800);
    // What is packed after it was learned fits. One batch, which cannot be packed to less before it is refused, does not
    // matter: it is split before it leaves.
    assert_eq!(story.session.snapshot().requests_failed, refused, "{:?}", story.session.snapshot());
}

/// `wire-protocol.md`, sharp edge 9: the Python agent halved what a request has after compression, and forgot what it had
/// learned with the next success, so that each of its batches was refused first.
#[test]
fn a_server_with_a_lower_limit_is_not_hit_again_by_each_request() {
    const LIMIT: u64 = 50_000;
    let account = Account::open(&format!("too-large:{LIMIT}"));
    // A hundred times smaller after compression than before.
    let story = Story::new(small_least(&account.receiver.url()));
    let mut file = story.file("/a");
    let all = lines(12_000, 150);
    for batch in all.chunks(1000) {
        append(&story, &mut file, batch);
    }
    story.settles(&file);
    assert_eq!(account.messages(), all, "each once and in order");
    let (snapshot, summary) = (story.session.snapshot(), account.receiver.summary());
    assert!(summary.wire_bytes * 5 < summary.body_bytes, "{summary:?}");
    let (accepted, refused) = (account.accepted() as u64, snapshot.requests_failed);
    assert!(accepted >= summary.body_bytes / LIMIT, "{summary:?}");
    // From what the first requests had to the limit it is halved a few times; from then on a larger one is tried after each
    // ten that were accepted, and no other is refused.
    assert!(refused <= 8 + accepted / 10, "{refused} refused, {accepted} accepted");
    // It did not shrink for ever either.
    assert!(snapshot.request_limit > LIMIT / 4 && accepted <= 4 * summary.body_bytes / LIMIT, "{snapshot:?}");
}

#[test]
fn a_single_event_too_large_for_the_server_is_dropped_and_named() {
    let account = Account::open("too-large:3000");
    let story = Story::new(small_least(&account.receiver.url()));
    let mut file = story.file("/var/log/a.log");
    let mut all = lines(5, 40);
    all.insert(2, "y".repeat(4000) + "\n");
    append(&story, &mut file, &all);
    story.settles(&file);
    all.remove(2);
    assert_eq!(account.messages(), all);
    let totals = file.totals();
    let dropped = totals.dropped[&DropReason::TooLarge];
    assert_eq!((dropped.lines, dropped.bytes, totals.accepted.lines), (1, 4001, 5));
    assert_eq!(story.session.snapshot().events_too_large, 1);
    let told = story.lines.of("WARNING");
    assert!(told.len() == 1 && told[0].contains("/var/log/a.log, bytes 1096 to 5097"), "{told:?}");
}

#[test]
fn one_refused_event_among_many_is_dropped_and_named_and_all_others_arrive() {
    let account = Account::open("poison:POISON");
    let mut plain = plan(&account.receiver.url());
    plain.compression = Compression::None;
    let story = Story::new(plain);
    let (mut file, mut other) = (story.file("/var/log/a.log"), story.file("/var/log/b.log"));
    let mut all = lines(3000, 20);
    all[1234].insert_str(7, "POISON");
    let begin = 1000 + 1234 * 28;
    append(&story, &mut file, &all);
    story.append(&mut other, &["fine\n"]);
    story.settles(&file);
    story.settles(&other);
    all.remove(1234);
    let arrived: Vec<String> = account.messages().into_iter().filter(|message| message != "fine\n").collect();
    assert_eq!(arrived, all);
    let totals = file.totals();
    let dropped = totals.dropped[&DropReason::Refused];
    assert_eq!((dropped.lines, dropped.bytes, totals.accepted.lines, totals.pending), (1, 34, 2999, 0));
    assert_eq!(other.totals().accepted.lines, 1);
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.events_refused, snapshot.state), (1, SessionState::Ok));
    assert!(snapshot.requests_sent <= 2 * 12 + 6, "{snapshot:?}");
    assert_eq!(snapshot.probes_sent, 2, "one for the content, one before the event is dropped");
    let told = story.lines.of("WARNING");
    assert!(told.len() == 1, "{:?}", story.lines.all());
    assert!(told[0].contains(&format!("/var/log/a.log, bytes {begin} to {}", begin + 34)), "{told:?}");
    assert!(told[0].contains("error/client/badParam") && told[0].contains("the receiver was told"), "{told:?}");
}

#[test]
fn a_refused_key_parks_the_session_and_uploads_go_on_by_themselves_when_it_is_accepted() {
    let account = Account::open("key");
    let story = Story::new(plan(&account.receiver.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n", "two\n"]);
    wait_until("several probes were refused", || story.session.snapshot().probes_sent >= 4);
    story.append(&mut file, &["three\n"]);
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.requests_sent, snapshot.state), (1, SessionState::KeyRefused), "the events left once");
    assert!(snapshot.state_since_ms.is_some() && snapshot.last_answer.unwrap().contains("api_key is wrong"));
    let totals = file.totals();
    assert_eq!((totals.accepted.lines, totals.dropped.len()), (0, 0), "nothing is dropped");
    let told = story.lines.all();
    assert!(told.len() == 1 && told[0].starts_with("ERROR") && told[0].contains("refuses the api key"), "{told:?}");
    account.receiver.faults().clear();
    story.settles(&file);
    assert_eq!(account.messages(), ["one\n", "two\n", "three\n"]);
    wait_until("all is well", || story.session.snapshot().state == SessionState::Ok);
    assert_eq!(story.session.snapshot().failing_since_ms, None);
    let told = story.lines.all();
    assert!(told.len() == 2 && told[1].contains("accepts the key of worker default"), "{told:?}");
}

#[test]
fn a_key_that_becomes_valid_in_the_middle_costs_no_event() {
    // The whole, the probe and the first half are answered as with a key that comes and goes.
    for script in ["1*key", "2*key", "1*key,1*ok,1*key", "1*key,1*ok,2*key,1*ok,1*key", "1*http:401", "3*http:403"] {
        let account = Account::open(script);
        let story = Story::new(plan(&account.receiver.url()));
        let mut file = story.file("/a");
        let all = lines(7, 10);
        append(&story, &mut file, &all);
        story.settles(&file);
        assert_eq!(account.messages(), all, "{script}");
        assert_eq!(story.session.snapshot().events_refused, 0, "{script}");
    }
}

#[test]
fn events_refused_for_the_key_while_probes_are_accepted_are_sent_ever_less_often() {
    let account = Account::open(&["1*http:401,1*ok"; 12].join(","));
    let mut slow = plan(&account.receiver.url());
    // The first pause has 0.1 s, the longest one ten.
    slow.pacing.max_error_spacing = Duration::from_secs(1);
    let story = Story::new(slow);
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n", "two\n"]);
    wait_until("the pauses have grown", || {
        let snapshot = story.session.snapshot();
        snapshot.state == SessionState::KeyRefused && snapshot.back_off_seconds.is_some_and(|pause| pause >= 1.0)
    });
    assert_eq!(file.totals().pending, 8);
    let told = story.lines.all();
    assert!(told.len() == 1 && told[0].contains("refuses the api key"), "{told:?}");
    account.receiver.faults().clear();
    story.settles(&file);
    assert_eq!(account.messages(), ["one\n", "two\n"]);
    wait_until("all is well", || story.lines.all().len() == 2);
    assert!(story.lines.all()[1].contains("accepts the key"), "{:?}", story.lines.all());
}

#[test]
fn a_server_that_finds_everything_too_large_gets_and_costs_nothing() {
    let account = Account::open("http:413");
    let story = Story::new(plan(&account.receiver.url()));
    let mut file = story.file("/a");
    let all = lines(4, 10);
    append(&story, &mut file, &all);
    wait_until("even probes are too large", || story.session.snapshot().probes_sent >= 4);
    assert!(file.totals().dropped.is_empty(), "{:?}", file.totals());
    assert_eq!(story.session.snapshot().state, SessionState::Failing);
    account.receiver.faults().clear();
    story.settles(&file);
    assert_eq!(account.messages(), all);
}

#[test]
fn a_server_that_finds_every_small_event_too_large_cannot_eat_a_log_at_full_speed() {
    let account = Account::open("too-large:1000");
    let mut slow = plan(&account.receiver.url());
    // The first pause has a second.
    slow.pacing.max_error_spacing = Duration::from_secs(30);
    let story = Story::new(slow);
    let mut file = story.file("/a");
    append(&story, &mut file, &lines(40, 1000));
    wait_until("it is noticed", || story.session.snapshot().state == SessionState::RefusingEverything);
    let snapshot = story.session.snapshot();
    assert_eq!(snapshot.events_too_large, 16, "{snapshot:?}");
    account.receiver.faults().clear();
    story.settles(&file);
    let snapshot = story.session.snapshot();
    assert_eq!(snapshot.events_too_large + snapshot.events_accepted, 40);
    assert!(snapshot.events_too_large <= 17, "{snapshot:?}");
}

#[test]
fn a_stop_wakes_a_session_whose_key_is_refused() {
    let account = Account::open("key");
    let mut slow = plan(&account.receiver.url());
    slow.pacing.max_error_spacing = Duration::from_secs(3600);
    let story = Story::new(slow);
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    wait_until("the key is refused", || story.session.snapshot().state == SessionState::KeyRefused);
    assert_eq!(story.session.finish(LONG), Finished { drained: false });
    wait_until("the threads have ended", || story.threads.running() == 0);
    assert_eq!((file.totals().pending, story.session.snapshot().requests_sent), (4, 1));
}

#[test]
fn a_server_that_refuses_every_event_cannot_eat_a_log_at_full_speed() {
    let account = Account::open("poison:line");
    let mut slow = plan(&account.receiver.url());
    // The first pause has a second.
    slow.pacing.max_error_spacing = Duration::from_secs(30);
    let story = Story::new(slow);
    let mut file = story.file("/a");
    let all: Vec<String> = (0..40).map(|n| format!("line {n}\n")).collect();
    append(&story, &mut file, &all);
    wait_until("it is noticed", || story.session.snapshot().state == SessionState::RefusingEverything);
    let snapshot = story.session.snapshot();
    assert_eq!(snapshot.events_refused, 16, "{snapshot:?}");
    assert!(snapshot.back_off_seconds.is_some_and(|pause| pause >= 0.8), "{snapshot:?}");
    assert!(file.totals().pending > 0);
    let told = story.lines.of("ERROR");
    assert!(told.len() == 1 && told[0].contains("refuses every event"), "{:?}", story.lines.all());
    account.receiver.faults().clear();
    story.settles(&file);
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.state, snapshot.events_refused + snapshot.events_accepted), (SessionState::Ok, 40));
    assert!(snapshot.events_refused <= 17, "{snapshot:?}");
}

#[test]
fn only_the_part_that_the_server_wants_discarded_is_dropped() {
    let account = Account::open("1*http:413,1*ok,1*status:error/server/discardBuffer");
    let story = Story::new(plan(&account.receiver.url()));
    let mut file = story.file("/a");
    let all = lines(8, 10);
    append(&story, &mut file, &all);
    story.settles(&file);
    assert_eq!(account.messages(), all[..4]);
    let totals = file.totals();
    assert_eq!((totals.accepted.lines, totals.dropped[&DropReason::ServerDiscarded].lines), (4, 4));
}
