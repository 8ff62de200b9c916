//! A file of lines that is rotated by size (`logging.md` section 9).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use memchr::{memchr_iter, memrchr};

use super::unsettled::{SharedCopies, Standing};
use crate::config::plan::Rotation;

/// Readable by the owner and its group: what a monitor writes may hold secrets.
const MODE: u32 = 0o640;

/// A file that lines are appended to. Before a line would bring it to [`Rotation::max_bytes`], `f.(n-1)` becomes
/// `f.n`, and so on down to `f`, which becomes `f.1`; a new, empty `f` is begun.
///
/// With `backups` 0 a full file is deleted and begun anew, so that the disk is bounded: whoever is reading it, as the
/// agent's own copier does, still reads it to its end. (The Python agent let such a file grow without bound.) With
/// `max_bytes` 0 it is never rotated.
///
/// A file that somebody else moved away or deleted is begun anew at its path. Directories are made as needed.
///
/// A rotation that would remove bytes which the copier has not settled yet is held back: [`guard`](Self::guard).
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    rotation: Rotation,
    open: Option<Open>,
    /// The last write stopped in the middle of a line.
    torn: bool,
    /// The beginning of that line, for whoever comes with the whole line again.
    begun: Vec<u8>,
    /// Knows how the copying of its old files stands.
    copies: Option<SharedCopies>,
    /// How often a rotation was put off because the copier has not opened the file yet.
    put_off: u32,
    /// So many old files were kept before the number became smaller; those beyond are still to be removed.
    kept_before: u32,
}

/// A rotation is put off so often, until the copier has opened the file: a few seconds.
const MOST_PUT_OFF: u32 = 100;

/// What becomes of lines that belong behind a rotation which would remove bytes that nobody has settled yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenHeld {
    /// They are not written; [`Written::held`] says how many bytes of them are left.
    Leave,
    /// They are written all the same, and the file grows.
    Grow,
    /// They are written, until the file has twice its size; then the oldest file is emptied and removed.
    GrowTwice,
}

/// A rotation that is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many bytes it would remove that have no outcome yet; 0 when it is put off for a moment, until the copier has
    /// opened the file that would move.
    pub unsettled: u64,
    /// How many bytes of the lines were not written for it.
    pub left: usize,
}

#[derive(Debug)]
struct Open {
    file: File,
    device: u64,
    inode: u64,
}

/// What became of some lines.
#[derive(Debug, Default)]
#[must_use = "lost lines have to be counted and reported"]
pub struct Written {
    /// How many lines could not be written; they are gone.
    pub lost_lines: u64,
    /// How many bytes of the lines were not written, from their end, whole lines; they are lost, or held back.
    pub left: usize,
    /// The rotation that is held back, when one is.
    pub held: Option<Held>,
    /// How many bytes of an old file were removed though they had no outcome yet.
    pub removed_unsettled: u64,
    /// What stood in the way: of writing when lines were lost, else of rotating.
    pub trouble: Option<io::Error>,
}

impl RotatingFile {
    /// Opens the file for appending and creates it, with mode 0640, if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened or created.
    pub fn open(path: impl Into<PathBuf>, rotation: Rotation) -> io::Result<Self> {
        let mut file = Self {
            path: path.into(),
            rotation,
            open: None,
            torn: false,
            begun: Vec::new(),
            copies: None,
            put_off: 0,
            kept_before: 0,
        };
        file.ready()?;
        Ok(file)
    }

    /// The rotation in force.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// Rotates it in another way from now on. Old files beyond a smaller number go with the next rotation.
    pub fn set_rotation(&mut self, rotation: Rotation) {
        self.kept_before = self.kept_before.max(self.rotation.backups);
        self.rotation = rotation;
    }

