//! Items that cannot be monitors.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub enum Enum { //~ ERROR(enum Enum): a monitor is a struct with named fields, and `Enum` is an enum
    Heads,
}

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Tuple(u64); //~ ERROR(struct Tuple): a monitor is a struct with named fields, and `Tuple` is a tuple struct

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Unit; //~ ERROR(struct Unit): a monitor is a struct with named fields, and `Unit` is a struct without a body; write `{}`

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Generic<T: Default + Send + 'static> { //~ ERROR(<T: Default + Send + 'static>): a monitor cannot be generic: it is registered once, under one name, with the types that it has then
    value: T,
}

impl<T: Default + Send + 'static> Monitor for Generic<T> {}

/// Flips.
#[scalyr_monitor(name = "coin")]
pub(crate) fn function() {} //~ ERROR(fn function): a monitor is a struct with named fields; mark one with #[scalyr_monitor]

#[derive(Fields)]
enum Extra { //~ ERROR(enum Extra): the extra fields of a metric are a struct with named fields, and `Extra` is an enum
    One,
}
