//! How one file is copied: what its entry says, made ready for it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::batch::LogDescription;
use crate::config::line_plan::SharedLinePlan;
use crate::config::plan::LogPlan;

/// How one file is copied.
#[derive(Clone, Debug, PartialEq)]
pub struct Copying {
    /// What its events have in common.
    pub log: Arc<LogDescription>,
    /// What becomes of its lines.
    pub lines: SharedLinePlan,
    /// A file that was last changed longer ago is not copied.
    pub stale_after: Option<Duration>,
    /// The least time between two looks at it.
    pub scan_interval: Option<Duration>,
}

impl Copying {
    /// As `plan` says for the file at `path`.
    pub fn of(path: &Path, plan: &LogPlan) -> Self {
        Self {
            log: Arc::new(describe(path, plan)),
            lines: Arc::clone(&plan.lines),
            stale_after: plan.stale_after,
            scan_interval: plan.scan_interval,
        }
    }
}

/// The attributes of a file on the wire: the entry's, and `logfile` unless the user gave one.
fn describe(path: &Path, plan: &LogPlan) -> LogDescription {
    let path = path.to_string_lossy().into_owned();
    let mut attributes = plan.attributes.clone();
    if !attributes.contains_key("logfile") && !attributes.contains_key("filename") {
        attributes.insert("logfile".to_owned(), Value::String(path.clone()));
    }
    LogDescription { attributes: Value::Object(attributes).to_string(), path }
}
