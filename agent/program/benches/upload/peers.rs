//! Other programs that ship the same file to the same sink: what is installed of them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::log_file::LogFile;
use crate::ours::start_sink;
use crate::outcome::Outcome;
use crate::proof;
use crate::sink::{Kept, Sink, Speech};
use crate::story::{Process, Scratch, now, write_config};
use crate::watch::{Manners, watch};

/// Without a request for so long, a program that does not tell has sent all it will.
const PATIENCE: Duration = Duration::from_secs(12);

/// A row of the table that is another program's.
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    /// It is so slow that it gets a smaller log.
    pub(crate) is_slow: bool,
    /// Where the program is to be found.
    find: fn() -> Option<PathBuf>,
    speech: Speech,
    /// How it is started, with this program in this folder for this log.
    command: fn(&Path, &Scratch, &LogFile, &Sink) -> Command,
}

/// All of them.
pub(crate) const PEERS: [Peer; 7] = [
    Peer { name: "rsyslog", is_slow: false, find: || program("rsyslogd"), speech: Speech::Lines, command: rsyslog },
    Peer {
        name: "syslog-ng",
        is_slow: false,
        find: || program("syslog-ng"),
        speech: Speech::Lines,
        command: syslog_ng,
    },
    Peer {
        name: "fluent-bit-gzip",
        is_slow: false,
        find: || program("fluent-bit"),
        speech: Speech::Http,
        command: |program, scratch, log, sink| fluent_bit(program, scratch, log, sink, true),
    },
    Peer {
        name: "fluent-bit-none",
        is_slow: false,
        find: || program("fluent-bit"),
        speech: Speech::Http,
        command: |program, scratch, log, sink| fluent_bit(program, scratch, log, sink, false),
    },
    Peer {
        name: "python-deflate",
        is_slow: true,
        find: python,
        speech: Speech::Http,
        command: |program, scratch, log, sink| python_agent(program, scratch, log, sink, "deflate"),
    },
    Peer {
        name: "python-zstandard",
        is_slow: true,
        find: python,
        speech: Speech::Http,
        command: |program, scratch, log, sink| python_agent(program, scratch, log, sink, "zstandard"),
    },
    Peer {
        name: "python-none",
        is_slow: true,
        find: python,
        speech: Speech::Http,
        command: |program, scratch, log, sink| python_agent(program, scratch, log, sink, "none"),
    },
];

impl Peer {
    /// Lets the program send the log; `None` when it is not installed.
    ///
    /// # Errors
    /// When it ends, sends nothing more, or something else than the log.
    pub(crate) fn run(&self, log: &LogFile, kept: &mut Kept) -> Option<Result<Outcome, String>> {
        let program = (self.find)()?;
        Some(self.measure(&program, log, kept))
    }

    fn measure(&self, program: &Path, log: &LogFile, kept: &mut Kept) -> Result<Outcome, String> {
        let (scratch, sink) = (Scratch::new(), start_sink(self.speech, kept)?);
        let command = (self.command)(program, &scratch, log, &sink);
        let begin = now();
        let mut process = Process::start(&scratch, self.name, command);
        let is_stream = self.speech == Speech::Lines;
        let mut is_done = |quiet: Duration| (is_stream && sink.lines() >= log.lines) || quiet >= PATIENCE;
        let manners = Manners { is_done: &mut is_done, without_start: self.is_slow };
        let used = watch(&mut process, &sink, begin, manners);
        let (requests, wire_bytes, streamed) = (sink.large(), sink.bytes(), sink.lines());
        if process.ended().is_none() {
            process.kill();
        }
        *kept = sink.finish();
        let used = used.map_err(|error| format!("{error}; {}", last_words(&process)))?;
        let arrived = match self.speech {
            Speech::Lines => streamed,
            Speech::Http if self.name.starts_with("python") => proof::of_add_events(kept, log, None)?.lines,
            Speech::Http => proof::of_json_lines(kept)?.lines,
        };
        if (arrived, kept.forgotten) != (log.lines, 0) {
            let (lines, forgotten) = (log.lines, kept.forgotten);
            return Err(format!(
                "{arrived} of {lines} lines arrived; for {forgotten} requests there was no room to keep them; {}",
                last_words(&process)
            ));
        }
        let requests = Some(requests).filter(|_| !is_stream);
        Ok(Outcome { gib: log.gib(), lines: log.lines, used, wire_bytes, requests, compressor: None })
    }
}

/// The last line that a program printed.
fn last_words(process: &Process) -> String {
    let printed = process.stdout() + &process.stderr();
    let last = printed.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| "it printed nothing".to_owned(), |line| format!("it printed last: {line}"))
}

/// What `cargo xtask bench --install-peers` unpacked; it has the layout of a root folder.
fn unpacked() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/root")
}

