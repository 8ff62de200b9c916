//! The proof that the server has an event.

/// Says that the server accepted a range of bytes. Only the upload stage can make one.
#[derive(Debug)]
pub struct Accepted(());
