//! Defaults and bounds that are names of constants, or arithmetic.

use std::time::Duration;

use scalyr_monitor::prelude::*;

const PORT: u16 = 80;
const LEAST: u16 = 1024;
const NAME: &str = "x";
const RATIO: f64 = 1.5;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Below.
    #[config(default = PORT, min = LEAST)] //~ ERROR(PORT): evaluation panicked: the default PORT lies outside LEAST..=
    below: u16,

    /// Above.
    #[config(default = 100, max = PORT)] //~ ERROR(100): evaluation panicked: the default 100 lies outside ..=PORT
    above: u16,

    /// No value is left.
    #[config(min = LEAST, max = PORT)] //~ ERROR(PORT): evaluation panicked: the max PORT is below the min LEAST
    nothing: Option<u16>,

    /// No number.
    #[config(default = f64::NAN)] //~ ERROR(f64): evaluation panicked: this is not a finite number
    nan: f64,

    /// A fraction.
    #[config(default = -RATIO, min = 0)] //~ ERROR(-): evaluation panicked: the default -RATIO lies outside 0..=
    ratio: f64,

    /// No time.
    #[config(default = 5 - 6)] //~ ERROR(5): evaluation panicked: 5 - 6 is no time in seconds
    time: Duration,

    /// Too long.
    #[config(default = 24 * 60 * 60, max = 3600)] //~ ERROR(24): evaluation panicked: the default 24 * 60 * 60 lies outside ..=3600
    long: Duration,

    /// Too many.
    #[config(default = 2 * (1024 + 1024), max = 4 * 1000)] //~ ERROR(2): evaluation panicked: the default 2 * (1024 + 1024) lies outside ..=4 * 1000
    many: u32,

    /// Fine.
    #[config(default = 2 * 60, min = 1 / 2, max = 60 * (60 - 1))]
    fine_time: Duration,

    /// Fine.
    #[config(default = RATIO, min = 1, max = RATIO)]
    fine: f64,

    /// Fine.
    #[config(default = LEAST, min = PORT, max = u16::MAX)]
    port: u16,
}

/// Has a constant of another type.
#[scalyr_monitor(name = "other")]
pub struct Other {
    /// A number.
    #[config(default = NAME)] //~ ERROR(NAME): mismatched types
    //~^ ERROR(NAME): casting `&'static str` as `i128` is invalid
    number: u16,
}

impl Monitor for Other {}

impl Monitor for Coin {}
