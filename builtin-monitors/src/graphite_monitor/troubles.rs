//! What is told in the agent log, each cause and sender once in five minutes, with how often it came.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use scalyr_monitor::log::Limited;
use scalyr_monitor::prelude::*;

use super::Way;
use super::pickled::Trouble;
use super::requests::{Form, TooLong};

const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// As much of a bad line is shown.
const SHOWN: usize = 80;

const BAD_LINE: &str = "graphite_monitor/badPlainTextLine";
const BAD_PICKLE: &str = "graphite_monitor/badUnpickle";
const BAD_POINT: &str = "graphite_monitor/badPickleLine";

/// Tells what was not taken, and why.
#[derive(Clone, Debug)]
pub(super) struct Troubles {
    logger: Logger,
    clock: Clock,
}

/// Why the rest of what a sender sent is not taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut<'e> {
    /// It has closed the connection in the middle of a request.
    Closed,
    /// Reading failed.
    Failed(&'e std::io::Error),
    /// It sent no whole request for too long.
    Idle(Duration),
    /// The monitor is asked to stop.
    Stopped,
}

impl Troubles {
    pub(super) fn new(logger: Logger, clock: Clock) -> Self {
        Self { logger, clock }
    }

    /// Logs once in five minutes.
    fn of(&self, cause: &str, tell: impl FnOnce(&Limited<'_>)) {
        tell(&self.logger.limited(&self.clock, cause, FIVE_MINUTES));
    }

    /// Logs once in five minutes for each host that sends.
    fn from(&self, sender: SocketAddr, cause: &str, tell: impl FnOnce(&Limited<'_>)) {
        self.of(&format!("{cause} from {}", sender.ip()), tell);
    }

    pub(super) fn bad_line(&self, sender: SocketAddr, line: &[u8], fault: &str) {
        // What came from outside is shown escaped, and not in full length.
        let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
        let hint = if line.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
            ". Pickles belong on the port `pickle_port`"
        } else {
            ""
        };
        self.from(sender, "bad line", |limited| {
            limited.coded(
                Level::Warning,
                BAD_LINE,
                format_args!("A line from {sender} is not taken: {:?} {fault}{hint}", text.trim_end()),
            );
        });
    }

    pub(super) fn bad_pickle(&self, sender: SocketAddr, trouble: &Trouble) {
        let (cause, code, told): (_, _, &dyn Display) = match trouble {
            Trouble::Pickle(fault) => (
                "bad pickle",
                BAD_PICKLE,
                &format!("A request from {sender} is not taken: its pickle cannot be read: {fault}"),
            ),
            Trouble::NoList(kind) => (
                "bad pickle",
                BAD_PICKLE,
                &format!(
                    "A request from {sender} is not taken: its pickle is {kind}, not a list of (path, (time, value))"
                ),
            ),
            Trouble::NoPoint(fault) => {
                ("bad point", BAD_POINT, &format!("A point of a pickle from {sender} is not taken: {fault}"))
            }
            Trouble::Repeats(points) => (
                "repeated paths",
                BAD_POINT,
                &format!(
                    "The last {points} points of a pickle from {sender} are not taken: its paths come to far more than the \
                     pickle itself. Send fewer points in a request"
                ),
            ),
        };
        self.from(sender, cause, |limited| limited.coded(Level::Warning, code, told));
    }

    pub(super) fn too_long(&self, sender: SocketAddr, form: Form, longest: usize, too_long: &TooLong) {
        let begins = String::from_utf8_lossy(&too_long.begins);
        let is_text = too_long.begins.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        let (what, hint) = match form {
            Form::Pickles if is_text => {
                ("what was sent is no pickle", "Lines of text belong on the port `plaintext_port`")
            }
            Form::Pickles => {
                ("a pickle is too long", "Raise that, and `buffer_size`, or send fewer points in a request")
            }
            Form::Lines => ("a line is too long", "Raise that, and `buffer_size`, or send shorter lines"),
        };
        let length = too_long.length.map_or(String::new(), |length| format!(", its length is {length}"));
        self.from(sender, what, |limited| {
            limited.error(format_args!(
                "The connection of {sender} is closed: {what}{length}; `max_request_size` allows {longest} bytes. \
                 It begins with {begins:?}. {hint}"
            ));
        });
    }

    /// The connection ends, and so many bytes of a request that is not whole are not taken; none is nothing to tell of,
    /// unless reading failed or too long nothing came.
    pub(super) fn cut(&self, sender: SocketAddr, bytes: usize, why: Cut<'_>) {
        match why {
            Cut::Closed | Cut::Stopped if bytes == 0 => {}
            Cut::Closed => self.from(sender, "closed", |limited| {
                limited.warn(format_args!(
                    "{sender} closed its connection in the middle of a request, of which {bytes} bytes are not taken"
                ));
            }),
            Cut::Stopped => self.from(sender, "stopped", |limited| {
                limited.warn(format_args!(
                    "{sender} was in the middle of a request when the monitor stopped; {bytes} bytes of it are not taken"
                ));
            }),
            Cut::Failed(error) => self.from(sender, "failed", |limited| {
                limited.warn(format_args!("The connection of {sender} broke: {error}; {bytes} bytes are not taken"));
            }),
            Cut::Idle(time) => self.from(sender, "idle", |limited| {
                let rest = if bytes == 0 { String::new() } else { format!(", and {bytes} bytes of one are not taken") };
                limited.warn(format_args!(
                    "The connection of {sender} is closed: no whole request came for {} s (`max_connection_idle_time`){rest}",
                    time.as_secs_f64()
                ));
            }),
        }
    }

    /// So many connections were closed at once since the start.
    pub(super) fn refused(&self, address: SocketAddr, refused: u64, most: usize) {
        self.of(&format!("refused on {address}"), |limited| {
            limited.error(format_args!(
                "There are {most} connections on {address}, as many as `max_connections` allows; {refused} more were closed \
                 at once since the start. Raise it, or let the senders share connections, as a relay does"
            ));
        });
    }

    pub(super) fn listening(&self, what: &str, address: SocketAddr, protocol: &str) {
        self.logger.info(format_args!("Listening for Graphite {what} on {address} ({protocol})"));
    }

    pub(super) fn cannot_listen(&self, way: Way, error: &Error) {
        self.of(&format!("listen {way:?}"), |limited| {
            limited.error(format_args!("{error}. It is tried again every five seconds"));
        });
    }

    pub(super) fn cannot_accept(&self, address: SocketAddr, error: &Error) {
        self.of(&format!("accept on {address}"), |limited| limited.error(error));
    }

    pub(super) fn no_thread(&self, sender: SocketAddr, error: &std::io::Error) {
        self.of("thread", |limited| {
            limited.error(format_args!(
                "The connection of {sender} is closed: the system gives no thread for it: {error}. Lower `max_connections`, \
                 or let the agent have more tasks (`TasksMax` of its service)"
            ));
        });
    }

    /// So many packets were dropped by the kernel since the start.
    pub(super) fn lost_packets(&self, address: SocketAddr, lost: u64) {
        self.of("lost packets", |limited| {
            limited.error(format_args!(
                "The kernel has dropped {lost} packets to {address} (UDP) since the start: they came faster than they could \
                 be taken. Let the senders use TCP, or raise the sysctl net.core.rmem_default"
            ));
        });
    }

    /// The end waited long enough, and senders go on.
    pub(super) fn left_unread(&self, sender: impl Display) {
        self.of("left unread", |limited| {
            limited.warn(format_args!(
                "The monitor stops while {sender} goes on sending; what has come and was not read is not taken"
            ));
        });
    }
}
