//! Whatever bytes the Python agent's checkpoint files consist of: nothing panics, and every position lies within a file that
//! is there. The target runs with `cargo test` over its corpus in `tests/__fuzz__/` and some chance.

use std::fs;
use std::os::unix::fs::MetadataExt;

use scalyr_agent::checkpoint::python::{read, write};
use scalyr_monitor::{Logger, Timestamp};

/// In the bytes, these stand for the log's path and inode.
const PLACE: (&str, &str) = ("@LOG@", "12345");

#[test]
fn fuzz_python_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    fs::write(&log, "1\n2\n3\n").unwrap();
    let metadata = fs::metadata(&log).unwrap();
    bolero::check!(name = "python_checkpoints").for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let text = text.replace(PLACE.0, log.to_str().unwrap()).replace(PLACE.1, &metadata.ino().to_string());
        // Bytes that are no UTF-8 as they are, too.
        fs::write(folder.path().join("active-checkpoints-worker-default-0.json"), bytes).unwrap();
        fs::write(folder.path().join("checkpoints.json"), text).unwrap();
        let Some(taken) = read(folder.path(), None, &Logger::none()) else { return };
        for position in &taken.positions {
            let size = fs::metadata(&position.path).map_or(u64::MAX, |metadata| metadata.len());
            assert!(position.path.is_absolute() && position.settled.0 <= size.max(metadata.len()), "{position:?}");
            assert!(taken.paths.contains(&position.path), "{position:?}");
        }
        write(folder.path(), &taken.positions, Timestamp::from_nanos(1)).unwrap();
        let again = read(folder.path(), None, &Logger::none()).expect("what is written can be read");
        assert!(again.positions.len() <= taken.positions.len());
    });
}
