//! The processes of a story: none outlives it, and a failed one shows what they printed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Event, EventReader, Scratch, wait_until};

/// The program under test.
const AGENT: &str = env!("CARGO_BIN_EXE_agent");

/// How long a process may take to come up or to write its first line, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The agent's program with nothing of this machine's environment: no proxy, no `SCALYR_` variable.
pub(crate) fn agent_command() -> Command {
    let mut command = Command::new(AGENT);
    command.env_clear().env("RUST_BACKTRACE", "1");
    command
}

/// A process whose output goes to `NAME.stdout` and `NAME.stderr` in the story's folder; killed when dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts it; the output files are appended to.
    pub(crate) fn start(scratch: &Scratch, name: &str, mut command: Command) -> Self {
        let (stdout, stderr) = (scratch.path(&format!("{name}.stdout")), scratch.path(&format!("{name}.stderr")));
        let append = |path: &Path| OpenOptions::new().append(true).create(true).open(path).unwrap();
        command.stdin(Stdio::null()).stdout(append(&stdout)).stderr(append(&stderr));
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name: name.to_owned(), child, ended: None, stdout, stderr }
    }

    /// How it ended, when it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended
    }

    /// Sends a signal.
    #[track_caller]
    pub(crate) fn signal(&mut self, signal: Signal) {
        // A process that has ended was reaped, and its number may be another's by now.
        if let Some(status) = self.ended() {
            panic!("{} had already ended with {status}", self.name);
        }
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `kill -9`; a process that had ended before by itself is an error.
    #[track_caller]
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended = Some(self.child.wait().unwrap());
    }

    /// SIGTERM; returns the exit code, `None` when a signal ended it. The test fails when it is still there after
    /// `deadline`.
    #[track_caller]
    pub(crate) fn stop(&mut self, deadline: Duration) -> Option<i32> {
        self.signal(Signal::TERM);
        self.wait(deadline)
    }

    /// Waits for its end; returns the exit code, `None` when a signal ended it.
    #[track_caller]
    pub(crate) fn wait(&mut self, deadline: Duration) -> Option<i32> {
        let what = format!("{} ended", self.name);
        wait_until(&what, deadline, || self.ended().is_some());
        self.ended.and_then(|status| status.code())
    }

    /// Its number, as long as it runs.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has used of the processors so far, by itself and for it in the kernel, in hundredths of a second.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name in brackets; utime and stime are the 14th and 15th of all fields.
        let (_, fields) = stat.rsplit_once(')').expect("the name stands in brackets");
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }

    /// What each of its threads has used of the processors so far, nanoseconds, by their names; those that have ended
    /// are left out.
    pub(crate) fn cpu_of_threads(&self) -> BTreeMap<String, u64> {
        let mut used = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().flatten() {
            let read = |file: &str| fs::read_to_string(task.path().join(file));
            // A thread may end between the look at the list and this one.
            let (Ok(name), Ok(schedstat)) = (read("comm"), read("schedstat")) else { continue };
            let nanoseconds = schedstat.split_whitespace().next().and_then(|text| text.parse::<u64>().ok());
            *used.entry(name.trim_end().to_owned()).or_default() += nanoseconds.unwrap_or_default();
        }
        used
    }

    /// Its proportional share of memory, KiB: what it has alone, and its part of what it shares with others.
    pub(crate) fn pss_kib(&self) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).unwrap();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("every process has a Pss");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Resident memory, KiB.
    #[track_caller]
    pub(crate) fn rss_kib(&mut self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    /// The most resident memory that it had so far, KiB.
    #[track_caller]
    pub(crate) fn peak_rss_kib(&mut self) -> u64 {
        self.memory_kib("VmHWM:")
    }

    #[track_caller]
    fn memory_kib(&mut self, what: &str) -> u64 {
        if let Some(status) = self.ended() {
            panic!("{} has no memory: it ended with {status}", self.name);
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("every process has that line");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// All that it, and those before it with the same name, printed on stdout.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stdout).unwrap()).into_owned()
    }

    /// All that it, and those before it with the same name, printed on stderr.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Both fail only for a process that is gone, which is what is wanted.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            for path in [&self.stdout, &self.stderr] {
                eprintln!("--- end of {}\n{}", path.display(), end_of(path));
            }
        }
    }
}

