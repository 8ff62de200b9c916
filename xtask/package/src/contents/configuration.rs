//! The configuration that a fresh install begins with, and the examples beside it.

use crate::tree::{Role, Tree};

/// Explains itself, and runs once a key stands in it.
pub(super) const DEFAULT: &str = include_str!("agent.json");
/// Everything in it is commented out.
pub(super) const EXAMPLES: &str = include_str!("examples.json");

/// Adds both. They are no business of all users: a key may stand in them.
pub(super) fn install(tree: &mut Tree) {
    tree.folder("etc/scalyr-agent-2", 0o755);
    tree.file("etc/scalyr-agent-2/agent.json", 0o640, Role::Config, DEFAULT);
    tree.folder("etc/scalyr-agent-2/agent.d", 0o751);
    tree.file("etc/scalyr-agent-2/agent.d/examples.json", 0o640, Role::Config, EXAMPLES);
}

#[cfg(test)]
mod tests;
