//! Numbered lines: how they are written, and what became of them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Event;

/// A log file that grows by numbered lines, `line 000000123 xxxxxx.`; the dot shows that the line is whole.
pub(crate) struct Lines {
    path: PathBuf,
    file: File,
    padding: usize,
    written: u64,
    rotations: u32,
}

impl Lines {
    /// Opens the file to append to it; `padding` is the number of bytes behind the number, at least the dot.
    pub(crate) fn new(path: &Path, padding: usize) -> Self {
        Self { path: path.to_owned(), file: open(path), padding: padding.max(1), written: 0, rotations: 0 }
    }

    /// Appends the next `count` lines. More than 64 KiB are written in pieces that end within a line, as programs
    /// that buffer their log do it.
    pub(crate) fn append(&mut self, count: u64) {
        const PIECE: usize = 64 * 1024;
        let mut buffer = Vec::with_capacity(PIECE + self.padding + 32);
        for number in self.written..self.written + count {
            writeln!(buffer, "line {number:09} {:x<width$}.", "", width = self.padding - 1).unwrap();
            if buffer.len() >= PIECE {
                self.file.write_all(&buffer[..PIECE]).unwrap();
                buffer.drain(..PIECE);
            }
        }
        self.file.write_all(&buffer).unwrap();
        self.written += count;
    }

    /// Renames the file to `<path>.1`, `.2`, ... (a new name each time, nothing is removed) and begins a new one.
    pub(crate) fn rotate(&mut self) {
        self.rotations += 1;
        let mut old = self.path.clone().into_os_string();
        old.push(format!(".{}", self.rotations));
        fs::rename(&self.path, old).unwrap();
        self.file = open(&self.path);
    }

    /// The file that is written.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the path anew: what stands there, or a new file.
    pub(crate) fn reopen(&mut self) {
        self.file = open(&self.path);
    }

    /// Empties the file; the next line is its first one.
    pub(crate) fn truncate(&mut self) {
        self.file.set_len(0).unwrap();
    }

    /// How many lines were written: their numbers are 0 up to this.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
}

fn open(path: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(path).unwrap()
}

/// What became of the lines 0 to n that were written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Numbers that never came.
    pub(crate) missing: Vec<u64>,
    /// Numbers that came more than once, with how often.
    pub(crate) repeated: BTreeMap<u64, u32>,
    /// Numbers that came for the first time after a higher one.
    pub(crate) out_of_order: Vec<u64>,
    /// Lines that were cut, joined, or never written.
    pub(crate) damaged: Vec<String>,
}

/// Counts the numbered lines among the events; events of other logs do not matter.
pub(crate) fn missing_and_repeated(events: &[Event], n: u64) -> Tally {
    let mut counts = vec![0_u32; usize::try_from(n).unwrap()];
    let mut highest = None;
    let mut tally = Tally::default();
    for event in events.iter().filter(|event| event.message.starts_with(b"line ")) {
        let Some((number, count)) = whole_line(&event.message)
            .and_then(|number| counts.get_mut(usize::try_from(number).ok()?).map(|count| (number, count)))
        else {
            tally.damaged.push(event.text().into_owned());
            continue;
        };
        *count += 1;
        if *count == 1 && highest > Some(number) {
            tally.out_of_order.push(number);
        }
        highest = highest.max(Some(number));
    }
    for (number, count) in (0..).zip(counts) {
        match count {
            0 => tally.missing.push(number),
            1 => {}
            _ => {
                tally.repeated.insert(number, count);
            }
        }
    }
    tally
}

/// The number of a line that is as [`Lines`] wrote it.
fn whole_line(message: &[u8]) -> Option<u64> {
    let line = message.strip_suffix(b"\n").unwrap_or(message);
    let (number, padding) = line.strip_prefix(b"line ")?.split_at_checked(9)?;
    let fill = padding.strip_prefix(b" ")?.strip_suffix(b".")?;
    fill.iter().all(|byte| *byte == b'x').then_some(())?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Each of the lines 0 to n is there once, whole, and in order.
#[track_caller]
pub(crate) fn assert_each_once(events: &[Event], n: u64) {
    let tally = missing_and_repeated(events, n);
    assert!(tally == Tally::default(), "of {n} lines, {tally}");
}

/// Says how many, and the first few of each.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn few<T: fmt::Debug>(items: impl Iterator<Item = T>) -> String {
            format!("{:?}", items.take(10).collect::<Vec<_>>())
        }
        write!(
            f,
            "{} are missing {}, {} came more than once {}, {} came out of order {}, {} were damaged {}",
            self.missing.len(),
            few(self.missing.iter()),
            self.repeated.len(),
            few(self.repeated.iter()),
            self.out_of_order.len(),
            few(self.out_of_order.iter()),
            self.damaged.len(),
            few(self.damaged.iter()),
        )
    }
}
