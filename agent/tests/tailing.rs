//! What the tail stage hands on: which lines, from where, in which order, whatever happens to the file.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_agent::checkpoint::Checkpoint;
use scalyr_agent::config::plan::{LogPlan, TailPlan};
use scalyr_agent::ledger::{DropReason, Ledger, Offset, Outcome, SkipReason, Totals, Verdict, WorkerId};
use scalyr_agent::logs::batch::Batch;
use scalyr_agent::logs::{Port, Tail, TailHandle, TailParts};
use scalyr_agent::threads::Threads;
use scalyr_agent::upload::Save;
use scalyr_monitor::{Clock, Logger};

const DEADLINE: Duration = Duration::from_secs(20);

/// A tail stage over a directory of its own, whose batches the test takes.
struct Tailing {
    directory: tempfile::TempDir,
    running: Option<Running>,
    plan: TailPlan,
    max_open_files: usize,
}

struct Running {
    tail: TailHandle,
    batches: Receiver<Batch>,
    ledger: Ledger,
    checkpoint: Arc<Checkpoint>,
}

impl Tailing {
    fn new() -> Self {
        let plan = TailPlan {
            max_line_size: 49_900,
            line_completion_wait: Duration::from_millis(300),
            max_log_offset_size: 200_000_000,
            max_existing_log_offset_size: 200_000_000,
            log_deletion_delay: Duration::from_secs(600),
            max_new_log_detection_time: Duration::from_secs(60),
        };
        Self { directory: tempfile::tempdir().unwrap(), running: None, plan, max_open_files: 100 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        append(&self.path(name), text);
    }

    fn entry(&self, pattern: &str) -> LogPlan {
        LogPlan {
            origin: "logs[0]".into(),
            path: self.path(pattern).to_string_lossy().into_owned(),
            exclude: Vec::new(),
            attributes: serde_json::Map::new(),
            copy_from_start: false,
            worker: WorkerId("default".into()),
        }
    }

    /// Starts the stage and waits until it has found what is there.
    fn start(&mut self, pattern: &str) {
        let (clock, logger, ledger) = (Clock::system(), Logger::none(), Ledger::new());
        let checkpoint =
            Arc::new(Checkpoint::open(self.directory.path(), ledger.clone(), clock.clone(), logger.clone()));
        let parts = TailParts {
            plan: self.plan,
            ledger: ledger.clone(),
            checkpoint: Arc::clone(&checkpoint),
            logger,
            clock,
            max_open_files: self.max_open_files,
            own_log: (self.path("agent.log"), Offset(0)),
        };
        let tail = Tail::start(parts, &Threads::new()).unwrap();
        let (sender, batches) = bounded(8);
        let (_, recycled) = bounded(1);
        tail.open_port(Port { worker: WorkerId("default".into()), batches: sender, recycled });
        tail.add(vec![self.entry(pattern)]);
        self.running = Some(Running { tail, batches, ledger, checkpoint });
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// The next messages, `count` of them, settled as they come.
    fn lines(&self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let batch = self.running().batches.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("only {lines:?} came"));
            lines.extend(messages(&batch));
            settle(&batch);
            // As the upload stage does after each request.
            self.running().checkpoint.save();
        }
        assert_eq!(lines.len(), count, "{lines:?}");
        lines
    }

    fn nothing_comes(&self) {
        if let Ok(batch) = self.running().batches.recv_timeout(Duration::from_millis(700)) {
            panic!("unexpected: {:?}", messages(&batch));
        }
    }

    /// As a kill would: nothing is read to its end, and only what was saved before remains.
    fn crash(&mut self) {
        self.running = None;
    }

    fn totals(&self) -> Totals {
        let (open, mut totals) = self.running().ledger.view();
        for account in open {
            totals.merge(&account.totals());
        }
        assert!(totals.reconciles(), "{totals:?}");
        totals
    }
}

fn append(path: &Path, text: impl AsRef<[u8]>) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_ref()).unwrap();
}

fn messages(batch: &Batch) -> Vec<String> {
    let message = |range: &std::ops::Range<u32>| &batch.arena[range.start as usize..range.end as usize];
    batch.events.iter().map(|event| String::from_utf8_lossy(message(&event.message)).into_owned()).collect()
}

/// Stands for the upload stage; only that one can say "accepted", so everything sent counts as discarded here.
fn settle(batch: &Batch) {
    for segment in &batch.segments {
        let outcome = match segment.verdict {
            Verdict::Send => Outcome::Dropped(DropReason::ServerDiscarded),
            Verdict::SampledOut => Outcome::SampledOut,
            Verdict::Dropped(why) => Outcome::Dropped(why),
            Verdict::Skipped(why) => Outcome::Skipped(why),
        };
        batch.account.settle(segment.end, segment.lines, outcome);
    }
}

