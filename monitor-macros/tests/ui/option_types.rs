//! Types that cannot be read from the configuration.

use std::net::TcpStream;

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// A connection.
    #[config(required)]
    stream: TcpStream, //~ ERROR(TcpStream): `TcpStream` cannot be read from a monitor's configuration; use bool, …
    //~| LABEL: not the type of an option

    /// Inside another.
    #[config]
    maybe: Option<TcpStream>, //~ ERROR(Option<TcpStream>): `TcpStream` cannot be read from a monitor's configuration; use bool, …
    //~| LABEL: not the type of an option

    /// An enum that nobody derived.
    #[config(default = Mode::Plain)]
    mode: Mode, //~ ERROR(Mode): `Mode` cannot be read from a monitor's configuration; use bool, …
    //~| NOTE: an enum of words derives ConfigValue; options that belong together derive OptionGroup and are taken in with #[config(flatten)]

    /// Text has no bounds.
    #[config(default = "a", max = 5)]
    text: String, //~ ERROR(String): `String` is not a number, so it can have neither `min` nor `max`
    //~| LABEL: has no bounds
    //~| NOTE: bounds are for integers, f64, f32, Duration (in seconds), and Option, Vec and BTreeMap of these
}

impl Monitor for Coin {}

pub enum Mode {
    Plain,
}
