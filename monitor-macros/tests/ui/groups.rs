//! Groups of options.

use scalyr_monitor::prelude::*;

#[derive(OptionGroup)]
pub struct Listener {
    #[config(required, mni = 1)] //~ ERROR(mni): unknown key `mni`; did you mean `min`?
    port: u16, //~ ERROR(port): the option `port` needs a doc comment (`/// …`): it becomes its text in the reference

    /// An address.
    #[config(default = 5)] //~ ERROR(5): mismatched types
    address: String,

    /// Who.
    #[config]
    id: Option<String>, //~ ERROR(id): the key `id` is reserved: the agent itself reads it

    unmarked: u64, //~ ERROR(unmarked): every field of a group of options is an option: mark it #[config(…)]

    /// A metric.
    #[metric] //~ ERROR(#[metric]): every field of a group of options is an option: mark it #[config(…)]
    metric: Metric<u64>,

    #[state] //~ ERROR(#[state]): every field of a group of options is an option: mark it #[config(…)]
    state: u64,

    /// Both.
    #[config(flatten, default, min = 1)] //~ ERROR(default): `flatten` and `default` do not go together: each option of the group says it for itself
    //~^ ERROR(min): `flatten` and `min` do not go together: each option of the group says it for itself
    inner: Inner,

    #[config(flatten = true)] //~ ERROR(true): `flatten` takes no value
    valued: Other,
}

#[derive(OptionGroup)]
pub struct Inner {
    /// An address.
    #[config(required, alias = "server")]
    host: String,
}

#[derive(OptionGroup)]
pub struct Other {
    /// Another.
    #[config(default)]
    other: bool,
}

/// Uses a group that has mistakes: nothing is said about the use.
#[scalyr_monitor(name = "user")]
pub struct User {
    #[config(flatten)]
    listener: Listener,

    #[config(flatten)]
    number: u64, //~ ERROR(u64): `u64` is not a group of options, so it cannot be flattened
    //~| LABEL: not a group of options
    //~| NOTE: write a struct with one #[config(…)] field per option and put #[derive(OptionGroup)] on it
}

impl Monitor for User {}

#[derive(OptionGroup)]
pub struct Generic<T> { //~ ERROR(<T>): a group of options cannot be generic: what it declares is fixed while it compiles
    /// A value.
    #[config(required)]
    value: T,
}

#[derive(OptionGroup)]
pub enum Enum { //~ ERROR(enum Enum): a group of options is a struct with named fields, and `Enum` is an enum
    One,
}

#[derive(OptionGroup)]
pub struct Pair(u64, u64); //~ ERROR(struct Pair): a group of options is a struct with named fields, and `Pair` is a tuple struct

#[derive(OptionGroup)]
#[config(default = 5)] //~ ERROR(#[config(default = 5)]): #[config] belongs on a field
pub struct Marked {
    /// A value.
    #[config(required)]
    value: u64,
}
