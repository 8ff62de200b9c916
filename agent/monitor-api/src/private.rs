//! What the expansion of the macros names. Not for authors: it changes without notice.

pub use core::default::Default;
pub use core::option::Option::{self, None, Some};
pub use core::primitive::{bool, f32, f64, i128, str, usize};
pub use core::{concat, env};
pub use std::boxed::Box;
pub use std::string::String;
pub use std::vec::Vec;

pub use inventory;
pub use monitor_macros::ScalyrMonitor;
pub use serde_json::Value;

pub use crate::catalogue::{categorised, count, has_alike, no_field_twice, no_metric_twice};
pub use crate::config::{
    Absent, Bounded, Bounds, ConfigValue, DeclaredKey, DeclaredOption, DescribeOption, Found, Kind, Number,
    OptionGroup, Reader, TypedOption, Url, Word, must_lie_within, no_key_twice, reading, words,
};
pub use crate::metric::{DeclaredMetric, Fields, LogFieldDecl, Metric, MetricDecl, MetricSet, MetricValue};
pub use crate::monitor::Monitor;
pub use crate::registry::{Declared, Registration};

/// Puts a monitor into the box in which the agent keeps it.
pub fn boxed<M: Monitor>(monitor: M) -> Box<dyn Monitor> {
    Box::new(monitor)
}

/// The time that `default = 1.5` means. The macro has refused all numbers that are no time.
pub fn seconds(seconds: f64) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Declares a metric for the reference; also where a wrong type is noticed.
pub const fn declare_metric<V: MetricValue, F: Fields>(name: &'static str, doc: &'static str) -> MetricDecl {
    MetricDecl {
        name,
        doc,
        kind: V::KIND,
        fields: F::NAMES,
        field_docs: F::DOCS,
        constants: &[],
        unit: None,
        category: None,
        cumulative: false,
    }
}

/// Appends the value of an extra field.
pub fn write_value<V: MetricValue>(value: &V, out: &mut String) {
    value.write(out);
}

/// The text of a doc comment that is put together from several sources.
pub const fn doc(text: &'static str) -> &'static str {
    text.trim_ascii()
}

/// That an option whose type can hold a URL is one; also where another type is noticed.
pub const fn url<T: Url>() -> bool {
    true
}

/// The value that a state field starts from.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no default value for this state field to start from",
    label = "does not implement Default",
    note = "say what it starts from: #[state(default = …)]"
)]
pub trait Initial: Sized {
    /// The value.
    fn initial() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> Initial for T {
    fn initial() -> Self {
        T::default()
    }
}
