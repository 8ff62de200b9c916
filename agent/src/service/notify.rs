//! What the agent tells the service manager that started it: the protocol of `sd_notify(3)`, for `Type=notify` units.
//!
//! A few lines of our own, since the crates for it read and change the environment of the process themselves.

use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use scalyr_monitor::registry::Environment;

/// The variables by which a service manager says where and how often it wants to hear from the agent. They are meant for
/// one process: whoever starts another one leaves them out of its environment.
pub const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// Longer lines are of no use in `systemctl status`.
const LONGEST_STATUS: usize = 400;

/// The way to the service manager; silent when none wants to hear anything. A manager that takes no messages is not waited
/// for, as the agent has better things to do, above all when it ends.
#[derive(Debug, Default)]
pub struct Notify {
    way: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    trouble: Mutex<Option<io::Error>>,
    /// That it is ready could not be told yet.
    owes_ready: AtomicBool,
}

impl Notify {
    /// As the environment asks for it: `NOTIFY_SOCKET` names a socket by its path, or with an `@` before it in the
    /// abstract name space; `WATCHDOG_USEC` microseconds without a word are the end of the process, if `WATCHDOG_PID` is
    /// not there or is its own, `pid`.
    ///
    /// # Errors
    /// When the variables say what this agent cannot do; the text names the variable.
    pub fn from_environment(environment: &Environment, pid: u32) -> Result<Self, String> {
        let Some(name) = environment.get("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let wrong = |error: io::Error| format!("NOTIFY_SOCKET={name}: {error}; the service manager is told nothing");
        let address = match name.as_bytes() {
            [b'@', abstract_name @ ..] => SocketAddr::from_abstract_name(abstract_name).map_err(wrong)?,
            [b'/', ..] => SocketAddr::from_pathname(name).map_err(wrong)?,
            _ => return Err(wrong(io::Error::other("neither a path from the root nor @ and a name"))),
        };
        let socket = UnixDatagram::unbound().map_err(wrong)?;
        socket.set_nonblocking(true).map_err(wrong)?;
        let is_meant = environment.get("WATCHDOG_PID").is_none_or(|of| of == pid.to_string());
        let watchdog = match environment.get("WATCHDOG_USEC").filter(|text| is_meant && !text.is_empty()) {
            None => None,
            Some(text) => match text.parse::<u64>() {
                Ok(micros) => Some(Duration::from_micros(micros)).filter(|time| !time.is_zero()),
                Err(error) => return Err(format!("WATCHDOG_USEC={text}: {error}; it must be microseconds")),
            },
        };
        Ok(Self { way: Some((socket, address)), watchdog, ..Self::default() })
    }

    /// Whether somebody wants to hear.
    pub fn is_heard(&self) -> bool {
        self.way.is_some()
    }

    /// After how long without [`alive`](Self::alive) the service manager ends the process.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Everything was started, or a reload is over.
    pub fn ready(&self) {
        self.owes_ready.store(true, Ordering::Release);
        self.catch_up();
    }

    /// Tells once more that the agent is ready, when the manager did not take it: it waits for that, and for nothing else.
    pub fn catch_up(&self) {
        if self.owes_ready.load(Ordering::Acquire) {
            let is_late = self.send("READY=1").is_err_and(|kind| kind == io::ErrorKind::WouldBlock);
            self.owes_ready.store(is_late, Ordering::Release);
        }
    }

    /// The configuration is read again; to be followed by [`ready`](Self::ready).
    pub fn reloading(&self) {
        // The manager compares it with its own clock, so it is that of the machine, whatever a test's clock shows.
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        _ = self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The agent is on its way to its end.
    pub fn stopping(&self) {
        self.owes_ready.store(false, Ordering::Release);
        _ = self.send("STOPPING=1");
    }

    /// A line for people, which `systemctl status` shows.
    pub fn status(&self, line: &str) {
        let mut text = "STATUS=".to_owned();
        for c in line.chars().take(LONGEST_STATUS) {
            // A line end would begin the next assignment.
            _ = text.write_char(if c.is_control() { ' ' } else { c });
        }
        _ = self.send(&text);
    }

    /// The agent gets on with its work.
    pub fn alive(&self) {
        _ = self.send("WATCHDOG=1");
    }

    /// Why a message could not be delivered since this was last asked.
    pub fn take_trouble(&self) -> Option<io::Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Why it failed is kept for [`Self::take_trouble`].
    fn send(&self, message: &str) -> Result<(), io::ErrorKind> {
        let Some((socket, address)) = &self.way else { return Ok(()) };
        socket.send_to_addr(message.as_bytes(), address).map(|_| ()).map_err(|error| {
            let kind = error.kind();
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            kind
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 4096];
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    fn say_everything(notify: &Notify, socket: &UnixDatagram) {
        notify.status("12 files\nREADY=0");
        assert_eq!(heard(socket), "STATUS=12 files READY=0", "a line end makes no second assignment");
        notify.ready();
        assert_eq!(heard(socket), "READY=1");
        notify.reloading();
        let (reloading, at) = heard(socket).split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(reloading, "RELOADING=1");
        let micros: u64 = at.strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        assert!(micros > 0 && micros as f64 / 1e6 <= uptime + 1.0, "{micros} after {uptime} s");
        notify.alive();
        assert_eq!(heard(socket), "WATCHDOG=1");
        notify.stopping();
        assert_eq!(heard(socket), "STOPPING=1");
        assert!(notify.take_trouble().is_none());
    }

    #[test]
    fn a_manager_behind_a_path_or_an_abstract_name_hears_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let asked = environment(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
        say_everything(&Notify::from_environment(&asked, 1).unwrap(), &socket);

        let name = format!("scalyr-agent-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name.as_bytes()).unwrap()).unwrap();
        let asked = environment(&[("NOTIFY_SOCKET", &format!("@{name}"))]);
        say_everything(&Notify::from_environment(&asked, 1).unwrap(), &socket);
    }

    #[test]
    fn nobody_is_told_anything_unless_the_environment_asks_for_it() {
        for none in [environment(&[]), environment(&[("NOTIFY_SOCKET", ""), ("WATCHDOG_USEC", "1000")])] {
            let notify = Notify::from_environment(&none, 1).unwrap();
            notify.ready();
            assert!(!notify.is_heard() && notify.watchdog().is_none() && notify.take_trouble().is_none());
        }
    }

    #[test]
    fn the_watchdog_is_meant_for_the_process_that_it_names() {
        let of = |pairs: &[(&str, &str)]| {
            let asked = [&[("NOTIFY_SOCKET", "@nobody")], pairs].concat();
            Notify::from_environment(&environment(&asked), 7).map(|notify| notify.watchdog())
        };
        let half_a_minute = Ok(Some(Duration::from_secs(30)));
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000")]), half_a_minute);
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "7")]), half_a_minute);
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "8")]), Ok(None));
        assert_eq!(of(&[("WATCHDOG_USEC", "0")]), Ok(None));
        assert_eq!(of(&[]), Ok(None));
        assert!(of(&[("WATCHDOG_USEC", "soon")]).unwrap_err().starts_with("WATCHDOG_USEC=soon: "));
    }

    #[test]
    fn a_socket_that_cannot_be_meant_is_refused_by_name_and_one_that_is_gone_is_a_trouble() {
        let refused = Notify::from_environment(&environment(&[("NOTIFY_SOCKET", "vsock:2:1234")]), 1).unwrap_err();
        assert!(refused.starts_with("NOTIFY_SOCKET=vsock:2:1234: neither a path"), "{refused}");
        let gone = environment(&[("NOTIFY_SOCKET", "/nowhere/notify")]);
        let notify = Notify::from_environment(&gone, 1).unwrap();
        notify.ready();
        assert_eq!(notify.take_trouble().unwrap().kind(), io::ErrorKind::NotFound);
        assert!(notify.take_trouble().is_none());
    }

    #[test]
    fn a_manager_that_takes_no_messages_is_not_waited_for_and_hears_later_that_the_agent_is_ready() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::from_environment(&environment(&[("NOTIFY_SOCKET", path.to_str().unwrap())]), 1).unwrap();
        // Until its queue is full: a system holds a few hundred messages at most.
        let full = (0..100_000).any(|_| {
            notify.alive();
            notify.take_trouble().is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        });
        assert!(full);
        notify.ready();
        notify.stopping();
        notify.ready();
        assert_eq!(notify.take_trouble().unwrap().kind(), io::ErrorKind::WouldBlock);
        socket.set_nonblocking(true).unwrap();
        let mut bytes = [0; 64];
        while let Ok(length) = socket.recv(&mut bytes) {
            assert_eq!(&bytes[..length], b"WATCHDOG=1");
        }
        notify.catch_up();
        notify.catch_up();
        assert_eq!(heard(&socket), "READY=1");
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut bytes).is_err(), "once is enough");
    }
}
