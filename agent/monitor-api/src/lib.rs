//! All that the author of a Scalyr agent monitor can name.
//!
//! A monitor is a struct marked [`#[scalyr_monitor]`](scalyr_monitor): its fields say what may be configured and which
//! metrics it emits; its [`Monitor`] implementation takes the samples. `use scalyr_monitor::prelude::*;` brings in
//! everything a monitor usually needs.
//!
//! The agent itself uses the same crate from the other side: it finds the monitors in the [`registry`], builds them
//! from a configuration entry and runs them with a [`Context`] and a [`Run`].
#![forbid(unsafe_code)]

pub mod clock;
pub mod context;
pub mod log;
pub mod metric;
pub mod monitor;
pub mod registry;
pub mod sample;

pub use clock::{Clock, Timestamp};
pub use context::{Context, LogConfig, LogFiles};
pub use log::{Level, Logger};
pub use metric::{Fields, Metric, MetricValue};
pub use monitor::{Error, Monitor, Result, Run, Stop};
pub use sample::{Emission, Lines, Sample};
