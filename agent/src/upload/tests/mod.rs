//! Stories of the upload stage, with real sockets and a scripted server.

mod decoded;
pub(super) mod fixture;
mod request_properties;
mod server;
mod session_stories;
mod wire_layout;
