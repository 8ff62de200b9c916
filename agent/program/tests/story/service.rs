//! A small service manager, led by the agent's own unit file: for stories where no systemd runs.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{POLL, Process, Scratch, now};

/// The unit that packages install.
pub(crate) const UNIT: &str = include_str!("../../../src/service/scalyr-agent-2.service");

/// A story does not wait for as long as the unit says before it starts the agent again.
const RESTART: Duration = Duration::from_millis(200);

/// What the unit says of `key`; the story fails when it says nothing.
pub(crate) fn unit_value(key: &str) -> &'static str {
    let value = UNIT.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("the unit says nothing of {key}"))
}

/// The arguments of the agent in `ExecStart`.
pub(crate) fn unit_arguments() -> Vec<&'static str> {
    unit_value("ExecStart").split(' ').skip(1).collect()
}

/// Starts a program as the unit says, hears what it tells of itself, and starts it again when it failed. It acts when it
/// is [looked after](Service::look).
pub(crate) struct Service<'s> {
    scratch: &'s Scratch,
    command: Box<dyn Fn() -> Command + 's>,
    watchdog: Option<Duration>,
    socket: UnixDatagram,
    process: Option<Process>,
    start_at: Option<Instant>,
    last_sign: Instant,
    /// How often it was started.
    pub(crate) starts: u32,
    /// How each of its processes ended.
    pub(crate) ends: Vec<String>,
    /// Whether the process that runs has said that everything was started.
    pub(crate) is_ready: bool,
    /// The last line for people.
    pub(crate) line: String,
    /// All other messages, in their order.
    pub(crate) heard: Vec<String>,
}

impl<'s> Service<'s> {
    /// Starts what `command` makes; with a `watchdog`, a process that says nothing for so long is ended.
    pub(crate) fn start(scratch: &'s Scratch, watchdog: Option<Duration>, command: impl Fn() -> Command + 's) -> Self {
        assert_eq!((unit_value("Type"), unit_value("Restart")), ("notify", "on-failure"));
        let socket = UnixDatagram::bind(scratch.path("notify")).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut service = Self {
            scratch,
            command: Box::new(command),
            watchdog,
            socket,
            process: None,
            start_at: None,
            last_sign: now(),
            starts: 0,
            ends: Vec::new(),
            is_ready: false,
            line: String::new(),
            heard: Vec::new(),
        };
        service.run();
        service
    }

    fn run(&mut self) {
        let mut command = (self.command)();
        command.env("NOTIFY_SOCKET", self.scratch.path("notify"));
        if let Some(watchdog) = self.watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        self.process = Some(Process::start(self.scratch, "service", command));
        self.starts += 1;
    }

    /// Hears, ends and starts what is due.
    pub(crate) fn look(&mut self) {
        self.hear();
        let Some(process) = &mut self.process else {
            if self.start_at.is_some_and(|at| now() >= at) {
                self.start_at = None;
                self.run();
            }
            return;
        };
        if let Some(status) = process.ended() {
            self.ends.push(status.to_string());
            (self.process, self.is_ready) = (None, false);
            self.start_at = (!status.success()).then(|| now() + RESTART);
        } else if self.is_ready && self.watchdog.is_some_and(|watchdog| self.last_sign.elapsed() > watchdog) {
            process.signal(Signal::ABORT);
            // A process that was stopped takes no signal before.
            process.signal(Signal::CONT);
            self.last_sign = now();
        }
    }

    fn hear(&mut self) {
        let mut bytes = [0; 4096];
        loop {
            let length = match self.socket.recv(&mut bytes) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => panic!("nothing can be heard: {error}"),
            };
            self.last_sign = now();
            let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if let Some(line) = message.strip_prefix("STATUS=") {
                self.line = line.to_owned();
                continue;
            }
            self.is_ready |= message == "READY=1";
            self.heard.push(message);
        }
    }

    /// Looks after it until something holds.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, deadline: Duration, mut holds: impl FnMut(&mut Self) -> bool) {
        let begin = now();
        loop {
            self.look();
            if holds(self) {
                return;
            }
            let (starts, ends, heard) = (self.starts, &self.ends, &self.heard);
            assert!(
                begin.elapsed() < deadline,
                "waited {deadline:?} in vain until {what}; {starts} starts, ends {ends:?}, heard {heard:?}"
            );
            thread::sleep(POLL);
        }
    }

    /// The process that runs.
    #[track_caller]
    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a process runs")
    }

    /// `systemctl stop`: SIGTERM; returns the exit code.
    #[track_caller]
    pub(crate) fn stop(&mut self, deadline: Duration) -> Option<i32> {
        let code = self.process().stop(deadline);
        self.hear();
        code
    }
}
