//! Runs a command as a child process: within a deadline, with a bound on what it writes, and in a process group of its
//! own, which is killed as a whole at the deadline and when the monitor is asked to stop.

mod output;
mod running;

use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use scalyr_monitor::prelude::*;

pub use output::Output;
use running::Running;

/// Within which bounds a command runs.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long it may take, from its start until it has ended and its output, too.
    pub timeout: Duration,
    /// How many bytes are kept of each of its two streams. What follows is read and counted, so that it can end.
    pub max_output_bytes: usize,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// What it wrote to its standard output.
    pub stdout: Output,
    /// What it wrote to its standard error.
    pub stderr: Output,
    /// How the process itself ended; that of a command that was killed says so.
    pub status: ExitStatus,
    /// How long it took.
    pub took: Duration,
    /// Why it did not end by itself.
    pub cut_short: Option<CutShort>,
}

/// Why a command, or what it left behind, was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutShort {
    /// It still ran at its deadline.
    Deadline,
    /// It had ended at its deadline, but a process that it had started still held its output.
    OutputHeld,
    /// The monitor was asked to stop.
    Stopped,
}

/// Runs commands, one after the other.
#[derive(Debug, Default)]
pub struct Children {
    /// The one that could not even be killed.
    left: Option<Running>,
}

impl Children {
    /// Starts this command, whose standard input is empty, and waits until it has ended and its output, too: at most until
    /// its deadline or until `stop`. Its whole process group is killed then.
    ///
    /// # Errors
    /// When it cannot be started, and when one that was started before cannot be ended.
    pub fn run(&mut self, mut command: Command, bounds: Bounds, stop: &Stop) -> Result<Ended> {
        if let Some(left) = &mut self.left {
            let pid = left.pid();
            if !left.is_reaped()? {
                return Err(Error::new(format!(
                    "the command of an earlier sample (process {pid}) was killed and has still not ended: it waits in the \
                     kernel, often for a file system or a device that does not answer; it is not started again before"
                )));
            }
            self.left = None;
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(command)?;
        let waited = running.wait_for_end(bounds, stop);
        if waited.as_ref().is_ok_and(Option::is_none) {
            return running.ended(None);
        }
        running.kill_group();
        if !running.wait_briefly()? {
            let pid = running.pid();
            self.left = Some(running);
            return Err(Error::new(format!(
                "the command (process {pid}) took too long, was killed, and has not ended yet"
            )));
        }
        running.ended(waited?)
    }
}

#[cfg(test)]
mod tests;
