//! Whatever the lines are: every one arrives once, unchanged, in order; no body is too large; every byte is settled.

use proptest::prelude::*;
use scalyr_monitor::Timestamp;

use super::decoded::{Decoded, decode};
use super::fixture::File;
use crate::config::plan::ApiKey;
use crate::ledger::{DropReason, Ledger, Offset, Segment, SkipReason, Totals, Verdict};
use crate::logs::batch::{Batch, Event};
use crate::upload::request::{Ending, Pushed, Request, Unpacked};
use crate::upload::wire::Head;

fn head() -> Head {
    Head::new(&ApiKey::new("k"), "session", &serde_json::Map::new())
}

/// Packs batches into as many requests as it takes; calls `done` with each closed one before it is settled.
fn pack(batches: Vec<Batch>, limit: usize, ending: Ending, mut done: impl FnMut(&Request, Option<Decoded>)) -> u64 {
    let head = head();
    let mut request = Request::default();
    request.begin(&head);
    let mut too_large = 0;
    let mut finish = |request: &mut Request| {
        request.body_mut().close(Timestamp::from_millis(9_999_999_999_999));
        assert!(request.body().bytes().len() <= limit || !request.has_events(), "{}", request.body().bytes().len());
        assert_eq!(request.payload(), request.body().bytes());
        done(request, request.has_events().then(|| decode(request.body().bytes())));
        request.settle(ending);
        too_large += request.too_large;
        request.begin(&head);
    };
    for batch in batches {
        let mut unpacked = Unpacked::new(batch);
        while request.push(&mut unpacked, limit) == Pushed::Full {
            assert!(!request.is_empty(), "each request takes something");
            finish(&mut request);
        }
    }
    if !request.is_empty() {
        finish(&mut request);
    }
    too_large
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 1..60),
        1 => prop::collection::vec(any::<u8>(), 300..2000),
        1 => Just(b"`s\x00\x00\x00\x05],\"} ".to_vec()),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        6 => Just(Verdict::Send),
        1 => Just(Verdict::SampledOut),
        1 => Just(Verdict::Skipped(SkipReason::TooFarBehind)),
        1 => Just(Verdict::Dropped(DropReason::TooLarge)),
    ]
}

type Written = (usize, Vec<(Vec<u8>, Verdict)>);

/// Lines of several batches, each of one of three files.
fn story() -> impl Strategy<Value = Vec<Written>> {
    prop::collection::vec((0..3_usize, prop::collection::vec((line(), verdict()), 0..12)), 0..12)
}

#[derive(Default, Debug, PartialEq)]
struct Sums {
    accepted: (u64, u64),
    sampled: (u64, u64),
    dropped: (u64, u64),
    skipped: (u64, u64),
}

