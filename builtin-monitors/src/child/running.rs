//! A command that runs: its process group, its streams, its end.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use scalyr_monitor::prelude::*;

use super::output::Stream;
use super::{Bounds, CutShort, Ended};

/// How long a look at the streams takes at most; so long the monitor's end may wait.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is looked whether a process without streams has ended.
const LOOK_FOR_END: Duration = Duration::from_millis(5);
/// How long a killed process has to end: at once, unless it waits in the kernel.
const TIME_TO_DIE: Duration = Duration::from_secs(1);

/// A process, the leader of its group. It is killed with its group when it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    /// What lets the group go: it was waited for, and its number may be another's.
    is_reaped: bool,
    stdout: Stream<ChildStdout>,
    stderr: Stream<ChildStderr>,
    /// The network of processes waits by the clock of the machine.
    clock: Clock,
    began: Instant,
}

impl Running {
    /// Starts it at the head of a new group.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let clock = Clock::system();
        let began = clock.monotonic();
        let mut child = command.process_group(0).spawn().map_err(|error| Error::new(cannot_start(&program, &error)))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on it is killed by its drop.
        let mut running = Self {
            child,
            is_reaped: false,
            stdout: Stream { source: None, output: Default::default() },
            stderr: Stream { source: None, output: Default::default() },
            clock,
            began,
        };
        running.stdout = Stream::new(stdout).about("the output of a command")?;
        running.stderr = Stream::new(stderr).about("the output of a command")?;
        Ok(running)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended and its output, too. It is not reaped yet then, so that its group keeps its number.
    pub(super) fn wait_for_end(&mut self, bounds: Bounds, stop: &Stop) -> Result<Option<CutShort>> {
        loop {
            if stop.is_stopped() {
                return Ok(Some(CutShort::Stopped));
            }
            let left = bounds.timeout.saturating_sub(self.took());
            let has_streams = self.stdout.source.is_some() || self.stderr.source.is_some();
            if !has_streams && self.has_ended()? {
                return Ok(None);
            }
            if left.is_zero() {
                let held = self.has_ended()?;
                return Ok(Some(if held { CutShort::OutputHeld } else { CutShort::Deadline }));
            }
            if has_streams {
                self.look(left.min(LOOK), bounds.max_output_bytes)?;
            } else {
                stop.wait(left.min(LOOK_FOR_END));
            }
        }
    }

    /// Reads what comes within this time.
    fn look(&mut self, time: Duration, max_bytes: usize) -> Result<()> {
        let mut waited_for = Vec::with_capacity(2);
        waited_for.extend(self.stdout.source.as_ref().map(|source| PollFd::new(source, PollFlags::IN)));
        waited_for.extend(self.stderr.source.as_ref().map(|source| PollFd::new(source, PollFlags::IN)));
        let time = Timespec::try_from(time)?;
        match poll(&mut waited_for, Some(&time)) {
            Ok(0) | Err(Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error).about("the output of a command"),
        }
        drop(waited_for);
        self.stdout.read(max_bytes).about("the standard output of a command")?;
        self.stderr.read(max_bytes).about("the standard error of a command")
    }

    /// Whether the process has ended, without reaping it.
    fn has_ended(&self) -> Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(Pid::from_child(&self.child)), options) {
            Ok(status) => Ok(status.is_some()),
            Err(Errno::INTR) => Ok(false),
            // The kernel reaps for a process that was started so.
            Err(Errno::CHILD) => Err(Error::new(
                "how the command ended cannot be had, because the agent was started with the signal SIGCHLD ignored; start \
                 it by systemd or from a shell",
            )),
            Err(error) => Err(error).about("a command's end"),
        }
    }

    /// Kills all processes of the group: those that the command started as well.
    pub(super) fn kill_group(&mut self) {
        if !self.is_reaped {
            // Nobody is left in it, at worst.
            _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        }
    }

    /// Waits for a process that was killed; whether it has ended.
    pub(super) fn wait_briefly(&mut self) -> Result<bool> {
        let (nobody, killed) = (Stop::new(), self.clock.monotonic());
        while !self.has_ended()? {
            if self.clock.monotonic().saturating_duration_since(killed) >= TIME_TO_DIE {
                return Ok(false);
            }
            nobody.wait(LOOK_FOR_END);
        }
        Ok(true)
    }

    /// Whether the process has ended, which is reaped then.
    pub(super) fn is_reaped(&mut self) -> Result<bool> {
        self.is_reaped = self.is_reaped || self.child.try_wait().about("a command's end")?.is_some();
        Ok(self.is_reaped)
    }

    /// What came of a process that has ended.
    pub(super) fn ended(mut self, cut_short: Option<CutShort>) -> Result<Ended> {
        let took = self.took();
        let status = self.child.wait().about("a command's end")?;
        self.is_reaped = true;
        let (stdout, stderr) = (std::mem::take(&mut self.stdout.output), std::mem::take(&mut self.stderr.output));
        Ok(Ended { stdout, stderr, status, took, cut_short })
    }

    fn took(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(self.began)
    }
}

/// Also after an error, and in a panic.
impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.kill_group();
            _ = self.wait_briefly();
            _ = self.child.try_wait();
        }
    }
}

fn cannot_start(program: &str, error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    let hint = match error.kind() {
        ErrorKind::NotFound => "; is it installed, and its path right?",
        ErrorKind::PermissionDenied => "; may the agent's user execute it?",
        ErrorKind::WouldBlock => {
            "; the agent's user has as many processes as it may have (`ulimit -u`, or TasksMax of its unit)"
        }
        ErrorKind::ArgumentListTooLong => "; the command is longer than the system allows: put it into a file",
        _ => "",
    };
    format!("cannot start {program}: {error}{hint}")
}
