//! The agent, built as packages want it, and what is known of it afterwards.

mod asked;
mod elf;
mod flags;
mod run;
pub(crate) mod zig;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::arguments::Arguments;
use crate::cargo::cargo;
use crate::package::{Architecture, Monitor, Needs};
use crate::preflight::Plan;
use crate::preflight::target::Triple;
use crate::progress;
use flags::{Folders, Linked};

/// Where the linker is the compiler's own if nothing else is said.
const LINKED_BY_RUST: &str = "x86_64-unknown-linux-gnu";

/// An agent to package.
#[derive(Clone, Debug)]
pub(crate) struct BuiltAgent {
    /// The program itself.
    pub(crate) bytes: Vec<u8>,
    /// An agent with the same monitors that runs on this machine; the same file, unless that is for other processors.
    pub(crate) runs: PathBuf,
    pub(crate) architecture: Architecture,
    /// What it has, as it says itself; sorted by name.
    pub(crate) monitors: Vec<Monitor>,
    /// What it needs of its host, as is written in it.
    pub(crate) needs: Needs,
    /// Whether it needs nothing of its host.
    pub(crate) is_static: bool,
}

/// What the environment says to the compilers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Where cargo keeps crates.
    pub(crate) cargo_home: PathBuf,
    pub(crate) rustflags: Option<String>,
    pub(crate) cflags: Option<String>,
}

