//! State that does not know where to start.

use std::net::TcpStream;
use std::time::Duration;

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    stream: TcpStream, //~ ERROR(TcpStream): `TcpStream` has no default value for this state field to start from
    //~| LABEL: does not implement Default
    //~| NOTE: say what it starts from: #[state(default = …)]

    streams: Vec<TcpStream>,

    #[state(default = Duration::from_secs(5))]
    pause: Duration,

    #[state(default = "x")] //~ ERROR("x"): mismatched types
    count: u64,

    #[state(defalut = 5)] //~ ERROR(defalut): unknown key `defalut`; did you mean `default`?
    misspelt: u64,

    #[state(default = Some(5)?)] //~ ERROR(?): the `?` operator can only be used in a function that returns `Result` or `Option` (or another type that implements `FromResidual`)
    hasty: u64,
}

impl Monitor for Coin {}
