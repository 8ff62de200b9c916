//! Everything that a monitor usually needs: `use scalyr_monitor::prelude::*;`

pub use crate::clock::{Clock, Timestamp};
#[cfg(feature = "patterns")]
pub use crate::config::Pattern;
pub use crate::config::{ConfigValue, Glob, HostPort, OptionGroup, Secret, SpacedList};
pub use crate::context::{Context, LogConfig, LogFiles};
pub use crate::error::{About, Error, Result};
pub use crate::log::{Level, Logger};
pub use crate::metric::{Fields, Metric, MetricSet, MetricValue};
pub use crate::monitor::Monitor;
pub use crate::monitors::{Monitors, NewMonitor};
pub use crate::run::{Run, Spacing};
pub use crate::sample::{Emission, Sample};
pub use crate::stop::Stop;
pub use crate::user_agent::UserAgentFragment;
pub use monitor_macros::{ConfigValue, Fields, MetricSet, OptionGroup, scalyr_monitor};
