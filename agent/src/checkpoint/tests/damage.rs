//! Files that are damaged, or stand as a kill or a power cut between two steps may leave them.

use super::*;

/// What each file was settled at, at one time or another.
type History = BTreeMap<Key, Vec<u64>>;

/// A run with two generations, whose positions are not the ones that it began with: the settled bytes of each file at each
/// time, and what they were last.
fn damaged_later(rounds: u64) -> (Run, History) {
    let run = Run::new();
    run.checkpoint.note_entry(&LogPlan::new("logs[0]", "/*.log", WorkerId("default".into())));
    // In the order of their keys.
    let files = [("default", "/a.log", 1), ("default", "/b.log", 2), ("other", "/a.log", 1)];
    let files = files.map(|(worker, path, inode)| run.follow(worker, path, inode, 3));
    run.checkpoint.save();
    let mut history: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for account in &files {
        let key = key(&account.worker.0, account.path.to_str().unwrap(), account.identity().inode);
        history.insert(key, vec![3]);
    }
    for round in 1..=rounds {
        for (account, settled) in files.iter().zip(history.values_mut()) {
            let end = settled[0] + round * 1_000;
            settled.push(end);
            settle(account, end);
            run.checkpoint.save();
        }
        if round == rounds / 2 {
            run.checkpoint.finish();
        }
    }
    (run, history)
}

/// Whether a run found what was written last, and otherwise nothing but earlier positions of the same files.
fn check(run: &Run, history: &History, what: &str) -> bool {
    let left = run.left();
    for (key, settled) in &left {
        assert!(history.get(key).is_some_and(|known| known.contains(settled)), "{what}: {key:?} {settled}");
    }
    history.iter().all(|(key, known)| left.get(key) == known.last())
}

#[test]
fn positions_files_that_are_cut_at_any_length_give_the_last_positions_or_earlier_ones() {
    let (run, history) = damaged_later(4);
    assert!(check(&run.copy(), &history, "undamaged"));
    for name in ["positions.2.snapshot", "positions.2.journal", "positions.1.journal", "positions.1.snapshot"] {
        let text = fs::read(run.path(name)).unwrap();
        for length in 0..text.len() {
            fs::write(run.path(name), &text[..length]).unwrap();
            let next = run.next();
            let is_last = check(&next, &history, &format!("{name} at {length}"));
            assert_eq!(next.left().len(), 3, "{name} at {length}");
            // The end of a journal may be missing after a kill; all else is loud, or makes no difference.
            let is_loud = !next.loud().is_empty();
            let lost_end = text[length..] == *b"\n";
            match name {
                "positions.2.snapshot" => assert!(is_last && (is_loud || lost_end), "{name} at {length}"),
                "positions.2.journal" => assert!(!is_loud, "{name} at {length}: {:?}", next.loud()),
                _ => assert!(is_last && !is_loud, "{name} at {length}"),
            }
        }
        fs::write(run.path(name), &text).unwrap();
    }
}

#[test]
fn positions_files_in_which_any_bit_is_flipped_give_the_last_positions_or_earlier_ones_with_a_loud_line() {
    let (run, history) = damaged_later(2);
    // Of each byte of the snapshot one bit, since it takes its time; record.rs has all bits of a record.
    for (name, step) in [("positions.2.snapshot", 9), ("positions.2.journal", 1)] {
        let text = fs::read(run.path(name)).unwrap();
        for bit in (0..text.len() * 8).step_by(step) {
            let mut damaged = text.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(run.path(name), &damaged).unwrap();
            let next = run.next();
            let is_last = check(&next, &history, &format!("{name}, bit {bit}"));
            assert_eq!(next.left().len(), 3, "{name}, bit {bit}");
            assert!(is_last || !next.loud().is_empty(), "{name}, bit {bit}");
            assert!(is_last || name == "positions.2.journal", "{name}, bit {bit}");
        }
        fs::write(run.path(name), &text).unwrap();
    }
}

#[test]
fn a_new_generation_can_be_cut_short_after_each_of_its_steps() {
    let (run, history) = damaged_later(4);
    let snapshot = fs::read(run.path("positions.2.snapshot")).unwrap();
    let third = run.copy();
    third.checkpoint.save();
    let new = fs::read(third.path("positions.3.snapshot")).unwrap();
    let quiet = |what: &str| {
        let next = run.copy();
        assert!(check(&next, &history, what) && next.loud().is_empty(), "{what}: {:?}", next.loud());
        next.checkpoint.save();
        assert!(check(&next.next(), &history, what), "{what}, and the run after");
        assert!(next.names().len() <= 5 && !next.path("positions.new").exists(), "{what}: {:?}", next.names());
    };
    fs::write(run.path("positions.3.journal"), "").unwrap();
    quiet("its journal is made");
    for length in [0, 1, new.len() / 2, new.len()] {
        fs::write(run.path("positions.new"), &new[..length]).unwrap();
        quiet("the snapshot is being written");
    }
    fs::rename(run.path("positions.new"), run.path("positions.3.snapshot")).unwrap();
    quiet("the snapshot is renamed");
    fs::remove_file(run.path("positions.1.snapshot")).unwrap();
    quiet("half of the generation before the last one is removed");
    fs::remove_file(run.path("positions.1.journal")).unwrap();
    quiet("the generation before the last one is removed");
    // The journal of a snapshot that did not outlast a power cut.
    fs::remove_file(run.path("positions.3.snapshot")).unwrap();
    quiet("only the new journal has outlasted a power cut");
    fs::write(run.path("positions.2.snapshot"), &snapshot).unwrap();
}

#[test]
fn a_record_of_another_generation_is_none() {
    let (run, history) = damaged_later(4);
    let old = fs::read(run.path("positions.1.journal")).unwrap();
    let mut journal = fs::read(run.path("positions.2.journal")).unwrap();
    journal.extend_from_slice(&old);
    fs::write(run.path("positions.2.journal"), journal).unwrap();
    let next = run.copy();
    assert!(check(&next, &history, "behind it"));
    assert!(next.loud()[0].contains("6 of 12 records cannot be read"), "{:?}", next.loud());
}

#[test]
fn a_damaged_record_makes_a_run_look_further_back_for_files_that_it_has_not_seen() {
    let run = Run::new();
    let account = run.follow("default", "/a.log", 1, 0);
    run.checkpoint.save();
    let mut lengths = Vec::new();
    for minute in 1..=3 {
        run.clock.set(Timestamp::from_millis(1_800_000_000_000 + minute * 60_000));
        settle(&account, u64::try_from(minute).unwrap());
        run.checkpoint.save();
        lengths.push(fs::metadata(run.path("positions.1.journal")).unwrap().len() as usize);
    }
    let seen = |run: &Run| run.copy().checkpoint.unseen_since().unwrap().as_secs() - 1_800_000_000 + 5;
    assert_eq!(seen(&run), 180);
    let mut text = fs::read(run.path("positions.1.journal")).unwrap();
    text[lengths[0] + 20] ^= 1;
    fs::write(run.path("positions.1.journal"), text).unwrap();
    assert_eq!(seen(&run), 60, "the second record may have been of a file that came then");
    let next = run.copy();
    assert_eq!(next.left()[&key("default", "/a.log", 1)], 3);
    let loud = next.loud();
    assert!(
        loud[0].ends_with(
            "positions.1.journal: 1 of 3 records cannot be read, the first one at byte 255; they are left out"
        ),
        "{loud:?}"
    );
    assert!(
        loud[1].contains("those of 2027-01-15 08:01:00.000Z are used, and what can be read of the 120 s after it"),
        "{loud:?}"
    );
}
