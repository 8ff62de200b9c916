//! Lets the session's handle end a request that hangs.

use std::sync::{Mutex, PoisonError};

use super::super::client::Client;

/// Holds the way to cut the connection that is in use.
#[derive(Default)]
pub(in crate::upload) struct Lifeline(Mutex<Cut>);

#[derive(Default)]
struct Cut {
    done: bool,
    connection: Option<Box<dyn FnOnce() + Send>>,
}

impl Lifeline {
    /// Ends the current request, and every later one at once.
    pub(in crate::upload) fn cut(&self) {
        let connection = {
            let mut cut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cut.done = true;
            cut.connection.take()
        };
        if let Some(cut) = connection {
            cut();
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).done
    }

    pub(super) fn hold(&self, client: &Client) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).connection = Some(Box::new(client.interrupter()));
    }
}
