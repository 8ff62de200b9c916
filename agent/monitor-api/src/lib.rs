//! All that the author of a Scalyr agent monitor can name.
//!
//! A monitor is a struct marked [`#[scalyr_monitor]`](scalyr_monitor): its fields say what may be configured and which
//! metrics it emits; its [`Monitor`] implementation takes the samples. `use scalyr_monitor::prelude::*;` brings in
//! everything a monitor usually needs.
//!
//! The agent itself uses the same crate from the other side: it finds the monitors in the [`registry`], builds them
//! from a configuration entry and runs them with a [`Context`] and a [`Run`].
#![forbid(unsafe_code)]

// The derives name this crate from outside, also within it.
#[cfg(feature = "http")]
extern crate self as scalyr_monitor;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod catalogue;
pub mod clock;
pub mod config;
mod const_text;
pub mod context;
mod governed;
#[cfg(feature = "http")]
pub mod http;
mod limits;
pub mod log;
mod log_files;
pub mod metric;
pub mod monitor;
pub mod monitors;
mod nearest;
#[doc(hidden)]
pub mod one_line;
pub mod prelude;
mod rate;
pub mod registry;
mod repaired_names;
#[doc(hidden)]
pub mod rules;
pub mod sample;
pub mod schema;
pub mod testing;
pub mod user_agent;

pub use monitor_macros::{ConfigValue, Fields, MetricSet, OptionGroup, scalyr_monitor};

pub use clock::{Clock, Timestamp};
pub use config::{ConfigValue, OptionGroup};
pub use context::{Context, LogConfig, LogFiles};
pub use log::{Level, Logger};
pub use metric::{Fields, Metric, MetricSet, MetricValue};
pub use monitor::{Error, Monitor, Result, Run, Spacing, Stop};
pub use monitors::{Monitors, NewMonitor};
pub use sample::{Emission, Lines, Sample};
pub use user_agent::UserAgentFragment;
