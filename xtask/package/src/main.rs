//! `cargo xtask package`: the agent with all linked monitors, as packages that install anywhere.
//!
//! [`preflight`] looks at what is there, [`terms`] whether it may be passed on, [`build`] makes the agent and asks it what
//! it is, [`assembled`] makes of both what is installed, [`written`] writes it in each format.

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
mod signer;
mod sizes;
mod soundness;
mod tarball;
mod terms;
#[cfg(test)]
mod tests;
mod tree;
mod twice;
mod written;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;

use arguments::Arguments;
use build::{Surroundings, zig};
use preflight::workspace::Workspace;
use sizes::Limits;

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
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let passphrase = text("SCALYR_SIGN_PASSPHRASE");
    let key = signer::key(arguments, passphrase.as_deref(), u32::try_from(now).unwrap_or(u32::MAX));
    let key = key.map_err(|problem| vec![problem])?;
    // What may not be passed on need not be built.
    let early = match &arguments.agent {
        None => Some(terms::read(&plan, arguments, arguments.linked_static)?),
        Some(_) => None,
    };
    let agent = build::build(&plan, arguments, &surroundings)?;
    let terms = match early {
        Some(terms) => terms,
        None => terms::read(&plan, arguments, agent.is_static)?,
    };
    let package = assembled::assemble(&plan, arguments, &agent, &terms.notices)?;
    let limits = Limits::of(&package, arguments, &agent);
    limits.check_program(agent.bytes.len() as u64).map_err(|problem| vec![problem])?;
    let files = written::write(&plan, arguments, &package, limits, &terms.crates, key.as_ref())?;
    written::tell(&files, &package, &plan);
    if arguments.twice { twice::compare(&plan, arguments, &files) } else { Ok(()) }
}