#[test]
fn a_file_that_is_there_at_start_begins_at_its_end_and_a_new_one_at_its_first_byte() {
    let mut tailing = Tailing::new();
    tailing.append("old.log", "history\n");
    tailing.start("*.log");
    tailing.append("old.log", "news\n");
    assert_eq!(tailing.lines(1), ["news\n"]);
    tailing.append("new.log", "first\nsecond\n");
    assert_eq!(tailing.lines(2), ["first\n", "second\n"]);
    assert_eq!(tailing.totals().read, 5 + 13);
}

#[test]
fn the_end_that_was_taken_at_start_survives_a_crash_before_the_first_line() {
    let mut tailing = Tailing::new();
    tailing.append("a.log", "history\n");
    tailing.start("a.log");
    tailing.crash();
    tailing.append("a.log", "written while down\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(1), ["written while down\n"]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_the_new_one_and_late_writes_are_not_lost() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    let mut writer = OpenOptions::new().append(true).open(tailing.path("a.log")).unwrap();
    writer.write_all(b"2\n").unwrap();
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    writer.write_all(b"3\n").unwrap();
    tailing.append("a.log", "4\n");
    assert_eq!(tailing.lines(3), ["2\n", "3\n", "4\n"]);
    writer.write_all(b"late\n").unwrap();
    assert_eq!(tailing.lines(1), ["late\n"]);
    tailing.append("a.log", "5\n");
    assert_eq!(tailing.lines(1), ["5\n"]);
    assert_eq!(tailing.totals().pending, 0);
}

#[test]
fn a_gap_between_rename_and_the_new_file_loses_nothing() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    tailing.append("a.log", "2\n3\n");
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
}

#[test]
fn an_unfinished_last_line_waits_for_its_end_and_is_sent_when_that_does_not_come() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "one\ntw");
    assert_eq!(tailing.lines(1), ["one\n"]);
    tailing.append("a.log", "o\n");
    assert_eq!(tailing.lines(1), ["two\n"]);
    tailing.append("a.log", "thr");
    assert_eq!(tailing.lines(1), ["thr"]);
    tailing.append("a.log", "ee\n");
    assert_eq!(tailing.lines(1), ["ee\n"]);
}

#[test]
fn a_long_line_is_cut_and_a_line_longer_than_a_batch_still_goes_through() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let long = format!("{}\n", "x".repeat(300_000));
    tailing.append("a.log", &long);
    let pieces = tailing.lines(7);
    assert_eq!(pieces.concat(), long);
    assert!(pieces.iter().all(|piece| piece.len() <= 49_900));
}

#[test]
fn a_truncated_file_is_read_from_its_beginning_and_the_unread_bytes_are_counted() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "a long first line\n");
    assert_eq!(tailing.lines(1), ["a long first line\n"]);
    let file = File::options().write(true).open(tailing.path("a.log")).unwrap();
    file.set_len(0).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    tailing.append("a.log", "fresh\n");
    assert_eq!(tailing.lines(1), ["fresh\n"]);
    assert_eq!(tailing.totals().skipped.get(&SkipReason::Truncated), None, "everything had been read");
}

#[test]
fn a_file_that_was_rewritten_and_is_longer_already_is_read_from_its_beginning() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n2\n");
    assert_eq!(tailing.lines(2), ["1\n", "2\n"]);
    fs::write(tailing.path("a.log"), "new 1\nnew 2\nnew 3\n").unwrap();
    assert_eq!(tailing.lines(3), ["new 1\n", "new 2\n", "new 3\n"]);
}

#[test]
fn copying_goes_on_where_it_was_settled_after_a_crash() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n2\n");
    assert_eq!(tailing.lines(2), ["1\n", "2\n"]);
    tailing.append("a.log", "3\n");
    let unsettled = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    assert_eq!(messages(&unsettled), ["3\n"]);
    tailing.crash();
    tailing.append("a.log", "4\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["3\n", "4\n"]);
}

#[test]
fn files_rotated_while_the_agent_is_down_are_read_to_their_end_first() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    tailing.append("a.log", "2\n");
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "3\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
}

