//! The receiver: reads what was recorded from the reference agent, refuses what the protocol does not allow, and
//! behaves over real sockets as it is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod body;
mod captures;
mod client;
mod command;
mod faults;
mod http;
mod output;
