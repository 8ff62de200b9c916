//! The monitors that every Scalyr agent carries.
#![forbid(unsafe_code)]

pub mod test_monitor;
