//! Where accepted events go: into the counts, into the output file, to the observer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scalyr_monitor::Clock;

use super::body::{Event, Request};
use super::json_lines::LineWriter;
use super::summary::{FileCount, Summary};

/// How many sequences are remembered to notice repeated events.
const MAX_SEQUENCES: usize = 100_000;
/// So much is collected before it is written to the output file.
const WRITE_BYTES: usize = 1 << 20;

/// A request whose events were accepted just now.
pub struct Arrival<'r, 'a> {
    /// The number of the connection, counted from 1.
    pub connection: u64,
    /// Its `User-Agent`; empty when it has none.
    pub user_agent: &'r str,
    /// The request.
    pub request: &'r Request<'a>,
    /// Its body as it was read, after decompression.
    pub body: &'r [u8],
}

/// Told of every accepted request before it is answered, on the connection's thread.
pub type Observer = Arc<dyn Fn(&Arrival<'_, '_>) + Send + Sync>;

/// How large a request was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// As it was sent.
    pub(super) wire: usize,
    /// After decompression.
    pub(super) body: usize,
}

pub(super) struct Store {
    state: Mutex<State>,
    changed: Condvar,
    observer: Option<Observer>,
}

struct State {
    summary: Summary,
    sequences: HashMap<String, u64>,
    output: Option<Output>,
}

impl Store {
    /// Opens the output file, which is appended to.
    pub(super) fn new(output: Option<&Path>, observer: Option<Observer>) -> io::Result<Self> {
        let output = output.map(Output::open).transpose()?;
        let state = State { summary: Summary::default(), sequences: HashMap::new(), output };
        Ok(Self { state: Mutex::new(state), changed: Condvar::new(), observer })
    }

    /// Accepts a request with its body that came over a connection from a client of this name: when this returns, its
    /// events are in the output file and in the counts.
    ///
    /// # Errors
    /// When the file could not be written; then nothing of the request is in it or in the counts.
    pub(super) fn accept(
        &self,
        (connection, user_agent): (u64, &str),
        (request, body): (&Request<'_>, &[u8]),
        sizes: Sizes,
    ) -> io::Result<()> {
        let mut state = self.lock();
        if let Some(output) = &mut state.output {
            output.append(connection, request)?;
        }
        state.count(request);
        state.summary.accepted += 1;
        state.summary.wire_bytes += sizes.wire as u64;
        state.summary.body_bytes += sizes.body as u64;
        drop(state);
        self.changed.notify_all();
        if let Some(observer) = &self.observer {
            observer(&Arrival { connection, user_agent, request, body });
        }
        Ok(())
    }

    /// Changes the counts.
    pub(super) fn note(&self, change: impl FnOnce(&mut Summary)) {
        change(&mut self.lock().summary);
        self.changed.notify_all();
    }

    pub(super) fn summary(&self) -> Summary {
        self.lock().summary.clone()
    }

    /// Waits until the counts are as wished, at most for `time`; whether they are.
    pub(super) fn wait_until(&self, clock: &Clock, time: Duration, wish: impl Fn(&Summary) -> bool) -> bool {
        let deadline = clock.monotonic() + time;
        let mut state = self.lock();
        while !wish(&state.summary) {
            let left = deadline.saturating_duration_since(clock.monotonic());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, request: &Request<'_>) {
        // Events come in runs of one file and one sequence, so each run is summed up before it is looked up by name.
        for run in request.events.chunk_by(same_run) {
            let Some(first) = run.first() else { continue };
            let bytes = run.iter().map(|event| event.message.len() as u64).sum();
            let count = FileCount { events: run.len() as u64, bytes };
            self.summary.add_file(&request.logfile(first), count);
            self.note_sequence(run, &first.si);
        }
    }

    fn note_sequence(&mut self, run: &[Event<'_>], si: &str) {
        let mut highest = self.sequences.get(si).copied();
        for event in run {
            if highest.is_some_and(|highest| event.sn <= highest) {
                self.summary.repeated_events += 1;
            } else {
                highest = Some(event.sn);
            }
        }
        let Some(highest) = highest else { return };
        if let Some(known) = self.sequences.get_mut(si) {
            *known = highest;
        } else if self.sequences.len() < MAX_SEQUENCES {
            self.sequences.insert(si.to_owned(), highest);
        }
    }
}

/// Whether two neighbours are of the same file and sequence.
fn same_run(one: &Event<'_>, other: &Event<'_>) -> bool {
    one.log == other.log && one.thread == other.thread && one.si == other.si && one.attrs == other.attrs
}

/// Why the output file cannot be opened.
fn unopened(path: &Path, error: &io::Error) -> io::Error {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let reason = match folder {
        Some(folder) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => {
            format!("there is no folder {}; make it first", folder.display())
        }
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot open the file of --output, {}: {reason}", path.display()))
}

/// The output file.
struct Output {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
}

impl Output {
    fn open(path: &Path) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let opened = OpenOptions::new().create(true).append(true).read(true).open(path);
        let file = opened.map_err(|error| unopened(path, &error))?;
        let mut output = Self { path: path.to_owned(), file, buffer: Vec::new() };
        output.end_last_line().map_err(named)?;
        Ok(output)
    }

    /// Ends a line that an earlier run was killed in, so that the next one stands alone.
    fn end_last_line(&mut self) -> io::Result<()> {
        // A pipe or a terminal has no end to look at.
        if !self.file.metadata()?.is_file() {
            return Ok(());
        }
        if self.file.metadata()?.len() > 0 {
            self.file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            self.file.read_exact(&mut last)?;
            if last != *b"\n" {
                self.file.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    /// Appends the events of a request, all or none.
    fn append(&mut self, connection: u64, request: &Request<'_>) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        self.write_events(connection, request).map_err(|error| {
            self.buffer.clear();
            // A full disk must not leave half a request behind, for it will be sent again.
            let undone = self.file.set_len(length);
            let left = if undone.is_err() { "; a part of the request is left in it" } else { "" };
            io::Error::new(error.kind(), format!("{}: {error}{left}", self.path.display()))
        })
    }

    fn write_events(&mut self, connection: u64, request: &Request<'_>) -> io::Result<()> {
        let writer = LineWriter::new(request, connection)?;
        let mut logfile: Cow<'_, str> = Cow::Borrowed("");
        let mut before: Option<&Event<'_>> = None;
        for event in &request.events {
            if !before.is_some_and(|before| same_run(before, event)) {
                logfile = request.logfile(event);
            }
            before = Some(event);
            writer.write(&mut self.buffer, event, &logfile)?;
            if self.buffer.len() >= WRITE_BYTES {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_opened_is_told_with_its_option_and_its_missing_folder() {
        let directory = tempfile::tempdir().unwrap();
        let says = |path: &Path| {
            let error = Store::new(Some(path), None).err().map(|error| error.to_string()).unwrap_or_default();
            error.replace(&directory.path().display().to_string(), "DIR")
        };
        assert_eq!(
            says(&directory.path().join("none/f")),
            "cannot open the file of --output, DIR/none/f: there is no folder DIR/none; make it first"
        );
        assert_eq!(says(directory.path()), "cannot open the file of --output, DIR: Is a directory (os error 21)");
    }
}
