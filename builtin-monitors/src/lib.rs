//! The monitors that every Scalyr agent carries.
#![forbid(unsafe_code)]

pub mod linux_process_metrics;
pub mod linux_system_metrics;
pub mod openmetrics_monitor;
pub mod syslog_monitor;
pub mod test_monitor;
