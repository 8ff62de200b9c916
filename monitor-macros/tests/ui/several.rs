//! Several mistakes in one struct are all told in one run, also those that only rustc can see.

use scalyr_monitor::prelude::*;

#[scalyr_monitor(name = "the coin")] //~ ERROR("the coin"): `the coin` cannot name a monitor: a letter or `_`, then letters, digits, `_` and `-`; a dotted name goes into `module = "…"`
pub struct Coin { //~ ERROR(Coin): the monitor `Coin` needs a doc comment (`/// …`): it becomes its text in the reference
    //~^ ERROR(Coin): `Coin` is marked #[scalyr_monitor] but does not implement `Monitor`
    //~| LABEL: add `impl Monitor for Coin`
    //~| NOTE: impl Monitor for Coin { fn gather_sample(&mut self, out: &mut Sample) -> Result<()> { ... } }
    /// One.
    #[config(defualt = 0.5, mim = 0)] //~ ERROR(defualt): unknown key `defualt`; did you mean `default`?
    //~^ ERROR(mim): unknown key `mim`; did you mean `min`?
    mean: Option<f64>,

    /// Two.
    #[config(default = 50, max = 10)] //~ ERROR(50): the default 50 lies outside ..=10
    spread: f64,

    /// Three.
    #[config(default = "x")] //~ ERROR("x"): mismatched types
    number: f64,

    #[metric]
    flip: f64, //~ ERROR(flip): the metric `flip` needs a doc comment (`/// …`): it becomes its text in the reference
    //~^ ERROR(f64): the type of a metric must be `Metric<_>`, a handle to emit through: `Metric<f64>` emits `f64`

    thread: std::thread::JoinHandle<()>, //~ ERROR(std::thread::JoinHandle<()>): `JoinHandle<()>` has no default value for this state field to start from
    //~| LABEL: does not implement Default
    //~| NOTE: say what it starts from: #[state(default = …)]
}
