//! What is odd about the kernel's files: said once each, so that a broken file does not fill the agent log.

use std::collections::BTreeMap;

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

/// Texts that wait to be logged, and how often each kind of trouble was met.
///
/// Bounded: one entry for each of the few files and kinds of trouble.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    pub(super) met: BTreeMap<(&'static str, Trouble), u64>,
    fresh: Vec<String>,
}

impl Warnings {
    /// Notes trouble with the file of this name; its text is logged the first time only.
    pub(super) fn once(&mut self, file: &'static str, trouble: Trouble, text: impl FnOnce() -> String) {
        let times = self.met.entry((file, trouble)).or_default();
        if *times == 0 {
            self.fresh.push(text());
        }
        *times = times.saturating_add(1);
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
            self.met.iter().map(|((file, trouble), times)| format!("{file} {trouble:?} {times}")).collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
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
}
