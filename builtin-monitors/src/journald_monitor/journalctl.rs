//! journalctl as a child process: how it is started, waited for and ended.

use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use scalyr_monitor::{Error, Result};

/// How much of a line of its standard error is kept.
const MAX_TOLD_BYTES: usize = 2 * 1024;

/// How often it is looked whether it has ended.
const END_LOOK: Duration = Duration::from_millis(10);

/// So often, once it is killed: for half a second.
const KILL_LOOKS: u32 = 50;

/// What it reads, beside where it begins.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    /// The program.
    pub(super) program: String,
    /// The folder of the journal; empty for all journals of this host.
    pub(super) folder: String,
    /// `FIELD=value` each.
    pub(super) matches: Vec<String>,
}

/// Where it begins, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extent<'c> {
    /// The newest entry, and no more.
    Newest,
    /// Everything, then what comes.
    All,
    /// The entry of this cursor, what stands behind it, then what comes. (`--after-cursor` would skip an entry too many
    /// when the one of the cursor is not there any more.)
    From(&'c str),
}

/// A running journalctl; dropped, it is killed.
pub(super) struct Journalctl {
    child: Child,
    out: ChildStdout,
    /// Gone at its end.
    err: Option<ChildStderr>,
    /// A line of its standard error that has not ended yet.
    told: Vec<u8>,
}

/// What is ready to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ready {
    /// Its standard output.
    pub(super) out: bool,
    /// Its standard error.
    pub(super) err: bool,
}

impl Journalctl {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no such program, or the system starts no process.
    pub(super) fn start(journal: &Journal, extent: Extent<'_>) -> Result<Self> {
        let mut command = Command::new(&journal.program);
        command.args(["--output=export", "--no-pager", "--merge"]);
        if !journal.folder.is_empty() {
            command.arg(format!("--directory={}", journal.folder));
        }
        match extent {
            Extent::Newest => _ = command.arg("--lines=1"),
            Extent::All => _ = command.args(["--follow", "--no-tail"]),
            Extent::From(cursor) => {
                command.args(["--follow", "--no-tail"]).arg(format!("--cursor={cursor}"));
            }
        }
        command.args(&journal.matches);
        // Its words are read by a program.
        command.env("LC_ALL", "C").env("SYSTEMD_COLORS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| not_started(&journal.program, &error))?;
        match (child.stdout.take(), child.stderr.take()) {
            (Some(out), err) => Ok(Self { child, out, err, told: Vec::new() }),
            (None, _) => Err(Error::new("journalctl was started without an output")),
        }
    }

    /// Waits until it has something to read, `wake` is closed, or the time is over.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub(super) fn wait(&self, wake: BorrowedFd<'_>, time: Duration) -> Result<Ready> {
        let mut fds = vec![PollFd::from_borrowed_fd(wake, PollFlags::IN), PollFd::new(&self.out, PollFlags::IN)];
        fds.extend(self.err.as_ref().map(|err| PollFd::from_borrowed_fd(err.as_fd(), PollFlags::IN)));
        match poll(&mut fds, Some(&timespec(time))) {
            Err(rustix::io::Errno::INTR) => Ok(Ready { out: false, err: false }),
            Err(error) => Err(error.into()),
            Ok(_) => {
                let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
                Ok(Ready { out: is_ready(1), err: is_ready(2) })
            }
        }
    }

    /// Reads what is there of its output; 0 bytes at its end.
    ///
    /// # Errors
    /// When that cannot be read.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.out.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Reads what is there of its standard error, and hands on each line that ends in it.
    pub(super) fn read_told(&mut self, mut tell: impl FnMut(&str)) {
        let Some(err) = &mut self.err else { return };
        let mut buffer = [0; 4096];
        let count = match err.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => return,
            Err(_) => 0,
        };
        for &byte in buffer.get(..count).unwrap_or_default() {
            if byte == b'\n' {
                tell_line(&mut self.told, &mut tell);
            } else if self.told.len() < MAX_TOLD_BYTES {
                self.told.push(byte);
            }
        }
        if count == 0 {
            self.err = None;
            tell_line(&mut self.told, &mut tell);
        }
    }

    /// How it ended, once its output did; it is killed if it has not within the time.
    pub(super) fn end(
        mut self,
        wake: BorrowedFd<'_>,
        time: Duration,
        mut tell: impl FnMut(&str),
    ) -> Option<ExitStatus> {
        while self.wait_for_told(wake, time) {
            self.read_told(&mut tell);
        }
        // Its outputs are closed: it is about to end.
        let looks = time.as_millis() / END_LOOK.as_millis();
        for _ in 0..looks {
            match self.child.try_wait() {
                Ok(None) => {}
                ended => return ended.ok().flatten(),
            }
            let mut woken = [PollFd::from_borrowed_fd(wake, PollFlags::IN)];
            if poll(&mut woken, Some(&timespec(END_LOOK))).is_ok_and(|woken| woken > 0) {
                break;
            }
        }
        self.kill()
    }

    fn wait_for_told(&self, wake: BorrowedFd<'_>, time: Duration) -> bool {
        let Some(err) = &self.err else { return false };
        let mut fds =
            [PollFd::from_borrowed_fd(err.as_fd(), PollFlags::IN), PollFd::from_borrowed_fd(wake, PollFlags::IN)];
        poll(&mut fds, Some(&timespec(time))).is_ok() && !fds[0].revents().is_empty()
    }

    /// Ends it, and what it may have started; tells how it ended by itself.
    fn kill(&mut self) -> Option<ExitStatus> {
        let ended = self.child.try_wait().ok().flatten();
        if ended.is_none() {
            if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                _ = kill_process_group(group, Signal::KILL);
            }
            // Only a process that hangs in the kernel outlives that; it is left behind.
            for _ in 0..KILL_LOOKS {
                match self.child.try_wait() {
                    Ok(None) => _ = poll(&mut [], Some(&timespec(END_LOOK))),
                    _ => break,
                }
            }
        }
        ended
    }
}

impl Drop for Journalctl {
    fn drop(&mut self) {
        self.kill();
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() }
}

fn tell_line(line: &mut Vec<u8>, tell: &mut impl FnMut(&str)) {
    let text = String::from_utf8_lossy(line);
    if !text.trim().is_empty() {
        tell(text.trim());
    }
    line.clear();
}

fn not_started(program: &str, error: &io::Error) -> Error {
    let what = match error.kind() {
        ErrorKind::NotFound => {
            "there is no such program; it belongs to the package systemd, and `journalctl_path` of this monitor says where \
             it is"
        }
        ErrorKind::PermissionDenied => "the agent's user may not run it",
        _ => return Error::new(format!("{program} cannot be started: {error}")),
    };
    Error::new(format!("{program} cannot be started: {what}"))
}
