//! Defaults of the wrong type are left to rustc; a whole number is good enough for a float and for a time.

use std::time::Duration;

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Text for a number.
    #[config(default = "x")] //~ ERROR("x"): mismatched types
    mean: f64,

    /// A number for text.
    #[config(default = 5)] //~ ERROR(5): mismatched types
    host: String,

    /// An element.
    #[config(default = ["a", 2])] //~ ERROR(2): mismatched types
    hosts: Vec<String>,

    /// Text for a bound.
    #[config(default = 1, max = "x")] //~ ERROR("x"): mismatched types
    port: u16,

    /// Whole numbers.
    #[config(default = -1, min = -5, max = 10)]
    float: f64,

    /// Seconds.
    #[config(default = 5, min = 1.5)]
    time: Duration,

    /// None of its own.
    #[config(min = 0)]
    optional: Option<f32>,
}

impl Monitor for Coin {}
