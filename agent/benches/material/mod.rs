//! What the benches work on.

pub mod access_log;
pub mod bodies;
