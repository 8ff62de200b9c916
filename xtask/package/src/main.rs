//! `cargo xtask package`: the agent with all linked monitors, as packages that install anywhere.

mod archive;
mod deb;
mod description;
mod package;
mod relations;
mod rpm;
mod scripts;
mod soundness;
mod tarball;
#[cfg(test)]
mod tests;

mod tree;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
