//! Who receives: this agent, and other programs that forward to a sink of lines, as far as they are installed.

use std::env;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::senders::MESSAGE;
use crate::sink::{Kept, Sink, Speech};
use crate::story::{AgentProcess, Process, Scratch, write_config};

/// A program that receives, and the port on which it does, by TCP and by UDP.
pub(crate) struct Running {
    pub(crate) port: u16,
    pub(crate) sink: Sink,
    pub(crate) program: Program,
}

pub(crate) enum Program {
    Ours(AgentProcess),
    Peer(Process),
}

impl Running {
    pub(crate) fn process(&mut self) -> &mut Process {
        match &mut self.program {
            Program::Ours(agent) => agent.process(),
            Program::Peer(process) => process,
        }
    }

    /// How many messages have reached the sink; what was lost is told by the agent.
    pub(crate) fn arrived(&self) -> (u64, u64) {
        match &self.program {
            Program::Peer(_) => (self.sink.lines(), 0),
            Program::Ours(agent) => {
                let status = agent.status().unwrap_or_default();
                let lost = status["monitors"][0]["lines_dropped"].as_u64().unwrap_or_default();
                // What is in the file and not uploaded yet has not arrived.
                let uploaded = status["totals"]["accepted"]["bytes"].as_u64().unwrap_or_default();
                (uploaded / MESSAGE as u64, lost)
            }
        }
    }
}

/// A port that is free by TCP and by UDP.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn agent(scratch: &Scratch) -> Option<Running> {
    let (port, sink) = (free_port(), Sink::start(Speech::Http, Kept::default()).unwrap());
    let monitor = json!({ "module": "syslog_monitor", "protocols": format!("tcp:{port},udp:{port}"),
        "max_log_size": 200_000_000 });
    let keys: Value = json!({ "compression_type": "none", "monitors": [monitor] });
    let config = write_config(scratch, &sink.url(), json!([]), keys);
    Some(Running { port, sink, program: Program::Ours(AgentProcess::start(scratch, &config)) })
}

pub(crate) fn rsyslog(scratch: &Scratch) -> Option<Running> {
    let program = program("RSYSLOGD", "rsyslogd")?;
    let (port, sink) = (free_port(), Sink::start(Speech::Lines, Kept::default()).unwrap());
    let text = format!(
        "global(workDirectory=\"{}\")\nmodule(load=\"imtcp\" MaxSessions=\"1000\")\nmodule(load=\"imudp\")\n\
         input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
         input(type=\"imudp\" port=\"{port}\" address=\"127.0.0.1\" rcvbufSize=\"8m\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" \
         template=\"RSYSLOG_TraditionalForwardFormat\")\n",
        scratch.folder().display(),
        sink.port(),
    );
    let config = scratch.path("rsyslog.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program);
    command.arg("-n").arg("-f").arg(config).arg("-i").arg(scratch.path("rsyslog.pid"));
    Some(Running { port, sink, program: Program::Peer(Process::start(scratch, "rsyslog", command)) })
}

pub(crate) fn syslog_ng(scratch: &Scratch) -> Option<Running> {
    let program = program("SYSLOG_NG", "syslog-ng")?;
    let (port, sink) = (free_port(), Sink::start(Speech::Lines, Kept::default()).unwrap());
    let text = format!(
        "@version: 3.35\noptions {{ stats-freq(0); }};\n\
         source s {{ network(ip(\"127.0.0.1\") port({port}) transport(\"tcp\") max-connections(1000) log-iw-size(100000));\n\
         network(ip(\"127.0.0.1\") port({port}) transport(\"udp\") so-rcvbuf(8388608)); }};\n\
         destination d {{ network(\"127.0.0.1\" port({}) transport(\"tcp\") flush-lines(1000) log-fifo-size(200000)); }};\n\
         log {{ source(s); destination(d); flags(flow-control); }};\n",
        sink.port(),
    );
    let config = scratch.path("syslog-ng.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new(&program);
    if let Some(root) =
        program.to_str().and_then(|path| path.strip_suffix("/usr/sbin/syslog-ng")).filter(|root| !root.is_empty())
    {
        let machine = format!("{}-linux-gnu", env::consts::ARCH);
        let folders = ["usr/lib/syslog-ng".to_owned(), format!("usr/lib/{machine}"), format!("lib/{machine}")];
        let folders = folders.map(|folder| format!("{root}/{folder}"));
        command.env("LD_LIBRARY_PATH", folders.join(":"));
        command.arg(format!("--module-path={root}/usr/lib/syslog-ng/3.38"));
    }
    command.args(["--foreground", "--no-caps", "--cfgfile"]).arg(config);
    command.arg("--persist-file").arg(scratch.path("syslog-ng.persist"));
    command.arg("--control").arg(scratch.path("syslog-ng.ctl")).arg("--pidfile").arg(scratch.path("syslog-ng.pid"));
    Some(Running { port, sink, program: Program::Peer(Process::start(scratch, "syslog-ng", command)) })
}

/// What the environment names, what `cargo xtask bench --install-peers` unpacked, or what the system has.
fn program(variable: &str, name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the edge of a bench is where its environment is read")]
    let chosen = env::var_os(variable).map(PathBuf::from);
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/root/usr/sbin");
    let folders = [unpacked, "/usr/sbin".into(), "/usr/local/sbin".into()];
    chosen.into_iter().chain(folders.map(|folder| folder.join(name))).find(|path| path.is_file())
}