/// The last 4 KiB of a file.
fn end_of(path: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// `agent start --no-fork -c FILE`.
pub(crate) struct AgentProcess {
    process: Process,
    config: PathBuf,
}

impl AgentProcess {
    /// Starts an agent; its output is in `agent.stdout` and `agent.stderr`.
    pub(crate) fn start(scratch: &Scratch, config: &Path) -> Self {
        let mut command = agent_command();
        command.args(["start", "--no-fork", "-c"]).arg(config);
        Self::start_as(scratch, config, command)
    }

    /// The same by a command of its own.
    pub(crate) fn start_as(scratch: &Scratch, config: &Path, command: Command) -> Self {
        Self { process: Process::start(scratch, "agent", command), config: config.to_owned() }
    }

    /// See [`Process::kill`].
    #[track_caller]
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// See [`Process::stop`].
    #[track_caller]
    pub(crate) fn stop(&mut self, deadline: Duration) -> Option<i32> {
        self.process.stop(deadline)
    }

    /// See [`Process::rss_kib`].
    #[track_caller]
    pub(crate) fn rss_kib(&mut self) -> u64 {
        self.process.rss_kib()
    }

    /// The process: its output, how it ended, other signals.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What `agent status -v --format json` prints; `None` while the agent does not answer (yet).
    pub(crate) fn status(&self) -> Option<Value> {
        status(&self.config)
    }

    /// The process, and its status as in [`AgentProcess::status`], for those who look at both.
    pub(crate) fn process_and_status(&mut self) -> (&mut Process, impl Fn() -> Option<Value>) {
        (&mut self.process, || status(&self.config))
    }
}

/// What `agent status -v --format json` prints of the agent of this configuration.
pub(crate) fn status(config: &Path) -> Option<Value> {
    let mut command = agent_command();
    command.args(["status", "-v", "--format", "json", "-c"]).arg(config);
    let output = command.stdin(Stdio::null()).output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

/// `agent receive --listen 127.0.0.1:PORT --output FILE`.
pub(crate) struct ReceiverProcess {
    process: Process,
    name: String,
    folder: PathBuf,
    address: SocketAddr,
    /// A receiver that was killed may leave half a line, so each start writes a file of its own.
    starts: u32,
    reader: EventReader,
    events: Vec<Event>,
}

impl ReceiverProcess {
    /// Starts a receiver on a free port. Its files begin with `name`: `NAME.stdout`, `NAME-1.jsonl`, ...
    pub(crate) fn start(scratch: &Scratch, name: &str) -> Self {
        Self::start_with(scratch, name, &[])
    }

    /// The same with more arguments, such as the faults that it is to make.
    pub(crate) fn start_with(scratch: &Scratch, name: &str, more: &[&str]) -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let (process, address) = listen(scratch, name, any_port, 1, more);
        let reader = EventReader::new(&output(scratch.folder(), name, 1));
        let (name, folder) = (name.to_owned(), scratch.folder().to_owned());
        Self { process, name, folder, address, starts: 1, reader, events: Vec::new() }
    }

    /// What an agent's `scalyr_server` is to say.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All events so far, over every start.
    pub(crate) fn events(&mut self) -> &[Event] {
        self.reader.read(&mut self.events);
        &self.events
    }

    /// Replaces the script of faults while it runs; see `agent receive --help`.
    #[track_caller]
    pub(crate) fn set_faults(&self, script: &str) {
        self.control("POST /control/faults", script);
    }

    /// What the receiver that runs now has seen so far, in numbers.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        let answer = self.control("GET /control/summary", "");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error} in {answer}"))
    }

    /// A request of ours to the receiver; the body of its answer.
    #[track_caller]
    fn control(&self, what: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let length = body.len();
        let head = format!("{what} HTTP/1.1\r\nHost: story\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{what} {body}: {answer}");
        answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
    }

    /// Ends it with `kill -9`: connections are refused from now on.
    #[track_caller]
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port, with more arguments if any; one that still runs is killed first.
    pub(crate) fn restart(&mut self, scratch: &Scratch, more: &[&str]) {
        if self.process.ended().is_none() {
            self.process.kill();
        }
        self.reader.read(&mut self.events);
        self.starts += 1;
        (self.process, self.address) = listen(scratch, &self.name, self.address, self.starts, more);
        self.reader = EventReader::new(&output(&self.folder, &self.name, self.starts));
    }

    /// SIGSTOP: connections are still accepted by the system, but nobody reads and nobody answers.
    #[track_caller]
    pub(crate) fn freeze(&mut self) {
        self.process.signal(Signal::STOP);
    }

    /// SIGCONT: goes on where it was [frozen](Self::freeze).
    #[track_caller]
    pub(crate) fn thaw(&mut self) {
        self.process.signal(Signal::CONT);
    }

    /// The process: its output, how it ended, other signals.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn output(folder: &Path, name: &str, start: u32) -> PathBuf {
    folder.join(format!("{name}-{start}.jsonl"))
}

/// Starts a receiver and waits for the line that tells where it listens.
fn listen(scratch: &Scratch, name: &str, at: SocketAddr, start: u32, more: &[&str]) -> (Process, SocketAddr) {
    let mut command = agent_command();
    command.args(["receive", "--listen", &at.to_string(), "--output"]);
    command.arg(output(scratch.folder(), name, start)).args(more);
    let mut process = Process::start(scratch, name, command);
    let mut address = None;
    wait_until(&format!("{name} listens on {at}"), PATIENCE, || {
        if let Some(status) = process.ended() {
            panic!("{name} ended with {status} instead of listening on {at}");
        }
        // stdout is appended to: one such line for each start.
        let printed = process.stdout();
        let whole_lines = printed.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let mut told = whole_lines.filter_map(|line| line.trim_end().strip_prefix("listening on http://"));
        address = told.nth(start as usize - 1).map(|text| text.parse().expect("an address behind http://"));
        address.is_some()
    });
    (process, address.expect("wait_until saw it"))
}
