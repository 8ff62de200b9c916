//! When the service manager is told how the agent is: the watchdog, and the line that `systemctl status` shows.

use std::time::{Duration, Instant};

use scalyr_monitor::{Clock, Logger};

use super::notify::Notify;
use crate::status::Snapshot;

/// The line is made anew this often at most, ...
const LINE: Duration = Duration::from_secs(10);
/// ... and making it takes at most a thousandth of the thread's time: with very many files it is made less often.
const LINE_SHARE: u32 = 1000;

/// Tells a service manager that the agent lives, as long as it does.
pub struct Attendance<'a> {
    notify: &'a Notify,
    next_feed: Option<Instant>,
    next_line: Option<Instant>,
    line: String,
    is_stuck: bool,
    is_trouble_told: bool,
}

/// How the agent is, for whoever watches over it.
pub struct Signs<'a> {
    /// For how long the tail stage has been away from what it does again and again.
    pub stuck: Duration,
    /// How everything stands; asked only when the line is due.
    pub standing: &'a dyn Fn() -> Standing,
}

/// What the line is made of.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// How many files are followed.
    pub files: usize,
    /// Bytes that are not acknowledged yet, ...
    pub lag_bytes: u64,
    /// ... and the age of the oldest of them, seconds.
    pub lag_seconds: f64,
    /// What wants a look, the worst first.
    pub troubles: Vec<String>,
}

impl From<Snapshot> for Standing {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot { files, lag, troubles, .. } = snapshot;
        Self { files: files.len(), lag_bytes: lag.bytes, lag_seconds: lag.seconds, troubles }
    }
}

impl<'a> Attendance<'a> {
    /// Begins when everything was started.
    pub fn new(notify: &'a Notify, now: Instant) -> Self {
        Self {
            notify,
            next_feed: notify.watchdog().map(|_| now),
            next_line: notify.is_heard().then_some(now),
            line: String::new(),
            is_stuck: false,
            is_trouble_told: false,
        }
    }

    /// When it is to be looked after again; never when nobody wants to hear.
    pub fn next(&self) -> Option<Instant> {
        self.next_feed.into_iter().chain(self.next_line).min()
    }

    /// Tells what is due. The watchdog hears nothing any more once the copying of logs has been stuck for half of its
    /// time, so that the process is ended and started again.
    pub fn look(&mut self, clock: &Clock, signs: &Signs<'_>, logger: &Logger) {
        let now = clock.monotonic();
        self.notify.catch_up();
        if let (Some(due), Some(watchdog)) = (self.next_feed, self.notify.watchdog())
            && now >= due
        {
            self.feed(watchdog, signs.stuck, logger);
            self.next_feed = Some(now + watchdog / 2);
        }
        if self.next_line.is_some_and(|due| now >= due) {
            let line = line(&(signs.standing)());
            let took = clock.monotonic().saturating_duration_since(now);
            self.next_line = Some(now + LINE.max(took.saturating_mul(LINE_SHARE)));
            if line != self.line {
                self.notify.status(&line);
                self.line = line;
            }
        }
        if let Some(error) = self.notify.take_trouble()
            && !std::mem::replace(&mut self.is_trouble_told, true)
        {
            logger.warn(format_args!("The service manager (NOTIFY_SOCKET) cannot be told how the agent is: {error}"));
        }
    }

    fn feed(&mut self, watchdog: Duration, stuck: Duration, logger: &Logger) {
        let was_stuck = std::mem::replace(&mut self.is_stuck, stuck >= watchdog / 2);
        match (was_stuck, self.is_stuck) {
            (false, true) => logger.error(format_args!(
                "The copying of logs has been stuck for {} s: the watchdog of the service manager ({} s) hears nothing until it goes on",
                stuck.as_secs(),
                watchdog.as_secs_f64()
            )),
            (true, false) => logger.info("The copying of logs goes on"),
            (false, false) | (true, true) => {}
        }
        if !self.is_stuck {
            self.notify.alive();
        }
    }
}

