//! Reading one positions file: its records, and what is damaged in it.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::generations::MAX_BYTES;
use super::record::{Change, Record, decode};

/// No record is longer; what is must be damage, and is not kept in memory.
const MAX_LINE: u64 = 16 * 1024 * 1024;
/// The version of the form that records have.
pub(super) const VERSION: u64 = 2;

/// What one file holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) records: Vec<Record<'static>>,
    /// How many records cannot be read.
    pub(super) damaged: u64,
    /// Where the first of them begins, and how many records stand before it.
    pub(super) first_damage: Option<(u64, usize)>,
    /// Whether the last record was not written to its end, as after a kill.
    pub(super) is_torn: bool,
    /// Why the file could not be read to its end.
    pub(super) trouble: Option<String>,
}

impl Contents {
    /// Reads the file of a generation, as far as that is possible.
    pub(super) fn read(path: &Path, generation: u64) -> Self {
        let mut contents = Self::default();
        if let Err(error) = contents.read_on(path, generation) {
            contents.trouble = Some(format!("cannot be read: {error}{}", owner(path, &error)));
        }
        contents
    }

    /// Whether nothing is missing of a snapshot: its first record says how many follow.
    pub(super) fn is_whole_snapshot(&self) -> bool {
        let announced = self.records.first().and_then(|first| match first.change {
            Change::Snapshot { version: VERSION, records } => Some(records),
            _ => None,
        });
        self.is_sound() && !self.is_torn && announced == Some(self.records.len().saturating_sub(1) as u64)
    }

    /// Whether nothing is damaged, apart from a last record that was not written to its end.
    pub(super) fn is_sound(&self) -> bool {
        self.damaged == 0 && self.trouble.is_none()
    }

    fn read_on(&mut self, path: &Path, generation: u64) -> io::Result<()> {
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err(io::Error::other("it is no file, or too large to be ours"));
        }
        let (mut reader, mut line, mut at) = (BufReader::new(file.take(MAX_BYTES)), Vec::new(), 0);
        let mut is_rest = false;
        loop {
            line.clear();
            let length = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
            if length == 0 {
                return Ok(());
            }
            let whole = line.strip_suffix(b"\n");
            match whole {
                Some(_) if is_rest => {}
                Some(line) => self.take(decode(generation, line), at),
                None if length == MAX_LINE && !is_rest => self.take(None, at),
                None if is_rest => {}
                None => self.take_last(&line, generation),
            }
            is_rest = whole.is_none();
            at += length;
        }
    }

    fn take(&mut self, record: Option<Record<'static>>, at: u64) {
        match record {
            Some(record) => self.records.push(record),
            None => {
                self.damaged += 1;
                self.first_damage.get_or_insert((at, self.records.len()));
            }
        }
    }

    /// A last line without its end: whole but for that end, or not written whole.
    fn take_last(&mut self, line: &[u8], generation: u64) {
        let without_end = line.split_last().map_or(line, |(_, line)| line);
        match decode(generation, line).or_else(|| decode(generation, without_end)) {
            Some(record) => self.records.push(record),
            None => self.is_torn = true,
        }
    }
}

/// Whose file it is, when that is why it cannot be read.
fn owner(path: &Path, error: &io::Error) -> String {
    let owner = path.symlink_metadata().ok().filter(|_| error.kind() == io::ErrorKind::PermissionDenied);
    owner.map_or_else(String::new, |metadata| {
        let agent = rustix::process::geteuid().as_raw();
        let (uid, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        format!(
            "; it belongs to user {uid} (mode {mode:04o}), and the agent runs as user {agent}: give it to that user"
        )
    })
}
