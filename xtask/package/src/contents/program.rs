//! The program, its names, and what starts it.

use super::told::{CONFIG_NAME, NAME};
use super::{ContentsError, Sources, document};
use crate::tree::{Role, Tree};

/// The unit, in the checkout. It is the one that `scalyr-agent-2-config --systemd-managed` writes, too.
const UNIT: &str = "agent/src/service/scalyr-agent-2.service";

/// Adds them, and the folders of the configuration, the logs and the data.
pub(super) fn install(tree: &mut Tree, sources: &Sources<'_>) -> Result<(), ContentsError> {
    // The real file is here, and the links there, as Debian has no programs below /usr/share.
    tree.file(&format!("usr/sbin/{NAME}"), 0o755, Role::Plain, sources.program);
    tree.link(&format!("usr/sbin/{CONFIG_NAME}"), NAME);
    tree.folder("usr/share/scalyr-agent-2", 0o755);
    tree.folder("usr/share/scalyr-agent-2/bin", 0o755);
    for name in [NAME, CONFIG_NAME] {
        tree.link(&format!("usr/share/scalyr-agent-2/bin/{name}"), &format!("../../../sbin/{name}"));
    }
    tree.file("usr/share/scalyr-agent-2/VERSION", 0o644, Role::Plain, format!("{}\n", sources.version.upstream));

    // Debian 11 and newer, Fedora and EL read units from here; /lib is a link to /usr/lib on all but the oldest of them.
    let unit = document(sources.root, UNIT)?;
    tree.file("usr/lib/systemd/system/scalyr-agent-2.service", 0o644, Role::Plain, unit);
    tree.file("etc/init.d/scalyr-agent-2", 0o755, Role::Config, sources.init);

    tree.folder("var/log/scalyr-agent-2", 0o755);
    tree.folder("var/lib/scalyr-agent-2", 0o755);
    Ok(())
}
