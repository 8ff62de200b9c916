//! What all processes together used: sums of what is, and totals that a process which ends does not take back.

use super::figures::{Figures, Kind, Series};
use super::process::Process;

/// Totals of what was gained from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Totals(Figures);

impl Totals {
    /// Begins anew at 0.
    pub(super) fn clear(&mut self) {
        self.0 = Figures::default();
    }

    /// Adds what the processes gained since the sample before. A process adds nothing to a total before its second sample.
    pub(super) fn add(&mut self, processes: &mut [Process]) -> Figures {
        let mut figures = Figures::default();
        for series in Series::ALL {
            let at = series as usize;
            let values = processes.iter().filter_map(|process| process.now[at]);
            let gained = processes.iter().filter_map(|process| Some((process.now[at]?, process.before[at])));
            let gained = gained.map(|(now, before)| now.saturating_sub(before.unwrap_or(now)).max(0));
            figures[at] = match series.kind() {
                Kind::Sum => values.reduce(i64::saturating_add),
                Kind::Least => values.min(),
                Kind::Total => self.grow(at, gained.reduce(i64::saturating_add)),
                Kind::MostGained => self.grow(at, gained.max()),
            };
        }
        for process in processes {
            for (before, now) in process.before.iter_mut().zip(process.now) {
                *before = now.or(*before);
            }
        }
        figures
    }

    /// None when no process tells of it in this sample; the total is kept.
    fn grow(&mut self, at: usize, gained: Option<i64>) -> Option<i64> {
        let total = self.0[at].unwrap_or(0).saturating_add(gained?);
        self.0[at] = Some(total);
        Some(total)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::figures::{SERIES, Stat};
    use super::*;

    fn process(pid: u32) -> Process {
        let stat = Stat::parse(b"1 (x) S 1 1 1 0 -1 0 10 0 0 0 0 0 0 0 20 0 1 0 5").unwrap();
        Process::new(pid, stat)
    }

    /// What becomes of a group from one sample to the next: which of its processes end, how many are new, and what each of
    /// those that are there has used.
    type Turn = (Vec<bool>, usize, Vec<Option<i64>>);

    fn turns() -> impl Strategy<Value = Vec<Turn>> {
        let used = prop_oneof![3 => (0..1000_i64).prop_map(Some), 1 => Just(None), 1 => any::<i64>().prop_map(Some)];
        vec((vec(any::<bool>(), 0..8), 0..3_usize, vec(used, 1..8)), 0..12)
    }

    proptest! {
        #[test]
        fn no_total_ever_falls_whatever_processes_come_and_go(turns in turns()) {
            let (mut totals, mut processes, mut last) = (Totals::default(), Vec::new(), Figures::default());
            let mut pid = 0;
            for (ends, new, used) in turns {
                let mut ends = ends.into_iter();
                processes.retain(|_| !ends.next().unwrap_or(false));
                for _ in 0..new {
                    pid += 1;
                    processes.push(process(pid));
                }
                for (process, used) in processes.iter_mut().zip(used.iter().cycle()) {
                    process.now = [*used; SERIES];
                }
                let figures = totals.add(&mut processes);
                for series in Series::ALL {
                    let at = series as usize;
                    if matches!(series.kind(), Kind::Total | Kind::MostGained) && let Some(now) = figures[at] {
                        prop_assert!(now >= last[at].unwrap_or(0));
                        last[at] = Some(now);
                    }
                }
            }
        }
    }
}
