//! The status over HTTP (`status_listen`), and the history that its page shows.

use std::sync::Arc;

use super::start::{StartError, refused};
use super::{Stages, Supervisor};
use crate::config::plan::ListenPlan;
use crate::status::history::Sums;
use crate::status::listener::ListenerParts;

impl Supervisor {
    /// Listens where the plan says from now on.
    pub(super) fn listen(&self, plan: Option<&ListenPlan>) -> Result<(), StartError> {
        let stages = &self.stages;
        let parts = || {
            // Weak: the listener is one of the stages, and its thread holds what it asks.
            let (asked, of_life) = (Arc::downgrade(stages), Arc::downgrade(stages));
            let ended = || Some("the agent has stopped".to_owned());
            ListenerParts {
                threads: self.threads.clone(),
                clock: stages.clock.clone(),
                logger: stages.logger.clone(),
                stop: self.stop.clone(),
                snapshot: Arc::new(move |of_files| asked.upgrade().map(|stages| stages.snapshot_with(of_files))),
                lifeless: Arc::new(move || of_life.upgrade().map_or_else(ended, |stages| stages.lifeless())),
                history: Arc::clone(&stages.history),
            }
        };
        stages.listener.follow(plan, parts).map_err(refused("thread for status_listen"))?;
        stages.note_history();
        Ok(())
    }
}

impl Stages {
    /// Takes a sample of the history when one is due and there is a page to show it.
    pub(super) fn note_history(&self) {
        if !self.listener.is_wanted() {
            self.history.clear();
            return;
        }
        self.history.look(self.clock.monotonic(), self.clock.now(), || self.sums());
    }

    /// A few sums, without the snapshot that they are a part of.
    pub(super) fn sums(&self) -> Sums {
        let now = self.clock.monotonic();
        let (accounts, closed) = self.ledger.view();
        let mut sums = Sums { accepted_bytes: closed.accepted.bytes, ..Sums::default() };
        for account in accounts {
            let lag = account.lag(now);
            sums.accepted_bytes += account.accepted_bytes();
            sums.lag_bytes += lag.bytes;
            sums.lag_seconds = sums.lag_seconds.max(lag.age.as_secs_f64());
        }
        let sessions = &self.lock().sessions;
        sums.requests_failed = sessions.iter().map(|(_, session)| session.requests_failed()).sum();
        sums
    }
}
