//! Positions that are written, and read by the next run, whatever happens to the files between.

mod damage;
mod doubt;
mod trouble;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::ledger::{Account, Identity, Offset, Outcome, Sequence};
use crate::own_logs::told::Told;
use crate::upload::Save;

/// Worker, path and inode of a file.
type Key = (String, PathBuf, u64);

/// A data directory, and a run over it.
struct Run {
    directory: Arc<TempDir>,
    clock: Clock,
    ledger: Ledger,
    checkpoint: Checkpoint,
    told: Told,
}

impl Run {
    fn new() -> Self {
        Self::over(Arc::new(tempfile::tempdir().unwrap()), Clock::manual(Timestamp::from_millis(1_800_000_000_000)))
    }

    fn over(directory: Arc<TempDir>, clock: Clock) -> Self {
        let (ledger, told) = (Ledger::new(), Told::default());
        let checkpoint = Checkpoint::open(directory.path(), ledger.clone(), clock.clone(), told.logger());
        Self { directory, clock, ledger, checkpoint, told }
    }

    /// The next run, after this one was killed.
    fn next(&self) -> Self {
        Self::over(Arc::clone(&self.directory), self.clock.clone())
    }

    /// Another run over a copy of the files as they are now.
    fn copy(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for path in self.files() {
            let copy = directory.path().join(path.file_name().unwrap());
            fs::copy(&path, &copy).unwrap();
            // As if it had been written by the clock of the run, which is ahead.
            let file = fs::File::options().append(true).open(copy).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(2_000_000_000)).unwrap();
        }
        Self::over(Arc::new(directory), self.clock.clone())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn names(&self) -> Vec<String> {
        self.files().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    fn bytes(&self) -> u64 {
        self.files().iter().map(|path| fs::metadata(path).unwrap().len()).sum()
    }

    fn follow(&self, worker: &str, path: &str, inode: u64, begin: u64) -> Arc<Account> {
        self.ledger.open(WorkerId(worker.into()), path.into(), identity(inode), sequence(begin), Offset(begin))
    }

    /// What is left of the run before.
    fn left(&self) -> BTreeMap<Key, u64> {
        let of = |position: Position| {
            ((position.worker.to_string(), position.path, position.identity.inode), position.settled.0)
        };
        self.checkpoint.positions().into_iter().map(of).collect()
    }

    fn loud(&self) -> Vec<String> {
        self.told.lines().into_iter().filter(|line| line.starts_with("ERROR")).collect()
    }
}

fn identity(inode: u64) -> Identity {
    Identity { device: 1, inode, born: None, head_length: 1024, head_hash: format!("{inode:016x}") }
}

fn sequence(begin: u64) -> Sequence {
    Sequence { id: "12345678-1234-1234-1234-123456789012".to_owned(), begin: Offset(begin) }
}

fn settle(account: &Arc<Account>, end: u64) {
    assert!(account.hand_on(Offset(end)).settle(Offset(end), 1, Outcome::SampledOut));
}

fn key(worker: &str, path: &str, inode: u64) -> Key {
    (worker.to_owned(), path.into(), inode)
}

#[test]
fn one_acknowledgement_writes_one_record_however_many_files_are_open() {
    let run = Run::new();
    let accounts: Vec<_> =
        (0..10_000).map(|number| run.follow("default", &format!("/var/log/app/{number}.log"), number, 0)).collect();
    run.checkpoint.save();
    for (index, account) in accounts.iter().enumerate().take(20) {
        let before = run.bytes();
        settle(account, 1_000 + index as u64);
        run.checkpoint.save();
        let written = run.bytes() - before;
        assert!((100..400).contains(&written), "{written} bytes");
    }
    let before = run.bytes();
    run.checkpoint.save();
    accounts[0].set_identity(accounts[0].identity());
    run.checkpoint.save();
    assert_eq!(run.bytes(), before, "nothing has moved");
    let next = run.next();
    assert_eq!(next.left().len(), 10_000);
    assert_eq!(next.left()[&key("default", "/var/log/app/19.log", 19)], 1_019);
}

#[test]
fn a_long_journal_is_replaced_by_a_snapshot_and_the_generation_before_stays() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    let mut settled = 0;
    while run.checkpoint.snapshot().generation < 4 {
        settled += 1;
        settle(&account, settled);
        run.checkpoint.save();
        assert!(run.bytes() < 2 * 300_000, "{} bytes", run.bytes());
    }
    let expected = ["positions.3.journal", "positions.3.snapshot", "positions.4.journal", "positions.4.snapshot"];
    assert_eq!(run.names(), expected);
    for file in run.files() {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(run.next().left()[&key("default", "/a.log", 1)], settled);
}

#[test]
fn a_clean_stop_leaves_a_snapshot_with_nothing_behind_it() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 5);
    run.checkpoint.save();
    settle(&account, 9);
    run.checkpoint.finish();
    let status = run.checkpoint.snapshot();
    assert_eq!((status.generation, status.journal_bytes), (2, 0));
    run.checkpoint.finish();
    assert_eq!(run.checkpoint.snapshot().generation, 2, "nothing has changed");
    assert_eq!(run.next().left()[&key("default", "/a.log", 1)], 9);
}

