//! A request in parts: each is a body of its own, and what is settled follows what became of its events.

use proptest::prelude::*;
use scalyr_monitor::Timestamp;

use super::decoded::{Decoded, Event, decode};
use super::fixture::File;
use crate::config::plan::{ApiKey, BodyForm};
use crate::ledger::{DropReason, Ledger, Offset, Verdict};
use crate::upload::request::{Ending, Pushed, Request, Unpacked};
use crate::upload::wire::{Body, Head};

fn head() -> Head {
    Head::new(&ApiKey::new("k"), "session", &serde_json::Map::new())
}

/// A closed request with these batches.
fn packed(batches: Vec<crate::logs::batch::Batch>) -> Request {
    let mut request = Request::default();
    request.begin(&head());
    for batch in batches {
        assert_eq!(request.push(&mut Unpacked::new(batch), 10_000_000), Pushed::All);
    }
    request.body_mut().close(Timestamp::from_millis(1_000));
    request
}

/// The next `count` events as a body of their own.
fn part(request: &Request, count: usize) -> Decoded {
    let mut out = b"left over".to_vec();
    let next = request.unsettled();
    request.body().write_part(next.start..next.start + count, &request.next_files(count), 77, &mut out);
    decode(&out)
}

/// The events of a body with their numbers, whether they stand there or follow from the one before.
fn numbered(events: Vec<Event>) -> Vec<(String, Vec<u8>, String, String, u64)> {
    let mut last = (String::new(), 0);
    let numbers = |Event { file, message, ts, place, sd, .. }: Event| {
        last = place.unwrap_or_else(|| (last.0.clone(), last.1 + sd.unwrap()));
        (file, message, ts, last.0.clone(), last.1)
    };
    events.into_iter().map(numbers).collect()
}

#[test]
fn a_part_is_a_body_of_its_own_with_the_files_that_it_is_of() {
    let ledger = Ledger::new();
    let (mut one, mut two) = (File::new(&ledger, "/1", "{\"a\":1}"), File::new(&ledger, "/2", "{}"));
    let mut request = packed(vec![one.batch(&[b"x\n", b"yy\n", b"zzz\n"]), two.batch(&[b"`s},sd:1,ts:\"2\"}"])]);
    let empty = part(&request, 0);
    assert_eq!((empty.events.len(), empty.client_time), (0, 77));
    assert_eq!((empty.head, empty.logs), (part(&request, 4).head, serde_json::json!([])));
    request.settle_next(1, Ending::Accepted);
    let middle = part(&request, 2);
    assert_eq!(middle.events[0].place, Some(("si-of-/1".to_owned(), 5)));
    assert_eq!(middle.events[1].sd, Some(4));
    assert_eq!(middle.logs, serde_json::json!([{ "id": "log_1", "attrs": { "a": 1 } }]));
    assert_eq!(middle.threads, serde_json::json!([{ "id": "log_1", "name": "Lines for file /1" }]));
    request.settle_next(2, Ending::Refused);
    assert_eq!(part(&request, 1).events[0].message, b"`s},sd:1,ts:\"2\"}");
    request.settle_next(1, Ending::TooLarge);
    let (one, two) = (one.totals(), two.totals());
    assert_eq!((one.accepted.bytes, one.accepted.lines, one.dropped[&DropReason::Refused].lines), (2, 1, 2));
    assert_eq!((two.dropped[&DropReason::TooLarge].lines, two.pending), (1, 0));
}

#[test]
fn in_every_form_a_part_is_what_its_events_alone_would_be() {
    for form in [BodyForm::Lean, BodyForm::Repeated, BodyForm::WithoutLogs] {
        let head = Head::new(&ApiKey::new("k"), "session", &serde_json::Map::new()).with(form, None);
        let ledger = Ledger::new();
        let mut file = File::new(&ledger, "/1", "{\"a\":1,\"parser\":\"p\"}");
        let mut batch = file.batch(&[b"one\n", b"two\n", b"three\n", b"four\n"]);
        for (event, own) in [(1, "\"sample_rate\":0.5"), (2, "\"stream\":\"stdout\"")] {
            let begin = u32::try_from(batch.arena.len()).unwrap();
            batch.arena.extend_from_slice(own.as_bytes());
            batch.events[event].attributes = begin..u32::try_from(batch.arena.len()).unwrap();
        }
        for first in 0..4 {
            let mut alone = Body::default();
            alone.begin(&head);
            batch.events[first..].iter().for_each(|event| assert!(alone.put(&batch, event, true, usize::MAX)));
            alone.close(Timestamp::from_millis(77_000));
            let mut whole = Body::default();
            whole.begin(&head);
            batch.events.iter().for_each(|event| assert!(whole.put(&batch, event, true, usize::MAX)));
            whole.close(Timestamp::from_millis(1_000));
            let mut part = Vec::new();
            whole.write_part(first..4, &[file.account.id], 77, &mut part);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(text(&part), text(alone.bytes()), "{form:?} from {first} on");
        }
    }
}

