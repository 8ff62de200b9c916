//! How far the copying of a file is behind its end, in bytes and in time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Offset;

/// So many moments are remembered of a file.
const MOST_MARKS: usize = 8;
/// What was written within this time of each other is taken for equally old.
const RESOLUTION: Duration = Duration::from_secs(1);

/// How far a file is behind: what was seen of it and has no outcome yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Bytes that have no outcome yet, those that were handed on among them.
    pub bytes: u64,
    /// Of these, bytes that were not handed on yet.
    pub unread: u64,
    /// How long the oldest of them has been waiting since this process first saw it.
    pub age: Duration,
}

impl Lag {
    /// Adds another file: its bytes, and its age where that is higher.
    pub fn merge(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.unread += other.unread;
        self.age = self.age.max(other.age);
    }
}

/// When which bytes of a file were first seen: a few marks, whatever comes.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    /// Everything before the offset, and behind that of the mark before, was first seen at that moment or a little later.
    marks: VecDeque<(Offset, Instant)>,
    /// Where the file ended at the last look.
    end: Offset,
    looked: Option<Instant>,
}

impl Sightings {
    /// The file ended at `end`, and everything before `settled` has its outcome.
    pub(super) fn note(&mut self, end: Offset, settled: Offset, now: Instant) {
        self.looked = Some(now);
        self.settle(settled);
        let grown = end > self.end.max(settled);
        self.end = end;
        if !grown {
            return;
        }
        match self.marks.back_mut() {
            Some(last) if now.saturating_duration_since(last.1) < RESOLUTION => last.0 = end,
            _ => self.marks.push_back((end, now)),
        }
        if self.marks.len() > MOST_MARKS {
            self.thin_out();
        }
    }

    /// Joins the two marks that are closest in time; the bytes of the later one count as old as those of the earlier.
    fn thin_out(&mut self) {
        let gap = |at: usize| self.marks.get(at + 1).zip(self.marks.get(at)).map(|(later, mark)| later.1 - mark.1);
        let Some(closest) = (0..self.marks.len() - 1).min_by_key(|at| gap(*at)) else { return };
        if let Some((end, _)) = self.marks.remove(closest + 1)
            && let Some(mark) = self.marks.get_mut(closest)
        {
            mark.0 = end;
        }
    }

    /// Forgets the moments of what has its outcome.
    fn settle(&mut self, settled: Offset) {
        while self.marks.front().is_some_and(|mark| mark.0 <= settled) {
            self.marks.pop_front();
        }
        if self.marks.is_empty() {
            // Most files are never behind for long: they need no memory for it.
            self.marks = VecDeque::new();
        }
    }

    pub(super) fn lag(&self, read: Offset, settled: Offset, now: Instant) -> Lag {
        let end = self.end.max(read);
        let since = self.marks.iter().find(|mark| mark.0 > settled).map(|mark| mark.1);
        Lag {
            bytes: end.since(settled),
            unread: end.since(read),
            age: since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)),
        }
    }

    pub(super) fn looked(&self) -> Option<Instant> {
        self.looked
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_oldest_byte_without_an_outcome_says_how_old_the_lag_is() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let at = |seconds: u32| start + SECOND * seconds;
        let mut sightings = Sightings::default();
        sightings.note(Offset(100), Offset(100), at(0));
        assert_eq!(sightings.lag(Offset(100), Offset(100), at(50)), Lag::default(), "nothing was written");
        sightings.note(Offset(150), Offset(100), at(60));
        sightings.note(Offset(400), Offset(100), at(80));
        let lag = sightings.lag(Offset(120), Offset(100), at(90));
        assert_eq!(lag, Lag { bytes: 300, unread: 280, age: SECOND * 30 });
        assert_eq!(sightings.lag(Offset(150), Offset(150), at(90)).age, SECOND * 10);
        assert_eq!(sightings.lag(Offset(400), Offset(400), at(90)), Lag::default());
    }

    #[test]
    fn a_file_that_stays_behind_for_hours_needs_a_few_marks_and_its_age_is_nearly_right() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let mut sightings = Sightings::default();
        // A byte a second, and the server is an hour late.
        for second in 0..20_000_u32 {
            let settled = Offset(u64::from(second.saturating_sub(3600)));
            sightings.note(Offset(u64::from(second)), settled, start + SECOND * second);
            assert!(sightings.marks.len() <= MOST_MARKS);
            let age = sightings.lag(settled, settled, start + SECOND * second).age.as_secs();
            let true_age = u64::from(second.min(3600));
            assert!((true_age.saturating_sub(2)..=true_age + 3600).contains(&age), "{age} at {second}");
        }
        let settled = Offset(19_999);
        sightings.note(settled, settled, start + SECOND * 20_000);
        assert!(sightings.marks.is_empty());
    }
}
