//! Defaults and bounds that contradict each other.

use std::time::Duration;

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Above.
    #[config(default = 50, min = 0, max = 10)] //~ ERROR(50): the default 50 lies outside 0..=10
    above: u64,

    /// Above, without a minimum.
    #[config(default = 50, max = 10)] //~ ERROR(50): the default 50 lies outside ..=10
    open: f64,

    /// Below.
    #[config(default = -1, min = 0.5)] //~ ERROR(-1): the default -1 lies outside 0.5..=
    below: f64,

    /// No value is left.
    #[config(default = 3, min = 5, max = 1)] //~ ERROR(1): the max 1 is below the min 5
    nothing: u64,

    /// No time.
    #[config(default = -5)] //~ ERROR(-5): a time in seconds is 0 or more
    negative: Duration,

    /// No bound of a time.
    #[config(default = 1, min = -0.5, max = 1e30)] //~ ERROR(-0.5): a time in seconds is 0 or more
    //~^ ERROR(1e30): no time is that long: it is given in seconds
    bounded: Duration,

    /// No time among times.
    #[config(default = [1, -1])] //~ ERROR(-1): a time in seconds is 0 or more
    several: Vec<Duration>,

    /// Just inside.
    #[config(default = 10, min = 10, max = 10)]
    inside: u64,
}

impl Monitor for Coin {}
