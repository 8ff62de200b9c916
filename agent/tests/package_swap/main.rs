//! The checkpoint files of the Python agent at the level of the library: what is read of damaged ones, how pieces are found
//! again, what is written. The stories with processes are in `program/tests/package_swap.rs`.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod damage;
mod finding;
mod writing;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use scalyr_agent::checkpoint::python::{self, Taken};
use scalyr_agent::logs::Position;
use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::{Level, Logger, Timestamp};
use serde_json::{Value, json};

/// A data folder with logs in it, and what was told.
struct Host {
    folder: tempfile::TempDir,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told(Mutex<Vec<(Level, String)>>);

impl LogSink for Told {
    fn enabled(&self, _: Level) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push((record.level, record.message.to_string()));
    }
}

impl Host {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), told: Arc::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a log; returns its inode.
    fn log(&self, name: &str, text: &str) -> u64 {
        fs::write(self.path(name), text).unwrap();
        self.inode(name)
    }

    fn inode(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).unwrap().ino()
    }

    /// Now, in the seconds of the old agent's files.
    fn now(&self) -> f64 {
        fs::write(self.path("now"), "").unwrap();
        let modified = fs::metadata(self.path("now")).unwrap().modified().unwrap();
        modified.duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
    }

    fn checkpoints(&self, file: &str, content: &Value) {
        fs::write(self.path(file), content.to_string()).unwrap();
    }

    /// `checkpoints.json` with one entry for `a.log`, written now.
    fn entry(&self, entry: &Value) {
        let path = self.path("a.log");
        let checkpoints = json!({ path.to_str().unwrap(): entry });
        self.checkpoints("checkpoints.json", &json!({ "time": self.now(), "checkpoints": checkpoints }));
    }

    fn read(&self) -> Option<Taken> {
        self.read_since(None)
    }

    fn read_since(&self, since: Option<Timestamp>) -> Option<Taken> {
        python::read(self.folder.path(), since, &Logger::new(self.told.clone(), "core"))
    }

    /// The positions, as the name of the file at the path, inode, byte.
    fn taken(&self) -> Vec<(String, u64, u64)> {
        let positions = self.read().unwrap().positions;
        positions.iter().map(|position| (name(&position.path), position.identity.inode, position.settled.0)).collect()
    }

    #[track_caller]
    fn tells(&self, level: Level, part: &str) {
        let told = self.told.0.lock().unwrap();
        assert!(told.iter().any(|(at, text)| *at == level && text.contains(part)), "{part:?} is not in {told:?}");
    }

    fn warnings(&self) -> usize {
        self.told.0.lock().unwrap().iter().filter(|(level, _)| *level >= Level::Warning).count()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn piece(inode: u64, start: i64, end: i64, at_path: bool) -> Value {
    json!({ "position_start": start, "position_end": end, "last_known_size": end - start, "is_log_file": at_path,
            "inode": inode })
}

fn chain(pieces: &[Value]) -> Value {
    json!({ "position": 0, "pending_files": pieces, "sequence_id": "the-sequence", "sequence_number": 100 })
}

fn settle_at(position: &Position, byte: u64) -> Position {
    Position { settled: scalyr_agent::ledger::Offset(byte), ..position.clone() }
}
