//! The options of `syslog_monitor`, in groups: who is listened to, how messages are told apart, and where they go.

use std::path::PathBuf;
use std::time::Duration;

use scalyr_monitor::config::{Found, Kind};
use scalyr_monitor::prelude::*;
use serde_json::{Map, Value};

use super::delimiter;
use super::endpoints;
use super::template::Template;

/// Who is listened to.
#[derive(OptionGroup)]
pub(super) struct Listening {
    /// Where it listens, separated by commas: `tcp:PORT`, `udp:PORT`, `tls:PORT` (TLS over TCP), `unix:PATH` (datagrams, as
    /// `/dev/log`) and `unix_stream:PATH`. Without a port `tcp` is 601, `udp` 514 and `tls` 6514; port 0 takes any that is
    /// free. What stands there twice counts once.
    #[config(default = "tcp", check = endpoints::check)]
    pub(super) protocols: String,

    /// Whether other hosts may send, too. When false, the monitor listens on 127.0.0.1 only; when true, on all addresses of
    /// the host, IPv4 and IPv6. Nobody is asked who they are then, but with `tls_client_ca`: let a firewall say who may send.
    #[config(default = false)]
    pub(super) accept_remote_connections: bool,

    /// How many connections there may be at a time, over all ports; one more is closed at once.
    #[config(default = 1000, min = 1, max = 10_000)]
    pub(super) max_connections: usize,

    /// A connection on which nothing came for so many seconds is closed; 0: never. Whether the other host is still there
    /// is asked of it in any case, after a minute.
    #[config(default = 0, min = 0)]
    pub(super) idle_timeout: Duration,

    /// How many bytes of packets the kernel keeps for a UDP port until they are read. Without the right CAP_NET_ADMIN it
    /// gives `net.core.rmem_max` at most; a warning says what was given.
    #[config(default = 8_388_608, min = 4096, max = 1_073_741_824)]
    pub(super) udp_receive_buffer: usize,

    /// The certificate of `tls` ports, with those between it and its authority: a file in PEM. It is read when the monitor
    /// starts.
    #[config]
    pub(super) tls_certificate: Option<PathBuf>,

    /// The key of that certificate: a file in PEM.
    #[config]
    pub(super) tls_key: Option<PathBuf>,

    /// Certificates of authorities, a file in PEM: only senders with a certificate of one of them are listened to.
    #[config]
    pub(super) tls_client_ca: Option<PathBuf>,
}

/// How messages are told apart.
#[derive(OptionGroup)]
pub(super) struct Parsing {
    /// How the bytes of a connection become messages.
    #[config(default = RequestParser::Default)]
    pub(super) tcp_request_parser: RequestParser,

    /// What ends a message of the parser `batch`; `\n`, `\r`, `\t`, `\0`, `\\`, `\xHH` and `\OOO` (octal) are understood.
    #[config(default = "\\n", check = delimiter::check)]
    pub(super) tcp_message_delimiter: String,

    /// After so many seconds without anything new, the parsers `batch` and `raw` write a message that is not complete.
    #[config(default = 5, min = 0, max = 600)]
    pub(super) tcp_incomplete_frame_timeout: Duration,

    /// The longest message in bytes of the parser `default`; a longer one is written in parts.
    #[config(default = 8192, min = 1, max = 67_108_864)]
    pub(super) tcp_buffer_size: usize,

    /// Whether messages may be longer than `tcp_buffer_size`: up to 64 MiB, which all connections have together.
    #[config(default = false)]
    pub(super) message_size_can_exceed_tcp_buffer: bool,
}

/// How the bytes of a connection become messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ConfigValue)]
pub(super) enum RequestParser {
    /// A message begins with its length in bytes and a blank (RFC 6587), or ends with its line; blanks around it are removed.
    Default,
    /// The same, but text ends with `tcp_message_delimiter`, and only line ends are removed.
    Batch,
    /// Lines, as they came.
    Raw,
}

/// Where messages go.
#[derive(OptionGroup)]
pub(super) struct Filing {
    /// The file that messages are written to; a relative path lies below `agent_log_path`.
    #[config(default = "agent_syslog.log")]
    pub(super) message_log: PathBuf,