    /// From now on no rotation removes bytes that `copies` says have no outcome yet, except as [`WhenHeld`] allows.
    pub fn guard(&mut self, copies: SharedCopies) {
        self.copies = Some(copies);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends whole lines, each with its line end, in as few writes as rotation allows. After a failure, such as a
    /// full disk, the next call tries again.
    pub fn write_lines(&mut self, text: &[u8], when_held: WhenHeld) -> Written {
        let mut outcome = Written::default();
        let mut may_rotate = true;
        let mut rest = text;
        if !self.begun.is_empty() {
            match self.ready().and_then(|_| self.go_on(text)) {
                Ok(there) => rest = &text[there..],
                Err(error) => return outcome.lost(text, error),
            }
        }
        while !rest.is_empty() {
            let size = match self.ready() {
                Ok(size) => size,
                Err(error) => return outcome.lost(rest, error),
            };
            let fitting = if may_rotate { self.fitting(size, rest) } else { rest.len() };
            if fitting == 0 {
                if let Some(unsettled) = self.unsettled_of_oldest() {
                    match when_held {
                        WhenHeld::Leave => {
                            return outcome.held(unsettled, rest.len());
                        }
                        WhenHeld::GrowTwice if size >= self.rotation.max_bytes.saturating_mul(2) => {
                            // So that the disk has its room back although the copier has it open; it sees the loss.
                            let emptied =
                                File::options().write(true).open(self.oldest()).and_then(|file| file.set_len(0));
                            outcome.removed_unsettled += if emptied.is_ok() { unsettled } else { 0 };
                        }
                        WhenHeld::Grow | WhenHeld::GrowTwice => {
                            outcome.held = Some(Held { unsettled, left: 0 });
                            may_rotate = false;
                            continue;
                        }
                    }
                }
                if when_held == WhenHeld::Leave && self.is_still_to_be_opened() {
                    return outcome.held(0, rest.len());
                }
                if let Err(error) = self.rotate() {
                    // Better a file that grows than lines that are lost; the next call tries to rotate again.
                    may_rotate = false;
                    outcome.trouble = Some(error);
                }
                continue;
            }
            let (now, later) = rest.split_at(fitting);
            if let Err((written, error)) = self.append(now) {
                return outcome.lost(&rest[written..], error);
            }
            rest = later;
        }
        outcome
    }

    /// Makes sure that the file is open at its path, and tells its size.
    fn ready(&mut self) -> io::Result<u64> {
        if let Some(open) = &self.open {
            match fs::metadata(&self.path) {
                Ok(found) if (found.dev(), found.ino()) == (open.device, open.inode) => return Ok(found.len()),
                Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(open.file.metadata()?.len());
                }
                _ => self.open = None,
            }
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(MODE);
        let file = match options.open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if let Some(parent) = self.path.parent() {
                    fs::create_dir_all(parent)?;
                }
                options.open(&self.path)?
            }
            opened => opened?,
        };
        let found = file.metadata()?;
        self.begun.clear();
        // A process that was killed in the middle of a write may have left a torn line.
        self.torn = found.is_file() && found.len() > 0 && {
            let mut last = [b'\n'];
            file.read_at(&mut last, found.len() - 1)?;
            last != *b"\n"
        };
        self.open = Some(Open { file, device: found.dev(), inode: found.ino() });
        Ok(found.len())
    }

    /// How many bytes of `rest`, in whole lines, go into the file before it is rotated. An empty file takes a line
    /// that is too long for any file; a device, which has no size, takes everything.
    fn fitting(&self, size: u64, rest: &[u8]) -> usize {
        if self.rotation.max_bytes == 0 {
            return rest.len();
        }
        let room = usize::try_from((self.rotation.max_bytes - 1).saturating_sub(size)).unwrap_or(usize::MAX);
        if room >= rest.len() {
            return rest.len();
        }
        match memrchr(b'\n', &rest[..room]) {
            Some(end) => end + 1,
            None if size == 0 => memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1),
            None => 0,
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        if self.rotation.backups == 0 {
            fs::remove_file(&self.path)?;
        } else {
            // Only as far as the first gap: an interrupted rotation that is taken up again pushes nothing out twice.
            let gap = (1..self.rotation.backups).find(|&n| !self.backup(n).exists()).unwrap_or(self.rotation.backups);
            for n in (1..gap).rev() {
                fs::rename(self.backup(n), self.backup(n + 1))?;
            }
            fs::rename(&self.path, self.backup(1))?;
        }
        self.open = None;
        self.put_off = 0;
        self.remove_beyond();
        Ok(())
    }

    /// Removes the old files that are too many since the number became smaller, once each of their bytes has its outcome.
    fn remove_beyond(&mut self) {
        while self.kept_before > self.rotation.backups {
            let beyond = self.backup(self.kept_before);
            let standing = fs::metadata(&beyond)
                .ok()
                .zip(self.copies.as_ref())
                .map(|(found, copies)| copies.standing(found.dev(), found.ino(), found.len()));
            if matches!(standing, Some(Standing::Unsettled(_))) {
                return;
            }
            // What cannot be removed is nobody's trouble but the disk's, and stays.
            _ = fs::remove_file(&beyond);
            self.kept_before -= 1;
        }
    }

    /// Whether the copier, which follows older files of this path, has yet to open this one: a flood of lines could push
    /// it out before. That is not waited for forever; it may have no room for another file.
    fn is_still_to_be_opened(&mut self) -> bool {
        let (Some(copies), Some(open)) = (&self.copies, &self.open) else { return false };
        let is_unknown = self.put_off < MOST_PUT_OFF
            && copies.standing(open.device, open.inode, 0) == Standing::NotFollowed
            && copies.follows(&self.path);
        self.put_off += u32::from(is_unknown);
        is_unknown
    }

    /// The file that the next rotation removes, if it is there.
    fn oldest(&self) -> PathBuf {
        if self.rotation.backups == 0 { self.path.clone() } else { self.backup(self.rotation.backups) }
    }

    /// How many bytes without an outcome the next rotation would remove; `None` when it may go on.
    fn unsettled_of_oldest(&self) -> Option<u64> {
        let copies = self.copies.as_ref()?;
        // A gap among the old files takes what moves up.
        if (1..self.rotation.backups).any(|n| !self.backup(n).exists()) {
            return None;
        }
        let found = fs::metadata(self.oldest()).ok()?;
        match copies.standing(found.dev(), found.ino(), found.len()) {
            Standing::Unsettled(bytes) => Some(bytes),
            Standing::Settled | Standing::NotFollowed => None,
        }
    }

    fn backup(&self, n: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{n}"));
        name.into()
    }

    /// Appends the bytes; on failure tells how many of them were written, in whole lines.
    fn append(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let Some(open) = &mut self.open else {
            return Err((0, io::Error::new(ErrorKind::NotFound, "the file is not open")));
        };
        if self.torn {
            // Or else the next line would be glued to what is left of the torn one.
            write_all(&mut open.file, b"\n").map_err(|(_, error)| (0, error))?;
            self.torn = false;
        }
        let Err((written, error)) = write_all(&mut open.file, bytes) else { return Ok(()) };
        let whole = memrchr(b'\n', &bytes[..written]).map_or(0, |end| end + 1);
        // It stays: taking it back would look to the copier as if somebody had emptied the file.
        self.torn = whole < written;
        self.begun = bytes[whole..written].to_vec();
        Err((whole, error))
    }

    /// Goes on in the line of which only the beginning could be written, when it comes again; how many bytes of the text
    /// are in the file then.
    fn go_on(&mut self, text: &[u8]) -> Result<usize, io::Error> {
        let begun = std::mem::take(&mut self.begun);
        if begun.is_empty() || !self.torn || !text.starts_with(&begun) {
            return Ok(0);
        }
        let end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
        let Some(open) = &mut self.open else { return Ok(0) };
        match write_all(&mut open.file, text.get(begun.len()..end).unwrap_or_default()) {
            Ok(()) => {
                self.torn = false;
                Ok(end)
            }
            Err((written, error)) => {
                self.begun = text[..begun.len() + written].to_vec();
                Err(error)
            }
        }
    }
}