fn sums(totals: &Totals) -> Sums {
    let dropped = totals.dropped.get(&DropReason::TooLarge).copied().unwrap_or_default();
    let skipped = totals.skipped.get(&SkipReason::TooFarBehind).copied().unwrap_or_default();
    Sums {
        accepted: (totals.accepted.bytes, totals.accepted.lines),
        sampled: (totals.sampled_out.bytes, totals.sampled_out.lines),
        dropped: (dropped.bytes, dropped.lines),
        skipped: (skipped.bytes, skipped.lines),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_arrives_once_and_every_byte_is_settled(story in story(), limit in 400..3000_usize) {
        let ledger = Ledger::new();
        let mut files: Vec<File> = (0..3).map(|n| File::new(&ledger, &format!("/{n}"), "{\"a\":1}")).collect();
        let mut batches = Vec::new();
        for (file, lines) in &story {
            let parts: Vec<_> = lines.iter().map(|(line, verdict)| (line.as_slice(), *verdict)).collect();
            batches.push(files[*file].batch_of(&parts));
        }
        let mut arrived: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 3];
        let mut ends = [0_u64; 3];
        let accounts: Vec<_> = files.iter().map(|file| file.account.clone()).collect();
        let too_large = pack(batches, limit, Ending::Accepted, |_, decoded| {
            let Some(decoded) = decoded else { return };
            for event in &decoded.events {
                let n = usize::from(event.file.as_bytes()[4] - b'1');
                // The numbers of a file's events never go back, over all requests.
                ends[n] = match (&event.place, event.sd) {
                    (Some((_, sn)), _) => *sn,
                    (None, Some(sd)) => ends[n] + sd,
                    (None, None) => unreachable!("the decoder has checked it"),
                };
                // What is in a request is settled after it, not before.
                assert!(accounts[n].settled() < Offset(1000 + ends[n]));
                arrived[n].push(event.message.clone());
            }
        });
        let mut expected_too_large = 0;
        for (n, file) in files.iter().enumerate() {
            let mut expected = Sums::default();
            let mut rest = arrived[n].iter();
            for (line, verdict) in story.iter().filter(|(file, _)| *file == n).flat_map(|(_, lines)| lines) {
                let sum = match verdict {
                    Verdict::Send if rest.as_slice().first() == Some(line) => {
                        rest.next();
                        &mut expected.accepted
                    }
                    Verdict::Send => {
                        prop_assert!(line.len() + 400 > limit, "a line of {} bytes was left out", line.len());
                        expected_too_large += 1;
                        &mut expected.dropped
                    }
                    Verdict::SampledOut => &mut expected.sampled,
                    Verdict::Dropped(_) => &mut expected.dropped,
                    Verdict::Skipped(_) => &mut expected.skipped,
                };
                sum.0 += line.len() as u64;
                sum.1 += 1;
            }
            prop_assert_eq!(rest.next(), None);
            let totals = file.totals();
            prop_assert_eq!(totals.pending, 0);
            prop_assert_eq!(file.account.settled(), file.end);
            prop_assert_eq!(sums(&totals), expected);
        }
        prop_assert_eq!(too_large, expected_too_large);
    }
}

#[test]
fn a_batch_larger_than_a_request_is_settled_piece_by_piece() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/a", "{}");
    let batch = file.batch(&[b"12345678\n".as_slice(); 100]);
    let mut settled = Vec::new();
    let account = file.account.clone();
    pack(vec![batch], 900, Ending::Accepted, |_, _| settled.push(account.settled().0));
    assert!(settled.len() > 5, "{settled:?}");
    assert!(settled.windows(2).all(|pair| pair[0] < pair[1] && (pair[1] - 1000) % 9 == 0), "{settled:?}");
    assert_eq!(file.totals().accepted.lines, 100);
}

#[test]
fn discarded_events_are_dropped_and_the_rest_keeps_its_verdict() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/a", "{}");
    let batch = file.batch_of(&[(b"12", Verdict::Send), (b"345", Verdict::SampledOut), (b"6", Verdict::Send)]);
    pack(vec![batch], 10_000, Ending::Discarded, |_, _| {});
    let totals = file.totals();
    assert_eq!((totals.accepted.bytes, totals.sampled_out.bytes, totals.pending), (0, 3, 0));
    assert_eq!(totals.dropped[&DropReason::ServerDiscarded].bytes, 3);
    assert_eq!(totals.dropped[&DropReason::ServerDiscarded].lines, 2);
}

#[test]
fn events_that_end_at_one_place_are_settled_together() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/a", "{}");
    let mut batch = file.batch(&[b"one\n".as_slice(); 40]);
    // All but the first were made of one source line.
    for event in &mut batch.events[1..] {
        event.end = file.end;
    }
    let account = file.account.clone();
    let mut settled = Vec::new();
    pack(vec![batch], 600, Ending::Accepted, |_, _| settled.push(account.settled().0));
    assert!(settled.len() > 3);
    assert!(settled[1..].iter().all(|end| *end == 1004), "{settled:?}");
    let totals = file.totals();
    assert_eq!((account.settled(), totals.accepted.lines, totals.pending), (file.end, 40, 0));
}

