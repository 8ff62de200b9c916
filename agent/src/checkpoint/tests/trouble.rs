//! Files that cannot be written, or read.

use super::*;

impl Run {
    fn failures(&self) -> u64 {
        self.checkpoint.snapshot().failures
    }
}

#[test]
fn a_full_disk_is_told_once_tried_again_once_a_second_and_told_to_be_over() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    run.checkpoint.lock().store.fill_the_disk();
    // No new generation can be begun either.
    fs::create_dir(run.path("positions.new")).unwrap();
    for round in 1..=10 {
        settle(&account, round);
        run.checkpoint.save();
    }
    assert_eq!(run.failures(), 1, "once a second");
    run.clock.advance(Duration::from_secs(1));
    run.checkpoint.save();
    assert_eq!(run.failures(), 2);
    run.clock.advance(Duration::from_secs(1));
    run.checkpoint.save();
    assert_eq!(run.failures(), 3);
    let status = run.checkpoint.snapshot();
    assert_eq!(status.failing_since, Some(1_800_000_000.0));
    assert!(status.last_error.is_some());
    let loud = run.loud();
    assert_eq!(loud.len(), 2, "the one of the journal, and the one of the snapshot: {loud:?}");
    assert!(loud[0].contains("positions cannot be written: No space left on device"), "{loud:?}");
    assert_eq!(run.copy_of_files(), 0, "what was there stays");

    fs::remove_dir(run.path("positions.new")).unwrap();
    run.clock.advance(Duration::from_secs(1));
    // Nothing is acknowledged, and nothing moves.
    run.checkpoint.tend();
    assert!(run.told.lines().last().unwrap().ends_with("positions are written again"), "{:?}", run.told.lines());
    let status = run.checkpoint.snapshot();
    assert_eq!((status.generation, status.last_error, status.failing_since), (2, None, None));
    assert_eq!(run.copy_of_files(), 10);
}

impl Run {
    /// What a run over the files as they are would go on from.
    fn copy_of_files(&self) -> u64 {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        for path in self.files().iter().filter(|path| path.is_file()) {
            fs::copy(path, directory.path().join(path.file_name().unwrap())).unwrap();
        }
        Self::over(directory, self.clock.clone()).left()[&key("default", "/a.log", 1)]
    }
}

#[test]
fn a_journal_grows_on_while_no_snapshot_can_be_written() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    fs::create_dir(run.path("positions.new")).unwrap();
    let mut settled = 0;
    while run.checkpoint.snapshot().journal_bytes < 600_000 {
        settled += 1;
        settle(&account, settled);
        run.checkpoint.save();
    }
    let warned = run.told.lines().iter().filter(|line| line.starts_with("WARN")).count();
    assert_eq!(warned, 2, "each time that it has doubled: {:?}", run.told.lines());
    assert_eq!((run.failures(), run.copy_of_files()), (0, settled));
}

#[test]
fn files_that_were_deleted_while_the_agent_runs_are_written_anew() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    run.files().iter().for_each(|path| fs::remove_file(path).unwrap());
    settle(&account, 7);
    run.checkpoint.save();
    assert_eq!(run.next().left()[&key("default", "/a.log", 1)], 7);
    assert!(run.told.lines()[0].contains("were deleted while the agent runs"), "{:?}", run.told.lines());
}

#[test]
fn a_data_directory_that_cannot_be_listed_is_told_and_nothing_is_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    fs::write(&path, "no directory").unwrap();
    let (told, clock) = (Told::default(), Clock::manual(Timestamp::from_millis(0)));
    let checkpoint = Checkpoint::open(&path, Ledger::new(), clock, told.logger());
    checkpoint.save();
    let lines = told.lines();
    assert!(lines[0].contains("positions of the last run cannot be looked for: "), "{lines:?}");
    assert!(lines[1].contains("positions cannot be written: "), "{lines:?}");
    assert!(!checkpoint.is_first_run());
}

#[test]
fn the_journal_is_synced_every_five_seconds_at_most_also_when_nothing_moves_any_more() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    settle(&account, 1);
    run.checkpoint.save();
    let is_unsynced = || run.checkpoint.lock().store.is_unsynced();
    assert!(is_unsynced());
    run.clock.advance(Duration::from_secs(4));
    run.checkpoint.tend();
    assert!(is_unsynced());
    run.clock.advance(Duration::from_secs(1));
    run.checkpoint.tend();
    assert!(!is_unsynced());
}

#[test]
fn a_data_directory_that_is_deleted_while_the_agent_runs_is_made_anew() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    fs::remove_dir_all(run.directory.path()).unwrap();
    settle(&account, 7);
    run.checkpoint.save();
    assert_eq!(run.failures(), 0);
    assert_eq!(run.next().left()[&key("default", "/a.log", 1)], 7);
}

#[test]
fn a_stop_without_room_for_a_snapshot_keeps_the_journal_and_announces_no_repeats() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    fs::create_dir(run.path("positions.new")).unwrap();
    settle(&account, 7);
    run.checkpoint.finish();
    assert!(run.loud().is_empty(), "{:?}", run.loud());
    assert!(!run.checkpoint.lock().store.is_unsynced());
    assert_eq!(run.copy_of_files(), 7);
}
