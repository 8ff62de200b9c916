use proptest::prelude::*;

use super::*;
use crate::config::line_plan::{GroupEnd, GrouperPlan, SamplingPlan};

/// Pieces of which files are made: lines, and bytes that belong into none.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(vec![
        "a\n",
        "a",
        "\n",
        "\r\n",
        "\r",
        " at x\n",
        "at y \\\n",
        "\\\n",
        "--start\n",
        "--end\n",
        "é",
        "😀\n",
        "long line, longer than most\n",
        "{\"log\":\"a\"}\n",
        "{\"log\":\"b\\n\",\"n\":1.0}\n",
        "{\"log\":\"\\u00e9é\",\"time\":\"1970-01-01T00:00:01Z\"}\r\n",
        "{\"log\":",
        "{\"log\":1}\n",
        "1970-01-01T00:00:01Z stdout P part\n",
        "1970-01-01T00:00:02Z stdout F end\n",
        "1970-01-01T00:00:03Z stderr P other é\r\n",
        "1970-01-01T00:00:04Z stderr F\n",
        "1970-01-01T00:00:05Z stdout X bad\n",
        "1970-01-01T00:00:06Z stderr F ",
    ]);
    prop_oneof![
        10 => text.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..10),
        1 => (1_usize..200).prop_map(|length| vec![b'x'; length]),
    ]
}

pub(super) fn file() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

pub(super) fn groupers() -> impl Strategy<Value = Vec<GrouperPlan>> {
    let pattern = |text: &str| Pattern::new(text).unwrap();
    let known = vec![
        GrouperPlan { start: pattern(r"^[^\s]"), end: GroupEnd::ContinueThrough(pattern(r"^\s+at")) },
        GrouperPlan { start: pattern(r"\\$"), end: GroupEnd::ContinuePast(pattern(r"\\$")) },
        GrouperPlan { start: pattern("^--start"), end: GroupEnd::HaltBefore(pattern("^--end")) },
        GrouperPlan { start: pattern("^--s"), end: GroupEnd::HaltWith(pattern("^--end")) },
        GrouperPlan { start: pattern("(?<=stdout) P"), end: GroupEnd::HaltWith(pattern("F")) },
    ];
    prop::collection::vec(prop::sample::select(known), 0..3)
}

fn plan() -> impl Strategy<Value = LinePlan> {
    let json = LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() };
    let format = prop::sample::select(vec![LineFormat::Raw, json, LineFormat::Cri]);
    (format, groupers()).prop_map(|(format, groupers)| LinePlan { format, groupers, ..LinePlan::default() })
}

pub(super) fn tail() -> impl Strategy<Value = TailPlan> {
    let sizes = prop_oneof![Just((49_900, 65_536)), (4_usize..60, 4_usize..120)];
    (sizes, any::<bool>()).prop_map(|((max_line_size, max_record_size), merges_json)| TailPlan {
        max_line_size,
        max_record_size,
        merges_json,
        ..TailPlan::default()
    })
}

proptest! {
    /// The heart of reading: an event depends on the bytes of the file, and on nothing else.
    #[test]
    fn a_file_that_grows_in_steps_gives_the_same_events_as_one_that_is_there(
        plan in plan(), tail in tail(), file in file(), steps in prop::collection::vec(any::<prop::sample::Index>(), 0..12)
    ) {
        let (whole, told) = events(plan.clone(), tail, &file);
        let mut sizes: Vec<usize> = steps.iter().map(|step| step.index(file.len() + 1)).collect();
        sizes.sort_unstable();
        let mut reader = Reader::new(plan, tail);
        for size in sizes {
            reader.read_complete(&file[..size]);
        }
        reader.read_all(&file);
        prop_assert_eq!(reader.seen, whole);
        prop_assert_eq!(reader.told, told);
    }

    #[test]
    fn raw_lines_and_groups_are_the_bytes_of_the_file(groupers in groupers(), tail in tail(), file in file()) {
        let (seen, _) = events(LinePlan { groupers, ..LinePlan::default() }, tail, &file);
        prop_assert!(seen.iter().all(|event| !event.message.is_empty() && event.message.len() <= tail.max_line_size));
        prop_assert_eq!(seen.iter().flat_map(|event| event.message.clone()).collect::<Vec<_>>(), file);
    }

    #[test]
    fn any_bytes_are_read_to_their_end(plan in plan(), tail in tail(), file: Vec<u8>) {
        let (seen, _) = events(plan, tail, &file);
        prop_assert_eq!(seen.last().map_or(0, |event| event.end), file.len() as u64);
    }

    /// Windows that are full: files longer than what is read at a time.
    #[test]
    fn long_files_are_read_alike_in_whatever_steps(
        plan in plan(), merges_json: bool, pieces in prop::collection::vec((piece(), 1_usize..3000), 1..12), step in 8_000_usize..100_000
    ) {
        let tail = TailPlan { merges_json, ..TailPlan::default() };
        let file: Vec<u8> = pieces.iter().flat_map(|(piece, times)| piece.repeat(*times)).collect();
        let (whole, _) = events(plan.clone(), tail, &file);
        let mut reader = Reader::new(plan, tail);
        for size in (0..file.len()).step_by(step) {
            reader.read_complete(&file[..size]);
        }
        reader.read_all(&file);
        prop_assert!(reader.seen == whole);
    }
}

#[test]
fn a_batch_of_short_lines_takes_no_more_memory_for_its_events_than_for_its_bytes() {
    let drop = vec![SamplingPlan { expression: Pattern::new("drop").unwrap(), rate: 0.0 }];
    let json = LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() };
    for (plan, line, times) in [
        (LinePlan::default(), "\n", 40_000),
        (LinePlan { sampling: drop.clone(), ..LinePlan::default() }, "\n", 40_000),
        // Neighbours that have another fate have a segment each.
        (LinePlan { sampling: drop, ..LinePlan::default() }, "drop\nsend\n", 20_000),
        (LinePlan { format: json, ..LinePlan::default() }, "{\"log\":\"a\\n\"}\n", 8000),
        (LinePlan { format: LineFormat::Cri, ..LinePlan::default() }, "2026-01-31T12:00:00.5Z stdout F a\n", 4000),
    ] {
        let file = line.repeat(times);
        let mut lines = Lines::new(Arc::new(plan.clone()), "sequence");
        let (mut position, mut takes, mut made) = (0, 0, 0);
        while position < file.len() {
            let mut arena = file.as_bytes()[position..].to_vec();
            arena.truncate(BATCH_BYTES);
            let window = Window { at: Offset(position as u64), flush: false, now: Timestamp::from_nanos(0) };
            let taken = lines.take(&mut arena, window, &TailPlan::default());
            assert!(taken.events.len() <= BATCH_EVENTS && taken.segments.len() <= BATCH_EVENTS, "{plan:?}");
            let rest = file.len().min(position + BATCH_BYTES) - position - taken.bytes;
            assert!(taken.bytes > 0 && (taken.was_stopped || rest < line.len()), "{plan:?}");
            (position, takes, made) = (position + taken.bytes, takes + 1, made + taken.events.len());
        }
        assert_eq!(made, times, "{plan:?}");
        assert!(takes >= 2 && takes <= 1 + 3 * times / BATCH_EVENTS, "{takes} for {plan:?}");
    }
}
