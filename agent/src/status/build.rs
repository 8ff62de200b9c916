//! What this program was built from.

/// The revision of the source, where whoever built it said so (`SCALYR_AGENT_REVISION`); else the version.
pub fn revision() -> &'static str {
    option_env!("SCALYR_AGENT_REVISION").unwrap_or(env!("CARGO_PKG_VERSION"))
}

/// The language and its version, where the Python agent tells that of Python.
pub fn language() -> String {
    format!("Rust {}", env!("CARGO_PKG_RUST_VERSION"))
}
