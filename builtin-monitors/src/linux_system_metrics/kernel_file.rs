//! The small text files in which the kernel counts: read with a bound, handed out line by line.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::warnings::{Trouble, Warnings};

/// How much of an odd line is shown in a warning, in bytes.
const SHOWN_BYTES: usize = 120;

/// Most files fit into this.
const FIRST_BYTES: usize = 8 << 10;

/// A buffer that a larger file needed gives the rest of its memory back.
const KEPT_BYTES: usize = 64 << 10;

/// What a file is called, what it is read for, and how much of it is read.
#[derive(Debug)]
pub(super) struct Source {
    /// The file's name, as in `/proc/NAME`.
    pub(super) name: &'static str,
    /// The metrics that are lost without it, for warnings.
    pub(super) metrics: &'static str,
    /// Read no more than this many bytes.
    pub(super) limit: usize,
}

/// A file of the kernel as it was read, without a last line that the limit cut in two.
#[derive(Debug)]
pub(super) struct KernelFile<'b> {
    source: &'static Source,
    path: PathBuf,
    bytes: &'b [u8],
}

impl<'b> KernelFile<'b> {
    /// Reads the first of `paths` that can be read into the buffer. When none can, that is noted and `None` returned.
    pub(super) fn read(
        source: &'static Source,
        paths: &[PathBuf],
        buffer: &'b mut Vec<u8>,
        warnings: &mut Warnings,
    ) -> Option<Self> {
        let mut refusals = Vec::new();
        for path in paths {
            match read_bounded(path, source.limit, buffer) {
                Ok(()) => return Some(Self::cut(source, path, buffer, warnings)),
                Err(error) => refusals.push(format!("{}: {error}", path.display())),
            }
        }
        let Source { name, metrics, .. } = *source;
        warnings.once(name, Trouble::Unreadable, || {
            format!("Cannot read {}; {metrics} cannot be told, the other metrics go on.", refusals.join("; "))
        });
        None
    }

    fn cut(source: &'static Source, path: &Path, mut bytes: &'b [u8], warnings: &mut Warnings) -> Self {
        if bytes.len() > source.limit {
            let end = bytes[..source.limit].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            bytes = &bytes[..end];
            warnings.once(source.name, Trouble::TooLong, || {
                let (path, limit, metrics) = (path.display(), source.limit, source.metrics);
                format!("{path} is longer than {limit} bytes; its lines beyond them are missing in {metrics}.")
            });
        }
        Self { source, path: path.to_owned(), bytes }
    }

    /// A file with this content, for tests.
    #[cfg(test)]
    pub(super) fn holding(source: &'static Source, bytes: &'b [u8]) -> Self {
        Self { source, path: Path::new("/proc").join(source.name), bytes }
    }

    /// The lines that are not blank, without their line ends.
    pub(super) fn lines(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        self.bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
    }

    /// Notes a line that is left out because it does not have the `expected` form.
    pub(super) fn odd_line(&self, line: &[u8], expected: &str, warnings: &mut Warnings) {
        let Source { name, metrics, .. } = *self.source;
        warnings.once(name, Trouble::OddLine, || {
            let (path, shown) = (self.path.display(), shown(line));
            format!(
                "A line of {path} is not of the form `{expected}` and is left out of {metrics}: `{shown}`. \
                 Further odd lines of this file are left out without a word."
            )
        });
    }

    /// Notes that the file holds nothing of what it is read for.
    pub(super) fn nothing_found(&self, expected: &str, warnings: &mut Warnings) {
        let Source { name, metrics, .. } = *self.source;
        warnings.once(name, Trouble::NothingFound, || {
            format!("{} holds no {expected}; {metrics} cannot be told.", self.path.display())
        });
    }
}

/// The words of a line: what stands between blanks.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// A name that the kernel gave, as text; bytes that are not UTF-8 become `�`.
pub(super) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Reads a file's content into the buffer, in place of what it holds, but at most one byte more than `limit`, which tells
/// that there is more.
pub(super) fn read_bounded(path: &Path, limit: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    buffer.shrink_to(KEPT_BYTES);
    buffer.reserve(FIRST_BYTES);
    File::open(path)?.take(limit as u64 + 1).read_to_end(buffer)?;
    Ok(())
}

fn shown(line: &[u8]) -> String {
    let part = &line[..line.len().min(SHOWN_BYTES)];
    let dots = if part.len() < line.len() { "…" } else { "" };
    format!("{}{dots}", String::from_utf8_lossy(part).escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Source = Source { name: "small", metrics: "some.metric", limit: 10 };

    #[test]
    fn a_file_that_is_too_long_is_cut_behind_its_last_whole_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("small");
        let (mut warnings, mut buffer) = (Warnings::default(), Vec::new());
        for (content, expected, warned) in [
            ("1234\n6789\n", vec!["1234", "6789"], 0),
            ("1234\n6789\nabc\n", vec!["1234", "6789"], 1),
            ("123456789abcdef\n", vec![], 1),
        ] {
            std::fs::write(&path, content).unwrap();
            let file = KernelFile::read(&SMALL, std::slice::from_ref(&path), &mut buffer, &mut warnings).unwrap();
            let lines: Vec<_> = file.lines().map(text).collect();
            assert_eq!(lines, expected);
            assert_eq!(warnings.met.len(), warned, "{warnings:?}");
        }
        let warned = warnings.take_fresh();
        assert_eq!(warned.len(), 1);
        assert!(warned[0].ends_with("is longer than 10 bytes; its lines beyond them are missing in some.metric."));
    }

    #[test]
    fn the_first_file_that_can_be_read_is_taken_and_a_warning_names_all_that_cannot() {
        let directory = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| directory.path().join(name));
        let (mut warnings, mut buffer) = (Warnings::default(), Vec::new());
        assert!(KernelFile::read(&SMALL, &paths, &mut buffer, &mut warnings).is_none());
        let warned = warnings.take_fresh().concat();
        assert!(warned.contains("/a: No such file") && warned.contains("/b: No such file"), "{warned}");
        std::fs::write(&paths[1], "x").unwrap();
        assert_eq!(KernelFile::read(&SMALL, &paths, &mut buffer, &mut warnings).unwrap().bytes, b"x");
    }

    #[test]
    fn an_odd_line_is_shown_short_and_harmless() {
        let line = [b"a\x1b\xff".as_slice(), &[b'x'; 500]].concat();
        assert!(shown(&line).starts_with("a\\u{1b}�x"));
        assert!(shown(&line).len() < 150);
    }
}
