//! The manual pages, as the agent prints them.

use super::told::{CONFIG_NAME, NAME, Teller};
use super::{ContentsError, gz};
use crate::tree::{Role, Tree};

/// Adds a page for each name of the program.
pub(super) fn install(tree: &mut Tree, teller: &Teller<'_>) -> Result<(), ContentsError> {
    for name in [NAME, CONFIG_NAME] {
        let page = teller.says(&["man", name])?;
        tree.file(&format!("usr/share/man/man1/{name}.1.gz"), 0o644, Role::Documentation, gz::packed(&page));
    }
    Ok(())
}
