//! The forms of a body, and what else of it may be configured, over a whole session.

use super::*;
use crate::ledger::DropReason;
use crate::upload::tests::server::Server;

#[test]
fn with_monotonic_times_no_event_of_any_session_is_as_early_as_one_before() {
    let (one_server, other_server) = (Server::start([]), Server::start([]));
    let times = EventTimes::default();
    let story = |server: &Server| {
        let plan = SessionPlan { monotonic_times: true, ..plan(&server.url()) };
        Story::sharing(times.clone(), plan, |_| {})
    };
    let (one, other) = (story(&one_server), story(&other_server));
    let (mut of_one, mut of_other) = (one.file("/one"), other.file("/other"));
    for round in 0..20 {
        // All batches of a test are read at one moment.
        one.append(&mut of_one, &["a\n", "b\n"]);
        other.append(&mut of_other, &["c\n"]);
        if round % 5 == 0 {
            one.settles(&of_one);
        }
    }
    one.settles(&of_one);
    other.settles(&of_other);
    let times_of = |server: &Server| -> Vec<i64> {
        let of = |ts: &String| ts.parse::<i64>().unwrap();
        server.look(|received| received.iter().flat_map(|one| one.body.events.iter().map(|it| of(&it.ts))).collect())
    };
    let (first, second) = (times_of(&one_server), times_of(&other_server));
    for times in [&first, &second] {
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    }
    let mut all = [first, second].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 60, "no time is given twice, by whatever session");
    assert!(all[59] < all[0] + 1_000, "each is a nanosecond later than the one before: {all:?}");
}

#[test]
fn without_monotonic_times_the_lines_of_one_read_have_one_time() {
    let server = Server::start([]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["a\n", "b\n", "c\n"]);
    story.settles(&file);
    let times: Vec<String> = server.look(|received| received[0].body.events.iter().map(|it| it.ts.clone()).collect());
    assert_eq!(times.len(), 3);
    assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
}

#[test]
fn with_disabled_requests_no_limit_of_the_rate_is_waited_for() {
    let server = Server::start([]);
    let mut plan = SessionPlan { sends_nothing: true, ..plan(&server.url()) };
    // The first request would wait for hours.
    plan.pacing.max_rate = Some(1.0);
    let story = Story::new(plan);
    let mut file = story.file("/a");
    story.append(&mut file, &[&"thrown away\n".repeat(2000)]);
    story.settles(&file);
    assert_eq!(file.totals().dropped[&DropReason::SendingDisabled].lines, 1);
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.rate_pause_seconds, server.count()), (None, 0));
    assert!(story.session.finish(LONG).drained);
}

#[test]
fn with_disabled_requests_lines_are_dropped_and_counted_and_nothing_is_sent() {
    let server = Server::start([]);
    let story = Story::new(SessionPlan { sends_nothing: true, ..plan(&server.url()) });
    let mut file = story.file("/a");
    for _ in 0..50 {
        story.append(&mut file, &["thrown away\n", "this too\n"]);
    }
    story.settles(&file);
    let totals = file.totals();
    assert_eq!(totals.dropped[&DropReason::SendingDisabled].lines, 100);
    assert_eq!((totals.accepted.lines, totals.dropped.len()), (0, 1));
    assert!(story.session.finish(LONG).drained);
    assert_eq!(server.count(), 0);
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.requests_sent, snapshot.events_accepted), (0, 0));
    assert!(story.saves.count.load(Ordering::SeqCst) > 0, "positions move on");
}
