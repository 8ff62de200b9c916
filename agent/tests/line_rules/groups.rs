use super::*;

#[test]
fn a_group_that_grows_is_one_event_and_the_last_one_is_sent_when_its_time_has_come() {
    let mut story = Story::new();
    story.plan.line_completion_wait = Duration::from_secs(2);
    story.append("a.log", "");
    story.start(vec![story.entry("a.log", traces())]);
    for piece in ["Error\n", "  at one\n", "  at", " two\n", "next\n"] {
        story.append("a.log", piece);
        std::thread::sleep(Duration::from_millis(100));
    }
    let first = story.texts(1);
    if first == ["Error\n  at one\n  at two\n"] {
        assert_eq!(story.texts(1), ["next\n"], "its time has come");
    } else {
        // A machine that was too slow for the two seconds: cut, but nothing is lost.
        let mut all = first.concat();
        while !all.ends_with("next\n") {
            all += &story.events(1).iter().map(Seen::text).collect::<String>();
        }
        assert_eq!(all, "Error\n  at one\n  at two\nnext\n");
    }
    story.nothing_comes();
}

#[test]
fn a_group_that_is_open_at_a_restart_is_read_again_from_its_start() {
    let mut story = Story::patient();
    story.append("a.log", "before\nError\n  at one\n");
    story.start(vec![story.entry("a.log", traces())]);
    assert_eq!(story.texts(1), ["before\n"]);
    story.nothing_comes();
    story.crash();
    story.append("a.log", "  at two\n");
    story.start(vec![story.entry("a.log", traces())]);
    story.nothing_comes();
    story.append("a.log", "next\nlast\n");
    assert_eq!(story.texts(2), ["Error\n  at one\n  at two\n", "next\n"]);
}

#[test]
fn a_reload_in_the_middle_of_an_open_group_acts_on_all_of_it() {
    let mut story = Story::patient();
    story.append("a.log", "Error secret\n  at secret\n");
    story.start(vec![story.entry("a.log", traces())]);
    story.nothing_comes();
    story.reload(vec![story.entry("a.log", LinePlan { groupers: traces().groupers, ..stars("secret") })]);
    story.append("a.log", "next\n");
    assert_eq!(story.texts(1), ["Error *\n  at *\n"]);
    story.reload(vec![story.entry("a.log", stars("e"))]);
    assert_eq!(story.texts(1), ["n*xt\n"], "no groups any more: nothing to wait for");
}

#[test]
fn a_group_that_never_ends_is_cut_at_the_longest_line() {
    let mut story = Story::patient();
    story.plan.max_line_size = 1000;
    let begin = GrouperPlan { start: pattern("^begin"), end: GroupEnd::HaltWith(pattern("^never")) };
    story.append("a.log", "begin\n".to_owned() + &"0123456789\n".repeat(1000));
    story.start(vec![story.entry("a.log", LinePlan { groupers: vec![begin], ..LinePlan::default() })]);
    let events = story.events_until(11_006);
    assert!(events.iter().all(|event| event.message.len() <= 1000));
    assert_eq!(events.iter().map(Seen::text).collect::<String>(), "begin\n".to_owned() + &"0123456789\n".repeat(1000));
    assert_numbers_grow(&events);
}
