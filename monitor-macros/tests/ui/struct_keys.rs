//! Keys of the struct itself.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor]
pub struct NoName {} //~ ERROR(NoName): a monitor needs a name: #[scalyr_monitor(name = "…")]

impl Monitor for NoName {}

/// Flips.
#[scalyr_monitor(nmae = "coin")] //~ ERROR(nmae): unknown key `nmae`; did you mean `name`?
pub struct Misspelt {}

impl Monitor for Misspelt {}

/// Flips.
#[scalyr_monitor(name = "a.coin")] //~ ERROR("a.coin"): `a.coin` cannot name a monitor: a letter or `_`, then letters, digits, `_` and `-`; a dotted name goes into `module = "…"`
pub struct Dotted {}

impl Monitor for Dotted {}

/// Flips.
#[scalyr_monitor(name = "coin", module = "a..coin")] //~ ERROR("a..coin"): `a..coin` is no module name: parts of letters, digits, `_` and `-` with a dot between
pub struct Module {}

impl Monitor for Module {}

/// Flips.
#[scalyr_monitor(colour = "red")] //~ ERROR(colour): unknown key `colour`; the keys are `name`, `module`
pub struct Coloured {} //~ ERROR(Coloured): a monitor needs a name: #[scalyr_monitor(name = "…")]

impl Monitor for Coloured {}

/// Flips.
#[scalyr_monitor]
pub struct Generic<T: Send + 'static> { //~ ERROR(<T: Send + 'static>): a monitor cannot be generic: it is registered once, under one name, with the types that it has then
    //~^ ERROR(Generic): a monitor needs a name: #[scalyr_monitor(name = "…")]
    value: T,
}

impl<T: Send + 'static> Monitor for Generic<T> {}

/// Flips.
#[scalyr_monitor(name = )] //~ ERROR(name): `name` needs a value: `name = …`
pub struct Half {}

impl Monitor for Half {}
