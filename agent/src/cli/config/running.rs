//! Whether an agent runs that a change is for, and how it comes to know.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::config::plan::Plan;
use crate::data_lock;

/// The process of the agent of these folders, when one runs and its number can be read.
pub(super) fn process(plan: &Plan) -> Option<u32> {
    // That of the Python agent, too, is held with a lock.
    [plan.log_path.join("agent.pid"), plan.data_path.join(data_lock::FILE_NAME)].iter().find_map(|path| holder(path))
}

fn holder(path: &Path) -> Option<u32> {
    let file = File::open(path).ok()?;
    if flock(&file, FlockOperation::NonBlockingLockShared) != Err(Errno::WOULDBLOCK) {
        return None;
    }
    let mut text = String::new();
    file.take(64).read_to_string(&mut text).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The line that says so; empty when none runs.
pub(super) fn notice(plan: &Plan) -> String {
    let seconds = plan.config_check_interval.as_secs_f64();
    process(plan).map_or_else(String::new, |pid| {
        format!(
            "The agent that runs (process {pid}) notices it within {seconds} s, config_change_check_interval, or at once by \
             `kill -HUP {pid}`.\n"
        )
    })
}
