//! Arguments → exit code, nothing else; and the one place that links the monitors.
//!
//! A package of its own, so that an edit of a monitor relinks this file and recompiles nothing of the agent.

// Without a mention the linker would leave the monitors out, and they would vanish without a message.
use builtin_monitors as _;
use local_monitors as _;

use std::process::ExitCode;

fn main() -> ExitCode {
    scalyr_agent::cli::run(std::env::args_os())
}
