//! Entries that repeat the path of an earlier one. The Python agent allowed them; the first entry of a file copies it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::plan::LogPlan;
use super::super::report::{Kind, Report};
use crate::ledger::WorkerId;

/// The first entry of each path and worker: where it stands, and what it leaves to others.
#[derive(Default)]
pub(super) struct Repeats(HashMap<(String, WorkerId), (String, Vec<String>)>);

impl Repeats {
    /// Warns when an earlier entry copies all files of this one, which stands at `at`.
    pub(super) fn tell(&mut self, log: &LogPlan, at: &str, report: &mut Report) {
        match self.0.entry((log.path.clone(), log.worker.clone())) {
            Entry::Vacant(first) => _ = first.insert((at.to_owned(), log.exclude.clone())),
            Entry::Occupied(first) => {
                let (first, left) = first.get();
                // What the first one leaves out comes here, unless it is left out here as well.
                if left.iter().all(|pattern| log.exclude.contains(pattern)) {
                    let place = report.sources().value(&format!("{first}.path"));
                    let message =
                        format!("{:?} is copied by an earlier entry ({place}), and not by this one", log.path);
                    let problem = report.warn(format!("{at}.path"), message).kind(Kind::Conflict);
                    problem.hint("put what both say into one of them");
                }
            }
        }
    }
}
