//! All that the author of a Scalyr agent monitor can name.
//!
//! A monitor is a struct marked [`#[scalyr_monitor]`](macro@scalyr_monitor): its fields say what may be configured and
//! which metrics it emits; its [`Monitor`] implementation takes the samples. `use scalyr_monitor::prelude::*;` brings in
//! everything a monitor usually needs; [`prelude`] lists it.
//!
//! | To declare | write |
//! |---|---|
//! | a monitor | [`#[scalyr_monitor(name = "…")]`](macro@scalyr_monitor) on a struct; its page lists every key |
//! | an option | `#[config(…)]` on a field; the types are listed in [`config`] |
//! | options that monitors share | [`#[derive(OptionGroup)]`](macro@OptionGroup), and `#[config(flatten)]` in the monitor |
//! | an option of a few words | [`#[derive(ConfigValue)]`](macro@ConfigValue) on an enum |
//! | a metric | `#[metric(…)]` on a field of type [`Metric<V>`](Metric), with extra fields `Metric<V, F>` |
//! | the extra fields of a metric | [`#[derive(Fields)]`](macro@Fields) |
//! | a catalogue of metrics | [`#[derive(MetricSet)]`](macro@MetricSet), and `#[metrics]` in the monitor |
//!
//! | To | see |
//! |---|---|
//! | check options against each other, set the interval, the log, attributes of the host | [`Monitor::initialize`], [`Context`], [`LogConfig`] |
//! | emit metrics, lines of text, names that are only known at run time, rates | [`Monitor::gather_sample`], [`Sample`], [`Emission`] |
//! | fail, and say of what | [`Error`], [`Result`], [`About`] |
//! | write to the agent log, not too often | [`Logger`], [`Logger::limited`], [`Level`] |
//! | tell the time, so that a test can set it | [`Clock`], [`Timestamp`] |
//! | listen, or do anything else than sample at intervals | [`Monitor::run`], [`Run`], [`Stop`], [`Spacing`], module [`listen`] |
//! | run a process, or wait for anything else | [`Sample::stop`], [`Stop::wait`] |
//! | ask a server by HTTP | module `http`, behind the feature of that name |
//! | let the agent copy further log files | [`LogFiles`] |
//! | keep something over restarts | [`Context::data_path`] |
//! | write log files of received text | [`LogFiles::open`], [`LogWriter`] |
//! | add and remove further monitors | [`Monitors`], [`NewMonitor`] |
//! | say in the `User-Agent` what the agent runs on | [`UserAgentFragment`] |
//! | test a monitor | module [`testing`] |
//!
//! What only the agent itself uses, to find monitors, build them and run them, is public, but not shown here.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

// The derives name this crate from outside, also within it.
extern crate self as scalyr_monitor;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod catalogue;
pub mod clock;
pub mod config;
mod const_text;
pub mod context;
mod error;
mod governed;
#[cfg(feature = "http")]
pub mod http;
mod limits;
mod lines;
pub mod listen;
pub mod log;
mod log_files;
mod log_writer;
pub mod metric;
pub mod monitor;
pub mod monitors;
mod nearest;
#[doc(hidden)]
pub mod one_line;
pub mod prelude;
mod problem;
mod rate;
#[doc(hidden)]
pub mod registry;
mod repaired_names;
#[doc(hidden)]
pub mod rules;
mod run;
pub mod sample;
#[doc(hidden)]
pub mod schema;
mod stop;
pub mod testing;
pub mod user_agent;

pub use monitor_macros::{ConfigValue, Fields, MetricSet, OptionGroup, scalyr_monitor};

pub use clock::{Clock, Timestamp};
pub use config::{ConfigValue, OptionGroup};
pub use context::{Context, LogConfig, LogFiles};
pub use error::{About, Error, Result};
#[doc(hidden)]
pub use lines::Lines;
pub use log::{Level, Logger};
#[doc(hidden)]
pub use log_writer::LogFile;
pub use log_writer::{Appended, LogRotation, LogWriter, Obstacle, WhenFull};
pub use metric::{Fields, Metric, MetricSet, MetricValue};
pub use monitor::Monitor;
pub use monitors::{Monitors, NewMonitor};
pub use run::{Run, Spacing};
pub use sample::{Emission, Sample};
pub use stop::Stop;
pub use user_agent::UserAgentFragment;
