//! Functions that look at a value, and options that hold no URL.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// The wrong type.
    #[config(default = 5, check = looks_at_text)] //~ ERROR(looks_at_text): mismatched types
    number: u64,

    /// The wrong result.
    #[config(default = 5, check = answers)] //~ ERROR(answers): mismatched types
    answer: u64,

    /// No such function.
    #[config(default = 5, check = missing)] //~ ERROR(missing): cannot find function `missing` in this scope
    missing: u64,

    /// Fine, though it takes what a `String` derefs to.
    #[config(required, check = looks_at_text, no_http)]
    text: String,

    /// Fine.
    #[config(default, check = |number| answers(number).then_some(()).ok_or_else(|| Error::new("none")))]
    closure: u64,

    /// Too many arguments.
    #[config(default = 5, check = takes_two)] //~ ERROR(takes_two): this function takes 2 arguments but 1 argument was supplied
    two: u64,

    /// A method.
    #[config(default = 5, check = Self::is_good)] //~ ERROR(Self): …
    method: u64,

    /// No URL.
    #[config(default = 5, no_http)]
    url: u64, //~ ERROR(u64): `u64` holds no URL, so `no_http` cannot bring it to https
    //~| LABEL: not the type of a URL
    //~| NOTE: `no_http` is for String, Option<String> and Vec<String>
}

fn looks_at_text(text: &str) -> Result<()> {
    if text.is_empty() { Err(Error::new("empty")) } else { Ok(()) }
}

fn takes_two(_: &u64, _: &u64) -> Result<()> {
    Ok(())
}

fn answers(number: &u64) -> bool {
    *number > 0
}

impl Monitor for Coin {}
