//! Tests of a monitor: a configuration text in; emitted values, or problems, out. The same reader and the same runner as
//! in the agent.
//!
//! ```
//! use scalyr_monitor::prelude::*;
//! use scalyr_monitor::testing::Harness;
//!
//! /// Watches a level that rises with each sample.
//! #[scalyr_monitor(name = "level")]
//! pub struct Level {
//!     /// How much it rises.
//!     #[config(default = 1, min = 1, max = 10)]
//!     step: u64,
//!
//!     /// The level after this sample.
//!     #[metric]
//!     level: Metric<u64, Reading>,
//!
//!     samples: u64,
//! }
//!
//! /// Extra fields of the metric.
//! #[derive(Fields)]
//! struct Reading {
//!     /// Samples taken so far.
//!     sample: u64,
//! }
//!
//! impl Monitor for Level {
//!     fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
//!         self.samples += 1;
//!         out.emit_with(self.level, self.samples * self.step, Reading { sample: self.samples });
//!         Ok(())
//!     }
//! }
//!
//! let mut level = Harness::<Level>::from_config("{ step: 2 }");
//! assert_eq!(level.sample().value("level"), 2);
//! let second = level.sample();
//! assert_eq!(second.metric("level").field("sample"), 2);
//! assert_eq!(second.lines(), ["level 4 sample=2"]);
//! level.expect_all_emitted();
//!
//! let refused = Harness::<Level>::from_config("{ step: 0 }");
//! assert_eq!(refused.problems(), ["step: 0 is below the minimum 1"]);
//! ```
//!
//! A listener, whose [`run`](crate::Monitor::run) is its own, runs on a thread while the test talks to it; nobody sleeps:
//!
//! ```
//! # use scalyr_monitor::prelude::*;
//! # use scalyr_monitor::testing::Harness;
//! # use std::time::Duration;
//! # /// Counts.
//! # #[scalyr_monitor(name = "ticker")]
//! # pub struct Ticker {
//! #     /// Turns so far.
//! #     #[metric]
//! #     turns: Metric<u64>,
//! #     count: u64,
//! # }
//! # impl Monitor for Ticker {
//! #     fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
//! #         self.count += 1;
//! #         out.emit(self.turns, self.count);
//! #         Ok(())
//! #     }
//! # }
//! let mut ticker = Harness::<Ticker>::from_config("{ sample_interval: 60 }");
//! ticker.running(|ticker| {
//!     ticker.wait_for("turns");
//!     ticker.clock().advance(Duration::from_secs(60));
//!     let taken = ticker.wait_until(|taken| taken.values("turns").len() == 2);
//!     assert_eq!(taken.values("turns"), [1, 2]);
//! });
//! ```

mod checks;
mod diagnostic;
mod emitted;
mod entry;
mod harness;
mod judged;
mod problem;
mod record;
mod running;
mod surroundings;
mod taken;
mod value;

pub use crate::registry::Severity;
pub use serde_json::json;

pub use diagnostic::Diagnostic;
pub use emitted::Emitted;
pub use harness::Harness;
pub use problem::Problem;
pub use running::Running;
pub use taken::Taken;
pub use value::Value;
