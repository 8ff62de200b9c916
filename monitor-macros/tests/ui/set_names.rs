//! Metrics of a set that the monitor, or another set, has as well.

use scalyr_monitor::prelude::*;

#[derive(MetricSet)]
pub struct Disk {
    /// Read.
    #[metric(name = "io", fields(type = "read", unit = "b"))]
    read: Metric<u64>,

    /// Written.
    #[metric(name = "io", fields(type = "write"))]
    written: Metric<u64>,
}

#[derive(MetricSet)]
pub struct Outer {
    #[metrics]
    disk: Disk,

    /// Waited for.
    #[metric]
    waits: Metric<u64>,
}

/// Has what the set has.
#[scalyr_monitor(name = "own")]
pub struct Own {
    #[metrics]
    outer: Outer, //~ ERROR(outer): evaluation panicked: the metric `io` of this set is declared already, with the same constant fields

    /// Waited for: fine, it has a field more.
    #[metric(fields(a = "b"))]
    waits: Metric<u64>,

    /// Written.
    #[metric(fields(type = "write"))]
    io: Metric<u64>,
}

impl Monitor for Own {}

/// Has one set twice.
#[scalyr_monitor(name = "two")]
pub struct Two {
    #[metrics(category = "A")]
    first: Outer,

    #[metrics]
    second: Outer, //~ ERROR(second): evaluation panicked: the metric `io` of this set is declared already, with the same constant fields
}

impl Monitor for Two {}

/// Extra fields.
#[derive(Fields)]
struct Extra {
    /// What kind.
    r#type: u64,
}

/// Has a field twice.
#[scalyr_monitor(name = "field")]
pub struct Field {
    /// Both.
    #[metric(fields(r#type = "read"))] //~ ERROR(r#type): evaluation panicked: the field `type` is one of the metric's extra fields already
    both: Metric<u64, Extra>,
}

impl Monitor for Field {}