/// A program of this name, from the unpacked packages or the system.
fn program(name: &str) -> Option<PathBuf> {
    let folders = ["usr/sbin", "usr/bin"].map(|folder| unpacked().join(folder));
    let system = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/fluent-bit/bin"];
    folders.into_iter().chain(system.map(PathBuf::from)).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The Python that has the old agent: `PYTHON_AGENT`, or the one that `--install-peers` made.
fn python() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the edge of a bench is where its environment is read")]
    let chosen = env::var_os("PYTHON_AGENT").map(PathBuf::from);
    let made = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/python/bin/python");
    Some(chosen.unwrap_or_else(made)).filter(|path| path.is_file())
}

/// The program, and, where it is an unpacked one, its libraries and an argument that says where its modules are.
fn with_modules(program: &Path, option: &str, modules: &str) -> Command {
    let (mut command, root) = (Command::new(program), unpacked());
    if program.starts_with(&root) {
        let machine = format!("{}-linux-gnu", env::consts::ARCH);
        let folders = [format!("usr/lib/{machine}"), format!("lib/{machine}"), "usr/lib/syslog-ng".to_owned()];
        let folders: Vec<String> = folders.iter().map(|folder| root.join(folder).display().to_string()).collect();
        command.env("LD_LIBRARY_PATH", folders.join(":"));
        command.arg(format!("{option}{}", root.join(modules.replace("MACHINE", &machine)).display()));
    }
    command
}

fn write(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.path(name);
    fs::write(&path, text).unwrap();
    path
}

/// `imfile` to `omfwd` over TCP, as its documentation shows it.
fn rsyslog(program: &Path, scratch: &Scratch, log: &LogFile, sink: &Sink) -> Command {
    let text = format!(
        "global(workDirectory=\"{}\")\nmodule(load=\"imfile\")\n\
         input(type=\"imfile\" file=\"{}\" tag=\"access:\" freshStartTail=\"off\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" \
         template=\"RSYSLOG_SyslogProtocol23Format\")\n",
        scratch.folder().display(),
        log.path.display(),
        sink.port(),
    );
    let config = write(scratch, "rsyslog.conf", &text);
    let mut command = with_modules(program, "-M", "usr/lib/MACHINE/rsyslog");
    command.arg("-n").arg("-f").arg(config).arg("-i").arg(scratch.path("rsyslog.pid"));
    command
}

/// `file` to `network` over TCP, with flow control, without which it drops lines.
fn syslog_ng(program: &Path, scratch: &Scratch, log: &LogFile, sink: &Sink) -> Command {
    let text = format!(
        "@version: 3.35\noptions {{ stats-freq(0); }};\n\
         source s {{ file(\"{}\" flags(no-parse) follow-freq(1) log-fetch-limit(1000) log-iw-size(10000)); }};\n\
         destination d {{ network(\"127.0.0.1\" port({}) transport(\"tcp\") flush-lines(1000) log-fifo-size(20000)); }};\n\
         log {{ source(s); destination(d); flags(flow-control); }};\n",
        log.path.display(),
        sink.port(),
    );
    let config = write(scratch, "syslog-ng.conf", &text);
    let mut command = with_modules(program, "--module-path=", "usr/lib/syslog-ng/3.38");
    command.args(["--foreground", "--no-caps", "--cfgfile"]).arg(config);
    command.arg("--persist-file").arg(scratch.path("syslog-ng.persist"));
    command.arg("--control").arg(scratch.path("syslog-ng.ctl")).arg("--pidfile").arg(scratch.path("syslog-ng.pid"));
    command
}

/// `tail` to `http`, one JSON object per line.
fn fluent_bit(program: &Path, scratch: &Scratch, log: &LogFile, sink: &Sink, gzip: bool) -> Command {
    let text = format!(
        "[SERVICE]\n    flush 1\n    grace 1\n    log_level warn\n\
         [INPUT]\n    name tail\n    path {}\n    db {}\n    read_from_head true\n\
         [OUTPUT]\n    name http\n    match *\n    host 127.0.0.1\n    port {}\n    uri /\n    format json_lines\n{}",
        log.path.display(),
        scratch.path("fluent-bit.db").display(),
        sink.port(),
        if gzip { "    compress gzip\n" } else { "" },
    );
    let mut command = Command::new(program);
    command.arg("-c").arg(write(scratch, "fluent-bit.conf", &text));
    command
}

/// The Python agent with the configuration that ours gets.
fn python_agent(program: &Path, scratch: &Scratch, log: &LogFile, sink: &Sink, kind: &str) -> Command {
    let entries = json!([{ "path": log.path, "copy_from_start": true, "attributes": { "parser": "accessLog" } }]);
    let config = write_config(scratch, &sink.url(), entries, json!({ "compression_type": kind }));
    let mut command = Command::new(program);
    command.args(["-m", "scalyr_agent.agent_main", "--no-fork", "--no-change-user", "-c"]).arg(config).arg("start");
    command.current_dir(scratch.folder());
    command
}
