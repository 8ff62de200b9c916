//! What the monitor tells the agent log of its troubles: each kind once in five minutes, with how often it came.

use std::fmt::Display;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use scalyr_monitor::{Clock, Logger};

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// `ENFILE` and `EMFILE`.
const TOO_MANY_FILES: [i32; 2] = [23, 24];

/// Tells of troubles. Cheap to clone.
#[derive(Clone)]
pub(super) struct Warnings {
    pub(super) logger: Logger,
    pub(super) clock: Clock,
}

impl Warnings {
    fn warn(&self, cause: &str, message: impl Display) {
        self.logger.limited(&self.clock, cause, FIVE_MINUTES).warn(message);
    }

    fn error(&self, cause: &str, message: impl Display) {
        self.logger.limited(&self.clock, cause, FIVE_MINUTES).error(message);
    }

    pub(super) fn cannot_listen(&self, endpoint: &dyn Display, error: &dyn Display) {
        self.error(&endpoint.to_string(), format_args!("{error}. It is tried again every five seconds"));
    }

    pub(super) fn cannot_accept(&self, endpoint: &dyn Display, error: &io::Error) {
        let cure = match error.raw_os_error() {
            Some(code) if TOO_MANY_FILES.contains(&code) => {
                "; lower `max_connections`, or let the agent have more open files (`LimitNOFILE` of its service)"
            }
            _ => "",
        };
        self.error("accept", format_args!("Cannot take connections on {endpoint}: {error}{cure}"));
    }

    pub(super) fn too_many_connections(&self, endpoint: &dyn Display, most: usize) {
        self.warn(
            "connections",
            format_args!(
                "A connection to {endpoint} was closed at once, because there are {most}; raise `max_connections`, or close \
                 idle ones with `idle_timeout`"
            ),
        );
    }

    pub(super) fn broken(&self, peer: &dyn Display, error: &dyn Display) {
        self.warn("network", format_args!("A connection with {peer} broke: {error}. What had come was written"));
    }

    pub(super) fn refused_tls(&self, peer: &dyn Display, error: &dyn Display) {
        self.warn("tls", format_args!("No TLS with {peer}: {error}"));
    }

    pub(super) fn idle(&self, peer: &dyn Display) {
        self.logger.debug(format_args!("A connection with {peer} was closed, because nothing came for `idle_timeout`"));
    }

    pub(super) fn too_long(&self, peer: &dyn Display, longest: usize, is_option: bool) {
        let cure = if is_option {
            "; raise `tcp_buffer_size`, or set `message_size_can_exceed_tcp_buffer` to true"
        } else {
            "; so much all connections may hold together"
        };
        self.warn(
            "too long",
            format_args!("A message from {peer} is longer than {longest} bytes and was written in parts{cure}"),
        );
    }

    pub(super) fn incomplete(&self, peer: &dyn Display) {
        self.logger.limited(&self.clock, "incomplete", FIVE_MINUTES).info(format_args!(
            "A message from {peer} was written though it is not complete, because no more of it came within \
             `tcp_incomplete_frame_timeout`"
        ));
    }

    pub(super) fn kernel_dropped(&self, endpoint: &dyn Display, packets: u64) {
        self.warn(
            "kernel",
            format_args!(
                "The kernel dropped {packets} packets to {endpoint} because they came faster than they could be written; they \
                 are lost, and counted in `status`. Raise `udp_receive_buffer` and `net.core.rmem_max`, or send by TCP"
            ),
        );
    }

    pub(super) fn small_buffer(&self, endpoint: &dyn Display, granted: usize, wanted: usize) {
        self.logger.warn(format_args!(
            "The kernel keeps {granted} bytes of packets for {endpoint}, not {wanted} as `udp_receive_buffer` says: more may be \
             lost in a flood. `sysctl net.core.rmem_max={wanted}` mends it, or the right CAP_NET_ADMIN"
        ));
    }

    pub(super) fn full(&self, path: &dyn Display, unsettled: u64) {
        self.warn(
            "full",
            format_args!(
                "{path} is full, and {unsettled} bytes of the oldest file are not uploaded yet, which a rotation would \
                 remove: senders wait, and packets are lost, until the upload has caught up. Raise `max_log_size` or \
                 `max_log_rotations`"
            ),
        );
    }

    pub(super) fn cannot_write(&self, path: &dyn Display, error: &io::Error) {
        let cure = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room on its disk",
            io::ErrorKind::PermissionDenied => "; let the agent's user write there",
            _ => "",
        };
        self.error(
            "disk",
            format_args!(
                "Cannot write to {path}: {error}{cure}. It is tried again each second; senders wait meanwhile, and packets are \
                 lost"
            ),
        );
    }

    pub(super) fn can_write_again(&self, path: &dyn Display, waited: Duration) {
        self.logger
            .limited(&self.clock, "writes again", FIVE_MINUTES)
            .info(format_args!("{path} is written again, after {:.0} s", waited.as_secs_f64()));
    }

    pub(super) fn cut_off(&self) {
        self.logger.warn(
            "Senders were still sending when the monitor was stopped; what was not read then is missing unless they send it \
             again",
        );
    }

    pub(super) fn lost_at_end(&self, path: &dyn Display, messages: u64, error: &dyn Display) {
        self.logger.error(format_args!("{messages} messages are lost at the end: {path} cannot be written: {error}"));
    }

    /// A file of the template cannot be had, so its messages go to `message_log`.
    pub(super) fn no_file(&self, path: &str, why: &dyn Display) {
        self.logger
            .limited(&self.clock, "template", TEN_MINUTES)
            .warn(format_args!("Messages that belong into {path} go to `message_log`: {why}"));
    }

    pub(super) fn cannot_remove(&self, path: &dyn Display, error: &dyn Display) {
        self.warn("remove", format_args!("The unused file {path} cannot be deleted: {error}"));
    }
}

/// Who sends, for a message.
pub(super) fn peer(ip: Option<IpAddr>) -> String {
    ip.map_or_else(|| "a local program".to_owned(), |ip| ip.to_string())
}