#[test]
fn bytes_that_are_not_sent_do_not_pile_up_in_a_request() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/a", "{}");
    let head = head();
    let mut request = Request::default();
    request.begin(&head);
    for _ in 0..1000 {
        let mut unpacked = Unpacked::new(file.batch_of(&[(b"not sent", Verdict::SampledOut)]));
        assert_eq!(request.push(&mut unpacked, 10_000), Pushed::All);
    }
    assert_eq!(request.settlements(), 1);
    assert!(!request.has_events());
    request.settle(Ending::Accepted);
    request.settle(Ending::Accepted);
    assert_eq!(file.totals().sampled_out.lines, 1000, "a request settles once");
}

/// A batch that begins with a skipped range and its marker, as the tail stage makes it.
fn batch_behind_a_gap(file: &mut File, gap: u64, lines: &[&[u8]]) -> Batch {
    let begin = file.end;
    file.end = begin.plus(gap);
    let mut batch = file.batch(lines);
    let marker = b"[scalyr-agent: bytes of this log were skipped here]\n";
    let start = u32::try_from(batch.arena.len()).unwrap();
    batch.arena.extend_from_slice(marker);
    let message = start..u32::try_from(batch.arena.len()).unwrap();
    let event = Event { message, attributes: 0..0, time: None, end: begin, number: begin.plus(gap) };
    batch.events.insert(0, event);
    let skipped = Segment { end: begin.plus(gap), lines: 0, verdict: Verdict::Skipped(SkipReason::TooFarBehind) };
    batch.segments.splice(0..0, [Segment { end: begin, lines: 1, verdict: Verdict::Send }, skipped]);
    batch
}

#[test]
fn a_skipped_range_is_settled_with_its_marker_or_after_it_and_the_marker_counts_no_bytes() {
    for limit in (400..900).step_by(7) {
        let ledger = Ledger::new();
        let mut file = File::new(&ledger, "/a", "{}");
        let first = file.batch(&[b"before the gap\n".as_slice(); 3]);
        let second = batch_behind_a_gap(&mut file, 5000, &[b"behind the gap\n".as_slice(); 3]);
        let third = batch_behind_a_gap(&mut file, 1, &[]);
        let account = file.account.clone();
        let (mut markers, mut messages) = (0, Vec::new());
        pack(vec![first, second, third], limit, Ending::Accepted, |_, decoded| {
            // What was settled before: never a gap whose marker did not arrive.
            let gaps = u64::from(account.settled() >= Offset(1045 + 5000)) + u64::from(account.settled() == file.end);
            assert!(markers >= gaps, "limit {limit}: settled to {} after {markers} markers", account.settled());
            for event in decoded.into_iter().flat_map(|decoded| decoded.events) {
                markers += u64::from(event.message.starts_with(b"[scalyr-agent"));
                messages.push(event.message);
            }
        });
        assert_eq!((markers, messages.len()), (2, 8), "limit {limit}");
        let totals = file.totals();
        assert_eq!((totals.accepted.bytes, totals.accepted.lines, totals.pending), (90, 8, 0), "limit {limit}");
        assert_eq!(totals.skipped[&SkipReason::TooFarBehind].bytes, 5001);
    }
}

#[test]
fn a_request_says_how_many_source_bytes_wait_for_its_answer() {
    let ledger = Ledger::new();
    let (mut one, mut two) = (File::new(&ledger, "/1", "{}"), File::new(&ledger, "/2", "{}"));
    let head = head();
    let mut request = Request::default();
    request.begin(&head);
    for batch in [one.batch(&[b"12345\n"]), two.batch(&[b"123\n"]), batch_behind_a_gap(&mut one, 100, &[b"1\n"])] {
        assert_eq!(request.push(&mut Unpacked::new(batch), 10_000), Pushed::All);
    }
    assert_eq!(request.source_bytes(), 6 + 4 + 100 + 2);
    request.settle(Ending::Accepted);
    assert_eq!(request.source_bytes(), 0);
}