/// Builds the agent, or takes the one that was built before.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn build(
    plan: &Plan,
    arguments: &Arguments,
    surroundings: &Surroundings,
) -> Result<BuiltAgent, Vec<String>> {
    let (path, folders) = match &arguments.agent {
        Some(path) => (path.clone(), None),
        None if arguments.profile == "dev" => (for_a_try(plan, arguments)?, None),
        None => {
            let folders = Folders::find(&plan.root, &plan.workspace.target, &surroundings.cargo_home).map_err(one)?;
            (to_ship(plan, arguments, surroundings, &folders)?, Some(folders))
        }
    };
    let bytes = std::fs::read(&path).map_err(|error| vec![format!("{}: {error}", path.display())])?;
    let facts = elf::read(&bytes).map_err(|problem| vec![format!("{} {problem}", path.display())])?;
    let mut problems = floor_problem(arguments, &facts).into_iter().collect::<Vec<_>>();
    if arguments.agent.is_none() && facts.architecture != plan.triple.architecture {
        problems.push(format!("cargo built for {}, not for {}", facts.architecture.of_rpm(), plan.triple.name()));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    for folder in folders.iter().flat_map(|folders| folders.left_in(&bytes)) {
        eprintln!(
            "note: the path {} is in the program, so that sources in another folder give other bytes",
            folder.display()
        );
    }
    let is_foreign = Triple::of_host().is_none_or(|host| host.architecture != facts.architecture);
    let runs = if is_foreign { native(plan)? } else { path.clone() };
    let version = asked::version(&runs).map_err(one)?;
    if version != plan.workspace.version {
        return Err(one(format!(
            "{} is of version {version}, and this checkout of {}; build it from this one",
            runs.display(),
            plan.workspace.version
        )));
    }
    if arguments.agent.is_some() {
        eprintln!("note: {} was built before; whether it is of these sources, nobody has looked", path.display());
    }
    let monitors = asked::monitors(&runs).map_err(one)?;
    let elf::Facts { architecture, needs, is_static, .. } = facts;
    Ok(BuiltAgent { bytes, runs, architecture, monitors, needs, is_static })
}

fn one(problem: String) -> Vec<String> {
    vec![problem]
}

/// A program that needs a newer glibc than it was built for, or needs one at all.
fn floor_problem(arguments: &Arguments, facts: &elf::Facts) -> Option<String> {
    let told = |(major, minor): (u16, u16)| format!("{major}.{minor}");
    let symbols = || facts.newest_symbols.join(", ");
    match (arguments.glibc, facts.needs.glibc) {
        (Some(floor), Some(needs)) if needs > floor => Some(format!(
            "the program needs glibc {}, by its use of {}, although it was built for {}; a crate that links a library of \
             this machine does that",
            told(needs),
            symbols(),
            told(floor)
        )),
        _ if arguments.linked_static && !facts.is_static => {
            let libraries: Vec<&str> = facts.needs.libraries.iter().map(|(library, _)| library.as_str()).collect();
            Some(format!("the program is not static: it needs {}", libraries.join(", ")))
        }
        _ => None,
    }
}

/// Builds what packages hold: reproducibly, in a folder of its own, since other flags build every crate anew.
fn to_ship(
    plan: &Plan,
    arguments: &Arguments,
    surroundings: &Surroundings,
    folders: &Folders,
) -> Result<PathBuf, Vec<String>> {
    let target = &plan.workspace.target;
    let is_foreign = Some(plan.triple) != Triple::of_host();
    let mut command = match arguments.glibc {
        Some(_) => zig::command(target),
        None => {
            let mut command = cargo();
            command.arg("build");
            command
        }
    };
    select(&mut command, plan, &arguments.profile);
    command.arg("--target-dir").arg(target.join("package"));
    if let Some((major, minor)) = arguments.glibc {
        command.arg("--target").arg(format!("{}.{major}.{minor}", plan.triple.name()));
    } else if arguments.linked_static || is_foreign {
        // Said so that the build scripts and macros, which run here, are built in the ordinary way.
        command.args(["--target", plan.triple.name()]);
    }
    if is_foreign && arguments.glibc.is_none() {
        let (compiler, _) = plan.triple.compiler();
        let variable = plan.triple.name().to_uppercase().replace('-', "_");
        command.env(format!("CARGO_TARGET_{variable}_LINKER"), compiler);
        command.env(format!("CC_{}", plan.triple.name().replace('-', "_")), compiler);
    }
    command.env_remove("RUSTFLAGS");
    let by_rust = plan.triple.name() == LINKED_BY_RUST && arguments.glibc.is_none();
    let linked = Linked { is_static: arguments.linked_static, by_rust };
    let flags = folders.for_rust(surroundings.rustflags.as_deref(), linked);
    command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    command.env("CFLAGS", folders.for_c(surroundings.cflags.as_deref())).env("CC_SHELL_ESCAPED_FLAGS", "1");
    command.env("SOURCE_DATE_EPOCH", plan.source_date.to_string()).env("ZERO_AR_DATE", "1");
    // Incremental compilation cuts a crate elsewhere each time.
    command.env("CARGO_INCREMENTAL", "0");
    if let Some(revision) = revision(plan) {
        command.env("SCALYR_AGENT_REVISION", revision);
    }
    built(command, plan, &arguments.profile)
}

/// What the agent says it was built from.
fn revision(plan: &Plan) -> Option<String> {
    let commit = plan.checkout.commit.as_ref()?;
    let short = commit.get(..12).unwrap_or(commit);
    Some(if plan.checkout.dirty.is_empty() { short.to_owned() } else { format!("{short}.dirty") })
}

/// Builds in the ordinary folder, where most of it stands already, and leaves out what is for debugging.
fn for_a_try(plan: &Plan, arguments: &Arguments) -> Result<PathBuf, Vec<String>> {
    if arguments.glibc.is_some()
        || arguments.linked_static
        || arguments.target.is_some_and(|it| Some(it) != Triple::of_host())
    {
        return Err(one(
            "`--profile dev` is for tries on this machine; leave it out, or the option for another".to_owned()
        ));
    }
    let program = dev(plan)?;
    let stripped = plan.workspace.target.join("package").join("agent.dev");
    let made = stripped.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.map_err(|error| vec![format!("{}: {error}", stripped.display())])?;
    let mut strip = Command::new("strip");
    let output = strip.arg("-o").args([&stripped, &program]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| vec![format!("cannot run strip: {error}; apt-get install binutils")])?;
    if output.status.success() {
        return Ok(stripped);
    }
    Err(one(format!("strip: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// An agent with the same monitors for this machine, to be asked for what one for other processors cannot say here.
fn native(plan: &Plan) -> Result<PathBuf, Vec<String>> {
    println!("the program is for other processors; one for this machine says which monitors it has");
    dev(plan)
}

fn dev(plan: &Plan) -> Result<PathBuf, Vec<String>> {
    let mut command = cargo();
    command.arg("build");
    select(&mut command, plan, "dev");
    command.arg("--target-dir").arg(&plan.workspace.target);
    built(command, plan, "dev")
}

/// Names what is built.
fn select(command: &mut Command, plan: &Plan, profile: &str) {
    command.arg("--manifest-path").arg(&plan.workspace.manifest).args(["--package", "agent", "--bin", "agent"]);
    command.args(["--profile", profile]).current_dir(&plan.root);
}

fn built(command: Command, plan: &Plan, profile: &str) -> Result<PathBuf, Vec<String>> {
    let step = progress::begin(&format!("building the agent, profile {profile}"));
    let program: PathBuf = run::agent(command, &plan.workspace)?;
    let size = Path::new(&program).metadata().map_or(0, |file| file.len());
    step.end(&format!("built, {}", progress::size(size)));
    Ok(program)
}
