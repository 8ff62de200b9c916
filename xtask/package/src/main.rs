//! `cargo xtask package`: the agent with all linked monitors, as packages that install anywhere.

mod package;
mod scripts;
mod tree;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
