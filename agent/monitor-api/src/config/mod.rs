//! Options: how a monitor's configuration entry is read, with all its problems at once
//! (`monitor-framework.md` section 10).
//!
//! | An option of type | takes |
//! |---|---|
//! | `bool` | a truth |
//! | `i8` … `u64`, `f64`, `f32` | a number, or its text; `min` and `max` bound it |
//! | `String`, `PathBuf` | text |
//! | [`Duration`](std::time::Duration) | a number of seconds |
//! | [`IpAddr`](std::net::IpAddr), [`HostPort`] | an address |
//! | [`Secret`] | text that is shown nowhere |
//! | [`Pattern`] | a regular expression, as Python's `re` has them; compiled when it is read |
//! | [`Glob`] | a pattern with `*`, `?` and `[…]` |
//! | an enum with [`#[derive(ConfigValue)]`](macro@crate::ConfigValue) | one of its words |
//! | `Option<T>` | a `T`, or nothing |
//! | `Vec<T>`, [`SpacedList<T>`](SpacedList) | a list; text is split at commas, in the latter at blanks as well |
//! | `BTreeMap<String, T>`, [`serde_json::Map`] | an object |
//! | your own | what its [`ConfigValue`] says, which reads a [`Found`] value |

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
#[doc(hidden)]
pub mod literals;
mod option;
#[cfg(feature = "patterns")]
mod pattern;
mod reader;
mod scalars;
mod secret;
pub(crate) mod syntax;
mod url;
mod value;
#[doc(hidden)]
pub mod words;

pub use addresses::{HostPort, NoHostPort};
#[doc(hidden)]
pub use bounds::{Bounded, Bounds, Measured, Number};
#[doc(hidden)]
pub use bounds_of_constants::must_lie_within;
pub use collections::SpacedList;
pub use glob::Glob;
#[doc(hidden)]
pub use keys::{DeclaredKey, no_key_twice};
pub use kind::{Kind, Word};
pub use option::OptionGroup;
#[doc(hidden)]
pub use option::{Absent, DeclaredOption, DescribeOption, OptionDecl, Reading, TypedOption, reading};
#[cfg(feature = "patterns")]
pub use pattern::{Captures, Pattern};
#[doc(hidden)]
pub use reader::Reader;
pub use secret::Secret;
pub use url::Url;
pub use value::{ConfigValue, Found, MASK};

/// The keys of a monitor entry that the agent itself reads (`monitor-framework.md` section 2); no option may take one.
#[doc(hidden)]
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
#[cfg(feature = "patterns")]
mod tests;
