//! Whether the agent does its work, for an orchestrator that starts it anew otherwise: what the watchdog of systemd sees.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Stages, Supervisor};

/// For how long the main loop may be away: a reload that waits for monitors takes its time.
const MAIN_LOOP: Duration = Duration::from_secs(120);
/// For how long one round of copying may take: what it reads of each file is bounded.
const COPYING: Duration = Duration::from_secs(60);

/// When the main loop came by.
pub(super) struct Heartbeat(Mutex<Instant>);

impl Heartbeat {
    pub(super) fn begin(now: Instant) -> Self {
        Self(Mutex::new(now))
    }

    pub(super) fn beat(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Supervisor {
    /// For how long the copying of logs has been stuck: nothing while it works or has nothing to do.
    pub fn stuck_for(&self) -> Duration {
        self.stages.stuck_for()
    }
}

impl Stages {
    fn stuck_for(&self) -> Duration {
        let round = self.tail.look(self.clock.monotonic()).round_seconds;
        round.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
    }

    /// Why the agent should be started anew; a server, a monitor or a configuration is no reason.
    pub(super) fn lifeless(&self) -> Option<String> {
        lifeless(self.heartbeat.age(self.clock.monotonic()), self.stuck_for())
    }
}

fn lifeless(away: Duration, stuck: Duration) -> Option<String> {
    let seconds = |time: Duration| time.as_secs();
    if away > MAIN_LOOP {
        return Some(format!("the main loop has been stuck for {} s", seconds(away)));
    }
    (stuck > COPYING).then(|| format!("the copying of logs has been stuck for {} s", seconds(stuck)))
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    #[test]
    fn an_agent_lives_until_its_main_loop_or_its_copying_is_stuck() {
        let seconds = Duration::from_secs;
        assert_eq!(lifeless(seconds(120), seconds(60)), None, "both may take their time");
        let told = |away, stuck| lifeless(seconds(away), seconds(stuck)).unwrap();
        assert_eq!(told(121, 0), "the main loop has been stuck for 121 s");
        assert_eq!(told(5, 61), "the copying of logs has been stuck for 61 s");
    }

    #[test]
    fn each_turn_of_the_main_loop_is_a_sign_of_life() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let heartbeat = Heartbeat::begin(start);
        assert_eq!(heartbeat.age(start + Duration::from_secs(130)), Duration::from_secs(130));
        heartbeat.beat(start + Duration::from_secs(129));
        assert_eq!(heartbeat.age(start + Duration::from_secs(130)), Duration::from_secs(1));
    }
}
