//! The process that is to be sent a signal: the one that really holds the pid file, not whichever the file names.
//!
//! Whoever may write in the folder of the pid file may write any number into it and lock it. And a folder that a container
//! shares with its host holds a number that belongs to another process here.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{major, minor};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::pid_file::{self, process};
use super::plain_file;

/// A process has no more open files than are looked at.
const MOST_FILES: usize = 65_536;
/// The list of all locks of a host is not longer.
const MOST_LOCKS: u64 = 16 * 1024 * 1024;
/// So often it is looked anew when an agent ends or comes while it is looked.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// The process of an agent. As far as the system can, signals go to this process and no later one of its number.
#[derive(Debug)]
pub struct Holder {
    pid: u32,
    /// None before Linux 5.3.
    handle: Option<OwnedFd>,
}

impl Holder {
    /// The process that holds the pid file; none when nobody does.
    ///
    /// # Errors
    /// When the file cannot be looked at, or the process that it names is not the one that holds it; for the person who
    /// wants to stop it.
    pub fn of(path: &Path) -> Result<Option<Self>, String> {
        let failed = |error: io::Error| format!("The pid file {} cannot be read: {error}", path.display());
        let mut named = 0;
        for _ in 0..TRIES {
            let Some(pid) = pid_file::running(path).map_err(failed)? else { return Ok(None) };
            let Some(number) = process(pid) else { return Ok(None) };
            let handle = match pidfd_open(number, PidfdFlags::empty()) {
                Ok(handle) => Some(handle),
                // Its process has ended meanwhile; or it is in a container.
                Err(Errno::SRCH) => None,
                // An old kernel, or a sandbox that does not know the call.
                Err(_) => None,
            };
            // Only now, so that it is still this process that the handle holds.
            if holds(pid, path).map_err(failed)? {
                return Ok(Some(Self { pid, handle }));
            }
            named = pid;
            thread::sleep(PAUSE);
        }
        let path = path.display();
        let advice = "An agent in a container that shares this folder is to be stopped there; otherwise somebody else wrote \
                      that file";
        Err(format!(
            "The pid file {path} is locked and names the process {named}, which is not the one that holds it, so that no \
             signal is sent. {advice}: `fuser -v {path}` may tell who"
        ))
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal; to nobody when it has ended.
    ///
    /// # Errors
    /// When this user must not.
    pub fn send(&self, signal: Signal) -> Result<(), Errno> {
        let sent = match &self.handle {
            Some(handle) => pidfd_send_signal(handle, signal),
            None => process(self.pid).map_or(Ok(()), |pid| kill_process(pid, signal)),
        };
        match sent {
            Err(Errno::SRCH) => Ok(()),
            sent => sent,
        }
    }

    /// Whether it has ended; one that nobody has asked for its exit code has.
    pub fn has_ended(&self) -> bool {
        match &self.handle {
            Some(handle) => {
                let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
                poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&at_once)).is_ok_and(|ready| ready > 0)
            }
            None => !is_alive(self.pid),
        }
    }
}

/// Whether there is a process of this number that has not ended.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // Behind the name in brackets, which may hold anything.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, Some('Z' | 'X' | 'x'))
}

/// Whether this process is the one that holds the lock of the pid file; or, of the oldest agents, which took none, one of
/// the user who wrote it.
fn holds(pid: u32, path: &Path) -> io::Result<bool> {
    let file = match plain_file::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?.metadata()?,
    };
    if !pid_file::is_locked(path)? {
        let is_of_user = || fs::metadata(format!("/proc/{pid}")).is_ok_and(|process| process.uid() == file.uid());
        return Ok(pid_file::running(path)? == Some(pid) && is_of_user());
    }
    match by_descriptors(pid, path, &file) {
        // Of another user, or with more rights: then signals are a matter of the users.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => by_locks(pid, &file),
        Err(_) => Ok(false),
        Ok(holds) => Ok(holds),
    }
}

