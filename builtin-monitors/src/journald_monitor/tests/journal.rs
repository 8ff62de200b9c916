//! Journals for tests: files that the real systemd-journal-remote writes.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// It comes with the package systemd-journal-remote.
const WRITER: &str = "/lib/systemd/systemd-journal-remote";

/// The moment of the entry with number 0, microseconds since 1970: 2026-11-22 13:31:20 UTC.
const EPOCH: u64 = 1_795_354_280_000_000;

/// A folder of journals, and one of an agent's data.
pub(super) struct Journals {
    folder: TempDir,
}

/// An entry to be put into a journal.
pub(super) struct Made {
    number: u64,
    message: Vec<u8>,
    unit: String,
    more: Vec<(String, Vec<u8>)>,
}

impl Made {
    /// An entry of the unit `app.service`; its number orders it and says its time.
    pub(super) fn new(number: u64, message: &str) -> Self {
        Self::bytes(number, message.as_bytes())
    }

    /// One whose message is no text.
    pub(super) fn bytes(number: u64, message: &[u8]) -> Self {
        Self { number, message: message.to_owned(), unit: "app.service".to_owned(), more: Vec::new() }
    }

    pub(super) fn unit(self, unit: &str) -> Self {
        Self { unit: unit.to_owned(), ..self }
    }

    pub(super) fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.more.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The entry in the export format.
    pub(super) fn export(&self) -> Vec<u8> {
        let time = EPOCH + self.number * 1_000;
        let mut text = format!(
            "__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=11111111222243338444555555555555\n\
             _MACHINE_ID=aaaaaaaabbbb4ccc8dddeeeeeeeeeeee\n_SOURCE_REALTIME_TIMESTAMP={}\n_PID={}\nPRIORITY=6\n\
             _SYSTEMD_UNIT={}\n",
            1_000_000 + self.number,
            time - 7,
            100 + self.number,
            self.unit,
        )
        .into_bytes();
        for (name, value) in
            self.more.iter().map(|(name, value)| (name.as_str(), value)).chain([("MESSAGE", &self.message)])
        {
            text.extend_from_slice(name.as_bytes());
            text.push(b'\n');
            text.extend_from_slice(&(value.len() as u64).to_le_bytes());
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        text.push(b'\n');
        text
    }
}

impl Journals {
    pub(super) fn new() -> Self {
        let journals = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(journals.path()).unwrap();
        fs::create_dir(journals.data_path()).unwrap();
        journals
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    pub(super) fn data_path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Puts entries into the journal.
    pub(super) fn add(&self, entries: impl IntoIterator<Item = Made>) {
        let text: Vec<u8> = entries.into_iter().flat_map(|entry| entry.export()).collect();
        let mut writer = Command::new(WRITER);
        writer.arg(format!("--output={}", self.path().join("test.journal").display())).arg("-");
        writer.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = writer.spawn().unwrap_or_else(|error| {
            panic!("{WRITER} cannot be started: {error}; apt-get install systemd-journal-remote")
        });
        child.stdin.take().unwrap().write_all(&text).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}
