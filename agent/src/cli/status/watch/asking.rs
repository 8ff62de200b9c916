//! What the watcher waits for, all in one place: answers of the agent, keys, signals. The agent is asked on a thread of its
//! own, so that one that does not answer keeps nobody from the keys.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use scalyr_monitor::{Clock, Stop};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::low_level::pipe;

use super::report::Seen;
use crate::status::{Format, socket};
use crate::threads::Threads;

/// The screen is looked over at least this often, so that it tells of an agent that does not answer.
const TICK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// What happened.
pub(super) enum Event {
    /// It is to end.
    End,
    /// The terminal may have another size.
    Resized,
    /// The process is to stop until it is continued: the terminal is given back before.
    Suspended,
    /// The process was stopped, and goes on; the terminal may be any.
    Continued,
    /// A second has passed.
    Tick,
    /// Keys, as the terminal sent them.
    Keys(Vec<u8>),
    /// The agent answered, or did not.
    Answer(Seen),
}

/// All that is waited for.
pub(super) struct Asking {
    answers: Receiver<Seen>,
    answered: UnixStream,
    ends: UnixStream,
    resizes: UnixStream,
    continues: UnixStream,
    suspends: UnixStream,
    /// Whether keys are read.
    keys: bool,
}

impl Asking {
    /// Asks from now on, until `stop`.
    ///
    /// # Errors
    /// When signals cannot be handled, or the system refuses a thread.
    pub(super) fn begin(
        data_path: &Path,
        interval: Duration,
        keys: bool,
        clock: Clock,
        stop: &Stop,
        threads: &Threads,
    ) -> io::Result<Self> {
        let ends = hear(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        let (resizes, continues, suspends) = (hear(&[SIGWINCH])?, hear(&[SIGCONT])?, hear(&[SIGTSTP])?);
        let (answered, mut told) = UnixStream::pair()?;
        let (sender, answers) = bounded(1);
        let (data_path, stop): (PathBuf, Stop) = (data_path.to_owned(), stop.clone());
        threads.spawn("asking", move || {
            while !stop.is_stopped() {
                let text = socket::ask(&data_path, Format::Json);
                let seen = Seen { at: clock.monotonic(), wall: clock.now(), text };
                // It waits for the answer before to be taken; nobody is there any more when this fails.
                if sender.send(seen).is_err() || told.write_all(b"a").is_err() {
                    return;
                }
                stop.wait(interval);
            }
        })?;
        Ok(Self { answers, answered, ends, resizes, continues, suspends, keys })
    }

    /// Waits for what happens next, a second at most.
    ///
    /// # Errors
    /// When it cannot be waited.
    pub(super) fn next(&mut self) -> io::Result<Event> {
        let stdin = io::stdin();
        let mut watched = vec![
            PollFd::new(&self.ends, PollFlags::IN),
            PollFd::new(&self.answered, PollFlags::IN),
            PollFd::new(&self.resizes, PollFlags::IN),
            PollFd::new(&self.continues, PollFlags::IN),
            PollFd::new(&self.suspends, PollFlags::IN),
        ];
        if self.keys {
            watched.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
        }
        match poll(&mut watched, Some(&TICK)) {
            Ok(0) | Err(Errno::INTR) => return Ok(Event::Tick),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = watched.iter().map(|each| !each.revents().is_empty()).collect();
        let is_ready = |index: usize| ready.get(index).copied().unwrap_or(false);
        if is_ready(0) {
            return Ok(Event::End);
        }
        if is_ready(4) {
            drain(&mut self.suspends)?;
            return Ok(Event::Suspended);
        }
        if is_ready(3) {
            drain(&mut self.continues)?;
            return Ok(Event::Continued);
        }
        if is_ready(2) {
            drain(&mut self.resizes)?;
            return Ok(Event::Resized);
        }
        // Before the keys, which may come without end.
        if is_ready(1) {
            self.answered.read_exact(&mut [0])?;
            return Ok(self.answers.recv().map_or(Event::End, Event::Answer));
        }
        if is_ready(5) {
            let mut bytes = vec![0; 256];
            let read = rustix::io::retry_on_intr(|| rustix::io::read(stdin.as_fd(), &mut bytes[..]))?;
            bytes.truncate(read);
            // The terminal is gone.
            return Ok(if read == 0 { Event::End } else { Event::Keys(bytes) });
        }
        Ok(Event::Tick)
    }
}

/// A socket in which each of these signals leaves a byte.
fn hear(signals: &[i32]) -> io::Result<UnixStream> {
    let (heard, told) = UnixStream::pair()?;
    heard.set_nonblocking(true)?;
    for signal in signals {
        pipe::register(*signal, told.try_clone()?)?;
    }
    Ok(heard)
}

fn drain(heard: &mut UnixStream) -> io::Result<()> {
    let mut bytes = [0; 64];
    loop {
        match heard.read(&mut bytes) {
            Ok(64) => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
