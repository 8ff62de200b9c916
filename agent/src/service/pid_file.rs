//! The pid file: one agent per `agent_log_path`, found by whoever wants to know or to stop it.
//!
//! The Python agent and this one see each other by it (`cli-and-service.md` section 5): `<agent_log_path>/agent.pid`
//! holds the number of the process and a line feed, and an exclusive `flock` as long as that process lives. Only the lock
//! says that an agent runs: a file that a crash left behind is free, whoever has its number by now. It is removed before
//! it is unlocked.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::plain_file;

/// Its name in `agent_log_path`.
pub const FILE_NAME: &str = "agent.pid";

/// A file that is longer was not written by an agent.
const LONGEST: u64 = 64 * 1024;
/// So often the file is tried again while others look at it or write it.
const TRIES: u32 = 40;
/// And so long it is waited between two tries.
const PAUSE: Duration = Duration::from_millis(25);

/// Held as long as this process is the agent of its folder.
#[derive(Debug)]
pub struct PidFile {
    file: File,
    path: PathBuf,
    /// Whether the number is in it.
    is_written: bool,
}

/// Why this process cannot be the agent of a folder.
#[derive(Debug, thiserror::Error)]
pub enum PidFileError {
    /// Another one is.
    #[error("The agent is already running{} ({path} says so)", of_process(*.pid), path = .path.display())]
    Running {
        /// The pid file.
        path: PathBuf,
        /// Its process, when the file tells.
        pid: Option<u32>,
    },
    /// The file cannot be made or locked.
    #[error("{path}: {error}; the agent must be able to write its pid file (agent_log_path)", path = .path.display())]
    Failed {
        /// The pid file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// ` (process 123)`, when the process is known.
pub fn of_process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// The pid file of the agent whose `agent_log_path` this is.
pub fn path_in(log_path: &Path) -> PathBuf {
    log_path.join(FILE_NAME)
}

impl PidFile {
    /// Makes this process the agent of the folder `log_path`, which must be there.
    ///
    /// # Errors
    /// When another agent is, ours or the Python agent; or when the file cannot be made or locked.
    pub fn take(log_path: &Path) -> Result<Self, PidFileError> {
        let path = path_in(log_path);
        let failed = |error: io::Error| PidFileError::Failed { path: path.clone(), error };
        for _ in 0..TRIES {
            let file = match plain_file::open_or_make(&path) {
                // Of another user, who has no agent any more.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_free(&path) => {
                    fs::remove_file(&path).map_err(|_| failed(error))?;
                    continue;
                }
                opened => opened.map_err(failed)?,
            };
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // Whoever had it before has removed it meanwhile, or another one has.
                Ok(()) if !is_at(&file, &path) => continue,
                Ok(()) => match Content::of(&file).map_err(failed)?.living_without_lock() {
                    Some(pid) => return Err(PidFileError::Running { path, pid: Some(pid) }),
                    None => return Self::hold(file, path.clone()).map_err(failed),
                },
                Err(Errno::WOULDBLOCK) => {
                    let is_held = flock(&file, FlockOperation::NonBlockingLockShared).is_err();
                    let pid = Content::of(&file).ok().and_then(Content::pid);
                    // Without a number its agent is just starting; without a lock somebody has only looked.
                    if is_held && pid.is_some() {
                        return Err(PidFileError::Running { path, pid });
                    }
                }
                Err(error) => return Err(failed(error.into())),
            }
            drop(file);
            thread::sleep(PAUSE);
        }
        Err(PidFileError::Running { path, pid: None })
    }

    /// The lock is what counts: for want of room on the disk the number comes later.
    fn hold(file: File, path: PathBuf) -> io::Result<Self> {
        // The Python agent's has another mode, and the umask may be any.
        file.set_permissions(Permissions::from_mode(0o644))?;
        let mut held = Self { file, path, is_written: false };
        match held.complete() {
            Err(error) if !is_want_of_room(&error) => Err(error),
            _ => Ok(held),
        }
    }

    /// Whether the file names this process.
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// Writes the number of this process into the file, unless it is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn complete(&mut self) -> io::Result<()> {
        if !self.is_written {
            self.file.set_len(0)?;
            self.file.rewind()?;
            self.file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
            self.is_written = true;
        }
        Ok(())
    }
}

fn is_want_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Before the unlock, which the end of the file brings. Should it fail, the next agent uses what is left.
        if is_at(&self.file, &self.path) {
            _ = fs::remove_file(&self.path);
        }
    }
}

/// The process that the pid file names, when an agent runs; none when it does not. Changes nothing. Who is to be sent a
/// signal is asked of [`super::holder`].
///
/// # Errors
/// When the file is there and cannot be looked at, or is held and names nobody.
pub fn running(path: &Path) -> io::Result<Option<u32>> {
    for _ in 0..TRIES {
        let file = match plain_file::open(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            opened => opened?,
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => return Ok(Content::of(&file)?.living_without_lock()),
            Err(Errno::WOULDBLOCK) => {
                if let Some(pid) = Content::of(&file)?.pid() {
                    return Ok(Some(pid));
                }
            }
            Err(error) => return Err(error.into()),
        }
        // Its agent is just starting, or ending.
        drop(file);
        thread::sleep(PAUSE);
    }
    Err(io::Error::other("it is locked, and names no process"))
}

