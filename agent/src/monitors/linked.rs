//! Links the monitor crates into the binary: without a mention of them here, the linker would leave them out.

use builtin_monitors as _;
use local_monitors as _;

use scalyr_monitor::registry::Registry;

/// The monitors of this binary.
///
/// # Errors
/// One sentence for each name that two crates register.
pub fn registry() -> Result<Registry, Vec<String>> {
    Registry::linked()
}
