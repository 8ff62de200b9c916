//! Whether a session that is waited for still gets on.

use std::time::{Duration, Instant};

use crate::upload::Life;

/// Looks at a session again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vigil {
    life: Life,
    since: Instant,
    /// Tries of what has failed before show nothing, however well they begin.
    only_first_tries: bool,
}

impl Vigil {
    /// Over a session of which this is known.
    pub(super) fn begin(life: Life, now: Instant) -> Self {
        Self { life, since: now, only_first_tries: false }
    }

    /// Over one that tries again for ever what fails: for bytes that move it may then be waited for ever, too.
    pub(super) fn over_first_tries(self) -> Self {
        Self { only_first_tries: true, ..self }
    }

    /// Whether it has not got on for as long as `deadline`: nothing was dealt with, and nothing moves.
    pub(super) fn is_in_vain(&mut self, life: Life, now: Instant, deadline: Duration) -> bool {
        let moves_count = !(self.only_first_tries && life.is_failing);
        if life.dealt_with != self.life.dealt_with || moves_count && life.moved != self.life.moved {
            (self.life, self.since) = (life, now);
        }
        // Whoever waits for the rate has nothing to do before.
        self.since = life.kept_back_until.map_or(self.since, |until| until.max(self.since));
        let is_patient = moves_count && life.patient_until.is_some_and(|until| now < until);
        !is_patient && now.saturating_duration_since(self.since) >= deadline
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    #[test]
    fn a_session_is_given_up_when_nothing_is_dealt_with_and_nothing_moves() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut vigil = Vigil::begin(Life::default(), start);
        let mut life = Life::default();
        assert!(!vigil.is_in_vain(life, at(59), DEADLINE));
        life.moved += 1;
        assert!(!vigil.is_in_vain(life, at(60), DEADLINE), "a byte has moved");
        life.dealt_with += 1;
        assert!(!vigil.is_in_vain(life, at(119), DEADLINE), "a part was dealt with");
        life.patient_until = Some(at(200));
        assert!(!vigil.is_in_vain(life, at(199), DEADLINE), "the system still sends");
        assert!(vigil.is_in_vain(life, at(200), DEADLINE));
    }

    #[test]
    fn the_time_for_which_the_rate_keeps_a_request_back_does_not_count() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut vigil = Vigil::begin(Life::default(), start).over_first_tries();
        let kept_back = Life { kept_back_until: Some(at(100)), ..Life::default() };
        assert!(!vigil.is_in_vain(kept_back, at(10), DEADLINE));
        assert!(!vigil.is_in_vain(kept_back, at(90), DEADLINE));
        // It leaves, and is answered to with nothing.
        assert!(!vigil.is_in_vain(Life::default(), at(159), DEADLINE));
        assert!(vigil.is_in_vain(Life::default(), at(160), DEADLINE));
    }

    #[test]
    fn bytes_of_what_has_failed_before_buy_no_time_where_it_is_tried_for_ever() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut vigil = Vigil::begin(Life::default(), start).over_first_tries();
        let failing = |moved| Life { moved, is_failing: true, patient_until: Some(at(1000)), ..Life::default() };
        assert!(!vigil.is_in_vain(failing(1), at(30), DEADLINE));
        assert!(vigil.is_in_vain(failing(2), at(60), DEADLINE));
        assert!(!vigil.is_in_vain(Life { is_failing: false, ..failing(3) }, at(60), DEADLINE));
    }
}
