//! What a run makes of what it cannot know: rather lines twice than lines lost.

use super::*;

fn entry() -> LogPlan {
    LogPlan::new("logs[0]", "/*.log", WorkerId("default".into()))
}

/// Whether a file without a position is copied from its first byte, however old it is.
fn copies_all(run: &Run) -> bool {
    !run.checkpoint.note_entry(&entry()) && run.checkpoint.new_since().is_none()
}

/// A run that has written one position, with its entry.
fn first_run() -> Run {
    let run = Run::new();
    run.checkpoint.note_entry(&entry());
    run.follow("default", "/a.log", 1, 5);
    run.checkpoint.save();
    run
}

#[test]
fn undamaged_positions_leave_old_files_without_one_alone() {
    let next = first_run().next();
    assert!(!next.checkpoint.note_entry(&entry()));
    assert!(next.checkpoint.new_since().is_some());
}

#[test]
fn a_file_whose_only_record_is_damaged_is_copied_whole_and_not_from_its_end() {
    let run = first_run();
    run.clock.advance(Duration::from_secs(3_600));
    let later = run.follow("default", "/b.log", 2, 0);
    settle(&later, 7);
    run.checkpoint.save();
    // The record of `/a.log` stands in the snapshot alone; what is in the journal is an hour younger.
    let text = fs::read(run.path("positions.1.snapshot")).unwrap();
    let lines: Vec<usize> = memchr::memchr_iter(b'\n', &text).collect();
    for place in [20, lines[0] + 20, lines[1] + 20] {
        let mut damaged = text.clone();
        damaged[place] ^= 1;
        fs::write(run.path("positions.1.snapshot"), damaged).unwrap();
        let next = run.copy();
        assert!(copies_all(&next), "byte {place}");
        assert_eq!(next.left()[&key("default", "/b.log", 2)], 7, "byte {place}");
        assert!(next.loud().iter().any(|line| line.contains("from its first byte")), "{:?}", next.loud());
    }
}

#[test]
fn positions_that_are_lost_altogether_have_files_copied_whole() {
    let run = first_run();
    for name in ["positions.1.snapshot", "positions.1.journal"] {
        fs::write(run.path(name), "garbage\n").unwrap();
    }
    let next = run.copy();
    assert!(next.left().is_empty() && copies_all(&next));
    assert!(next.loud().iter().any(|line| line.contains("from their first byte")), "{:?}", next.loud());
}

#[test]
fn a_damaged_positions_file_of_version_1_has_files_copied_whole() {
    let one_bad = r#"{"version": 1, "saved": 1800000000000000000, "entries": [], "positions": [{"worker": 7}]}"#;
    for text in ["garbage", one_bad] {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        fs::write(directory.path().join("positions.json"), text).unwrap();
        let run = Run::over(directory, Clock::manual(Timestamp::from_millis(1_800_000_000_000)));
        assert!(copies_all(&run), "{text}");
        assert!(!run.loud().is_empty(), "{text}");
    }
}

#[test]
fn a_save_that_is_in_the_future_says_nothing_about_which_files_are_new() {
    let run = first_run();
    run.clock.set(Timestamp::from_millis(1_800_000_000_000 - 86_400_000));
    let next = run.next();
    assert!(copies_all(&next), "a file that came today is older than that save");
    assert!(next.told.lines()[0].contains("the clock was set back"), "{:?}", next.told.lines());
}

#[test]
fn the_positions_of_another_agent_are_those_of_every_worker_that_copies_the_path() {
    let run = Run::new();
    run.follow("one", "/a.log", 1, 5);
    run.follow("two", "/a.log", 1, 6);
    run.checkpoint.save();
    let next = run.next();
    let worker = WorkerId("default".into());
    let position =
        Position { worker, path: "/a.log".into(), identity: identity(1), settled: Offset(9), sequence: sequence(0) };
    let written = Timestamp::from_millis(1_800_000_100_000);
    next.checkpoint.import(vec![position], &["/a.log".into()], Some(written));
    let expected = [(key("one", "/a.log", 1), 9), (key("two", "/a.log", 1), 9)];
    assert_eq!(next.left(), BTreeMap::from(expected));
    let sequences: HashSet<String> =
        next.checkpoint.positions().into_iter().map(|position| position.sequence.id).collect();
    assert_eq!(sequences.len(), 2, "a sequence is that of one worker");
}

#[test]
fn two_files_that_had_one_inode_number_one_after_the_other_both_keep_their_positions() {
    let run = Run::new();
    let keep = |born, settled| {
        let identity = Identity { born: Some(born), ..identity(1) };
        let (worker, path) = (WorkerId("default".into()), "/a.log".into());
        let position = Position { worker, path, identity, settled: Offset(settled), sequence: sequence(0) };
        run.checkpoint.keep(position, Duration::from_secs(3_600));
    };
    keep(1, 10);
    keep(2, 20);
    keep(2, 25);
    let settled = |run: &Run| {
        let left = run.checkpoint.earlier(&WorkerId("default".into()), "/a.log".as_ref());
        left.iter().map(|position| position.settled.0).collect::<Vec<_>>()
    };
    assert_eq!(settled(&run), [10, 25], "the unread rest of the first one may be compressed");
    run.checkpoint.save();
    assert_eq!(settled(&run.next()), [10, 25]);
}

#[test]
fn positions_of_files_that_come_and_go_for_weeks_are_bounded_in_number_and_it_is_told() {
    let run = Run::new();
    let there = run.path("there.log");
    fs::write(&there, "x").unwrap();
    let metadata = fs::metadata(&there).unwrap();
    let keep = |path: PathBuf, device, inode| {
        let identity = Identity { device, ..identity(inode) };
        let worker = WorkerId("default".into());
        let position = Position { worker, path, identity, settled: Offset(1), sequence: sequence(0) };
        run.checkpoint.keep(position, Duration::from_secs(7 * 86_400));
    };
    keep(there.clone(), metadata.dev(), metadata.ino());
    for number in 0..101_000 {
        keep(format!("/var/log/pods/{number}.log").into(), 1, number);
    }
    let worker = WorkerId("default".into());
    assert!(run.checkpoint.positions().len() <= 100_000, "{}", run.checkpoint.positions().len());
    assert_eq!(run.checkpoint.earlier(&worker, &there).len(), 1, "its file is there");
    assert_eq!(run.checkpoint.earlier(&worker, "/var/log/pods/100999.log".as_ref()).len(), 1, "the newest stay");
    assert!(run.told.lines().iter().any(|line| line.starts_with("WARN") && line.contains("positions of files")));
}

#[test]
fn what_is_written_for_the_python_agent_leaves_nothing_behind_when_it_fails() {
    let run = first_run();
    fs::create_dir(run.path("checkpoints.json")).unwrap();
    run.checkpoint.hand_back_to_python();
    assert!(!run.path("checkpoints.json~").exists(), "{:?}", run.names());
    assert!(run.told.lines().iter().any(|line| line.contains("cannot be written for the Python agent")));
}
