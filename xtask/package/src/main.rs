//! `cargo xtask package`: the agent with all linked monitors, as packages that install anywhere.

mod crates;
mod notices;
mod package;
mod sbom;
#[cfg(feature = "sign")]
mod sign;
mod tree;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
