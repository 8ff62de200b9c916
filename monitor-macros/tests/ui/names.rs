//! A name that rustc does not find is told in the same run as the mistakes that the macro finds.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// A mistake for the macro.
    #[config(default = 50, max = 10)] //~ ERROR(50): the default 50 lies outside ..=10
    spread: f64,

    /// Not imported.
    #[config(default = 5)]
    interval: Duration, //~ ERROR(Duration): cannot find type `Duration` in this scope

    /// Not there.
    #[config(default = 5, max = MOST)] //~ ERROR(MOST): cannot find value `MOST` in this scope
    bound: u64,

    #[state(default = begin())] //~ ERROR(begin): cannot find function `begin` in this scope
    state: u64,
}

impl Monitor for Coin {}

#[scalyr_monitor(name = "other")]
fn other() -> Nothing {} //~ ERROR(fn other): a monitor is a struct with named fields; mark one with #[scalyr_monitor]
//~^ ERROR(Nothing): cannot find type `Nothing` in this scope

#[derive(Fields)]
struct Flip(Nothing); //~ ERROR(struct Flip): the extra fields of a metric are a struct with named fields, and `Flip` is a tuple struct
//~^ ERROR(Nothing): cannot find type `Nothing` in this scope
