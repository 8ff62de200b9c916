//! What shells need to complete commands and options, in the folders where they look by themselves.

use super::ContentsError;
use super::told::{CONFIG_NAME, NAME, Teller};
use crate::tree::{Role, Tree};

/// Adds a file for each shell and each name of the program.
pub(super) fn install(tree: &mut Tree, teller: &Teller<'_>) -> Result<(), ContentsError> {
    for name in [NAME, CONFIG_NAME] {
        let files = [
            ("bash", format!("usr/share/bash-completion/completions/{name}")),
            ("zsh", format!("usr/share/zsh/vendor-completions/_{name}")),
            ("fish", format!("usr/share/fish/vendor_completions.d/{name}.fish")),
        ];
        for (shell, path) in files {
            tree.file(&path, 0o644, Role::Plain, teller.says(&["completions", shell, name])?);
        }
        // The zsh of Debian reads `vendor-completions` only, that of Fedora `site-functions` only.
        tree.link(&format!("usr/share/zsh/site-functions/_{name}"), &format!("../vendor-completions/_{name}"));
    }
    Ok(())
}
