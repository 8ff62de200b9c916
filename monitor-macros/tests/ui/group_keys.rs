//! Options of a group that the monitor, or another group, has as well.

use scalyr_monitor::prelude::*;

#[derive(OptionGroup)]
pub struct Listener {
    /// An address.
    #[config(required, alias = "address")]
    host: String,
}

#[derive(OptionGroup)]
pub struct Outer {
    #[config(flatten)] // fine
    listener: Listener,

    /// A port.
    #[config(required)]
    port: u16,
}

#[derive(OptionGroup)]
pub struct Clash {
    /// A host.
    #[config(required, rename = "Address")]
    address: String,

    #[config(flatten)]
    outer: Outer, //~ ERROR(outer): evaluation panicked: the option `address` of this group is declared already, as `Address`
}

/// Has what the group has.
#[scalyr_monitor(name = "own")]
pub struct Own {
    #[config(flatten)]
    outer: Outer, //~ ERROR(outer): evaluation panicked: the option `port` of this group is declared already

    /// A port.
    #[config(required)]
    port: u16,
}

impl Monitor for Own {}

/// Has two groups with one key.
#[scalyr_monitor(name = "two")]
pub struct Two {
    #[config(flatten)]
    outer: Outer,

    #[config(flatten)]
    listener: Listener, //~ ERROR(listener): evaluation panicked: the option `host` of this group is declared already
}

impl Monitor for Two {}
