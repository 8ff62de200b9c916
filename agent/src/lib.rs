//! The Scalyr agent: config → monitors → metric logs → tail → channel → upload → ledger → checkpoint → status.

pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod data_lock;
pub mod lag;
pub mod ledger;
pub mod logs;
pub mod monitors;
pub mod open_files;
pub mod order;
pub mod own_logs;
pub mod receiver;
pub mod reference;
pub mod schema;
pub mod service;
pub mod statistics;
pub mod status;
pub mod supervisor;
pub mod sys;
pub mod threads;
pub mod upload;

// The program links the monitors; the tests of this library look at them too.
#[cfg(test)]
use {builtin_monitors as _, local_monitors as _};

/// The Rust of the guides is compiled and run with the examples of the documentation.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../docs/writing-a-monitor.md")]
    struct WritingAMonitor;
    #[doc = include_str!("../../README.md")]
    struct Readme;
}
