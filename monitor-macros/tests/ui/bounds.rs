//! Defaults and bounds that contradict each other.

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

    /// Just inside.
    #[config(default = 10, min = 10, max = 10)]
    inside: u64,
}

impl Monitor for Coin {}
