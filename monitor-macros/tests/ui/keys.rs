//! Two options with one key, and keys that the agent reads.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// The first.
    #[config(required)]
    host: String,

    /// The second.
    #[config(required, rename = "host")] //~ ERROR("host"): the option `host` is declared twice
    other: String,

    /// Who am I.
    #[config]
    id: Option<String>, //~ ERROR(id): the key `id` is reserved: the agent itself reads it

    /// How often.
    #[config(rename = "sample_interval")] //~ ERROR("sample_interval"): the key `sample_interval` is reserved: the agent itself reads it
    interval: Option<f64>,

    /// No such key.
    #[config(rename = "a b")] //~ ERROR("a b"): `a b` cannot name an option: ASCII letters, digits, `_`, `-` and `.` can
    blank: Option<f64>,

    /// No such variable.
    #[config(env = "A=B")] //~ ERROR("A=B"): `A=B` cannot name an environment variable: an ASCII letter or `_`, then letters, digits and `_`
    variable: Option<f64>,

    /// No such variable by itself.
    #[config(env, rename = "look-kind")] //~ ERROR(env): `SCALYR_LOOK-KIND` cannot name an environment variable; give it a name: `env = "SCALYR_LOOK_KIND"`
    look: Option<String>,

    /// A variable that begins with a digit.
    #[config(env = "1ST")] //~ ERROR("1ST"): `1ST` cannot name an environment variable: an ASCII letter or `_`, then letters, digits and `_`
    first: Option<f64>,

    /// Nothing.
    #[config(rename = "")] //~ ERROR(""): an empty text cannot name an option: ASCII letters, digits, `_`, `-` and `.` can
    nothing: Option<f64>,

    /// Its older name is another's.
    #[config(alias = "host")] //~ ERROR("host"): the option `host` is declared twice
    aliased: Option<f64>,

    /// Its older names are one, reserved, and none.
    #[config(alias("old", "old", "id", ""))] //~ ERROR("old"): the option `old` is declared twice
    //~^ ERROR("id"): the key `id` is reserved: the agent itself reads it
    //~^^ ERROR(""): an empty text cannot name an option: ASCII letters, digits, `_`, `-` and `.` can
    several: Option<f64>,

    /// In capitals.
    #[config(rename = "HOST")] //~ ERROR("HOST"): capitals alone do not tell the options `host` and `HOST` apart
    capitals: Option<f64>,

    /// Reserved in any capitals.
    #[config(rename = "ID")] //~ ERROR("ID"): the key `ID` is reserved: the agent itself reads it
    big_id: Option<f64>,

    /// Not in ASCII.
    #[config]
    größe: Option<f64>, //~ ERROR(größe): `größe` cannot name an option: ASCII letters, digits, `_`, `-` and `.` can
}

impl Monitor for Coin {}
