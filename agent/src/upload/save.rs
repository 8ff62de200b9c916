//! What the send thread needs of the checkpoint.

/// Keeps the positions on disk in step with the ledger: called after each settled request, before the next one leaves.
pub trait Save: Send + Sync {
    /// Writes what has changed since the last time.
    fn save(&self);
}
