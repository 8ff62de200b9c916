//! Metrics of the wrong type or name.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Both.
    #[config(default = 1)]
    #[metric] //~ ERROR(#[metric]): a field is either #[config] or #[metric], not both
    both: u64,

    /// A bare number.
    #[metric]
    bare: f64, //~ ERROR(f64): the type of a metric must be `Metric<_>`, a handle to emit through: `Metric<f64>` emits `f64`

    /// Bytes.
    #[metric]
    bytes: Metric<Vec<u8>>, //~ ERROR(Vec<u8>): `Vec<u8>` cannot be the value of a metric or of an extra field
    //~| LABEL: not a metric value
    //~| NOTE: a metric value is an integer, f64, f32, bool, String or &str

    /// Not extra fields.
    #[metric]
    fields: Metric<u64, String>, //~ ERROR(String): `String` cannot be the extra fields of a metric
    //~| NOTE: write a struct with one field per extra field and put #[derive(Fields)] on it

    /// Starts badly.
    #[metric(name = "1st-flip")] //~ ERROR("1st-flip"): `1st-flip` cannot name a metric: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`
    first: Metric<u64>,

    /// Under its own name.
    #[metric]
    größe: Metric<u64>, //~ ERROR(größe): `größe` cannot name a metric: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`

    /// Under another name.
    #[metric(name = "size")]
    länge: Metric<u64>,

    unmarked: Metric<u64>, //~ ERROR(unmarked): `unmarked` is a metric handle; mark it #[metric]
}

impl Monitor for Coin {}
