//! Monitors as authors wrote them against each version of this crate. A file beside this one is never edited: when it
//! no longer compiles, or its tests fail, the change breaks monitors that people have, and must be made in another way.
//! What a version adds gets a file of its own.

#[cfg(feature = "patterns")]
mod api_0_1;
#[cfg(feature = "patterns")]
mod api_0_1_corners;
#[cfg(feature = "http")]
mod api_0_1_http;
