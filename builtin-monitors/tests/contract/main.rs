//! What the Python agent's monitors take and emit, ours take and emit: `contract.json` says it of each, [`declared`] looks
//! whether a monitor of ours declares it, [`emitted`] whether it comes. What does not is listed there with the reason.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod declared;
mod emitted;

use serde_json::Value;

/// The monitors of the contract.
fn contract() -> Vec<Value> {
    serde_json::from_str(include_str!("contract.json")).unwrap()
}

/// The elements of a list; none where there is none.
fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}