    /// The file of each source instead, if an entry of `logs` matches it: `$PROTO`, `$SRCIP`, `$DESTPORT`, `$HOSTNAME` and
    /// `$APPNAME` (or `${APPNAME}`; `$$` is a dollar) stand for what the message came by and what its head says. Other
    /// characters than letters, digits, `.`, `_` and `-` become `_`.
    #[config(check = Template::check)]
    pub(super) message_log_template: Option<String>,

    /// The parser that the server applies; that of an entry of `logs` goes before it.
    #[config(default = "agentSyslog")]
    pub(super) parser: String,

    /// Attributes of every message.
    #[config(default)]
    pub(super) attributes: Map<String, Value>,

    /// The bytes of a file before it is rotated; 0: never. Otherwise as for metric logs, `log_rotation_max_bytes`.
    #[config]
    pub(super) max_log_size: Option<u64>,

    /// How many rotated files are kept. Otherwise as for metric logs, `log_rotation_backup_count`.
    #[config]
    pub(super) max_log_rotations: Option<u32>,

    /// Without effect: messages are written at once.
    #[config(default = 1.0, min = 0)]
    #[expect(dead_code, reason = "read from configurations that have it")]
    log_flush_delay: f64,

    /// Without effect: it is for Windows.
    #[config(default = false)]
    #[expect(dead_code, reason = "read from configurations that have it")]
    unique_file_log_rotation: bool,

    /// How many files of `message_log_template` may be open; messages that belong into one more go to `message_log`.
    #[config(default = 1000, min = 1, max = 10_000)]
    pub(super) max_log_files: usize,

    /// A file of `message_log_template` is closed when nothing came for it for so many seconds.
    #[config(default = 300, min = 0)]
    pub(super) expire_log: Duration,

    /// Every so many minutes it is looked for files of `message_log_template` that nobody writes to.
    #[config(default = 60, min = 1, max = 525_600)]
    pub(super) check_for_unused_logs_mins: u64,

    /// Such a file is deleted when nothing came for it for so many hours, once all of it is uploaded.
    #[config(default = 24, min = 1, max = 876_000)]
    pub(super) delete_unused_logs_hours: u64,

    /// Whether a rotated file is deleted by its own age; when false, together with the one that is written.
    #[config(default = true)]
    pub(super) check_rotated_timestamps: bool,
}

/// What is for containers of Docker, which cannot be done yet.
#[derive(OptionGroup)]
#[expect(dead_code, reason = "declared so that they are told of when they are given")]
pub(super) struct Docker {
    /// `syslog`. The other mode of the Python agent, `docker`, is not there yet.
    #[config(default = "syslog", check = must_be_syslog)]
    mode: String,
    /// Only for `mode: docker`.
    #[config]
    docker_regex: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_regex_full: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_expire_log: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_accept_ips: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_api_socket: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_api_version: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_logfile_template: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_cid_cache_lifetime_secs: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_cid_clean_time_secs: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_use_daemon_to_resolve: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_check_for_unused_logs_mins: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_delete_unused_logs_hours: Option<NotYet>,
    /// Only for `mode: docker`.
    #[config]
    docker_check_rotated_timestamps: Option<NotYet>,
}

fn must_be_syslog(mode: &str) -> Result<()> {
    match mode.to_ascii_lowercase().as_str() {
        "syslog" => Ok(()),
        "docker" => Err(Error::new(
            "\"docker\" is not there yet in this agent; let the containers log to files (the driver `json-file`) and copy those, \
             or let them send as to any syslog server, with mode \"syslog\"",
        )),
        _ => Err(Error::new(format!("{mode:?} is not \"syslog\""))),
    }
}

/// An option that acts only in a mode that is not there yet: a warning says so.
struct NotYet(Value);

impl ConfigValue for NotYet {
    const KIND: Kind = Kind::Any;
    type Literal = Value;

    fn from_literal(literal: Value) -> Self {
        Self(literal)
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        found.warn("is not used: it acts only with mode \"docker\", which is not there yet in this agent");
        Some(Self(found.value().clone()))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}
