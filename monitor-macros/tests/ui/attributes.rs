//! Attributes that stand where they do not belong.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
#[config(default = 5)] //~ ERROR(#[config(default = 5)]): #[config] belongs on a field
#[metric] //~ ERROR(#[metric]): #[metric] belongs on a field
#[metrics] //~ ERROR(#[metrics]): #[metrics] belongs on a field
#[state] //~ ERROR(#[state]): #[state] belongs on a field
pub struct Coin {
    count: u64,
}

impl Monitor for Coin {}

/// Twice.
#[scalyr_monitor(name = "twice")]
#[scalyr_monitor(name = "thrice")] //~ ERROR(scalyr_monitor(name = "thrice")): a second #[scalyr_monitor]; put all keys into one
pub struct Twice {
    /// A number.
    #[config(default = 5)]
    number: u64,
}

impl Monitor for Twice {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        self.number += 1;
        Ok(())
    }
}

/// Borrows.
#[scalyr_monitor(name = "borrows")]
pub struct Borrows<'a> { //~ ERROR(<'a>): a monitor cannot be generic: it is registered once, under one name, with the types that it has then
    text: &'a str,
}

/// Twice of a kind.
#[scalyr_monitor(name = "kinds")]
pub struct Kinds {
    /// A metric.
    #[metric]
    #[metric(name = "b")] //~ ERROR(#[metric(name = "b")]): a second #[metric]; put all keys into one
    metric: Metric<u64>,

    #[state(default = 5)]
    #[state] //~ ERROR(#[state]): a second #[state]; put all keys into one
    state: u64,

    #[metric]
    #[metrics] //~ ERROR(#[metrics]): a field is either #[metric] or #[metrics], not both
    both: Metric<u64>,

    #[field(name = "a")] //~ ERROR(field): cannot find attribute `field` in this scope
    field: u64,
}

impl Monitor for Kinds {}

#[scalyr_monitor(name = "module")]
pub mod module {} //~ ERROR(mod module): a monitor is a struct with named fields; mark one with #[scalyr_monitor]
