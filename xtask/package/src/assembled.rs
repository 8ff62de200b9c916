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
    let has_local = agent.monitors.iter().any(|monitor| is_of_user(plan, monitor));
    let is_dirty = !plan.checkout.dirty.is_empty();
    let version = version::of_package(&plan.upstream, arguments, has_local, is_dirty);
    let name = arguments.name.to_string();
    let sources = Sources {
        root: &plan.root,
        program: &agent.bytes,
        agent: &agent.runs,
        name: &name,
        version: &version,
        monitors: &agent.monitors,
        notices,
        init: scripts::INIT,
        source_date: plan.source_date,
    };
    let (tree, changes) = contents::collect(&sources).map_err(|error| vec![error.to_string()])?;
    Ok(Package {
        name,
        version,
        architecture: agent.architecture,
        monitors: agent.monitors.clone(),
        needs: agent.needs.clone(),
        source_date: plan.source_date,
        tree,
        changes,
    })
}

/// Whether a monitor is none of this repository, not even an example of it.
pub(crate) fn is_of_user(plan: &Plan, monitor: &Monitor) -> bool {
    let known = plan.workspace.crates.iter().find(|known| known.name == monitor.krate);
    monitor.is_local && !known.is_some_and(|known| known.is_example)
}
