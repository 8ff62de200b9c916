//! What is looked at before anything is built: all problems at once, each with what to do.

pub(crate) mod checkout;
pub(crate) mod name;
pub(crate) mod target;
pub(crate) mod tools;
pub(crate) mod version;
pub(crate) mod workspace;

use std::path::{Path, PathBuf};

use checkout::Checkout;
use target::Triple;
use workspace::Workspace;

use crate::arguments::Arguments;
use crate::build::zig;

/// What is known before the build.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The root of the repository.
    pub(crate) root: PathBuf,
    pub(crate) workspace: Workspace,
    pub(crate) checkout: Checkout,
    /// That of the workspace, as packages write it: `0.2.0~rc.1`.
    pub(crate) upstream: String,
    /// The time of everything in the package; seconds since 1970.
    pub(crate) source_date: u32,
    /// For which processors is built.
    pub(crate) triple: Triple,
    /// Where the packages are written.
    pub(crate) output: PathBuf,
}

/// Looks at everything; `epoch` is `SOURCE_DATE_EPOCH`.
///
/// # Errors
/// What keeps the packages from being made.
pub(crate) fn check(root: &Path, arguments: &Arguments, epoch: Option<&str>) -> Result<Plan, Vec<String>> {
    let mut problems = Vec::new();
    let mut keep = |problem: String| problems.push(problem);
    if !arguments.writes_any() {
        keep("what kind of package? `--deb`, `--rpm` and `--tarball` choose, also together".to_owned());
    }
    if arguments.sign.is_some() && !cfg!(feature = "sign") {
        keep(
            "`--sign` needs the feature `sign` of the crate scalyr-package: `cargo xtask package --sign KEY` \
              switches it on by itself"
                .to_owned(),
        );
    }
    let manifest = arguments.manifest.clone().unwrap_or_else(|| root.join("Cargo.toml"));
    let workspace = Workspace::load(root, &manifest).map_err(&mut keep).unwrap_or_default();
    let upstream = match workspace.version.as_str() {
        "" => String::new(),
        version => version::upstream(version).map_err(&mut keep).unwrap_or_default(),
    };
    let checkout = match Checkout::look(root) {
        // What is not known may differ.
        Err(problem) if arguments.allow_dirty => {
            eprintln!("note: whether all is committed is not known: {problem}");
            Checkout { dirty: vec![".".to_owned()], ..Checkout::default() }
        }
        looked => looked.map_err(&mut keep).unwrap_or_default(),
    };
    if let Some(problem) = checkout.told_dirty().filter(|_| !arguments.allow_dirty) {
        keep(problem);
    }
    let source_date = source_date(epoch, &checkout).map_err(&mut keep).unwrap_or_default();
    let triple = arguments.target.or_else(Triple::of_host);
    if triple.is_none() {
        keep(format!("packages are not made for processors of the kind {}", std::env::consts::ARCH));
    }
    if arguments.twice && arguments.manifest.is_some() {
        keep(
            "`--twice` builds a clone, which has no crates from outside; unlink them with `cargo xtask remove`"
                .to_owned(),
        );
    }
    problems.extend(tool_problems(root, arguments, &workspace, triple));
    match triple {
        Some(triple) if problems.is_empty() => Ok(Plan {
            root: root.to_owned(),
            output: arguments.output.clone().unwrap_or_else(|| workspace.target.join("packages")),
            workspace,
            checkout,
            upstream,
            source_date,
            triple,
        }),
        _ => Err(problems),
    }
}

/// Tools that the build needs and that are not here.
fn tool_problems(root: &Path, arguments: &Arguments, workspace: &Workspace, triple: Option<Triple>) -> Vec<String> {
    if let Some(agent) = &arguments.agent {
        let problem = match agent.metadata() {
            Ok(file) if file.is_file() => None,
            Ok(_) => Some(format!("--agent {}: is no file", agent.display())),
            Err(error) => Some(format!("--agent {}: {error}", agent.display())),
        };
        return problem.into_iter().collect();
    }
    let mut problems = Vec::new();
    let host = Triple::of_host();
    // The build scripts of crates are programs of this machine.
    if let Some((compiler, packages)) = host.map(Triple::compiler)
        && let Err(problem) = tools::compiles(compiler)
    {
        problems.push(format!("{problem}; apt-get install {packages}"));
    }
    for (tool, packages) in [("ar", "binutils"), ("git", "git")] {
        if !tools::is_there(tool) {
            problems.push(format!("there is no `{tool}`; apt-get install {packages}"));
        }
    }
    if let Some(foreign) = triple.filter(|triple| Some(*triple) != host) {
        problems.extend(foreign.problems(root, arguments.glibc.is_some()));
    }
    if arguments.glibc.is_some() && !arguments.install_zig {
        problems.extend(zig::problem(&workspace.target));
    }
    problems
}

/// The time of everything in the package.
fn source_date(epoch: Option<&str>, checkout: &Checkout) -> Result<u32, String> {
    match (epoch, checkout.time) {
        (Some(text), _) => text.parse().map_err(|_| {
            format!("SOURCE_DATE_EPOCH is {text:?}, and must be a number of seconds since 1970 below 4294967296")
        }),
        (None, Some(time)) => Ok(time),
        (None, None) => {
            Err("what time the files of the package get is not known: this is no checkout with a commit, and \
                             SOURCE_DATE_EPOCH is not set; SOURCE_DATE_EPOCH=$(date +%s) will do"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_environment_else_of_the_commit_else_asked_for() {
        let committed = Checkout { time: Some(7), ..Checkout::default() };
        assert_eq!(source_date(Some("5"), &committed), Ok(5));
        assert_eq!(source_date(None, &committed), Ok(7));
        assert!(source_date(None, &Checkout::default()).unwrap_err().contains("SOURCE_DATE_EPOCH=$(date +%s)"));
        assert!(source_date(Some("yesterday"), &committed).unwrap_err().contains("\"yesterday\""));
    }
}
