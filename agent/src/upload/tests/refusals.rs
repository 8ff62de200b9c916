//! Whatever a server refuses: every event is accepted once, or dropped for the reason that there is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use scalyr_monitor::Timestamp;

use super::decoded::decode;
use super::fixture::File;
use crate::config::plan::ApiKey;
use crate::ledger::{DropReason, Ledger};
use crate::upload::request::{Ending, Pushed, Request, Unpacked};
use crate::upload::send::division::{Division, Next, Said, Step};
use crate::upload::wire::Head;

/// A line with a number of its own.
#[derive(Clone, Debug)]
struct Line {
    file: usize,
    length: usize,
    is_poisoned: bool,
}

fn line() -> impl Strategy<Value = Line> {
    (0..3_usize, prop_oneof![8 => 0..40_usize, 1 => 500..900_usize], prop::bool::weighted(0.08))
        .prop_map(|(file, length, is_poisoned)| Line { file, length, is_poisoned })
}

fn text(number: usize, line: &Line) -> String {
    let poison = if line.is_poisoned { "poison" } else { "" };
    format!("{number:06}{poison}{}\n", "x".repeat(line.length))
}

/// What a server does, besides refusing what is poisoned or too large.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Fine,
    Discards,
    Busy,
    ForgotTheKey,
    ForgotTheKeyInOtherWords,
}

struct Server {
    limit: usize,
    /// For one request after the other; fine at last.
    moods: Vec<Mood>,
    /// It does not know the key, and says so with the words for bad content, until it has said so to a probe.
    is_forgetful: bool,
    accepted: Vec<usize>,
    discarded: BTreeSet<usize>,
    events_sent: usize,
}

impl Server {
    fn answer(&mut self, body: &[u8]) -> Said {
        let mood = self.moods.pop().unwrap_or(Mood::Fine);
        let decoded = decode(body);
        let is_poisoned = decoded.events.iter().any(|event| memchr::memmem::find(&event.message, b"poison").is_some());
        let numbers = decoded
            .events
            .iter()
            .map(|event| std::str::from_utf8(&event.message[..6]).unwrap().parse::<usize>().unwrap());
        self.events_sent += decoded.events.len();
        self.is_forgetful |= matches!(mood, Mood::ForgotTheKeyInOtherWords);
        match mood {
            _ if self.is_forgetful => {
                self.is_forgetful = !decoded.events.is_empty();
                Said::Refused
            }
            Mood::Busy => Said::Unclear,
            Mood::ForgotTheKey => Said::KeyRefused,
            Mood::ForgotTheKeyInOtherWords => Said::Unclear,
            _ if body.len() > self.limit => Said::TooLarge,
            _ if is_poisoned => Said::Refused,
            Mood::Discards => {
                self.discarded.extend(numbers);
                Said::Discard
            }
            Mood::Fine => {
                self.accepted.extend(numbers);
                Said::Accepted
            }
        }
    }
}

/// How far a request came.
#[derive(PartialEq)]
enum Came {
    ToItsEnd,
    ToTheCut { is_settled: bool },
}