/// Whether somebody holds the lock of the file. Changes nothing.
///
/// # Errors
/// When it cannot be looked at.
pub(super) fn is_locked(path: &Path) -> io::Result<bool> {
    match flock(plain_file::open(path)?, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Removes a pid file that no agent holds: what is left of one that was killed.
///
/// # Errors
/// When it is there, free, and cannot be removed.
pub fn remove_left_over(path: &Path) -> io::Result<()> {
    let file = match plain_file::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    // Nobody becomes an agent with it meanwhile.
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() || !is_at(&file, path) {
        return Ok(());
    }
    fs::remove_file(path)
}

fn is_free(path: &Path) -> bool {
    plain_file::open(path).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
}

/// Whether the file still has this name.
fn is_at(file: &File, path: &Path) -> bool {
    let [Ok(open), Ok(named)] = [file.metadata(), fs::symlink_metadata(path)] else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// What a pid file says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    /// Nothing yet: its line has no end.
    Unfinished,
    /// `<pid>`, or the older `<pid> locked`.
    Locked(u32),
    /// `<pid> <command line>`: the oldest agents took no lock.
    Unlocked { pid: u32, command_line: String },
}

impl Content {
    fn of(mut file: &File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(LONGEST).read_to_end(&mut bytes)?;
        file.rewind()?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let Some((line, _)) = text.split_once('\n') else { return Self::Unfinished };
        let (pid, rest) = line.split_once(' ').unwrap_or((line, ""));
        let Some(pid) = pid.parse().ok().filter(|pid| process(*pid).is_some()) else { return Self::Unfinished };
        match rest.trim() {
            "" | "locked" => Self::Locked(pid),
            command_line => Self::Unlocked { pid, command_line: command_line.to_owned() },
        }
    }

    fn pid(self) -> Option<u32> {
        match self {
            Self::Unfinished => None,
            Self::Locked(pid) | Self::Unlocked { pid, .. } => Some(pid),
        }
    }

    /// The process of an agent that lives and holds no lock. The number may be another's by now: then so is the command
    /// line.
    fn living_without_lock(self) -> Option<u32> {
        let Self::Unlocked { pid, command_line } = self else { return None };
        let lives = !matches!(test_kill_process(process(pid)?), Err(Errno::SRCH));
        let words = |text: &str| -> Vec<String> {
            text.split(|c: char| c == '\0' || c.is_whitespace())
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let is_other = fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|now| words(&String::from_utf8_lossy(&now)) != words(&command_line));
        (lives && !is_other).then_some(pid)
    }
}

/// The process of this number, for the system's calls.
pub fn process(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_second_agent_is_refused_and_the_file_goes_with_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        assert_eq!(running(&path).unwrap(), None);
        let first = PidFile::take(folder.path()).unwrap();
        let own = std::process::id();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{own}\n"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        assert_eq!(running(&path).unwrap(), Some(own));
        let error = PidFile::take(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("The agent is already running (process {own})")), "{error}");
        drop(first);
        assert!(!path.exists());
        assert_eq!(running(&path).unwrap(), None);
        drop(PidFile::take(folder.path()).unwrap());
    }

    #[test]
    fn what_a_crash_left_is_used_again_whoever_has_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let living = std::os::unix::process::parent_id();
        for left in [format!("{living}\n"), format!("{living} locked\n"), "12".into(), String::new(), "-1 x\n".into()] {
            fs::write(&path, &left).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            assert_eq!(running(&path).unwrap(), None, "{left:?}");
            let taken = PidFile::take(folder.path()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()), "{left:?}");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
            drop(taken);
        }
    }

    #[test]
    fn an_agent_of_the_oldest_kind_is_known_by_its_command_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let mut sleeper = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let pid = sleeper.id();
        // Until it has become what it is to run.
        while !fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap().starts_with("sleep") {
            thread::sleep(PAUSE);
        }
        fs::write(&path, format!("{pid} sleep 1000\n")).unwrap();
        assert_eq!(running(&path).unwrap(), Some(pid));
        assert!(
            matches!(PidFile::take(folder.path()), Err(PidFileError::Running { pid: Some(other), .. }) if other == pid)
        );
        fs::write(&path, format!("{pid} python scalyr-agent-2 start\n")).unwrap();
        assert_eq!(running(&path).unwrap(), None, "its number is another's now");
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        fs::write(&path, format!("{pid} sleep 1000\n")).unwrap();
        drop(PidFile::take(folder.path()).unwrap());
    }

    #[test]
    fn who_only_looks_keeps_nobody_from_becoming_the_agent() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        fs::write(&path, "1\n").unwrap();
        let looker = File::open(&path).unwrap();
        flock(&looker, FlockOperation::LockShared).unwrap();
        let taken = thread::scope(|scope| {
            let taking = scope.spawn(|| PidFile::take(folder.path()));
            thread::sleep(2 * PAUSE);
            drop(looker);
            taking.join().unwrap()
        });
        taken.unwrap();
    }

    #[test]
    fn a_held_file_that_names_nobody_is_not_taken_for_one_that_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        fs::write(&path, "12").unwrap();
        let starting = File::open(&path).unwrap();
        flock(&starting, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(running(&path).unwrap_err().to_string().contains("names no process"));
        let found = thread::scope(|scope| {
            let finding = scope.spawn(|| running(&path));
            thread::sleep(2 * PAUSE);
            fs::write(&path, "12\n").unwrap();
            finding.join().unwrap()
        });
        assert_eq!(found.unwrap(), Some(12), "its agent had not finished its line");
    }

    #[test]
    fn a_file_is_unlocked_with_its_agent_and_only_a_free_one_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let held = PidFile::take(folder.path()).unwrap();
        remove_left_over(&path).unwrap();
        assert!(path.exists());
        drop(held);
        fs::write(&path, "17\n").unwrap();
        remove_left_over(&path).unwrap();
        assert!(!path.exists());
        remove_left_over(&path).unwrap();
    }
}
