//! Failed samples, told so that a reader notices and the log does not drown: each new text at once, the same one again
//! now and then with its count, and the end of the trouble.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// The same text is told again after this time at the earliest.
const AGAIN: Duration = Duration::from_secs(300);
/// So many different texts are remembered; a text with a number or a time in it is a new one each time.
const MOST_CAUSES: usize = 16;

/// What was told of an instance's failed samples, and what not yet.
#[derive(Debug, Default)]
pub struct Repeats {
    causes: VecDeque<Cause>,
    /// Failed samples since the last good one.
    failed: u64,
    since: Option<Instant>,
    /// Whether one of them was told.
    told: bool,
    /// Failed samples that were told one by one neither with their text nor in a count.
    untold: u64,
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
            self.causes.truncate(MOST_CAUSES - 1);
            self.causes.push_front(Cause { hash, told: now, repeats: 0 });
            self.told = true;
            return Some(format!("Failed to gather sample: {text}"));
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
        self.told = true;
        Some(match repeats {
            0 => format!("Failed to gather sample: {text}"),
            _ => format!("Failed to gather sample: {text} ({repeats} more with this text in the last {seconds} s)"),
        })
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
        match std::mem::take(&mut self.untold) {
            0 => None,
            1 => Some("one failed sample with a text as before was not logged".to_owned()),
            untold => Some(format!("{untold} failed samples with a text as before were not logged")),
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
    fn texts_that_are_new_each_time_cost_no_memory() {
        let (clock, mut repeats) = (clock(), Repeats::default());
        for number in 0..1000 {
            assert!(repeats.failed(&format!("at {number}"), clock.monotonic()).is_some());
        }
        assert_eq!(repeats.causes.len(), MOST_CAUSES);
    }
}
