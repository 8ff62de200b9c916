//! Whether an agent runs that a change is for, and how it comes to know.

use crate::config::plan::Plan;
use crate::service::pid_file;

/// The process of the agent of this plan's folders, ours or the Python agent, when one runs and its number can be read.
pub(super) fn process(plan: &Plan) -> Option<u32> {
    pid_file::running(&pid_file::path_in(&plan.log_path)).ok().flatten()
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
