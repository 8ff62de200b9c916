//! Doc comments that are missing.

use scalyr_monitor::prelude::*;

#[scalyr_monitor(name = "coin")]
pub struct Coin { //~ ERROR(Coin): the monitor `Coin` needs a doc comment (`/// …`): it becomes its text in the reference
    #[config(default = 1)]
    bare: u64, //~ ERROR(bare): the option `bare` needs a doc comment (`/// …`): it becomes its text in the reference

    ///
    #[config(default = 1)]
    empty: u64, //~ ERROR(empty): the option `empty` needs a doc comment (`/// …`): it becomes its text in the reference

    #[metric]
    flip: Metric<u64>, //~ ERROR(flip): the metric `flip` needs a doc comment (`/// …`): it becomes its text in the reference

    state_needs_none: u64,
}

impl Monitor for Coin {}
