//! A package from an agent: its version, and all that is installed.

use crate::arguments::Arguments;
use crate::build::BuiltAgent;
use crate::contents::{self, Sources};
use crate::package::{Monitor, Package};
use crate::preflight::{Plan, version};
use crate::scripts;

/// Puts together what a package is.
///
/// # Errors
/// A document is missing, or the agent does not tell its texts.
pub(crate) fn assemble(
    plan: &Plan,
    arguments: &Arguments,
    agent: &BuiltAgent,
    notices: &str,
) -> Result<Package, Vec<String>> {
    let mut monitors = agent.monitors.clone();
    for monitor in &mut monitors {
        monitor.is_example = monitor.is_local && is_of_example(plan, monitor);
    }
    let has_local = monitors.iter().any(Monitor::is_of_user);
    let is_dirty = !plan.checkout.dirty.is_empty();
    let version = version::of_package(&plan.upstream, arguments, has_local, is_dirty);
    let name = arguments.name.to_string();
    let sources = Sources {
        root: &plan.root,
        program: &agent.bytes,
        agent: &agent.runs,
        name: &name,
        version: &version,
        monitors: &monitors,
        notices,
        init: scripts::INIT,
        source_date: plan.source_date,
    };
    let (tree, changes) = contents::collect(&sources).map_err(|error| vec![error.to_string()])?;
    Ok(Package {
        name,
        version,
        architecture: agent.architecture,
        monitors,
        needs: agent.needs.clone(),
        source_date: plan.source_date,
        tree,
        changes,
    })
}

/// Whether the crate of a monitor says that it is an example.
fn is_of_example(plan: &Plan, monitor: &Monitor) -> bool {
    plan.workspace.crates.iter().any(|known| known.name == monitor.krate && known.is_example)
}
