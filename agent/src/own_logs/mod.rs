//! The files that the agent writes itself: its own log, its debug log and the metric logs of its monitors.

pub mod agent_log;
pub(crate) mod debug_log;
pub mod leaky_bucket;
pub mod log_room;
pub mod metric_log;
pub mod monitor_files;
pub mod record_line;
pub mod rotating_file;
pub mod short_text;
pub mod source_tag;
pub mod stdout_log;
#[cfg(test)]
pub(crate) mod told;
pub mod unsettled;
