//! Options: how a monitor's configuration entry is read, with all its problems at once
//! (`monitor-framework.md` section 10).
//!
//! A monitor's author meets this module only as [`ConfigValue`], the trait behind the type of an option. The rest is
//! what `#[scalyr_monitor]` generates code for: one [`TypedOption`] per `#[config]` field, read by a [`Reader`].

mod bounds;
mod collections;
mod integers;
mod kind;
pub mod literals;
mod option;
mod reader;
mod scalars;
mod value;

pub use bounds::{Bounded, Bounds, Number};
pub use kind::Kind;
pub use option::{Absent, DeclaredOption, DescribeOption, OptionDecl, OptionGroup, Reading, TypedOption, reading};
pub use reader::Reader;
pub use value::{ConfigValue, Found};

/// The keys of a monitor entry that the agent itself reads (`monitor-framework.md` section 2); no option may take one.
pub const FRAMEWORK_KEYS: [&str; 12] = [
    "module",
    "id",
    "sample_interval",
    "stop_agent_on_failure",
    "log_path",
    "monitor_log_write_rate",
    "monitor_log_max_write_burst",
    "monitor_log_flush_delay",
    "metric_name_blacklist",
    "calculate_rate_metric_names",
    "log_rotation_backup_count",
    "log_rotation_max_bytes",
];

#[cfg(test)]
mod tests;
