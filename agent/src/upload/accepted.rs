//! The proof that the server has an event.

/// Says that the server accepted a range of bytes. Only the upload stage can make one.
#[derive(Debug)]
pub struct Accepted(());

impl Accepted {
    /// For the send thread, after an answer that [is a success](super::answer::Judgement::Success).
    pub(super) fn by_server() -> Self {
        Self(())
    }
}
