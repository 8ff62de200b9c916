//! Why there was no answer.

use std::error::Error;
use std::fmt;

/// What ended an exchange without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::upload) struct Failure {
    /// Tells one cause from another, without anything in it that changes from time to time: no address of a host, no
    /// port, no number.
    pub(in crate::upload) kind: &'static str,
    /// What was found, with the server's or proxy's name, for the person who reads the log; holds no secret.
    pub(in crate::upload) text: String,
    /// The exchange took more than [`SLOW`](super::watch::SLOW) times `request_deadline`, or had no answer while the system
    /// may still have been sending it.
    pub(in crate::upload) slow: bool,
}

impl Failure {
    /// One that was not slow.
    pub(super) fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), slow: false }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failure {}

/// For libraries that want one of these; [`found_in`] gets it back.
impl From<Failure> for std::io::Error {
    fn from(failure: Failure) -> Self {
        Self::other(failure)
    }
}

/// The failure that was made an I/O error of.
pub(super) fn found_in(error: &std::io::Error) -> Option<&Failure> {
    error.get_ref()?.downcast_ref()
}
