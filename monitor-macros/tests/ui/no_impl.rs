//! A struct that is marked, and no more.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {} //~ ERROR(Coin): `Coin` is marked #[scalyr_monitor] but does not implement `Monitor`
//~| LABEL: add `impl Monitor for Coin`
//~| NOTE: impl Monitor for Coin { fn gather_sample(&mut self, out: &mut Sample) -> Result<()> { ... } }