#[test]
fn the_middle_lies_within_and_halves_the_bytes() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/1", "{}");
    let long = vec![b'x'; 10_000];
    let request = packed(vec![file.batch(&[b"1\n", b"2\n", &long, b"3\n", b"4\n"])]);
    let middle = |events| request.body().middle(&events);
    assert_eq!([middle(0..5), middle(0..2), middle(2..4), middle(1..3), middle(3..5)], [3, 1, 3, 2, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_hold_the_same_events_and_settle_what_they_were_made_of(
        story in prop::collection::vec((0..3_usize, prop::collection::vec((1..40_usize, 0..4_u8), 1..9)), 1..9),
        cuts in prop::collection::vec((1..7_usize, 0..4_u8), 1..60),
    ) {
        let ledger = Ledger::new();
        let mut files: Vec<File> = (0..3).map(|n| File::new(&ledger, &format!("/{n}"), "{\"a\":1}")).collect();
        let mut batches = Vec::new();
        for (file, lines) in &story {
            let lines: Vec<_> = lines.iter().map(|(length, kind)| (vec![b'a'; *length], *kind)).collect();
            let verdict = |kind: u8| if kind == 0 { Verdict::SampledOut } else { Verdict::Send };
            let parts: Vec<_> = lines.iter().map(|(line, kind)| (line.as_slice(), verdict(*kind))).collect();
            let mut batch = files[*file].batch_of(&parts);
            // Some events end where the next one does, as the pieces of a record do.
            for index in (0..batch.events.len().saturating_sub(1)).rev() {
                let next = batch.events[index + 1].end;
                if lines[index].1 == 3 && batch.segments.len() == 1 {
                    batch.events[index].end = next;
                }
            }
            batches.push(batch);
        }
        let mut request = packed(batches);
        let whole = numbered(decode(request.body().bytes()).events);
        let (mut seen, mut sent) = (Vec::new(), [0; 4]);
        for (count, ending) in cuts.into_iter().chain([(usize::MAX, 0)]) {
            let left = request.unsettled();
            let count = count.min(left.len());
            if count == 0 {
                continue;
            }
            let before: Vec<Offset> = files.iter().map(|file| file.account.settled()).collect();
            let decoded = part(&request, count);
            prop_assert_eq!(decoded.logs.as_array().unwrap().len(), request.next_files(count).len());
            prop_assert!(decoded.events[0].place.is_some());
            let events = numbered(decoded.events);
            prop_assert_eq!(events.as_slice(), &whole[left.start..left.start + count]);
            seen.extend(events);
            sent[usize::from(ending)] += count as u64;
            let endings = [Ending::Accepted, Ending::Discarded, Ending::TooLarge, Ending::Refused];
            request.settle_next(count, endings[usize::from(ending)]);
            for (file, before) in files.iter().zip(before) {
                let settled = file.account.settled();
                prop_assert!(settled >= before);
                file.totals();
                // Never beyond an event that still waits.
                let name = format!("log_{}", file.account.id.0);
                let waits = whole.iter().skip(seen.len()).find(|event| event.0 == name);
                prop_assert!(waits.is_none_or(|next| 1000 + next.4 > settled.0), "{waits:?} {settled}");
            }
        }
        request.settle(Ending::Accepted);
        prop_assert_eq!(&seen, &whole);
        let mut lines = [0; 4];
        for file in &files {
            let totals = file.totals();
            prop_assert_eq!((totals.pending, file.account.settled()), (0, file.end));
            let dropped = |why| totals.dropped.get(&why).map_or(0, |count| count.lines);
            let reasons = [DropReason::ServerDiscarded, DropReason::TooLarge, DropReason::Refused];
            lines[0] += totals.accepted.lines;
            lines.iter_mut().skip(1).zip(reasons).for_each(|(lines, why)| *lines += dropped(why));
        }
        prop_assert_eq!(lines, sent);
    }
}
