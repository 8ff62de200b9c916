//! Ends every wait of a client at once, from another thread.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Whoever waits on a socket looks at [`Interrupt::readable`] as well, whoever waits on a channel at
/// [`Interrupt::disconnected`].
#[derive(Debug)]
pub(in crate::upload) struct Interrupt {
    ear: UnixStream,
    bell: UnixStream,
    /// Taken away when the wait is over.
    held: Mutex<Option<Sender<Infallible>>>,
    disconnected: Receiver<Infallible>,
}

impl Interrupt {
    /// Nobody has cut anything yet.
    ///
    /// # Errors
    /// When the process may not open more files.
    pub(super) fn new() -> io::Result<Self> {
        let (ear, bell) = UnixStream::pair()?;
        let (held, disconnected) = bounded(0);
        Ok(Self { ear, bell, held: Mutex::new(Some(held)), disconnected })
    }

    /// Ends the waits that are on and all later ones.
    pub(in crate::upload) fn cut(&self) {
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
        // One byte, which nobody takes away: it fits.
        _ = (&self.bell).write(&[1]);
    }

    /// Whether the waits are over.
    pub(super) fn is_cut(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Can be read from when the waits are over.
    pub(super) fn readable(&self) -> BorrowedFd<'_> {
        self.ear.as_fd()
    }

    /// Disconnected when the waits are over.
    pub(super) fn disconnected(&self) -> &Receiver<Infallible> {
        &self.disconnected
    }
}
