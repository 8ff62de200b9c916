//! Two options with one key, and keys that the agent reads.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// The first.
    #[config(required)]
    host: String,

    /// The second.
    #[config(required, rename = "host")] //~ ERROR("host"): the option `host` is declared twice
    other: String,

    /// Who am I.
    #[config]
    id: Option<String>, //~ ERROR(id): the key `id` is reserved: the agent itself reads it

    /// How often.
    #[config(rename = "sample_interval")] //~ ERROR("sample_interval"): the key `sample_interval` is reserved: the agent itself reads it
    interval: Option<f64>,

    /// No such key.
    #[config(rename = "a b")] //~ ERROR("a b"): `a b` cannot name an option: ASCII letters, digits, `_`, `-` and `.` can
    blank: Option<f64>,

    /// No such variable.
    #[config(env = "A=B")] //~ ERROR("A=B"): `A=B` cannot name an environment variable: letters, digits and `_` can
    variable: Option<f64>,
}

impl Monitor for Coin {}
