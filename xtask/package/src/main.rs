//! `cargo xtask package`: the agent with all linked monitors, as packages that install anywhere.
//!
//! [`preflight`] looks at what is there, [`build`] makes the agent and asks it what it is, [`assembled`] makes of both
//! what is installed, [`written`] writes it in each format.

mod archive;
mod arguments;
mod assembled;
mod build;
#[path = "../../src/cargo.rs"]
mod cargo;
mod contents;
mod crates;
mod deb;
mod description;
mod formats;
mod notices;
mod package;
mod preflight;
mod progress;
mod relations;
mod rpm;
mod sbom;
mod scripts;
#[cfg(feature = "sign")]
mod sign;
mod soundness;
mod tree;
mod twice;
mod written;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use build::{Surroundings, zig};
use preflight::workspace::Workspace;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("cargo xtask package: {problem}"));
            eprintln!("cargo xtask package: no package was written");
            ExitCode::FAILURE
        }
    }
}

/// Does it; all that keeps it from being done.
fn run(arguments: &Arguments) -> Result<(), Vec<String>> {
    let text = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    // `cargo xtask package` starts this program there.
    let root = env::current_dir().map_err(|error| vec![format!("the folder this runs in is not known: {error}")])?;
    if arguments.install_zig {
        let workspace = Workspace::load(&root, &root.join("Cargo.toml")).map_err(|problem| vec![problem])?;
        let step = progress::begin("installing zig from PyPI");
        zig::install(&workspace.target).map_err(|problem| vec![problem])?;
        step.end("installed");
        if !arguments.writes_any() {
            return Ok(());
        }
    }
    let plan = preflight::check(&root, arguments, text("SOURCE_DATE_EPOCH").as_deref())?;
    let home = || PathBuf::from(text("HOME").unwrap_or_default()).join(".cargo");
    let surroundings = Surroundings {
        cargo_home: env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from),
        rustflags: text("RUSTFLAGS"),
        cflags: text("CFLAGS"),
    };
    let agent = build::build(&plan, arguments, &surroundings)?;
    let package = assembled::assemble(&plan, arguments, &agent)?;
    let files = written::write(&plan, arguments, &package)?;
    written::tell(&files, &package, &plan);
    if arguments.twice { twice::compare(&plan, arguments, &files) } else { Ok(()) }
}
