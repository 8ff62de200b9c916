//! Stories of the upload stage, with real sockets and a scripted server.

mod any_answer;
mod decoded;
mod exchange;
pub(super) mod fixture;
mod forms;
mod packing_without_memory;
mod parts;
mod refusals;
mod request_properties;
mod round_trip;
mod server;
pub(super) mod session_stories;
mod wire_layout;
