//! Which path is looked at when. Costs nothing for those whose time has not come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use crate::config::plan::SessionId;

/// The times of all paths, by their numbers, and those that have something to read.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    times: BTreeSet<(Instant, usize)>,
    time_of: Vec<Option<Instant>>,
    /// Those to be read, in order.
    pub(super) ready: VecDeque<usize>,
    /// Those whose session has no room, in order.
    pub(super) parked: BTreeMap<SessionId, VecDeque<usize>>,
}

impl Schedule {
    /// Looks at it then, and not before.
    pub(super) fn set(&mut self, number: usize, time: Instant) {
        self.forget(number);
        if self.time_of.len() <= number {
            self.time_of.resize(number + 1, None);
        }
        self.time_of[number] = Some(time);
        self.times.insert((time, number));
    }

    /// Looks at it then at the latest.
    pub(super) fn hasten(&mut self, number: usize, time: Instant) {
        if self.time_of.get(number).copied().flatten().is_none_or(|before| time < before) {
            self.set(number, time);
        }
    }

    /// Does not look at it.
    pub(super) fn forget(&mut self, number: usize) {
        if let Some(time) = self.time_of.get_mut(number).and_then(Option::take) {
            self.times.remove(&(time, number));
        }
    }

    /// It does not wait for this session any more.
    pub(super) fn unpark(&mut self, session: &SessionId, number: usize) {
        if let Some(numbers) = self.parked.get_mut(session) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.parked.remove(session);
            }
        }
    }

    /// Those whose time has come, the one that has waited longest first.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        while let Some(&(time, number)) = self.times.first().filter(|(time, _)| *time <= now) {
            self.times.remove(&(time, number));
            self.time_of[number] = None;
            due.push(number);
        }
        due
    }

    /// When the next time comes.
    pub(super) fn next(&self) -> Option<Instant> {
        self.times.first().map(|(time, _)| *time)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scalyr_monitor::Clock;

    use super::*;

    #[test]
    fn those_whose_time_has_come_are_taken_in_order_and_once() {
        let (mut schedule, now) = (Schedule::default(), Clock::system().monotonic());
        let after = |ms| now + Duration::from_millis(ms);
        schedule.set(3, after(30));
        schedule.set(1, after(10));
        schedule.set(2, after(20));
        schedule.hasten(3, after(5));
        schedule.hasten(2, after(25));
        schedule.set(7, after(1));
        schedule.forget(7);
        assert_eq!(schedule.next(), Some(after(5)));
        assert_eq!(schedule.take_due(after(15)), [3, 1]);
        assert_eq!(schedule.take_due(after(15)), [] as [usize; 0]);
        assert_eq!(schedule.take_due(after(20)), [2]);
        assert_eq!(schedule.next(), None);
    }
}
