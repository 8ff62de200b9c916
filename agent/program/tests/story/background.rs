//! Agents in the background: they are no children of the story, so they are found by its folder, and killed with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::Scratch;

/// `agent ARGUMENTS -c FILE`, with pipes instead of a terminal, and nothing of this machine's environment.
pub(crate) fn agent(arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.env_clear().env("RUST_BACKTRACE", "1").args(arguments).arg("-c").arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command said, and how it ended.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// All of it, to be compared.
    pub(crate) fn words(&self) -> (Option<i32>, &str, &str) {
        (self.code, &self.out, &self.err)
    }
}

/// Runs a command to its end, and until nobody holds its outputs any more.
pub(crate) fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The agents whose configuration lies in the folder of a story.
pub(crate) struct Background {
    config: PathBuf,
    pid_file: PathBuf,
}

impl Background {
    /// Those of this story.
    pub(crate) fn of(scratch: &Scratch) -> Self {
        Self { config: scratch.path("agent.json"), pid_file: scratch.path("log/agent.pid") }
    }

    /// The process that the pid file names.
    pub(crate) fn pid(&self) -> Option<u32> {
        fs::read_to_string(&self.pid_file).ok()?.strip_suffix('\n')?.parse().ok()
    }

    /// All processes with this configuration that have not ended.
    pub(crate) fn all(&self) -> BTreeSet<u32> {
        let is_ours = |pid: &u32| {
            let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let wanted = self.config.as_os_str().as_encoded_bytes();
            command_line.split(|byte| *byte == 0).any(|argument| argument == wanted)
        };
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for pid in self.all() {
            // One that ends by itself meanwhile is what is wanted.
            let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
        }
    }
}