/// Files, lag and health in a line.
fn line(standing: &Standing) -> String {
    let files = match standing.files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let lag = match standing.lag_bytes {
        0 => "nothing left to send".to_owned(),
        bytes => format!("{} ({:.0} s) behind", amount(bytes), standing.lag_seconds),
    };
    let health = match standing.troubles.as_slice() {
        [] => "healthy".to_owned(),
        [trouble] => trouble.clone(),
        [trouble, others @ ..] => format!("{trouble} (and {} more; see agent status -v)", others.len()),
    };
    format!("{files}, {lag}; {health}")
}

fn amount(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use scalyr_monitor::Timestamp;
    use scalyr_monitor::registry::Environment;
    use tempfile::TempDir;

    use super::*;

    /// A service manager with a watchdog of a minute.
    struct Manager {
        socket: UnixDatagram,
        notify: Notify,
        clock: Clock,
        _folder: TempDir,
    }

    impl Manager {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("notify");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_nonblocking(true).unwrap();
            let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "60000000")];
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let notify = Notify::from_environment(&Environment::new(variables), 1).unwrap();
            Self { socket, notify, clock: Clock::manual(Timestamp::from_millis(0)), _folder: folder }
        }

        fn heard(&self) -> Vec<String> {
            let mut bytes = [0; 4096];
            std::iter::from_fn(|| self.socket.recv(&mut bytes).ok().map(|length| bytes[..length].to_vec()))
                .map(|message| String::from_utf8(message).unwrap())
                .collect()
        }
    }

    fn of(trouble: &str, lag_bytes: u64) -> Standing {
        let troubles = (!trouble.is_empty()).then(|| trouble.to_owned()).into_iter().collect();
        Standing { troubles, lag_bytes, lag_seconds: 3.0, files: 0 }
    }

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time_and_not_while_the_copying_of_logs_is_stuck() {
        let manager = Manager::new();
        let mut attendance = Attendance::new(&manager.notify, manager.clock.monotonic());
        let logger = Logger::none();
        let begin = manager.clock.monotonic();
        let mut fed = Vec::new();
        for second in 0..240 {
            let stuck = Duration::from_secs(if second < 150 { 0 } else { second - 120 });
            attendance.look(&manager.clock, &Signs { stuck, standing: &|| of("", 0) }, &logger);
            fed.extend(manager.heard().iter().filter(|message| *message == "WATCHDOG=1").map(|_| second));
            assert!(attendance.next().unwrap() > manager.clock.monotonic());
            manager.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(fed, [0, 30, 60, 90, 120]);
        attendance.look(&manager.clock, &Signs { stuck: Duration::ZERO, standing: &|| of("", 0) }, &logger);
        assert_eq!(manager.heard(), ["WATCHDOG=1"], "it goes on");
        assert_eq!(manager.clock.monotonic() - begin, Duration::from_secs(240));
    }

    #[test]
    fn the_line_is_told_when_it_has_changed_and_every_ten_seconds_at_most() {
        let manager = Manager::new();
        let mut attendance = Attendance::new(&manager.notify, manager.clock.monotonic());
        let mut told = Vec::new();
        for second in 0..60 {
            let standing = || if second < 35 { of("", 0) } else { of("the api key is refused", second * 100) };
            attendance.look(&manager.clock, &Signs { stuck: Duration::ZERO, standing: &standing }, &Logger::none());
            let lines = manager.heard().into_iter().filter(|message| message.starts_with("STATUS="));
            told.extend(lines.map(|line| (second, line)));
            manager.clock.advance(Duration::from_secs(1));
        }
        let told: Vec<_> = told.iter().map(|(second, line)| (*second, line.as_str())).collect();
        assert_eq!(
            told,
            [
                (0, "STATUS=0 files, nothing left to send; healthy"),
                (40, "STATUS=0 files, 3 KiB (3 s) behind; the api key is refused"),
                (50, "STATUS=0 files, 4 KiB (3 s) behind; the api key is refused"),
            ]
        );
    }

    #[test]
    fn without_a_service_manager_there_is_nothing_to_look_after() {
        let silent = Notify::default();
        let clock = Clock::manual(Timestamp::from_millis(0));
        let mut attendance = Attendance::new(&silent, clock.monotonic());
        let never = || panic!("nobody reads it");
        attendance.look(&clock, &Signs { stuck: Duration::ZERO, standing: &never }, &Logger::none());
        assert_eq!(attendance.next(), None);
    }
}
