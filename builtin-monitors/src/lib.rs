//! The monitors that every Scalyr agent carries.
#![forbid(unsafe_code)]

pub mod child;
pub mod excerpt;
pub mod graphite_monitor;
pub mod journald_monitor;
pub mod linux_process_metrics;
pub mod linux_system_metrics;
pub mod openmetrics_monitor;
pub mod shell_monitor;
pub mod symlink_file_monitor;
pub mod syslog_monitor;
pub mod test_monitor;
pub mod url_monitor;
