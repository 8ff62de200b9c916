//! Sets of metrics.

use scalyr_monitor::prelude::*;

#[derive(MetricSet)]
#[metrics(categroy = "Disk")] //~ ERROR(categroy): unknown key `categroy`; did you mean `category`?
pub struct Disk {
    #[metric(untis = "bytes")] //~ ERROR(untis): unknown key `untis`; did you mean `unit`?
    read: Metric<u64>, //~ ERROR(read): the metric `read` needs a doc comment (`/// …`): it becomes its text in the reference

    /// Written.
    #[metric(name = "read")] //~ ERROR("read"): the metric `read` is declared twice
    written: Metric<u64>,

    unmarked: Metric<u64>, //~ ERROR(unmarked): every field of a set of metrics is a metric: mark it #[metric], or #[metrics] if it is a set

    /// An option.
    #[config(default = 5)] //~ ERROR(#[config(default = 5)]): every field of a set of metrics is a metric: mark it #[metric], or #[metrics] if it is a set
    option: u64,

    /// Bytes.
    #[metric]
    bytes: Metric<Vec<u8>>, //~ ERROR(Vec<u8>): `Vec<u8>` cannot be the value of a metric or of an extra field
    //~| LABEL: not a metric value
}

/// Uses a set that has mistakes: nothing is said about the use.
#[scalyr_monitor(name = "user")]
pub struct User {
    #[metrics]
    disk: Disk,

    #[metrics(category = "")] //~ ERROR(""): a category is a heading in the reference, and this one is empty
    empty: Disk,

    #[metrics]
    number: Metric<u64>, //~ ERROR(Metric<u64>): `scalyr_monitor::Metric<u64>` is not a set of metrics
    //~| LABEL: not a set of metrics
    //~| NOTE: write a struct whose fields are #[metric] handles and put #[derive(MetricSet)] on it; a single metric is marked #[metric]
}

impl Monitor for User {}

#[derive(MetricSet)]
pub struct Generic<V> { //~ ERROR(<V>): a set of metrics cannot be generic: what it declares is fixed while it compiles
    /// A value.
    #[metric]
    value: Metric<V>,
}

#[derive(MetricSet)]
pub struct Unit; //~ ERROR(struct Unit): a set of metrics is a struct with named fields, and `Unit` is a struct without a body; write `{}`
