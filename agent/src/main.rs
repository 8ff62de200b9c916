//! Arguments → exit code, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    scalyr_agent::cli::run(std::env::args_os())
}
