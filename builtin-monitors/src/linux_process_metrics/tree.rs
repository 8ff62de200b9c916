//! The kernel's process tree: files of a process, read with a bound into a buffer that is kept, and the list of processes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, RawDir};

use super::figures::{Stat, parse_uptime};

/// No more is read of `stat`, `status`, `io` and `uptime`.
const FILE_LIMIT: u64 = 16 << 10;
/// A longer command line is looked at up to here.
const COMMAND_LIMIT: u64 = 256 << 10;
/// A buffer that a long command line made larger gives its memory back.
const KEPT_BYTES: usize = 8 << 10;
/// Room for the names of a folder that are read at once.
const NAMES_BYTES: usize = 4 << 10;

/// The tree, and the memory for reading it.
pub(super) struct Tree {
    root: PathBuf,
    path: PathBuf,
    bytes: Vec<u8>,
    names: Vec<u8>,
    pub(super) ticks_per_second: i64,
}

impl Tree {
    pub(super) fn new(root: PathBuf) -> Self {
        let ticks_per_second = i64::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100);
        Self { root, path: PathBuf::new(), bytes: Vec::new(), names: Vec::new(), ticks_per_second }
    }

    /// The agent itself, as this tree counts.
    pub(super) fn own_pid(&self) -> u32 {
        let told = std::fs::read_link(self.root.join("self")).ok();
        let told = told.as_deref().and_then(Path::to_str).and_then(|pid| pid.parse().ok());
        told.unwrap_or_else(std::process::id)
    }

    /// How long the machine is up.
    pub(super) fn uptime_millis(&mut self) -> Option<i64> {
        self.path.clone_from(&self.root);
        self.path.push("uptime");
        parse_uptime(self.read_path(FILE_LIMIT).ok()?)
    }

    /// A file of a process.
    pub(super) fn file(&mut self, pid: u32, name: &str) -> io::Result<&[u8]> {
        self.set_path(pid, name);
        self.read_path(FILE_LIMIT)
    }

    /// The place of a file of a process.
    pub(super) fn path_of(&mut self, pid: u32, name: &str) -> &Path {
        self.set_path(pid, name);
        &self.path
    }

    /// `stat` of a process; none when it has ended, or its file is not as we know it.
    pub(super) fn stat(&mut self, pid: u32) -> Option<Stat> {
        Stat::parse(self.file(pid, "stat").ok()?).filter(|stat| !stat.is_dead)
    }

    /// The command line with blanks between its words, or the name of the program in brackets, as `ps` shows it; none when
    /// the process has ended.
    pub(super) fn command(&mut self, pid: u32) -> Option<String> {
        self.set_path(pid, "cmdline");
        let words = self.read_path(COMMAND_LIMIT).ok()?;
        let end = words.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
        let words: Vec<u8> = words[..end].iter().map(|&byte| if byte == 0 { b' ' } else { byte }).collect();
        if !words.is_empty() {
            return Some(String::from_utf8_lossy(&words).into_owned());
        }
        let program = Stat::program(self.file(pid, "stat").ok()?)?;
        Some(format!("[{}]", String::from_utf8_lossy(program)))
    }

    /// All processes, in the order of their ids.
    pub(super) fn pids(&mut self) -> io::Result<Vec<u32>> {
        self.path.clone_from(&self.root);
        let mut pids = Vec::new();
        self.names(|name| pids.extend(str::from_utf8(name).ok().and_then(|name| name.parse::<u32>().ok())))?;
        pids.sort_unstable();
        Ok(pids)
    }

    /// How many entries a folder of a process has.
    pub(super) fn count(&mut self, pid: u32, name: &str) -> io::Result<i64> {
        self.set_path(pid, name);
        let mut count = 0;
        self.names(|_| count += 1)?;
        Ok(count)
    }

    fn set_path(&mut self, pid: u32, name: &str) {
        self.path.clone_from(&self.root);
        // Cannot fail: it is memory.
        _ = write!(self.path.as_mut_os_string(), "/{pid}/{name}");
    }

    fn read_path(&mut self, limit: u64) -> io::Result<&[u8]> {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        File::open(&self.path)?.take(limit).read_to_end(&mut self.bytes)?;
        Ok(&self.bytes)
    }

    /// The names in the folder at the path, without `.` and `..`.
    fn names(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        self.names.reserve(NAMES_BYTES);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.path, flags, Mode::empty())?;
        let mut entries = RawDir::new(&folder, self.names.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            match entry?.file_name().to_bytes() {
                b"." | b".." => {}
                name => each(name),
            }
        }
        Ok(())
    }
}

/// Whether a file cannot be read because its process has ended.
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}
