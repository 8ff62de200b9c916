//! What is odd about the kernel's files: said once a day each, so that a broken file does not fill the agent log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A trouble that lasts is said again after this time: logs are rotated, and their readers change.
const LASTING: Duration = Duration::from_secs(86_400);

/// A trouble that had gone and came back is said again after this time.
const COMING_BACK: Duration = Duration::from_secs(300);

/// What kind of trouble it is; together with the file it decides what was said already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The file is missing or cannot be read.
    Unreadable,
    /// The file is longer than we read.
    TooLong,
    /// A line has another form than the kernel's documentation says.
    OddLine,
    /// The file holds nothing of what it is read for.
    NothingFound,
    /// The configured filter lets nothing through.
    NothingMatched,
    /// The system refused to tell about a mounted file system.
    Refused,
    /// A mounted file system did not answer in time.
    Silent,
    /// Too many mounted file systems do not answer.
    TooManySilent,
}

impl Trouble {
    /// Whether it is said again while it lasts. That no interface matches is so on many machines for good.
    fn is_said_again(self) -> bool {
        self != Self::NothingMatched
    }
}

/// A kind of trouble that was met.
#[derive(Debug)]
pub(super) struct Met {
    times: u64,
    /// The number of the last sample that met it.
    sample: u64,
    /// When it was said.
    said: Duration,
}

/// Texts that wait to be logged, and how often each kind of trouble was met.
///
/// Bounded: one entry for each of the few files and kinds of trouble.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    pub(super) met: BTreeMap<(&'static str, Trouble), Met>,
    fresh: Vec<String>,
    began: Option<Instant>,
    /// The number of the sample under way.
    sample: u64,
    /// When that began, since the first one did.
    now: Duration,
}

impl Warnings {
    /// Begins a sample.
    pub(super) fn begin(&mut self, now: Instant) {
        self.now = now.saturating_duration_since(*self.began.get_or_insert(now));
        self.sample += 1;
    }

    /// Notes trouble with the file of this name. Its text is logged the first time, when the trouble comes back, and once
    /// a day.
    pub(super) fn once(&mut self, file: &'static str, trouble: Trouble, text: impl FnOnce() -> String) {
        let Self { sample, now, .. } = *self;
        let met = self.met.entry((file, trouble)).or_insert(Met { times: 0, sample, said: now });
        let since = now.saturating_sub(met.said);
        let lasts = trouble.is_said_again() && since >= LASTING;
        let comes_back = met.sample + 1 < sample && since >= COMING_BACK;
        if met.times == 0 || lasts || comes_back {
            met.said = now;
            self.fresh.push(text());
        }
        met.times = met.times.saturating_add(1);
        met.sample = sample;
    }

    /// The texts that were not logged yet.
    pub(super) fn take_fresh(&mut self) -> Vec<String> {
        std::mem::take(&mut self.fresh)
    }

    /// Whether all was well so far.
    pub(super) fn is_empty(&self) -> bool {
        self.met.is_empty()
    }

    /// Everything met so far, with its count, for a debug line: `diskstats OddLine 3, …`.
    pub(super) fn summary(&self) -> String {
        let parts: Vec<_> =
            self.met.iter().map(|((file, trouble), met)| format!("{file} {trouble:?} {}", met.times)).collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::Clock;

    use super::*;

    #[test]
    fn trouble_is_said_once_and_counted_ever_after() {
        let mut warnings = Warnings::default();
        for _ in 0..3 {
            warnings.once("stat", Trouble::OddLine, || "odd".to_owned());
        }
        warnings.once("stat", Trouble::Unreadable, || "gone".to_owned());
        assert_eq!(warnings.take_fresh(), ["odd", "gone"]);
        assert_eq!(warnings.take_fresh(), Vec::<String>::new());
        warnings.once("stat", Trouble::OddLine, || "odd".to_owned());
        assert_eq!(warnings.take_fresh(), Vec::<String>::new());
        assert_eq!(warnings.summary(), "stat Unreadable 1, stat OddLine 4");
    }

    /// Takes a sample at this second, with or without the trouble; gives whether it was said.
    fn says(warnings: &mut Warnings, began: Instant, second: u64, trouble: Option<Trouble>) -> bool {
        warnings.begin(began + Duration::from_secs(second));
        if let Some(trouble) = trouble {
            warnings.once("mountinfo", trouble, || "text".to_owned());
        }
        !warnings.take_fresh().is_empty()
    }

    #[test]
    fn trouble_that_lasts_is_said_again_after_a_day() {
        let (mut warnings, began) = (Warnings::default(), Clock::system().monotonic());
        let said = (0..=2 * 2880).filter(|sample| says(&mut warnings, began, sample * 30, Some(Trouble::Silent)));
        assert_eq!(said.collect::<Vec<_>>(), [0, 2880, 5760]);
        let (mut warnings, never) = (Warnings::default(), Some(Trouble::NothingMatched));
        let said = (0..9).filter(|day| says(&mut warnings, began, day * 86_400, never));
        assert_eq!(said.collect::<Vec<_>>(), [0], "a filter that nothing matches is said once");
    }

    #[test]
    fn trouble_that_comes_back_is_said_again_but_not_within_five_minutes() {
        let (mut warnings, began, silent) = (Warnings::default(), Clock::system().monotonic(), Some(Trouble::Silent));
        let samples = [(0, silent), (30, None), (60, silent), (330, None), (360, silent), (390, silent), (690, silent)];
        let said = samples.into_iter().filter(|&(second, trouble)| says(&mut warnings, began, second, trouble));
        assert_eq!(said.map(|(second, _)| second).collect::<Vec<_>>(), [0, 360]);
    }
}
