//! Whatever bytes the positions files consist of: nothing panics, and what is found can be written and is found again. The
//! targets run with `cargo test` over their corpora in `tests/__fuzz__/` and some chance; CONTRIBUTING.md says how to run
//! them for longer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flate2::Crc;
use scalyr_agent::checkpoint::Checkpoint;
use scalyr_agent::config::plan::LogPlan;
use scalyr_agent::ledger::{Ledger, WorkerId};
use scalyr_agent::logs::Position;
use scalyr_agent::upload::Save;
use scalyr_monitor::{Clock, Logger, Timestamp};

fn open(folder: &Path) -> Checkpoint {
    let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
    Checkpoint::open(folder, Ledger::new(), clock, Logger::none())
}

fn all(checkpoint: &Checkpoint) -> BTreeSet<String> {
    checkpoint.positions().iter().map(|position: &Position| format!("{position:?}")).collect()
}

/// Snapshot, journal, the generation before: what stands behind a NUL is the next file.
const FILES: [&str; 5] =
    ["positions.2.snapshot", "positions.2.journal", "positions.1.snapshot", "positions.1.journal", "positions.json"];

fn check(files: &[(&str, Vec<u8>)]) {
    let folder = tempfile::tempdir().expect("there is room");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("the folder can be written");
    }
    let first = open(folder.path());
    let found = all(&first);
    first.note_entry(&LogPlan::new("logs[0]", "/*.log", WorkerId("default".into())));
    first.save();
    assert_eq!(first.snapshot().last_error, None);
    let second = open(folder.path());
    assert_eq!(all(&second), found);
    assert!(first.is_first_run() || !second.is_first_run());
}

/// The bytes as they are.
#[test]
fn fuzz_positions() {
    bolero::check!(name = "positions").for_each(|bytes: &[u8]| {
        let parts = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec);
        check(&FILES.into_iter().zip(parts).collect::<Vec<_>>());
    });
}

/// Each line with a checksum that is right, so that what stands in it is looked at.
fn sealed(generation: u64, text: &[u8]) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let seal = |line: &[u8]| {
        let mut sum = Crc::new();
        sum.update(&generation.to_le_bytes());
        sum.update(line);
        [format!("[\"{:08x}\",", sum.sum()).as_bytes(), line, b"]\n"].concat()
    };
    lines.flat_map(seal).collect()
}

#[test]
fn fuzz_position_records() {
    bolero::check!(name = "position_records").for_each(|bytes: &[u8]| {
        let parts = bytes.split(|byte| *byte == 0);
        let files = FILES.into_iter().zip([2, 2, 1, 1]).zip(parts);
        check(&files.map(|((name, generation), text)| (name, sealed(generation, text))).collect::<Vec<_>>());
    });
}

/// The seeds of [`fuzz_position_records`] are positions.
#[test]
fn the_records_of_the_corpus_are_positions() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__/position_records/corpus");
    for (name, count) in [("two-files", 2), ("damaged-snapshot", 1), ("gone", 0), ("extreme-numbers", 1)] {
        let bytes = fs::read(corpus.join(name)).expect("the corpus is checked in");
        let folder = tempfile::tempdir().expect("there is room");
        let parts = bytes.split(|byte| *byte == 0);
        for ((file, generation), text) in FILES.into_iter().zip([2, 2, 1, 1]).zip(parts) {
            fs::write(folder.path().join(file), sealed(generation, text)).expect("the folder can be written");
        }
        assert_eq!(open(folder.path()).positions().len(), count, "{name}");
    }
}