/// Delivers a request as the send thread does, for at most so many steps.
fn deliver(request: &mut Request, server: &mut Server, learned: usize, steps: &mut usize, cut_early: bool) -> Came {
    let mut division = Division::of(request.unsettled());
    loop {
        if *steps == 0 {
            return Came::ToTheCut { is_settled: true };
        }
        *steps -= 1;
        let mut body = Vec::new();
        let next = match division.step(request.body(), learned, || {}) {
            Step::Done => return Came::ToItsEnd,
            Step::Probe => {
                request.body().write_part(0..0, &[], 1, &mut body);
                division.probed(server.answer(&body), request.body())
            }
            Step::Send(events) => {
                assert_eq!(events.start, request.unsettled().start, "parts are sent in order");
                request.body().write_part(events.clone(), &request.next_files(events.len()), 1, &mut body);
                division.answered(server.answer(&body), request.body())
            }
        };
        if let Next::Settle(count, ending) = next {
            if *steps == 0 && cut_early {
                return Came::ToTheCut { is_settled: ending != Ending::Accepted && ending != Ending::Discarded };
            }
            request.settle_next(count, ending);
        }
    }
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        12 => Just(Mood::Fine),
        1 => Just(Mood::Discards),
        2 => Just(Mood::Busy),
        1 => Just(Mood::ForgotTheKey),
        1 => Just(Mood::ForgotTheKeyInOtherWords),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_is_accepted_once_or_dropped_for_its_reason(
        lines in prop::collection::vec(line(), 1..80),
        limit in 500..4000_usize,
        learned in 300..5000_usize,
        moods in prop::collection::vec(mood(), 0..60),
        cuts in prop::collection::vec((1..30_usize, any::<bool>()), 0..4),
    ) {
        let ledger = Ledger::new();
        let mut files: Vec<File> = (0..3).map(|n| File::new(&ledger, &format!("/{n}"), "{\"a\":1}")).collect();
        let head = Head::new(&ApiKey::new("k"), "session", &serde_json::Map::new());
        let mut server = Server { limit, moods, is_forgetful: false, accepted: Vec::new(), discarded: BTreeSet::new(), events_sent: 0 };
        let mut cuts = cuts.into_iter().chain([(usize::MAX, false)]);
        let mut was_cut_unsettled = false;
        // Where each line ends in its file.
        let mut at = [1000_u64; 3];
        let ends: Vec<u64> = lines.iter().enumerate().map(|(number, line)| {
            at[line.file] += text(number, line).len() as u64;
            at[line.file]
        }).collect();
        let mut is_done = false;
        while !is_done {
            let (mut steps, cut_early) = cuts.next().unwrap();
            let mut request = Request::default();
            request.begin(&head);
            for file in &mut files {
                file.account.rewind();
                file.end = file.account.settled();
            }
            for (number, line) in lines.iter().enumerate() {
                let file = &mut files[line.file];
                if ends[number] > file.account.settled().0 {
                    let batch = file.batch(&[text(number, line).as_bytes()]);
                    prop_assert_eq!(file.end.0, ends[number], "a line is settled whole");
                    prop_assert_eq!(request.push(&mut Unpacked::new(batch), 10_000_000), Pushed::All);
                }
            }
            request.body_mut().close(Timestamp::from_millis(0));
            match deliver(&mut request, &mut server, learned, &mut steps, cut_early) {
                Came::ToItsEnd => is_done = true,
                Came::ToTheCut { is_settled } => was_cut_unsettled |= !is_settled,
            }
            for file in &files {
                file.totals();
            }
        }
        let mut accepted: Vec<usize> = server.accepted.clone();
        accepted.sort_unstable();
        let sent = accepted.len();
        accepted.dedup();
        // Twice only what was accepted when the session was cut, before that could be noted.
        prop_assert!(sent == accepted.len() || was_cut_unsettled);
        let accepted: BTreeSet<usize> = accepted.into_iter().collect();
        let mut refused = 0;
        for (number, line) in lines.iter().enumerate() {
            let is_taken = accepted.contains(&number) || server.discarded.contains(&number);
            // The frame of a body with a single event has at least, and at most, so many bytes.
            let may_be_too_large = text(number, line).len() + 420 > limit;
            prop_assert!(!is_taken || text(number, line).len() + 250 <= limit);
            prop_assert!(is_taken || line.is_poisoned || may_be_too_large, "line {number} was lost: {line:?}");
            prop_assert!(!(is_taken && line.is_poisoned));
            refused += u64::from(!is_taken);
        }
        let mut totals = crate::ledger::Totals::default();
        files.iter().for_each(|file| totals.merge(&file.totals()));
        let dropped = |why| totals.dropped.get(&why).map_or(0, |count| count.lines);
        prop_assert_eq!(totals.pending, 0);
        prop_assert_eq!(dropped(DropReason::Refused) + dropped(DropReason::TooLarge), refused);
        if !was_cut_unsettled {
            prop_assert_eq!(totals.accepted.lines as usize, accepted.len());
            prop_assert_eq!(dropped(DropReason::ServerDiscarded) as usize, server.discarded.len());
        }
        for (file, end) in files.iter().zip(at) {
            prop_assert_eq!(file.account.settled().0, end);
        }
    }
}

#[test]
fn one_poisoned_event_in_a_hundred_thousand_costs_itself_and_few_requests() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/a", "{}");
    let lines: Vec<String> =
        (0..100_000).map(|n| text(n % 1_000_000, &Line { file: 0, length: 3, is_poisoned: n == 61_803 })).collect();
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let mut request = Request::default();
    request.begin(&Head::new(&ApiKey::new("k"), "session", &serde_json::Map::new()));
    assert_eq!(request.push(&mut Unpacked::new(file.batch(&lines)), usize::MAX), Pushed::All);
    request.body_mut().close(Timestamp::from_millis(0));
    let mut server = Server {
        limit: usize::MAX,
        moods: Vec::new(),
        is_forgetful: false,
        accepted: Vec::new(),
        discarded: BTreeSet::new(),
        events_sent: 0,
    };
    let mut steps = 50;
    assert!(deliver(&mut request, &mut server, usize::MAX, &mut steps, false) == Came::ToItsEnd);
    let totals = file.totals();
    assert_eq!((totals.accepted.lines, totals.dropped[&DropReason::Refused].lines), (99_999, 1));
    assert_eq!(totals.dropped[&DropReason::Refused].bytes, lines[61_803].len() as u64);
    assert!(server.events_sent < 400_000, "{} events were sent", server.events_sent);
}
