//! The watched paths, each with a number that it keeps, and how often each is looked at.

use std::time::{Duration, Instant};

use crate::logs::notices::Coverage;
use crate::logs::watched::Watched;

/// A burst of writes to one file costs a look per so much time at most.
const SPACING: Duration = Duration::from_millis(10);
/// A polled file that was read a while ago is looked at so often, ...
const ACTIVE: Duration = Duration::from_millis(90);
/// ... and a quiet one so often.
const QUIET: Duration = Duration::from_millis(400);
/// A file is active for so long after it was last read.
const ACTIVE_FOR: Duration = Duration::from_secs(10);
/// What a quiet path has beside its file is looked at so often, where notices tell of the path itself.
const UNSETTLED: Duration = Duration::from_secs(1);
/// Every path is looked at so often, whatever notices say: those who write through a memory map are not noticed.
const SWEEP: Duration = Duration::from_secs(55);
/// The sweeps of all paths are spread over so much time, ...
const SWEEP_SPREAD_MS: u64 = 10_000;
/// ... and those that fall into the same so much are made together: waking up costs more than a look does.
const TOGETHER: Duration = Duration::from_secs(1);

/// Where a path stands among those that have something to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Queue {
    /// Nowhere.
    #[default]
    None,
    /// To be read in the next turn.
    Ready,
    /// To be read when its session has room.
    Parked,
}

/// A watched path and its timing.
#[derive(Debug)]
pub(super) struct Seat {
    /// The same for all: counted from there, sweeps fall together.
    begin: Instant,
    pub(super) watched: Watched,
    pub(super) coverage: Coverage,
    /// Another file may stand there since it was covered.
    pub(super) is_replaced: bool,
    pub(super) queue: Queue,
    /// Nothing was open there when this was last noted.
    pub(super) was_empty: bool,
    covered: Option<Instant>,
    looked: Option<Instant>,
    active_until: Option<Instant>,
}

impl Seat {
    /// Whether the path is to be covered anew before it is looked at: another file may stand there, or a directory that
    /// leads to it may be another one, of which nobody has told.
    pub(super) fn is_to_be_covered(&mut self, now: Instant) -> bool {
        let is_fresh = self.covered.is_some_and(|covered| now.saturating_duration_since(covered) < SWEEP);
        let is_due = std::mem::take(&mut self.is_replaced) || !is_fresh;
        if is_due {
            self.covered = Some(now);
        }
        is_due
    }

    /// Notes that it was looked at, and whether there was something to read.
    pub(super) fn note_look(&mut self, now: Instant, readable: bool) {
        self.looked = Some(now);
        if readable {
            self.active_until = Some(now + ACTIVE_FOR);
        }
    }

    /// The earlier, the longer nothing was read of it. Those of which nothing was ever read come first, in the order in
    /// which they were looked at.
    pub(super) fn quiet_since(&self) -> (Option<Instant>, Option<Instant>) {
        (self.active_until, self.looked)
    }

    /// When it is looked at next although nobody says that it has changed.
    pub(super) fn next_look(&self, number: usize, now: Instant) -> Instant {
        let sweep = now + SWEEP + Duration::from_millis(number as u64 * 7919 % SWEEP_SPREAD_MS);
        let sweep = together(self.begin, sweep);
        let is_active = self.active_until.is_some_and(|until| now < until);
        let pause = match (self.coverage.polled.is_some(), self.watched.is_unsettled()) {
            (false, false) => None,
            _ if is_active => Some(ACTIVE),
            (true, _) => Some(QUIET),
            (false, true) => Some(UNSETTLED),
        };
        let poll = pause.map(|pause| now + pause);
        let next = [self.watched.wake(), poll].into_iter().flatten().fold(sweep, Instant::min);
        self.not_before(next.max(now + SPACING))
    }

    /// The same while it cannot be read although there may be something: what would be read is not looked at meanwhile,
    /// only what becomes of the file.
    pub(super) fn next_look_unread(&self, number: usize, now: Instant) -> Instant {
        self.next_look(number, now).max(now + QUIET)
    }

    /// When it is looked at after a notice.
    pub(super) fn noticed_look(&self, now: Instant) -> Instant {
        self.looked.map_or(now, |looked| self.not_before(now.max(looked + SPACING)))
    }

    /// `minimum_scan_interval`.
    fn not_before(&self, time: Instant) -> Instant {
        let earliest = self.looked.zip(self.watched.scan_interval()).map(|(looked, least)| looked + least);
        earliest.map_or(time, |earliest| earliest.max(time))
    }
}

/// The next moment, counted in whole steps from `begin`, at which what is due at `time` is done together.
fn together(begin: Instant, time: Instant) -> Instant {
    let since = time.saturating_duration_since(begin);
    let steps = since.as_millis().div_ceil(TOGETHER.as_millis());
    begin + TOGETHER * u32::try_from(steps).unwrap_or(u32::MAX)
}

/// All of them.
#[derive(Debug)]
pub(super) struct Seats {
    begin: Instant,
    list: Vec<Option<Seat>>,
    free: Vec<usize>,
}

impl Seats {
    /// None yet.
    pub(super) fn new(begin: Instant) -> Self {
        Self { begin, list: Vec::new(), free: Vec::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len() - self.free.len()
    }

    /// Takes one in; its number.
    pub(super) fn add(&mut self, watched: Watched) -> usize {
        let seat = Seat {
            begin: self.begin,
            watched,
            coverage: Coverage::default(),
            is_replaced: true,
            queue: Queue::None,
            was_empty: true,
            covered: None,
            looked: None,
            active_until: None,
        };
        let number = self.free.pop().unwrap_or(self.list.len());
        if number == self.list.len() {
            self.list.push(None);
        }
        self.list[number] = Some(seat);
        number
    }

    /// Lets one go.
    pub(super) fn remove(&mut self, number: usize) -> Option<Seat> {
        let seat = self.list.get_mut(number)?.take()?;
        self.free.push(number);
        Some(seat)
    }

    /// One of them.
    pub(super) fn at(&self, number: usize) -> Option<&Seat> {
        self.list.get(number)?.as_ref()
    }

    /// One of them.
    pub(super) fn at_mut(&mut self, number: usize) -> Option<&mut Seat> {
        self.list.get_mut(number)?.as_mut()
    }

    /// Every path with its number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Watched)> {
        let seats = self.list.iter().enumerate();
        seats.filter_map(|(number, seat)| seat.as_ref().map(|seat| (number, &seat.watched)))
    }

    /// Every path with its number.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Watched)> {
        let seats = self.list.iter_mut().enumerate();
        seats.filter_map(|(number, seat)| seat.as_mut().map(|seat| (number, &mut seat.watched)))
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::Clock;

    use super::*;

    #[test]
    fn sweeps_of_the_same_second_are_made_at_its_end() {
        let begin = Clock::system().monotonic();
        let at = |ms| begin + Duration::from_millis(ms);
        assert_eq!([0, 1, 999, 1000, 1001].map(|ms| together(begin, at(ms))), [0, 1000, 1000, 1000, 2000].map(at));
        assert_eq!(together(at(1), begin), at(1), "nothing is due before all began");
    }
}
