//! What a monitor instance says beside its lines: log files, attributes of the host, a part of the `User-Agent`.

use std::sync::Arc;

use scalyr_monitor::UserAgentFragment;
use serde_json::{Map, Value};

/// What one instance contributes, as the agent keeps it from the instance's first building to its end.
pub trait Contribution: Send + Sync {
    /// The way into the `User-Agent`.
    fn user_agent(&self) -> UserAgentFragment;

    /// The attributes of this host that it gives from now on: at its start, and when it was built anew after a failure.
    fn server_attributes(&self, attributes: &Map<String, Value>);

    /// It has come to its end: what it said is taken back, its log files are let go once they were read, and whatever
    /// it still says goes nowhere.
    fn end(&self);
}

/// Where nothing is kept: for an instance without an agent around it.
pub fn none() -> Arc<dyn Contribution> {
    Arc::new(None)
}

struct None;

impl Contribution for None {
    fn user_agent(&self) -> UserAgentFragment {
        UserAgentFragment::none()
    }

    fn server_attributes(&self, _: &Map<String, Value>) {}

    fn end(&self) {}
}
