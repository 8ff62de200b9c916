//! Going into the background: the command that starts the agent runs the same executable once more, and waits until that
//! one says that everything runs. Nothing forks that has threads.
//!
//! The child's standard output is a pipe, on which it writes one line: [`RUNNING`] or [`ALREADY`]. Its standard error is
//! the terminal until then, so that whoever started the agent reads why it did not come up.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::io::Errno;
use scalyr_monitor::Clock;

use super::executable;
use super::notify::VARIABLES;

/// What the child writes when everything was started.
const RUNNING: &[u8] = b"running\n";
/// What it writes when there is an agent already.
const ALREADY: &[u8] = b"already\n";
/// How often it is looked whether the child has ended: a program that it started may hold the pipe longer than it lives.
const LOOK_EVERY: Duration = Duration::from_millis(100);
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
        let mut command = Command::new(executable::own()?);
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
        let (mut is_open, mut ended) = (true, None);
        loop {
            let left = end.saturating_duration_since(clock.monotonic());
            let pause = if ended.is_some() { Duration::ZERO } else { left.min(LOOK_EVERY) };
            if is_open {
                let timeout = Timespec::try_from(pause).map_err(io::Error::other)?;
                match poll(&mut [PollFd::new(&told, PollFlags::IN)], Some(&timeout)) {
                    Ok(0) => is_open = ended.is_none(),
                    Ok(_) => {
                        let read = told.read(&mut room)?;
                        is_open = read > 0;
                        line.extend_from_slice(&room[..read]);
                    }
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            } else {
                thread::sleep(pause);
            }
            while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                let rest = line.split_off(end + 1);
                match line.as_slice() {
                    RUNNING => return Ok(Came::Running),
                    ALREADY => return Ok(Came::Already),
                    // Of a program that the agent has started.
                    _ => line = rest,
                }
            }
            if line.len() >= LONGEST {
                line.clear();
            }
            match ended {
                // What it said before its end is heard first.
                Some(status) if !is_open || left.is_zero() => return Ok(Came::Ended(status)),
                Some(_) => {}
                None => ended = self.child.try_wait()?,
            }
            if ended.is_none() && left.is_zero() {
                return Ok(Came::StillStarting);
            }
        }
    }
}

/// Makes this process independent of the session and the folder in which it was started, and of what whoever started it had
/// open: a lock of `flock(1)`, the pipe of a package script, a mount that is to go. To be called before anything is opened.
///
/// # Errors
/// When the system refuses it.
pub fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    std::env::set_current_dir("/")?;
    rustix::process::umask(Mode::from_bits_truncate(0o022));
    close_inherited()
}

fn close_inherited() -> io::Result<()> {
    let names = fs::read_dir("/proc/self/fd")?.map(|entry| entry.map(|entry| entry.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    // The one by which the folder was read is closed already.
    numbers.filter(|number| *number > 2).for_each(|number| _ = nix::unistd::close(number));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn came(script: &str, patience: Duration) -> Came {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        Starting { child: command.spawn().unwrap() }.wait(patience, &Clock::system()).unwrap()
    }

    #[test]
    fn an_agent_that_dies_is_seen_although_a_program_that_it_started_holds_the_pipe() {
        let patience = Duration::from_secs(60);
        // The program ends by itself when nobody is left to read what it says.
        let left_behind = "(while sleep 1 && echo x >&1; do :; done) 2>/dev/null &";
        let Came::Ended(status) = came(&format!("{left_behind} sleep 0.3; exit 3"), patience) else {
            panic!("it ended")
        };
        assert_eq!(status.code(), Some(3));
        assert!(matches!(came("echo running; sleep 1", patience), Came::Running));
        assert!(matches!(came("echo already", patience), Came::Already));
        let chatter = "head -c 4000 /dev/zero; echo; echo of somebody else; echo running; sleep 1";
        assert!(matches!(came(chatter, patience), Came::Running));
        assert!(
            matches!(came("exec >&-; sleep 0.3; exit 4", patience), Came::Ended(status) if status.code() == Some(4))
        );
        assert!(matches!(came("exec sleep 2", Duration::from_millis(300)), Came::StillStarting));
    }
}