/// By what the process has open, and the locks that it took on it.
fn by_descriptors(pid: u32, path: &Path, file: &fs::Metadata) -> io::Result<bool> {
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))?.take(MOST_FILES) {
        let descriptor = entry?.path();
        // By its name first: another file may be on a disk that does not answer, and is not asked.
        if fs::read_link(&descriptor).ok().is_none_or(|target| target.file_name() != path.file_name()) {
            continue;
        }
        let is_it = fs::metadata(&descriptor).is_ok_and(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()));
        let Some(number) = descriptor.file_name().filter(|_| is_it) else { continue };
        let about = fs::read_to_string(Path::new(&format!("/proc/{pid}/fdinfo")).join(number))?;
        let mut locks = about.lines().filter_map(|line| Lock::parse(line.strip_prefix("lock:")?));
        if locks.any(|lock| lock.pid == pid) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// By the list of all locks.
fn by_locks(pid: u32, file: &fs::Metadata) -> io::Result<bool> {
    let mut text = String::new();
    fs::File::open("/proc/locks")?.take(MOST_LOCKS).read_to_string(&mut text)?;
    let device = format!("{:02x}:{:02x}", major(file.dev()), minor(file.dev()));
    let is_it = |lock: Lock<'_>| lock.pid == pid && lock.inode == file.ino() && lock.device == device;
    Ok(text.lines().filter_map(Lock::parse).any(is_it))
}

/// A line such as `1: FLOCK  ADVISORY  WRITE 4485 00:2f:1234 0 EOF`, of an exclusive `flock`.
struct Lock<'l> {
    pid: u32,
    device: &'l str,
    inode: u64,
}

impl<'l> Lock<'l> {
    fn parse(line: &'l str) -> Option<Self> {
        let mut words = line.split_whitespace().skip(1);
        let kind = [words.next()?, words.next()?, words.next()?];
        let pid = words.next()?.parse().ok()?;
        let (device, inode) = words.next()?.rsplit_once(':')?;
        (kind == ["FLOCK", "ADVISORY", "WRITE"]).then_some(Self { pid, device, inode: inode.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use rustix::fs::{FlockOperation, flock};

    use super::*;
    use crate::service::pid_file::{PidFile, path_in};

    /// A process that has nothing to do with an agent.
    struct Stranger(Child);

    impl Stranger {
        fn new() -> Self {
            Self(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap())
        }
    }

    impl Drop for Stranger {
        fn drop(&mut self) {
            _ = self.0.kill();
            _ = self.0.wait();
        }
    }

    #[test]
    fn the_process_that_took_the_lock_is_found_by_its_descriptors_and_by_the_list_of_locks() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        assert!(Holder::of(&path).unwrap().is_none());
        let held = PidFile::take(folder.path()).unwrap();
        let own = std::process::id();
        let holder = Holder::of(&path).unwrap().unwrap();
        assert_eq!(holder.pid(), own);
        assert!(!holder.has_ended());
        assert!(by_locks(own, &fs::metadata(&path).unwrap()).unwrap());
        assert!(!by_locks(1, &fs::metadata(&path).unwrap()).unwrap());
        drop(held);
        assert!(Holder::of(&path).unwrap().is_none());
    }

    #[test]
    fn a_stranger_whose_number_stands_in_a_locked_file_is_sent_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let stranger = Stranger::new();
        for content in [format!("{}\n", stranger.0.id()), "1\n".to_owned(), format!("{} locked\n", stranger.0.id())] {
            fs::write(&path, &content).unwrap();
            let file = fs::File::open(&path).unwrap();
            flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
            let refused = Holder::of(&path).unwrap_err();
            assert!(refused.contains("is not the one that holds it") && refused.contains("container"), "{refused}");
        }
    }

    #[test]
    fn a_process_that_has_ended_is_known_as_such_and_takes_no_signal() {
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let pid = child.id();
        let handle = pidfd_open(process(pid).unwrap(), PidfdFlags::empty()).unwrap();
        let [by_handle, by_number] = [Some(handle), None].map(|handle| Holder { pid, handle });
        assert!(!by_handle.has_ended() && !by_number.has_ended());
        by_handle.send(Signal::KILL).unwrap();
        child.wait().unwrap();
        assert!(by_handle.has_ended() && by_number.has_ended());
        by_handle.send(Signal::TERM).unwrap();
    }
}
