//! What the machine tells the agent, captured once: the environment and the host's name.

use std::sync::Arc;

use scalyr_monitor::registry::Environment;

/// The environment. Variables that are not UTF-8 cannot be named by any option and are left out.
pub fn environment() -> Arc<Environment> {
    #[expect(clippy::disallowed_methods, reason = "the edge where the environment is captured")]
    let variables = std::env::vars_os();
    Arc::new(Environment::new(
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    ))
}

/// The name of this host.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
