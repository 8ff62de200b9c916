//! What a type cannot hold is left to rustc.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// A byte.
    #[config(default = 300)] //~ ERROR(300): literal out of range for `u8`
    byte: u8,

    /// A bound.
    #[config(default = 5, max = 300)] //~ ERROR(300): literal out of range for `u8`
    bounded: u8,

    /// A float.
    #[config(default = 1e400)] //~ ERROR(1e400): literal out of range for `f64`
    float: f64,
}

impl Monitor for Coin {}
