//! Lets the session's handle end a request that hangs, and see whether it does.

use std::sync::{Mutex, PoisonError};

use super::super::client::Client;
use super::super::connection::Motion;

/// Holds the way to cut the connection that is in use.
#[derive(Default)]
pub(in crate::upload) struct Lifeline(Mutex<Cut>);

#[derive(Default)]
struct Cut {
    done: bool,
    connection: Option<Box<dyn FnOnce() + Send>>,
    motion: Option<Box<dyn Fn() -> Motion + Send>>,
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

    /// What moves on the connection.
    pub(in crate::upload) fn motion(&self) -> Motion {
        let cut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cut.motion.as_ref().map(|motion| motion()).unwrap_or_default()
    }

    pub(super) fn is_cut(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).done
    }

    /// From now on it is about this client. When it was cut since somebody looked last, so is the client.
    pub(super) fn hold(&self, client: &Client) {
        let is_cut = {
            let mut cut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cut.connection = Some(Box::new(client.interrupter()));
            cut.motion = Some(Box::new(client.motion()));
            cut.done
        };
        if is_cut {
            self.cut();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use scalyr_monitor::Clock;

    use super::super::super::tests::session_stories::plan;
    use super::*;
    use crate::threads::Threads;

    #[test]
    fn a_cut_that_comes_before_the_client_is_not_lost() {
        // It takes connections and says nothing.
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let plan = plan(&format!("http://{}", server.local_addr().unwrap()));
        let client = Client::new(&plan, &Clock::system(), &Threads::new()).unwrap();
        let lifeline = Lifeline::default();
        lifeline.cut();
        lifeline.hold(&client);
        assert_eq!(client.post(b"{}", "test").unwrap_err().kind, "interrupted");
    }
}
