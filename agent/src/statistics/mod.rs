//! The statistics lines of the agent log: what the agent did, as `key=value`, now and then (`cli-and-service.md` sections 4
//! and 8). The names and their order are those of the Python agent, whose users have searches for them.
//!
//! The agent log is shipped like any other, so a line that is written whatever happens would make a request, and with it
//! something to write the next line about. A line is therefore left out when nothing has happened since the one before of
//! its kind but the shipping of the agent log itself: see [`Happenings`].

mod figures;
mod happenings;
mod lines;
mod process;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use scalyr_monitor::Logger;

use crate::config::plan::StatisticsPlan;
use crate::status::Snapshot;
use crate::upload::SessionSnapshot;

pub use figures::Figures;
use figures::Sessions;
use happenings::Happenings;
pub use process::ProcessUsage;

/// Sessions are looked at this often, so that little is missed of what one did before a reload replaced it.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Writes the statistics lines when they are due.
#[derive(Debug)]
pub struct Statistics {
    sessions: Sessions,
    next_look: Instant,
    bandwidth: Turn,
    overall: Turn,
    copying: Turn,
    each_session: Turn,
    rates: lines::Rates,
}

/// When a line was last due, and how everything stood when it was last written.
#[derive(Clone, Debug)]
struct Turn {
    last: Instant,
    told: Option<Happenings>,
}

impl Turn {
    /// Whether the line is due.
    fn is_due(&self, interval: Option<Duration>, now: Instant) -> bool {
        interval.is_some_and(|interval| now.saturating_duration_since(self.last) >= interval)
    }

    /// Whether the line, if it is due, has something to tell.
    fn take(&mut self, interval: Option<Duration>, happenings: &Happenings, now: Instant) -> bool {
        if !self.is_due(interval, now) {
            return false;
        }
        self.last = now;
        let is_news = self.told.as_ref().map_or(!happenings.is_nothing(), |told| told != happenings);
        if is_news {
            self.told = Some(happenings.clone());
        }
        is_news
    }
}

impl Statistics {
    /// The agent starts: the first lines are due one interval later.
    pub fn new(now: Instant) -> Self {
        let turn = Turn { last: now, told: None };
        Self {
            sessions: Sessions::default(),
            next_look: now,
            bandwidth: turn.clone(),
            overall: turn.clone(),
            copying: turn.clone(),
            each_session: turn,
            rates: lines::Rates::new(now),
        }
    }

    /// Whether [`tell`](Self::tell) has something to do.
    pub fn is_due(&self, now: Instant, plan: &StatisticsPlan) -> bool {
        now >= self.next_look || self.is_line_due(now, plan)
    }

    /// Whether a line is due.
    pub fn is_line_due(&self, now: Instant, plan: &StatisticsPlan) -> bool {
        let turns = [
            (&self.bandwidth, plan.bandwidth),
            (&self.overall, plan.overall),
            (&self.copying, plan.copying),
            (&self.each_session, plan.sessions),
        ];
        turns.iter().any(|(turn, interval)| turn.is_due(*interval, now))
    }

    /// Takes note of what the sessions have done so far: those at work and those that are leaving.
    pub fn note_sessions<'a>(&mut self, now: Instant, sessions: impl Iterator<Item = &'a SessionSnapshot>) {
        self.next_look = now + LOOK_EVERY;
        self.sessions.look(sessions);
    }

    /// What all sessions have done since the agent started, also those that reloads have replaced, when those that there
    /// are stand like this.
    pub fn sum_with<'a>(&self, sessions: impl Iterator<Item = &'a SessionSnapshot>) -> Figures {
        self.sessions.sum_with(sessions)
    }

    /// Writes the lines that are due and have something to tell. `snapshot` is asked for only when one is due.
    pub fn tell(
        &mut self,
        now: Instant,
        plan: &StatisticsPlan,
        snapshot: impl FnOnce() -> Snapshot,
        usage: impl FnOnce() -> ProcessUsage,
        logger: &Logger,
    ) {
        if !self.is_line_due(now, plan) {
            return;
        }
        let snapshot = snapshot();
        let happenings = Happenings::of(&snapshot, self.sessions.sum());
        if self.overall.take(plan.overall, &happenings, now) {
            logger.info(lines::agent_status(&snapshot, self.sessions.sum(), &usage()));
        }
        if self.bandwidth.take(plan.bandwidth, &happenings, now) {
            logger.info(lines::agent_requests(self.sessions.sum(), plan.says_is_agent));
        }
        if self.copying.take(plan.copying, &happenings, now) {
            logger.info(lines::copy_manager_status(&snapshot, self.sessions.sum(), self.rates.since(&snapshot, now)));
        }
        if self.each_session.take(plan.sessions, &happenings, now) {
            for session in &snapshot.sessions {
                logger.info(lines::worker_session_requests(session, &Figures::of(session)));
            }
        }
    }

    /// The last `agent_status` line, when the agent ends; unless it is never to be written.
    pub fn tell_last(&self, plan: &StatisticsPlan, snapshot: &Snapshot, usage: &ProcessUsage, logger: &Logger) {
        if plan.overall.is_some() {
            logger.info(lines::agent_status(snapshot, self.sessions.sum(), usage));
        }
    }
}
