//! The server of a story: `agent receive`, on this machine's loopback, which the roots share.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::root::wait_until;

/// Takes uploads; what has arrived outlives it, and the next one at the same port goes on.
pub(crate) struct Receiver {
    program: PathBuf,
    port: u16,
    output: PathBuf,
    running: Option<Child>,
}

impl Receiver {
    /// Starts one that writes into a file of `folder`.
    pub(crate) fn start(program: &Path, folder: &Path) -> Self {
        // Free a moment ago, which has to do: the port must be known before, and be the same after a restart.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let output = folder.join("events.jsonl");
        let mut receiver = Self { program: program.to_owned(), port, output, running: None };
        receiver.resume();
        receiver
    }

    /// Whoever sends gets no connection from here on.
    pub(crate) fn pause(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    /// Takes uploads again.
    pub(crate) fn resume(&mut self) {
        let mut command = Command::new(&self.program);
        command.args(["receive", "--listen", &format!("127.0.0.1:{}", self.port), "--output"]).arg(&self.output);
        let told = File::create(self.output.with_extension("told")).unwrap();
        command.stdin(Stdio::null()).stdout(told.try_clone().unwrap()).stderr(told);
        self.running = Some(command.spawn().unwrap());
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], self.port));
        wait_until("the receiver listens", || std::net::TcpStream::connect(address).is_ok());
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The lines of a log that have arrived, in their order, without their ends.
    pub(crate) fn lines(&self, log: &str) -> Vec<String> {
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let events = whole.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let of_log = events.filter(|event| event["logfile"].as_str() == Some(log));
        of_log.map(|event| event["message"].as_str().unwrap().trim_end().to_owned()).collect()
    }

    /// Waits until a line of the log is there that says this.
    #[track_caller]
    pub(crate) fn wait_for(&self, log: &str, line: &str) {
        wait_until(&format!("{line:?} of {log} has arrived, behind {:?}", self.lines(log)), || {
            self.lines(log).iter().any(|arrived| arrived == line)
        });
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.pause();
    }
}