#[test]
fn what_was_opened_moved_and_closed_is_what_the_next_run_finds() {
    let run = Run::new();
    run.checkpoint.save();
    let first = run.follow("default", "/a.log", 1, 0);
    let second = run.follow("other", "/a.log", 1, 0);
    let closed = run.follow("default", "/closed.log", 2, 0);
    settle(&first, 10);
    settle(&second, 20);
    run.checkpoint.save();
    let moved = run.ledger.move_to(&second, WorkerId("third".into()));
    settle(&moved, 30);
    run.checkpoint.keep(Position::of(&closed), Duration::from_secs(60));
    run.ledger.close(closed.id, None);
    run.checkpoint.save();
    let expected =
        [(key("default", "/a.log", 1), 10), (key("default", "/closed.log", 2), 0), (key("third", "/a.log", 1), 30)];
    let next = run.next();
    assert_eq!(next.left(), BTreeMap::from(expected));
    // Taken up again: the file that is open counts, not what was left of it.
    let position = next.checkpoint.earlier(&WorkerId("default".into()), "/a.log".as_ref()).remove(0);
    let account = next.follow("default", "/a.log", 1, 10);
    next.checkpoint.forget(&position);
    next.checkpoint.save();
    settle(&account, 15);
    next.checkpoint.save();
    assert_eq!(next.next().left()[&key("default", "/a.log", 1)], 15);
    assert_eq!(next.next().left().len(), 3);
}

#[test]
fn entries_are_known_to_the_next_run_until_they_are_dropped() {
    let plan = |path: &str| LogPlan::new("logs[0]", path, WorkerId("default".into()));
    let run = Run::new();
    assert!(run.checkpoint.note_entry(&plan("/first")));
    run.checkpoint.save();
    assert!(run.checkpoint.note_entry(&plan("/second")) && run.checkpoint.note_entry(&plan("/third")));
    run.checkpoint.drop_entry(&plan("/second"));
    run.checkpoint.save();
    let next = run.next();
    let is_new: Vec<bool> = ["/first", "/second", "/third"].map(|path| next.checkpoint.note_entry(&plan(path))).into();
    assert_eq!(is_new, [false, true, false]);
}

#[test]
fn positions_of_ignored_paths_are_dropped_and_told_by_pattern() {
    let run = Run::new();
    run.follow("default", "/var/log/a/x.log", 1, 5);
    run.follow("default", "/var/log/b/x.log", 2, 5);
    run.checkpoint.save();
    let next = run.next();
    next.checkpoint.ignore(&["/var/*/a/**".to_owned(), "/none".to_owned(), "[".to_owned()]);
    assert_eq!(next.left(), BTreeMap::from([(key("default", "/var/log/b/x.log", 2), 5)]));
    let told = next.told.lines();
    assert!(told[0].ends_with("the positions of 1 files that match /var/*/a/** are not used"), "{told:?}");
    assert!(told[1].ends_with("the positions of 0 files that match /none are not used"), "{told:?}");
    assert!(told[2].starts_with("ERROR"), "{told:?}");
    next.checkpoint.save();
    assert_eq!(next.next().left().len(), 1);
}

#[test]
fn positions_of_another_agent_are_taken_over_and_older_ones_of_their_paths_give_way() {
    let run = Run::new();
    assert!(run.checkpoint.is_first_run());
    run.follow("mine", "/a.log", 1, 5);
    run.follow("mine", "/b.log", 2, 5);
    run.checkpoint.save();
    let next = run.next();
    assert!(!next.checkpoint.is_first_run());
    let worker = WorkerId("default".into());
    let (path, settled) = (PathBuf::from("/a.log"), Offset(7));
    let position = Position { worker: worker.clone(), path, identity: identity(3), settled, sequence: sequence(0) };
    let written = Timestamp::from_millis(1_800_000_100_000);
    next.checkpoint.import(vec![position], &["/a.log".into(), "/gone.log".into()], Some(written));
    assert_eq!(next.checkpoint.unseen_since(), Some(Timestamp::from_millis(1_800_000_095_000)));
    assert!(!next.checkpoint.note_entry(&LogPlan::new("logs[0]", "/a.log", worker)));
    next.checkpoint.save();
    let expected = [(key("mine", "/a.log", 3), 7), (key("mine", "/b.log", 2), 5)];
    assert_eq!(next.next().left(), BTreeMap::from(expected));
}

#[test]
fn a_position_is_forgotten_a_week_after_its_file_was_there_and_never_before() {
    let run = Run::new();
    let there = run.path("there.log");
    fs::write(&there, "x").unwrap();
    let metadata = fs::metadata(&there).unwrap();
    let identity = Identity { device: metadata.dev(), inode: metadata.ino(), ..identity(1) };
    run.ledger.open(WorkerId("default".into()), there.clone(), identity, sequence(0), Offset(1));
    run.follow("default", "/never/there.log", 2, 5);
    run.checkpoint.save();
    let mut days = 0;
    for _ in 0..3 {
        let next = run.next();
        assert_eq!(next.left().len(), if days < 7 { 2 } else { 1 }, "after {days} days");
        next.checkpoint.save();
        days += 4;
        next.clock.set(Timestamp::from_millis(1_800_000_000_000 + days * 86_400_000));
    }
    fs::remove_file(&there).unwrap();
    assert_eq!(run.next().left().len(), 0);
}
