//! A server that takes what an installed agent sends: the same program, on this machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::root::wait;
use crate::contents::tests::agent;

/// A server on this machine that takes what is sent to it.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
    events: PathBuf,
    _folder: TempDir,
}

impl Server {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events.jsonl");
        let mut child = Command::new(agent())
            .args(["receive", "--listen", "127.0.0.1:0", "--output"])
            .arg(&events)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.map_while(Result::ok).find_map(|line| {
            let from = line.find("http://127.0.0.1:")?;
            Some(line[from..].split(|c: char| c.is_whitespace() || "\"',".contains(c)).next()?.to_owned())
        });
        Self { child, address: address.unwrap(), events, _folder: folder }
    }

    /// A configuration that sends /tmp/app.log to it, with more members.
    pub(super) fn configuration(&self, more: &str) -> String {
        format!(
            "{{ api_key: 'key', scalyr_server: '{}', allow_http: true, implicit_metric_monitor: false, \
             implicit_agent_process_metrics_monitor: false, compression_type: 'deflate', \
             logs: [ {{ path: '/tmp/app.log', copy_from_start: true }} ], {more} }}\n",
            self.address
        )
    }

    /// Waits for a line of /tmp/app.log; how often it has come.
    pub(super) fn wait_for(&self, line: &str) -> usize {
        let event = format!("\"message\":\"{line}\\n\"");
        let count = || fs::read_to_string(&self.events).unwrap_or_default().matches(&event).count();
        wait(&format!("`{line}` at the server"), || count() > 0);
        count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
