//! The commands of `agent`, one file each: what is typed, what is printed, and the exit code.

pub mod receive;
pub mod run_monitor;
