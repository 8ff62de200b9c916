//! What an option is when it is not given must be said exactly once.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Both.
    #[config(required, default = 1)] //~ ERROR(required): `required` and `default` contradict each other: what must be given never falls back to a default
    both: u64,

    /// Never none.
    #[config(default = 1)] //~ ERROR(default): `default` and `Option<_>` contradict each other: with a default there is always a value; drop the `Option`
    never_none: Option<u64>,

    /// Never none either.
    #[config(required)] //~ ERROR(required): `required` and `Option<_>` contradict each other: what must be given is never `None`; drop the `Option`
    required: Option<u64>,

    /// None by itself.
    #[config(default = None)] //~ ERROR(default): an `Option<_>` is `None` when nothing is given; drop the `default`
    none: Option<u64>,

    /// A secret that all can read.
    #[config(default = "hunter2", secret)] //~ ERROR("hunter2"): a secret that is written here can be read by everybody who has the program; make the option `required`, or an `Option<_>`
    secret: String,

    /// One by its type.
    #[config(default = ["", "hunter2"])] //~ ERROR("hunter2"): a secret that is written here can be read by everybody who has the program; make the option `required`, or an `Option<_>`
    tokens: Vec<Secret>,

    /// Nothing said, and the type is written as the author would.
    #[config]
    list: std::collections::BTreeMap<String, Vec<u64>>, //~ ERROR(std::collections::BTreeMap<String, Vec<u64>>): what is `list` when it is not given? Say `default = …`, or `required`, or make it an `Option<std::collections::BTreeMap<String, Vec<u64>>>`

    /// Nothing said.
    #[config]
    unsaid: u64, //~ ERROR(u64): what is `unsaid` when it is not given? Say `default = …`, or `required`, or make it an `Option<u64>`
}

impl Monitor for Coin {}
