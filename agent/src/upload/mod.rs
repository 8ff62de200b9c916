//! Batches on their way to an acknowledged request: pack (encode, compress) → send → acknowledge.

mod accepted;

pub use accepted::Accepted;

/// Keeps the positions on disk in step with the ledger.
pub trait Save: Send + Sync {
    /// Writes what has changed since the last time.
    fn save(&self);
}