impl Written {
    fn held(self, unsettled: u64, left: usize) -> Self {
        Self { left, held: Some(Held { unsettled, left }), ..self }
    }

    fn lost(mut self, rest: &[u8], error: io::Error) -> Self {
        self.lost_lines = memchr_iter(b'\n', rest).count() as u64;
        self.left = rest.len();
        self.trouble = Some(error);
        self
    }
}

/// As [`Write::write_all`], but a failure tells how many bytes were written before it.
fn write_all(file: &mut File, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn rotation(max_bytes: u64, backups: u32) -> Rotation {
        Rotation { max_bytes, backups }
    }

    fn place() -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f.log");
        (directory, path)
    }

    fn write(file: &mut RotatingFile, text: &str) {
        let written = file.write_lines(text.as_bytes(), WhenHeld::Leave);
        assert_eq!(written.lost_lines, 0);
        assert!(written.trouble.is_none(), "{:?}", written.trouble);
    }

    fn read(path: &Path, suffix: &str) -> String {
        fs::read_to_string(format!("{}{suffix}", path.display())).unwrap()
    }

    /// 30 lines of 39 bytes with 200 bytes and 2 backups: what the Python agent left behind.
    fn check_vector(path: &Path) {
        let expected = |lines: std::ops::Range<u32>| lines.map(line).collect::<String>();
        assert_eq!(read(path, ""), expected(25..30));
        assert_eq!(read(path, ".1"), expected(20..25));
        assert_eq!(read(path, ".2"), expected(15..20));
        assert_eq!(fs::metadata(path).unwrap().len(), 195);
        assert!(!path.with_extension("log.3").exists());
    }

    fn line(number: u32) -> String {
        format!("{number:038}\n")
    }

    #[test]
    fn lines_are_spread_over_files_as_the_old_agent_does() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(200, 2)).unwrap();
        (0..30).for_each(|number| write(&mut file, &line(number)));
        check_vector(&path);
    }

    #[test]
    fn a_block_of_lines_is_rotated_in_its_middle_just_as_single_lines_are() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(200, 2)).unwrap();
        write(&mut file, &(0..30).map(line).collect::<String>());
        check_vector(&path);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        #[test]
        fn every_line_is_in_one_of_the_files_in_order_and_none_is_too_large(
            blocks in proptest::collection::vec(proptest::collection::vec(0_usize..30, 1..6), 1..8),
            max_bytes in 1_u64..60,
        ) {
            let (_directory, path) = place();
            let mut file = RotatingFile::open(&path, rotation(max_bytes, 100)).unwrap();
            let mut all = String::new();
            for block in blocks {
                let text: String = block.iter().map(|&length| format!("{}\n", "x".repeat(length))).collect();
                all.push_str(&text);
                write(&mut file, &text);
            }
            let backups = (1..=100).rev().map(|n| file.backup(n)).filter(|backup| backup.exists());
            let mut found = String::new();
            for each in backups.chain([path.clone()]) {
                let text = fs::read_to_string(each).unwrap();
                proptest::prop_assert!((text.len() as u64) < max_bytes || text.lines().count() == 1);
                found.push_str(&text);
            }
            proptest::prop_assert_eq!(found, all);
        }
    }

    #[test]
    fn a_line_longer_than_the_limit_gets_a_file_of_its_own() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(20, 3)).unwrap();
        let long = format!("{}\n", "x".repeat(50));
        write(&mut file, &format!("a\n{long}b\n"));
        assert_eq!((read(&path, ".2"), read(&path, ".1"), read(&path, "")), ("a\n".into(), long, "b\n".into()));
    }

    #[test]
    fn an_empty_file_is_not_rotated_and_pushes_no_backup_out() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(3, 1)).unwrap();
        write(&mut file, "long line\n");
        assert_eq!(read(&path, ""), "long line\n");
        assert!(!path.with_extension("log.1").exists());
    }

    #[test]
    fn without_a_limit_it_is_never_rotated() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(0, 2)).unwrap();
        (0..1000).for_each(|number| write(&mut file, &line(number)));
        assert_eq!(fs::metadata(&path).unwrap().len(), 39_000);
    }

    #[test]
    fn without_backups_a_full_file_is_begun_anew_and_its_reader_loses_nothing() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(10, 0)).unwrap();
        write(&mut file, "aaaa\nbb\n");
        let mut reader = File::open(&path).unwrap();
        write(&mut file, "cc\n");
        let mut old = String::new();
        io::Read::read_to_string(&mut reader, &mut old).unwrap();
        assert_eq!((old.as_str(), read(&path, "").as_str()), ("aaaa\nbb\n", "cc\n"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_in_the_file_already_counts_and_stays() {
        let (_directory, path) = place();
        fs::write(&path, "123456\n").unwrap();
        let mut file = RotatingFile::open(&path, rotation(10, 1)).unwrap();
        write(&mut file, "a\n");
        write(&mut file, "b\n");
        assert_eq!((read(&path, ".1"), read(&path, "")), ("123456\na\n".into(), "b\n".into()));
    }

    #[test]
    fn a_file_moved_or_deleted_by_somebody_else_is_begun_anew() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(1000, 1)).unwrap();
        write(&mut file, "before\n");
        fs::rename(&path, path.with_extension("moved")).unwrap();
        write(&mut file, "after\n");
        assert_eq!(read(&path, ""), "after\n");
        fs::remove_file(&path).unwrap();
        write(&mut file, "again\n");
        assert_eq!(read(&path, ""), "again\n");
    }

    #[test]
    fn a_file_cut_short_by_somebody_else_is_measured_anew() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(10, 1)).unwrap();
        write(&mut file, "12345678\n");
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        write(&mut file, "abc\n");
        assert_eq!(read(&path, ""), "abc\n");
        assert!(!path.with_extension("log.1").exists());
    }

    #[test]
    fn it_is_not_readable_by_everybody_and_makes_its_directory() {
        let (directory, _) = place();
        let path = directory.path().join("deeper/still/f.log");
        let mut file = RotatingFile::open(&path, rotation(10, 1)).unwrap();
        write(&mut file, "abc\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o137, 0);
    }

    #[test]
    fn an_interrupted_rotation_that_is_taken_up_again_pushes_nothing_out() {
        let (_directory, path) = place();
        fs::write(path.with_extension("log.2"), "two\n").unwrap();
        fs::write(path.with_extension("log.3"), "three\n").unwrap();
        let mut file = RotatingFile::open(&path, rotation(5, 3)).unwrap();
        write(&mut file, "a\n");
        write(&mut file, "bcd\n");
        assert_eq!(read(&path, ".1"), "a\n");
        assert_eq!((read(&path, ".2"), read(&path, ".3")), ("two\n".into(), "three\n".into()));
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_the_next_ones_try_again() {
        let (directory, _) = place();
        let parent = directory.path().join("there");
        let path = parent.join("f.log");
        let mut file = RotatingFile::open(&path, rotation(1000, 1)).unwrap();
        fs::remove_dir_all(&parent).unwrap();
        fs::write(&parent, "a file in the way").unwrap();
        let written = file.write_lines(b"a\nb\n", WhenHeld::Leave);
        assert_eq!(written.lost_lines, 2);
        assert!(written.trouble.is_some());
        fs::remove_file(&parent).unwrap();
        write(&mut file, "c\n");
        assert_eq!(read(&path, ""), "c\n");
    }

    #[test]
    fn a_full_disk_loses_lines_that_are_counted() {
        if !Path::new("/dev/full").exists() {
            return;
        }
        let mut file = RotatingFile::open("/dev/full", rotation(10, 1)).unwrap();
        let written = file.write_lines(b"one\ntwo\nthree\n", WhenHeld::Leave);
        assert_eq!(written.lost_lines, 3);
        assert_eq!(written.trouble.unwrap().kind(), ErrorKind::StorageFull);
        assert!(Path::new("/dev/full").exists(), "a device is never rotated");
    }

    #[test]
    fn a_file_that_cannot_be_rotated_grows_instead_of_losing_lines() {
        let (_directory, path) = place();
        fs::create_dir_all(path.with_extension("log.1").join("in the way")).unwrap();
        let mut file = RotatingFile::open(&path, rotation(5, 1)).unwrap();
        write(&mut file, "a\n");
        let written = file.write_lines(b"bcd\nefg\n", WhenHeld::Leave);
        assert_eq!(written.lost_lines, 0);
        assert!(written.trouble.is_some());
        assert_eq!(read(&path, ""), "a\nbcd\nefg\n");
    }

    #[test]
    fn a_line_behind_a_torn_one_starts_on_a_line_of_its_own() {
        let (_directory, path) = place();
        fs::write(&path, "half a li").unwrap();
        let mut file = RotatingFile::open(&path, rotation(0, 1)).unwrap();
        write(&mut file, "whole\n");
        assert_eq!(read(&path, ""), "half a li\nwhole\n");
    }

    #[test]
    fn a_line_of_which_only_the_beginning_could_be_written_goes_on_when_it_comes_again() {
        for (next, expected) in [("abc\nd\n", "abc\nd\n"), ("xyz\n", "ab\nxyz\n")] {
            let (_directory, path) = place();
            let mut file = RotatingFile::open(&path, rotation(1000, 1)).unwrap();
            file.append(b"ab").unwrap();
            (file.torn, file.begun) = (true, b"ab".to_vec());
            write(&mut file, next);
            assert_eq!(read(&path, ""), expected);
        }
    }

    /// The copier's ledger, in which an older generation of `path` is followed and settled.
    fn followed(path: &Path) -> (crate::ledger::Ledger, std::sync::Arc<crate::ledger::Account>) {
        use crate::ledger::{Identity, Ledger, Offset, Sequence, WorkerId};
        let identity = Identity { device: 0, inode: 0, born: None, head_length: 0, head_hash: String::new() };
        let (ledger, sequence) = (Ledger::new(), Sequence { id: "s".into(), begin: Offset(0) });
        let account = ledger.open(WorkerId("w".into()), path.to_owned(), identity, sequence, Offset(0));
        (ledger, account)
    }

    #[test]
    fn a_file_that_the_copier_has_not_opened_yet_is_not_rotated_at_once() {
        let (_directory, path) = place();
        let (ledger, account) = followed(&path);
        let mut file = RotatingFile::open(&path, rotation(10, 1)).unwrap();
        file.guard(std::sync::Arc::new(ledger));
        write(&mut file, "1234567\n");
        // A flood would push it out before anybody has looked.
        let written = file.write_lines(b"abcdefg\n", WhenHeld::Leave);
        assert_eq!(written.held.map(|held| (held.unsettled, held.left)), Some((0, 8)));
        assert!(!path.with_extension("log.1").exists());
        let metadata = fs::metadata(&path).unwrap();
        let identity = crate::ledger::Identity { device: metadata.dev(), inode: metadata.ino(), ..account.identity() };
        account.set_identity(identity);
        write(&mut file, "abcdefg\n");
        assert_eq!(read(&path, ".1"), "1234567\n", "it is followed, so it may move");
    }

    #[test]
    fn a_copier_that_never_opens_a_file_does_not_hold_its_writer_up_for_good() {
        let (_directory, path) = place();
        let (ledger, _account) = followed(&path);
        let mut file = RotatingFile::open(&path, rotation(10, 1)).unwrap();
        file.guard(std::sync::Arc::new(ledger));
        write(&mut file, "1234567\n");
        let held = |file: &mut RotatingFile| file.write_lines(b"abcdefg\n", WhenHeld::Leave).held.is_some();
        let attempts = (0..1_000).take_while(|_| held(&mut file)).count();
        assert!((10..500).contains(&attempts), "{attempts}");
        assert_eq!(read(&path, ".1"), "1234567\n");
    }

    #[test]
    fn old_files_beyond_a_smaller_number_of_backups_are_removed() {
        let (_directory, path) = place();
        let mut file = RotatingFile::open(&path, rotation(5, 4)).unwrap();
        (0..6).for_each(|number| write(&mut file, &format!("{number}11\n")));
        assert!(path.with_extension("log.4").exists());
        // Somebody else's.
        fs::write(path.with_extension("log.5"), "kept").unwrap();
        file.set_rotation(rotation(5, 2));
        write(&mut file, "711\n");
        assert_eq!((read(&path, ".1"), read(&path, ".2")), ("511\n".into(), "411\n".into()));
        assert!(!path.with_extension("log.3").exists() && !path.with_extension("log.4").exists());
        assert!(path.with_extension("log.5").exists());
    }
}
