//! The end of the agent: one deadline over everything that has to be done before it, so that it comes within five seconds
//! whatever a monitor, a server or a disk does. What is not settled by then stays in its files, and is sent after the next
//! start.

use std::time::{Duration, Instant};

use super::Supervisor;
use super::left_over::LeftOver;
use crate::ledger::Totals;
use crate::monitors::runner::{ask_all, wait_all};
use crate::status;
use crate::upload::Session;

/// When the agent was asked to stop, its process ends no later than this, orderly or not.
pub const LONGEST_STOP: Duration = Duration::from_millis(4_500);
/// From then on nobody waits for monitors: those that hang are left behind.
const MONITORS: Duration = Duration::from_secs(2);
/// Until then the log files are read for the last time. Monitors that end at once leave their time to this and the rest.
const LAST_READ: Duration = Duration::from_millis(2_500);
/// Until then the sessions get rid of what was read. What remains is for the positions and the last lines of the log.
const SESSIONS: Duration = Duration::from_millis(3_500);
/// How much longer it is waited for a tail thread that does not come round.
const TAIL_PATIENCE: Duration = Duration::from_millis(250);

/// How the agent ended.
#[derive(Debug)]
pub struct Stopped {
    /// Whether everything that had been read was settled.
    pub drained: bool,
    /// Monitors that did not end within their time.
    pub left_behind: Vec<String>,
    /// What became of all bytes.
    pub totals: Totals,
}

impl Supervisor {
    /// Stops in the order of the line: monitors, a last read of the log files, sessions, positions.
    pub fn stop(self) -> Stopped {
        let now = self.stages.clock.monotonic();
        self.stop_since(now)
    }

    /// The same, when it was asked for at `asked`: all deadlines count from then.
    pub fn stop_since(self, asked: Instant) -> Stopped {
        let stages = &self.stages;
        stages.logger.info("The agent is stopping");
        self.lender.contributions.freeze();
        let (monitors, sessions) = {
            let mut running = stages.lock();
            (std::mem::take(&mut running.monitors), std::mem::take(&mut running.sessions))
        };
        let until = |end: Duration| (asked + end).saturating_duration_since(stages.clock.monotonic());
        let monitors = [monitors, self.added.close()].concat();
        ask_all(&monitors, &stages.logger);
        let left_behind = wait_all(&monitors, asked + MONITORS, MONITORS, &stages.clock, &stages.logger);
        let all_read = stages.tail.finish(asked + LAST_READ, until(LAST_READ) + TAIL_PATIENCE);
        let sessions: Vec<_> =
            sessions.into_iter().map(|(_, session)| session).chain(stages.handovers.freeze()).collect();
        let (began, budget) = (stages.clock.monotonic(), until(SESSIONS));
        let drained = Session::finish_all(&sessions, budget, &stages.clock) && all_read;
        stages.checkpoint.finish();
        stages.checkpoint.hand_back_to_python();
        self.stop.stop();
        let now = stages.clock.monotonic();
        let unanswered = sessions.iter().map(|session| session.snapshot().unanswered_bytes).sum();
        let waited = now.saturating_duration_since(began);
        LeftOver::of(&stages.ledger.accounts(), unanswered, now).tell(waited, &stages.logger);
        stages.tell_rest_of_rules();
        stages.tell_last_statistics(&sessions, &monitors);
        let totals = status::files(&stages.ledger, &stages.clock).totals;
        stages.logger.info("The agent has stopped");
        Stopped { drained, left_behind, totals }
    }
}
