//! Keys of `#[config]` that are unknown, twice there, or have the wrong shape.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Near miss.
    #[config(defualt = 1)] //~ ERROR(defualt): unknown key `defualt`; did you mean `default`?
    near: u64,

    /// Far off.
    #[config(colour = 1)] //~ ERROR(colour): unknown key `colour`; the keys are `default`, `required`, `min`, `max`, `env`, `rename`
    far: u64,

    /// Twice.
    #[config(default = 1, default = 2)] //~ ERROR(default): `default` is given twice
    twice: u64,

    /// No value.
    #[config(default = 1, min)] //~ ERROR(min): `min` needs a value: `min = …`
    no_value: u64,

    /// A value too many.
    #[config(required = true)] //~ ERROR(true): `required` takes no value
    flag: u64,

    /// Not text.
    #[config(required, rename = 5)] //~ ERROR(5): `rename` takes a text in quotes: `rename = "…"`
    text: u64,

    /// Not in parentheses.
    #[config = "required"] //~ ERROR(config = "required"): write the keys in parentheses: #[config(default, required, min, max, env, rename)]
    parentheses: Option<u64>,
}

impl Monitor for Coin {}
