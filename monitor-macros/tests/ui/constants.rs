//! Defaults and bounds that are names of constants.

use scalyr_monitor::prelude::*;

const PORT: u16 = 80;
const LEAST: u16 = 1024;
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
    #[config(default = -RATIO, min = 0)] //~ ERROR(-): evaluation panicked: the default - RATIO lies outside 0..=
    ratio: f64,

    /// Fine.
    #[config(default = RATIO, min = 1, max = RATIO)]
    fine: f64,

    /// Fine.
    #[config(default = LEAST, min = PORT, max = u16::MAX)]
    port: u16,
}

impl Monitor for Coin {}
