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
