//! Going into the background: the command that starts the agent runs the same executable once more, and waits until that
//! one says that everything runs. Nothing forks that has threads.
//!
//! The child's standard output is a pipe, on which it writes one line: [`RUNNING`] or [`ALREADY`]. Its standard error is
//! the terminal until then, so that whoever started the agent reads why it did not come up.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::io::Errno;
use scalyr_monitor::Clock;

use super::notify::VARIABLES;

/// What the child writes when everything was started.
const RUNNING: &[u8] = b"running\n";
/// What it writes when there is an agent already.
const ALREADY: &[u8] = b"already\n";
/// Nothing that it writes is longer.
const LONGEST: usize = 64;

/// What became of an agent that was started in the background.
#[derive(Debug)]
pub enum Came {
    /// It runs.
    Running,
    /// Another one ran already, as it has said.
    Already,
    /// It has ended, and has said why.
    Ended(ExitStatus),
    /// It has said nothing yet.
    StillStarting,
}

/// The agent that is being started, seen by who starts it.
pub struct Starting {
    child: Child,
}

impl Starting {
    /// Runs this executable once more, with these arguments; `own_name` is what it sees as its name.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn launch(own_name: Option<&OsString>, arguments: &[OsString]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(name) = own_name {
            command.arg0(name);
        }
        // They are meant for this process.
        VARIABLES.iter().for_each(|name| _ = command.env_remove(name));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Self { child: command.spawn()? })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has come up or ended, for `patience` at most.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn wait(mut self, patience: Duration, clock: &Clock) -> io::Result<Came> {
        let end = clock.monotonic() + patience;
        let Some(mut told) = self.child.stdout.take() else { return Err(io::Error::other("no pipe to the agent")) };
        let (mut line, mut room) = (Vec::new(), [0; LONGEST]);
        loop {
            let left = end.saturating_duration_since(clock.monotonic());
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&told, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return Ok(Came::StillStarting),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let read = told.read(&mut room)?;
            line.extend_from_slice(&room[..read]);
            match line.as_slice() {
                RUNNING => return Ok(Came::Running),
                ALREADY => return Ok(Came::Already),
                _ if read == 0 || line.len() >= LONGEST => return self.child.wait().map(Came::Ended),
                _ => {}
            }
        }
    }
}

/// Makes this process independent of the session and the folder in which it was started.
///
/// # Errors
/// When the system refuses it.
pub fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    std::env::set_current_dir("/")?;
    rustix::process::umask(Mode::from_bits_truncate(0o022));
    Ok(())
}

/// Tells who waits that everything runs, and lets go of the terminal. It may have gone away, which is no failure.
///
/// # Errors
/// When the terminal cannot be let go.
pub fn tell_running() -> io::Result<()> {
    let null: File = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    tell(RUNNING);
    rustix::stdio::dup2_stdout(&null)?;
    Ok(())
}

/// Tells who waits that another agent runs already.
pub fn tell_already() {
    tell(ALREADY);
}

fn tell(line: &[u8]) {
    let mut out = io::stdout();
    _ = out.write_all(line).and_then(|()| out.flush());
}
