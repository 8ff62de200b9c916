//! Numbers that their type cannot be.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Negative.
    #[config(default = -1, min = -2)] //~ ERROR(-1): -1 is below 0, and no `u64` is
    //~^ ERROR(-2): -2 is below 0, and no `u64` is
    negative: u64,

    /// One of them.
    #[config(default = [1, -1])] //~ ERROR(-1): -1 is below 0, and no `u8` is
    list: Vec<u8>,

    /// A bound of an option.
    #[config(min = -1)] //~ ERROR(-1): -1 is below 0, and no `u16` is
    option: Option<u16>,

    /// More than any type holds.
    #[config(default = 1000000000000000000000000000000000000000, max = 5)] //~ ERROR(1000000000000000000000000000000000000000): the default 1e39 lies outside ..=5
    //~^ ERROR(1000000000000000000000000000000000000000): integer literal is too large
    huge: u64,

    /// As much as a float holds.
    #[config(default = 1000000000000000000000000000000000000000, max = 5)] //~ ERROR(1000000000000000000000000000000000000000): the default 1e39 lies outside ..=5
    float: f64,

    /// Bounds of a list.
    #[config(default = [1.5, 11], min = 1, max = 10)] //~ ERROR(11): the default 11 lies outside 1..=10
    bounded: Vec<f64>,

    /// Bounds of a list that may be written with blanks.
    #[config(default = [5, -1], min = 1)] //~ ERROR(-1): -1 is below 0, and no `u8` is
    spaced: SpacedList<u8>,
}

impl Monitor for Coin {}
