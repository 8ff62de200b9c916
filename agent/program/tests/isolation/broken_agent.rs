//! The agent with monitors that do whatever a monitor must not: this test itself, started as a program.

use std::path::Path;
use std::process::{Command, ExitCode};

use builtin_monitors as _;
use local_monitors as _;

const ARGUMENTS: &str = "BROKEN_AGENT_ARGUMENTS";

/// Not a test of its own: the agent, which the others start.
#[test]
#[ignore = "started by the tests of this file"]
#[expect(clippy::disallowed_methods, reason = "the other tests tell it what to run, and read its exit code")]
fn agent() {
    let arguments = std::env::var(ARGUMENTS).unwrap();
    let succeeded = scalyr_agent::cli::run(arguments.split('\n').map(Into::into)) == ExitCode::SUCCESS;
    std::process::exit(if succeeded { 0 } else { 1 });
}

/// `agent` with these arguments and `-c CONFIG`, with a limit of its memory in KiB.
pub(crate) fn command(arguments: &[&str], config: &Path, limit: Option<u32>) -> Command {
    let arguments = [&["agent"], arguments, &["-c", config.to_str().unwrap()]].concat();
    // A test cannot set limits for its children without unsafe code; a shell can.
    let limit = limit.map_or(String::new(), |kib| format!("ulimit -v {kib} && "));
    let mut command = Command::new("/bin/sh");
    command.env_clear().env(ARGUMENTS, arguments.join("\n"));
    command.arg("-c").arg(format!("{limit}exec \"$0\" \"$@\"")).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "broken_agent::agent", "--ignored", "--nocapture"]);
    command
}
