use super::*;

const T: [&str; 4] = ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z", "1970-01-01T00:00:03Z"];

fn plan() -> LinePlan {
    LinePlan { format: LineFormat::Cri, ..LinePlan::default() }
}

fn read(tail: TailPlan, file: &str) -> (Vec<Seen>, u64) {
    let (seen, told) = events(plan(), tail, file.as_bytes());
    (seen, told.unparsed)
}

fn texts(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(Seen::text).collect()
}

#[test]
fn a_line_is_taken_apart() {
    let file =
        format!("{} stdout F hello world\n{} stderr F:x \n{} stdout F\n{} stdout F a\r\n", T[0], T[1], T[2], T[3]);
    let (seen, unparsed) = read(TailPlan::default(), &file);
    assert_eq!((texts(&seen), unparsed), (["hello world\n", "\n", "\n", "a\n"].map(str::to_owned).to_vec(), 0));
    assert_eq!(seen[1].attributes, "\"stream\":\"stderr\",\"raw_timestamp\":1000000000");
    assert_eq!(
        seen.iter().map(|event| event.time).collect::<Vec<_>>(),
        [0, 1, 2, 3].map(|second| Some(second * 1_000_000_000))
    );
    let without = TailPlan { raw_timestamp: false, ..TailPlan::default() };
    assert_eq!(read(without, &file).0[0].attributes, "\"stream\":\"stdout\"");
}

#[test]
fn parts_are_joined_and_lines_come_in_the_order_in_which_they_are_complete() {
    let file = format!(
        "{0} stdout P a\n{1} stderr F other\n{1} stderr P x\r\n{2} stdout P b\r\n{3} stdout F c\n{3} stderr F\n{3} stdout F d\n",
        T[0], T[1], T[2], T[3]
    );
    let (seen, _) = read(TailPlan::default(), &file);
    assert_eq!(texts(&seen), ["other\n", "abc\n", "x\n", "d\n"]);
    assert_eq!(
        seen.iter().map(|event| event.time).collect::<Vec<_>>(),
        [1, 0, 1, 3].map(|second| Some(second * 1_000_000_000))
    );
    let together = (file.len() - format!("{} stdout F d\n", T[3]).len()) as u64;
    assert_eq!(
        seen.iter().map(|event| event.end).collect::<Vec<_>>(),
        [together, together, together, file.len() as u64]
    );
}

#[test]
fn nothing_behind_the_first_part_is_taken_before_the_last_one_is_there() {
    let mut file = format!("{0} stdout F a\n{0} stdout P b\n{0} stderr F c\n", T[0]);
    let mut reader = Reader::new(plan(), TailPlan::default());
    reader.read_complete(file.as_bytes());
    assert_eq!((texts(&reader.seen), reader.position), (vec!["a\n".to_owned()], file.len() / 3));
    file += &format!("{} stdout F d\n", T[1]);
    reader.read_complete(file.as_bytes());
    assert_eq!(
        (texts(&reader.seen), reader.position),
        (["a\n", "c\n", "bd\n"].map(str::to_owned).to_vec(), file.len())
    );
}

#[test]
fn a_line_whose_end_never_comes_is_sent_as_far_as_it_goes() {
    let file = format!("{0} stdout P b\n{0} stderr F c\n{0} stderr P d\n", T[0]);
    assert_eq!(texts(&read(TailPlan::default(), &file).0), ["c\n", "b", "d"]);
}

#[test]
fn a_line_that_does_not_parse_is_sent_whole_and_marked() {
    let lines = [
        "text\n".to_owned(),
        "\n".to_owned(),
        format!("{} stdout X a\n", T[0]),
        format!("{} stdin F a\n", T[0]),
        "1970-01-01 stdout F a\n".to_owned(),
        format!("{} stdout\n", T[0]),
        format!("{}  stdout F a\n", T[0]),
    ];
    let (seen, unparsed) = read(TailPlan::default(), &lines.concat());
    assert_eq!((texts(&seen), unparsed), (lines.to_vec(), lines.len() as u64));
    assert!(seen.iter().all(|event| event.attributes == "\"cri_unparsed\":true" && event.time.is_none()));
}

#[test]
fn joined_lines_are_no_longer_than_a_record_may_be() {
    let tail = TailPlan { max_record_size: 60, max_line_size: 60, ..TailPlan::default() };
    let part = |tag: &str| format!("{} stdout {tag} {}\n", T[0], "0123456789".repeat(2));
    let file = part("P").repeat(4) + &part("F");
    let (seen, unparsed) = read(tail, &file);
    assert_eq!(seen.iter().map(|event| event.message.len()).collect::<Vec<_>>(), [40, 40, 21]);
    assert_eq!(unparsed, 0);
}

#[test]
fn a_window_full_of_another_streams_lines_ends_the_wait() {
    let other = format!("{} stderr F {}\n", T[0], "x".repeat(100));
    let file = format!("{} stdout P first\n", T[0]) + &other.repeat(2000) + &format!("{} stdout F last\n", T[1]);
    let mut reader = Reader::new(plan(), TailPlan::default());
    reader.read_complete(file.as_bytes());
    assert_eq!(reader.position, file.len());
    assert_eq!(reader.seen.len(), 2002);
    assert!(reader.seen.iter().any(|event| event.message == b"first"), "without its end");
    assert_eq!(reader.seen.last().map(Seen::text), Some("last\n".to_owned()));
}

#[test]
fn a_line_left_out_among_the_parts_of_another_is_counted_and_settles_nothing() {
    let expression = scalyr_monitor::config::Pattern::new("other").unwrap();
    let sampling = vec![crate::config::line_plan::SamplingPlan { expression, rate: 0.0 }];
    let mut lines = Lines::new(Arc::new(LinePlan { sampling, ..plan() }), "sequence");
    let file = format!("{0} stdout P a\n{0} stderr F other\n{0} stdout F b\n{0} stderr F other\n", T[0]);
    let window = Window { at: Offset(0), flush: false, now: Timestamp::from_nanos(0) };
    let taken = lines.take(&mut file.clone().into_bytes(), window, &TailPlan::default());
    let (end, together) = (Offset(file.len() as u64), Offset((file.len() - 36) as u64));
    assert_eq!(taken.events.iter().map(|event| event.end).collect::<Vec<_>>(), [together]);
    let expected = [(together, 1, Verdict::Send), (end, 2, Verdict::SampledOut)];
    assert_eq!(taken.segments, expected.map(|(end, lines, verdict)| Segment { end, lines, verdict }));
}
