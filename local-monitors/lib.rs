//! Links every monitor crate in the folders beside this file.
// >>> xtask: local monitors (written by `cargo xtask link`)
use local_coin as _;
use local_gauges as _;
// <<< xtask

#[cfg(test)]
#[path = "build.rs"]
mod guard;
