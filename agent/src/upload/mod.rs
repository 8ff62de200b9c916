//! Batches on their way to an acknowledged request: pack (encode, compress) → send → acknowledge.

mod accepted;

pub use accepted::Accepted;
