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
#[scalyr_monitor(colour = "red")] //~ ERROR(colour): unknown key `colour`; the keys are `name`, `module`, `enabled_by_default`, `log_fields`
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

/// Flips.
#[scalyr_monitor(name = "")] //~ ERROR(""): an empty text cannot name a monitor: a letter or `_`, then letters, digits, `_` and `-`; a dotted name goes into `module = "…"`
pub struct Nameless {}

impl Monitor for Nameless {}

/// Flips.
#[scalyr_monitor(name = "coin", enabled_by_default = true)] //~ ERROR(true): `enabled_by_default` takes no value
pub struct Enabled {}

impl Monitor for Enabled {}

/// Flips.
#[scalyr_monitor(name = "coin", log_fields = "count")] //~ ERROR("count"): `log_fields` takes names with a text each: `log_fields(name = "…", …)`
pub struct LogFields {}

impl Monitor for LogFields {}

/// Flips.
#[scalyr_monitor(
    name = "coin",
    log_fields(
        count = 5, //~ ERROR(5): `count` takes a text in quotes: `count = "…"`
        empty = "", //~ ERROR(""): say what `empty` tells: it becomes its text in the reference
        monitor = "Always `coin`.",
        monitor = "Once more.", //~ ERROR(monitor): the field `monitor` is given twice
        "two words" = "Blank.", //~ ERROR("two words"): `two words` cannot name a field: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`
        bare, //~ ERROR(bare): `bare` needs a text: `bare = "…"`
        5, //~ ERROR(5): expected the name of a field, in quotes if it is no word
    ),
)]
pub struct Lines {}

impl Monitor for Lines {}

/// Flips.
#[scalyr_monitor(name = "coin", alias = "penny")] //~ ERROR(alias): unknown key `alias`; …
pub struct Aliased {}

impl Monitor for Aliased {}
