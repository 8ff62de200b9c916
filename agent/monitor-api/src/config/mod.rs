//! Options: how a monitor's configuration entry is read, with all its problems at once
//! (`monitor-framework.md` section 10).
//!
//! A monitor's author meets this module only as [`ConfigValue`], the trait behind the type of an option. The rest is
//! what `#[scalyr_monitor]` generates code for: one [`TypedOption`] per `#[config]` field, read by a [`Reader`].

mod addresses;
mod bounds;
mod bounds_of_constants;
mod collections;
#[cfg(feature = "patterns")]
mod dialect;
mod glob;
mod integers;
mod keys;
mod kind;
pub mod literals;
mod option;
#[cfg(feature = "patterns")]
mod pattern;
mod reader;
mod scalars;
mod secret;
mod syntax;
mod url;
mod value;
pub mod words;

pub use addresses::{HostPort, NoHostPort};
pub use bounds::{Bounded, Bounds, Measured, Number};
#[doc(hidden)]
pub use bounds_of_constants::must_lie_within;
pub use collections::SpacedList;
pub use glob::Glob;
#[doc(hidden)]
pub use keys::{DeclaredKey, no_key_twice};
pub use kind::{Kind, Word};
pub use option::{Absent, DeclaredOption, DescribeOption, OptionDecl, OptionGroup, Reading, TypedOption, reading};
#[cfg(feature = "patterns")]
pub use pattern::{Captures, Pattern};
pub use reader::Reader;
pub use secret::Secret;
pub use url::Url;
pub use value::{ConfigValue, Found, MASK};

/// The keys of a monitor entry that the agent itself reads (`monitor-framework.md` section 2); no option may take one.
pub const FRAMEWORK_KEYS: [&str; 13] = [
    "module",
    "id",
    "sample_interval",
    "disabled",
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
