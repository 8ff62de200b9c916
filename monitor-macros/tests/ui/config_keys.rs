//! Keys of `#[config]` that are unknown, twice there, or have the wrong shape.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Near miss.
    #[config(defualt = 1)] //~ ERROR(defualt): unknown key `defualt`; did you mean `default`?
    near: u64,

    /// Far off.
    #[config(colour = 1)] //~ ERROR(colour): unknown key `colour`; the keys are `default`, `required`, `min`, `max`, `env`, `rename`, `alias`, `secret`, `check`, `no_http`, `flatten`
    far: u64,

    /// Twice.
    #[config(default = 1, default = 2)] //~ ERROR(default): `default` is given twice
    twice: u64,

    /// No value.
    #[config(default = 1, min)] //~ ERROR(min): `min` needs a value: `min = …`
    no_value: u64,

    /// A value too many.
    #[config(required = true)] //~ ERROR(true): `required` takes no value
    flag: u64,

    /// Not text.
    #[config(required, rename = 5)] //~ ERROR(5): `rename` takes a text in quotes: `rename = "…"`
    text: u64,

    /// Not in parentheses.
    #[config = "required"] //~ ERROR(config = "required"): write the keys in parentheses: #[config(default, required, min, max, env, rename, alias, secret, check, no_http, flatten)]
    parentheses: Option<u64>,

    /// No text.
    #[config(required, alias)] //~ ERROR(alias): `alias` takes texts in quotes: `alias = "…"` or `alias("…", "…")`
    alias: u64,

    /// Not text.
    #[config(required, alias("a", 5))] //~ ERROR(("a", 5)): `alias` takes texts in quotes: `alias = "…"` or `alias("…", "…")`
    aliases: u64,

    /// No list.
    #[config(default(5))] //~ ERROR((5)): `default` is not written with parentheses: `default = …`
    parenthesised: u64,

    /// Neither.
    #[config(required, min(5))] //~ ERROR((5)): `min` is not written with parentheses: `min = …`
    least: u64,

    /// A value too many.
    #[config(required, secret = true)] //~ ERROR(true): `secret` takes no value
    secret: String,

    /// No function.
    #[config(required, check = 5)] //~ ERROR(5): `check` takes the path of a function that looks at the value: `check = is_good`
    check: u64,

    /// A variable in parentheses.
    #[config(required, env("A"))] //~ ERROR(("A")): `env` is not written with parentheses: `env = …`
    env: u64,

    /// Two attributes.
    #[config(default = 5)]
    #[config(min = 1)] //~ ERROR(#[config(min = 1)]): a second #[config]; put all keys into one
    two: u64,

    /// A keyword.
    #[config(required, r#type = 5)] //~ ERROR(r#type): unknown key `r#type`; …
    raw: u64,
}

impl Monitor for Coin {}
