//! Failed samples, told so that a reader notices and the log does not drown: each new text at once, the same one again
//! now and then with its count, and the end of the trouble.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// The same text is told again after this time at the earliest.
const AGAIN: Duration = Duration::from_secs(300);
/// So many different texts are told in that time; a text with a number or a time in it is a new one each time, and would
/// fill the log.
const MOST_CAUSES: usize = 16;

/// What was told of an instance's failed samples, and what not yet.
#[derive(Debug, Default)]
pub struct Repeats {
    causes: Vec<Cause>,
    /// Failed samples since the last good one.
    failed: u64,
    since: Option<Instant>,
    /// Whether one of them was told.
    told: bool,
    /// Failed samples that were told one by one neither with their text nor in a count.
    untold: u64,
    /// How many of these had a text that is not remembered.
    others: u64,
}

/// One text.
#[derive(Debug)]
struct Cause {
    hash: u64,
    told: Instant,
    /// How often it came since then.
    repeats: u64,
}

impl Repeats {
    /// A sample failed with this text: what to log, or nothing when it is counted only.
    pub fn failed(&mut self, text: &str, now: Instant) -> Option<String> {
        self.failed += 1;
        self.since.get_or_insert(now);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        let Some(cause) = self.causes.iter_mut().find(|cause| cause.hash == hash) else {
            if !self.make_room(now) {
                self.others += 1;
                self.untold += 1;
                return None;
            }
            self.causes.push(Cause { hash, told: now, repeats: 0 });
            return Some(self.tell(text, None));
        };
        if now.saturating_duration_since(cause.told) < AGAIN {
            cause.repeats += 1;
            self.untold += 1;
            return None;
        }
        let seconds = now.saturating_duration_since(cause.told).as_secs();
        let repeats = std::mem::take(&mut cause.repeats);
        cause.told = now;
        self.untold = self.untold.saturating_sub(repeats);
        let repeats = (repeats > 0).then(|| format!("{repeats} more with this text in the last {seconds} s"));
        Some(self.tell(text, repeats))
    }

    /// Forgets the text that was told longest ago when there are too many; false when none is old enough.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.causes.len() < MOST_CAUSES {
            return true;
        }
        let oldest = self.causes.iter().enumerate().min_by_key(|(_, cause)| cause.told);
        let oldest = oldest.filter(|(_, cause)| now.saturating_duration_since(cause.told) >= AGAIN);
        oldest.map(|(index, _)| index).map(|index| self.causes.swap_remove(index)).is_some()
    }

    fn tell(&mut self, text: &str, repeats: Option<String>) -> String {
        self.told = true;
        let others = std::mem::take(&mut self.others);
        self.untold = self.untold.saturating_sub(others);
        let others = (others > 0).then(|| format!("{others} with other texts were not logged"));
        let counts: Vec<String> = repeats.into_iter().chain(others).collect();
        let counts = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join("; ")) };
        format!("Failed to gather sample: {text}{counts}")
    }

    /// A sample went well: what to log when that ends a trouble that was told.
    pub fn worked(&mut self, now: Instant) -> Option<String> {
        let failed = std::mem::take(&mut self.failed);
        let since = self.since.take();
        if !std::mem::take(&mut self.told) {
            return None;
        }
        let seconds = since.map_or(0.0, |since| now.saturating_duration_since(since).as_secs_f64());
        let untold = self.untold().map_or_else(String::new, |untold| format!("; {untold}"));
        let samples = if failed == 1 { "one has failed".to_owned() } else { format!("{failed} have failed") };
        Some(format!("Samples work again, after {samples} in {seconds:.1} s{untold}"))
    }

    /// What was only counted so far; it counts as told now.
    pub fn untold(&mut self) -> Option<String> {
        self.causes.iter_mut().for_each(|cause| cause.repeats = 0);
        let text = if std::mem::take(&mut self.others) == 0 { " with a text as before" } else { "" };
        match std::mem::take(&mut self.untold) {
            0 => None,
            1 => Some(format!("one failed sample{text} was not logged")),
            untold => Some(format!("{untold} failed samples{text} were not logged")),
        }
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    fn clock() -> Clock {
        Clock::manual(Timestamp::from_millis(0))
    }

    #[test]
    fn the_same_text_is_told_every_five_minutes_with_its_count_and_the_end_is_told() {
        let (clock, mut repeats) = (clock(), Repeats::default());
        let mut told = Vec::new();
        for sample in 0..25 {
            let text = repeats.failed("down", clock.monotonic());
            told.extend(text.map(|text| (sample, text)));
            clock.advance(Duration::from_secs(30));
        }
        let down = "Failed to gather sample: down";
        let again = format!("{down} (9 more with this text in the last 300 s)");
        assert_eq!(told, [(0, down.to_owned()), (10, again.clone()), (20, again)]);
        let end = "Samples work again, after 25 have failed in 750.0 s; 4 failed samples with a text as before were \
                   not logged";
        assert_eq!(repeats.worked(clock.monotonic()).as_deref(), Some(end));
        assert_eq!(repeats.worked(clock.monotonic()), None);
        assert_eq!(repeats.untold(), None);
    }

    #[test]
    fn a_new_text_is_told_at_once_and_an_old_one_that_comes_back_is_not() {
        let (clock, mut repeats) = (clock(), Repeats::default());
        let mut failed = |text| repeats.failed(text, clock.monotonic()).is_some();
        assert_eq!(["a", "a", "b", "a", "b", "c"].map(&mut failed), [true, false, true, false, false, true]);
    }

    #[test]
    fn a_sample_that_fails_every_other_time_does_not_fill_the_log() {
        let (clock, mut repeats) = (clock(), Repeats::default());
        let mut lines = 0;
        for _ in 0..100 {
            lines += usize::from(repeats.failed("odd", clock.monotonic()).is_some());
            clock.advance(Duration::from_secs(1));
            lines += usize::from(repeats.worked(clock.monotonic()).is_some());
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(lines, 2);
        assert_eq!(repeats.untold().unwrap(), "99 failed samples with a text as before were not logged");
    }

    #[test]
    fn texts_that_are_new_each_time_are_told_sixteen_in_five_minutes_and_the_others_counted() {
        let (clock, mut repeats) = (clock(), Repeats::default());
        let mut told = Vec::new();
        for number in 0..6000 {
            told.extend(repeats.failed(&format!("at {number}"), clock.monotonic()));
            clock.advance(Duration::from_millis(100));
        }
        assert_eq!(repeats.causes.len(), MOST_CAUSES);
        assert_eq!(told.len(), 2 * MOST_CAUSES, "{told:#?}");
        assert_eq!(told[15], "Failed to gather sample: at 15");
        assert_eq!(told[16], "Failed to gather sample: at 3000 (2984 with other texts were not logged)");
        assert_eq!(told[17], "Failed to gather sample: at 3001");
        let end = "Samples work again, after 6000 have failed in 600.0 s; 2984 failed samples were not logged";
        assert_eq!(repeats.worked(clock.monotonic()).as_deref(), Some(end));
    }

    #[test]
    fn an_old_text_makes_room_before_a_young_one() {
        let (clock, mut repeats) = (clock(), Repeats::default());
        (0..16).for_each(|number| drop(repeats.failed(&format!("{number}"), clock.monotonic())));
        clock.advance(AGAIN);
        assert!(repeats.failed("0", clock.monotonic()).is_some());
        assert!(repeats.failed("new", clock.monotonic()).is_some());
        assert_eq!(repeats.failed("0", clock.monotonic()), None, "it was told just now");
    }
}
