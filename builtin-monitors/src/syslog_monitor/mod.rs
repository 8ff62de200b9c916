//! A syslog server: takes messages from programs and other hosts, and writes them to a file that the agent copies.
//!
//! One thread serves all sockets and connections: epoll of its own, because a thread for each connection costs too much for
//! short messages. What was received in one round is written with one call per file, before anything more is received.
//!
//! Names and rules: `spec/monitors/syslog_monitor.md`.

mod connection;
mod delimiter;
mod endpoints;
mod framing;
mod head;
mod options;
mod output;
mod packets;
mod server;
mod sockets;
mod sources;
mod template;
#[cfg(test)]
mod tests;
mod tls;
mod warnings;

use std::sync::Arc;

use rustls::ServerConfig;
use scalyr_monitor::LogRotation;
use scalyr_monitor::prelude::*;

use endpoints::Endpoint;
use framing::Framing;
use options::{Docker, Filing, Listening, Parsing, RequestParser};
use output::{Manner, Output, Target};
use server::{MOST_HELD, Server};
use sources::Sources;
use template::Template;
use warnings::Warnings;

/// Receives syslog messages over TCP, UDP, TLS and Unix sockets, and copies them to the server: those of programs on this
/// host, and, if that is allowed, of other hosts and of devices.
///
/// Messages are written to `message_log` as they came, a line each, or to a file for each source
/// (`message_log_template`). What is accepted by TCP is in that file before more is read. When the disk is full, or the upload
/// so far behind that a rotation would remove what was not uploaded, senders by TCP have to wait, and packets by UDP are lost
/// and counted.
///
/// Ports below 1024, as 601 and 514 are, want root or the capability CAP_NET_BIND_SERVICE. Where systemd starts the agent as
/// another user (`User=`), a drop-in gives it that: `AmbientCapabilities=CAP_NET_BIND_SERVICE`. Otherwise take ports from
/// 1024 on, as in `protocols: "tcp:1601, udp:1514"`.
///
/// `status` counts the messages as `lines emitted`, and, where there are any, those that were lost as `lines dropped`.
#[scalyr_monitor(name = "syslog_monitor", module = "scalyr_agent.builtin_monitors.syslog_monitor")]
pub struct SyslogMonitor {
    #[config(flatten)]
    listening: Listening,

    #[config(flatten)]
    parsing: Parsing,

    #[config(flatten)]
    filing: Filing,

    #[config(flatten)]
    _docker: Docker,

    endpoints: Vec<Endpoint>,
    tls: Option<Arc<ServerConfig>>,
    log_files: Option<LogFiles>,
}

impl SyslogMonitor {
    /// How `message_log` is copied.
    fn log(&self) -> LogConfig {
        let mut log = LogConfig::new(&self.filing.message_log).parser(&self.filing.parser);
        log.attributes = self.filing.attributes.clone();
        log.copy_from_start = true;
        log.attribute("monitor", "agentSyslog")
    }

    fn rotation(&self) -> LogRotation {
        LogRotation { max_bytes: self.filing.max_log_size, backups: self.filing.max_log_rotations }
    }

    fn rules(&self) -> Result<server::Rules> {
        let parser = self.parsing.tcp_request_parser;
        let is_bounded = parser == RequestParser::Default && !self.parsing.message_size_can_exceed_tcp_buffer;
        let longest = if is_bounded { self.parsing.tcp_buffer_size } else { MOST_HELD };
        let delimiter = delimiter::decoded(&self.parsing.tcp_message_delimiter)?;
        let patience = self.parsing.tcp_incomplete_frame_timeout;
        let idle = self.listening.idle_timeout;
        Ok(server::Rules {
            endpoints: self.endpoints.clone(),
            is_remote: self.listening.accept_remote_connections,
            max_connections: self.listening.max_connections,
            idle_timeout: (!idle.is_zero()).then_some(idle),
            udp_receive_buffer: self.listening.udp_receive_buffer,
            tls: self.tls.clone(),
            framing: Framing::new(parser, &delimiter, longest),
            manner: Manner::of(parser),
            incomplete_after: (parser != RequestParser::Default).then_some(patience),
            longest,
            longest_is_option: is_bounded,
        })
    }

    /// Opens `message_log`.
    fn output(&self, log_files: &LogFiles, warnings: &Warnings) -> Result<Output> {
        let now = warnings.clock.monotonic();
        let (log, rotation) = (self.log(), self.rotation());
        let path = log_files.folder().join(&log.path);
        let main = Target::new(path, log_files.open(log.clone(), rotation)?, now);
        let sources = match &self.filing.message_log_template {
            Some(template) => {
                let rules = sources::Rules::new(&self.filing, log, rotation);
                Some(Sources::new(Template::read(template)?, rules, log_files.clone(), warnings.clone()))
            }
            None => None,
        };
        Ok(Output::new(main, sources, warnings.clone(), now))
    }
}

impl Monitor for SyslogMonitor {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        self.endpoints = endpoints::endpoints(&self.listening.protocols)?;
        if self.endpoints.iter().any(|endpoint| matches!(endpoint, Endpoint::Tls(_))) {
            self.tls = Some(tls::configuration(&self.listening)?);
        }
        self.log_files = Some(context.log_files().clone());
        // There are no metrics: what would be their log is that of the messages.
        context.log_config = self.log();
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        let log_files = self.log_files.clone().ok_or_else(|| Error::new("the monitor was not initialised"))?;
        let warnings = Warnings { logger: run.logger().clone(), clock: run.clock().clone() };
        let output = self.output(&log_files, &warnings)?;
        Server::new(self.rules()?, output, warnings, run.stop())?.serve(run)
    }
}