#[test]
fn a_file_that_came_and_went_between_two_looks_is_found_by_its_rotated_name() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    for round in 0..3 {
        for generation in 1..4 {
            fs::rename(tailing.path("a.log"), tailing.path(&format!("a.log.{round}{generation}"))).unwrap();
            tailing.append("a.log", format!("{round} {generation}\n"));
        }
        let expected: Vec<_> = (1..4).map(|generation| format!("{round} {generation}\n")).collect();
        assert_eq!(tailing.lines(3), expected);
    }
    tailing.crash();
    for generation in 1..4 {
        fs::rename(tailing.path("a.log"), tailing.path(&format!("a.log.9{generation}"))).unwrap();
        tailing.append("a.log", format!("down {generation}\n"));
    }
    tailing.start("a.log");
    assert_eq!(tailing.lines(3), ["down 1\n", "down 2\n", "down 3\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_directory_that_is_not_mounted_yet_keeps_its_positions() {
    let mut tailing = Tailing::new();
    fs::create_dir(tailing.path("mount")).unwrap();
    tailing.start("mount/a.log");
    tailing.append("mount/a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    fs::rename(tailing.path("mount"), tailing.path("away")).unwrap();
    for _ in 0..2 {
        tailing.start("mount/a.log");
        tailing.crash();
    }
    tailing.start("mount/a.log");
    fs::rename(tailing.path("away"), tailing.path("mount")).unwrap();
    tailing.append("mount/a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_file_that_came_after_the_start_is_not_lost_when_nothing_of_it_was_acknowledged_yet() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n2\n");
    let unsettled = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    assert_eq!(messages(&unsettled), ["1\n", "2\n"]);
    tailing.crash();
    tailing.append("a.log", "3\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(3), ["1\n", "2\n", "3\n"]);
}

#[test]
fn a_file_that_came_while_the_agent_was_down_begins_at_its_first_byte_if_its_entry_is_an_old_one() {
    let mut tailing = Tailing::new();
    tailing.append("old.log", "history\n");
    tailing.start("*.log");
    tailing.crash();
    tailing.append("new.log", "1\n");
    tailing.append("old.log", "2\n");
    tailing.start("*.log");
    let mut lines = tailing.lines(2);
    lines.sort();
    assert_eq!(lines, ["1\n", "2\n"]);
}

#[test]
fn a_glob_that_matches_the_rotated_names_too_sends_nothing_twice() {
    let mut tailing = Tailing::new();
    tailing.append("a.log", "");
    tailing.append("a.1.log", "history\n");
    tailing.start("*.log");
    let mut line = 0;
    for round in 0..3 {
        for _ in 0..2 {
            line += 1;
            tailing.append("a.log", format!("{line}\n"));
            assert_eq!(tailing.lines(1), [format!("{line}\n")]);
            for generation in (1..4).rev() {
                let name = |n: i32| tailing.path(&format!("a.{n}.log"));
                _ = fs::rename(name(generation), name(generation + 1));
            }
            fs::rename(tailing.path("a.log"), tailing.path("a.1.log")).unwrap();
            tailing.append("a.log", "");
            tailing.nothing_comes();
        }
        if round == 1 {
            tailing.crash();
            tailing.start("*.log");
            tailing.nothing_comes();
        }
    }
}

#[test]
fn a_renamed_file_of_a_glob_is_read_to_its_end_although_its_path_does_not_come_back() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    tailing.append("app-1.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    tailing.append("app-1.log", "2\n");
    fs::rename(tailing.path("app-1.log"), tailing.path("app-1.log.1")).unwrap();
    tailing.start("*.log");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn the_unfinished_last_line_of_a_renamed_file_comes_before_the_next_file() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\ntail without an end");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n3\n");
    assert_eq!(tailing.lines(3), ["tail without an end", "2\n", "3\n"]);
}

#[test]
fn a_copy_that_was_made_before_a_rotation_is_not_a_generation_of_its_own() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let long = "x".repeat(2_000) + "\n";
    tailing.append("a.log", &long);
    assert_eq!(tailing.lines(1), [long]);
    fs::copy(tailing.path("a.log"), tailing.path("a.log-20261122")).unwrap();
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_registered_file_may_be_withdrawn_and_come_back_and_goes_on_where_it_was() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let entry = tailing.entry("container.log");
    let path = tailing.path("container.log");
    let tail = tailing.running().tail.clone();
    for round in 0..20 {
        tail.register(entry.clone()).unwrap();
        tailing.append("container.log", format!("{round} a\n"));
        assert_eq!(tailing.lines(1), [format!("{round} a\n")]);
        // Written in the moment before the withdrawal, after the last look.
        tailing.append("container.log", format!("{round} b\n"));
        tail.withdraw(path.clone());
        assert_eq!(tailing.lines(1), [format!("{round} b\n")]);
        if round % 2 == 0 {
            while tail.snapshot().watched_paths > 1 {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

#[test]
fn a_file_that_came_just_before_a_stop_is_read_then_or_after_the_next_start() {
    for _ in 0..5 {
        let mut tailing = Tailing::new();
        tailing.start("*.log");
        tailing.append("late.log", "1\n");
        tailing.running().tail.finish(Clock::system().monotonic() + Duration::from_secs(2));
        if let Ok(batch) = tailing.running().batches.try_recv() {
            assert_eq!(messages(&batch), ["1\n"]);
            continue;
        }
        tailing.crash();
        tailing.start("*.log");
        assert_eq!(tailing.lines(1), ["1\n"]);
    }
}

#[test]
fn more_files_than_may_be_open_are_told_and_the_others_go_on() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 2;
    tailing.start("*.log");
    for name in ["a.log", "b.log", "c.log"] {
        tailing.append(name, "1\n");
    }
    assert_eq!(tailing.lines(2), ["1\n", "1\n"]);
    let troubles = tailing.running().tail.snapshot().troubles;
    assert!(troubles[&tailing.path("c.log")].contains("2 files are open already"), "{troubles:?}");
}

#[test]
fn an_empty_mount_point_keeps_the_positions_of_what_is_not_mounted() {
    let mut tailing = Tailing::new();
    fs::create_dir(tailing.path("mount")).unwrap();
    tailing.start("mount/*.log");
    tailing.append("mount/a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    fs::rename(tailing.path("mount"), tailing.path("away")).unwrap();
    fs::create_dir(tailing.path("mount")).unwrap();
    tailing.start("mount/*.log");
    tailing.crash();
    tailing.start("mount/*.log");
    fs::remove_dir(tailing.path("mount")).unwrap();
    fs::rename(tailing.path("away"), tailing.path("mount")).unwrap();
    tailing.append("mount/a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_file_that_was_renamed_for_good_is_followed_under_its_new_name_and_not_sent_again() {
    let mut tailing = Tailing::new();
    tailing.plan.log_deletion_delay = Duration::from_secs(1);
    tailing.start("*.log");
    tailing.append("app.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("app.log"), tailing.path("app-b.log")).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    tailing.append("app-b.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.crash();
    tailing.append("app-b.log", "3\n");
    tailing.start("*.log");
    assert_eq!(tailing.lines(1), ["3\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_withdrawn_file_that_another_entry_knows_under_its_next_name_goes_on_there() {
    let mut tailing = Tailing::new();
    tailing.start("*.old");
    tailing.append("container.log", "1\n");
    tailing.running().tail.register(tailing.entry("container.log")).unwrap();
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("container.log"), tailing.path("container.old")).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    tailing.running().tail.withdraw(tailing.path("container.log"));
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("container.old", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_renamed_file_that_is_rewritten_is_read_under_its_next_name() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    tailing.append("a.log", "1 and more\n");
    assert_eq!(tailing.lines(1), ["1 and more\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.1.log")).unwrap();
    tailing.append("a.log", "");
    std::thread::sleep(Duration::from_millis(1500));
    File::options().write(true).open(tailing.path("a.1.log")).unwrap().set_len(0).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("a.1.log", "other\n");
    assert_eq!(tailing.lines(1), ["other\n"]);
}

#[test]
fn a_file_for_which_there_was_no_room_is_not_sent_whole_after_a_restart() {
    let mut tailing = Tailing::new();
    for name in ["a.log", "b.log", "c.log"] {
        tailing.append(name, "history\n");
    }
    // A file that is younger than five seconds might not have been seen by the run before.
    std::thread::sleep(Duration::from_millis(5_200));
    tailing.max_open_files = 2;
    tailing.start("*.log");
    tailing.crash();
    tailing.max_open_files = 100;
    tailing.start("*.log");
    tailing.nothing_comes();
}

#[test]
fn a_rotation_makes_room_for_the_next_file_when_there_is_none() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 1;
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_generation_that_nobody_saw_is_still_found_when_there_was_no_room_at_first() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 1;
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    let unsettled = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n");
    fs::rename(tailing.path("a.log"), tailing.path("a.log.2")).unwrap();
    tailing.append("a.log", "3\n");
    // Until the first file is settled it cannot make room.
    tailing.nothing_comes();
    settle(&unsettled);
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
}

#[test]
fn old_copies_and_other_logs_of_like_names_are_no_generations() {
    let mut tailing = Tailing::new();
    tailing.start("worker.log");
    for n in 1..4 {
        let long = format!("{n}{}\n", "x".repeat(2_000));
        tailing.append("worker.log", &long);
        assert_eq!(tailing.lines(1), [long]);
        fs::copy(tailing.path("worker.log"), tailing.path(&format!("worker.log.{n}"))).unwrap();
        File::options().write(true).open(tailing.path("worker.log")).unwrap().set_len(0).unwrap();
        std::thread::sleep(Duration::from_millis(700));
    }
    tailing.append("worker-8080.log", "not configured\n");
    std::thread::sleep(Duration::from_secs(1));
    fs::remove_file(tailing.path("worker.log")).unwrap();
    tailing.append("worker.log", "new\n");
    assert_eq!(tailing.lines(1), ["new\n"]);
    tailing.nothing_comes();
}

#[test]
fn what_the_configuration_asks_for_a_monitor_cannot_withdraw() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.running().tail.register(tailing.entry("a.log")).unwrap();
    tailing.running().tail.withdraw(tailing.path("a.log"));
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_rewrite_is_noticed_although_a_line_was_unfinished() {
    let mut tailing = Tailing::new();
    tailing.plan.line_completion_wait = Duration::from_secs(5);
    tailing.start("a.log");
    tailing.append("a.log", "one\ntw");
    assert_eq!(tailing.lines(1), ["one\n"]);
    std::thread::sleep(Duration::from_millis(300));
    fs::write(tailing.path("a.log"), "new 1\nnew 2\nnew 3\n").unwrap();
    assert_eq!(tailing.lines(3), ["new 1\n", "new 2\n", "new 3\n"]);
}

#[test]
fn another_file_with_the_same_inode_is_another_file() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "first file\n");
    assert_eq!(tailing.lines(1), ["first file\n"]);
    tailing.crash();
    // The same inode with other bytes at its head, as when the file system gives the number out again.
    fs::write(tailing.path("a.log"), "other file\nmore\n").unwrap();
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["other file\n", "more\n"]);
}

#[test]
fn what_is_too_far_behind_is_skipped_up_to_a_line_border_and_counted() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "0\n");
    tailing.lines(1);
    tailing.crash();
    tailing.append("a.log", "1111\n2222\n3333\n4444\n");
    tailing.plan.max_existing_log_offset_size = 12;
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["3333\n", "4444\n"]);
    let skipped = tailing.totals().skipped[&SkipReason::TooFarBehind];
    assert_eq!(skipped.bytes, 10);
}

#[test]
fn a_full_channel_parks_its_files_and_nothing_is_lost_when_it_drains() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    let lines: String = (0..400_000).map(|n| format!("{n:09}\n")).collect();
    tailing.append("a.log", &lines);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(tailing.running().batches.len(), 8, "the channel is full");
    assert_eq!(tailing.lines(400_000).concat(), lines);
    assert_eq!(tailing.totals().pending, 0);
}

#[test]
fn a_withdrawn_file_is_read_to_its_end_and_let_go() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let mut entry = tailing.entry("container.log");
    entry.origin = "monitor docker_monitor()".into();
    tailing.append("container.log", "1\n");
    tailing.running().tail.register(entry).unwrap();
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.append("container.log", "2\n");
    tailing.running().tail.withdraw(tailing.path("container.log"));
    assert_eq!(tailing.lines(1), ["2\n"]);
    let deadline = Clock::system().monotonic() + DEADLINE;
    while tailing.running().tail.snapshot().watched_paths > 1 {
        assert!(Clock::system().monotonic() < deadline, "it is still watched");
        std::thread::sleep(Duration::from_millis(20));
    }
    tailing.append("container.log", "3\n");
    tailing.nothing_comes();
}

#[test]
fn a_positions_file_that_a_power_cut_emptied_is_replaced_by_the_last_synced_one() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    fs::write(tailing.path("positions.json"), "").unwrap();
    tailing.append("a.log", "2\n");
    tailing.start("a.log");
    // The line of the last seconds comes again, none is missing.
    assert_eq!(tailing.lines(2), ["1\n", "2\n"]);
}

#[test]
fn a_damaged_positions_file_is_survived() {
    let mut tailing = Tailing::new();
    tailing.append("a.log", "history\n");
    for damage in ["", "{", "[]", r#"{"version":9,"positions":[]}"#, r#"{"version":1,"positions":[1,{"path":"/x"}]}"#] {
        fs::write(tailing.path("positions.json"), damage).unwrap();
        _ = fs::remove_file(tailing.path("positions.json.synced"));
        tailing.start("a.log");
        tailing.append("a.log", "new\n");
        assert_eq!(tailing.lines(1), ["new\n"]);
        tailing.running = None;
    }
}
