//! The part about log files: what is wrong first, then a line for each path, those that have most to tell before the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use super::super::{FileSnapshot, LagSnapshot, Snapshot};
use super::{counted, moment};
use crate::lag::{BehindFile, BehindSnapshot};
use crate::ledger::{Totals, WorkerId};

/// A lag of less than so many seconds is not worth a word: lines are on their way.
const MEANINGFUL_LAG: f64 = 2.0;

/// Shows the files, with `shown` of each kind of line at most.
pub(super) fn write(out: &mut String, snapshot: &Snapshot, shown: usize) -> fmt::Result {
    writeln!(out)?;
    lag(out, snapshot)?;
    troubles(out, snapshot, shown)?;
    paths(out, &snapshot.files, shown)?;
    if snapshot.closed_files != Totals::default() {
        let facts = PathFacts { totals: snapshot.closed_files.clone(), ..PathFacts::default() };
        writeln!(out, "Files that are not followed any more: {}", facts.line())?;
    }
    Ok(())
}

fn lag(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    let LagSnapshot { bytes, unread_bytes, seconds, worst } = &snapshot.lag;
    if let Some(worst) = worst.as_ref().filter(|_| *seconds >= MEANINGFUL_LAG) {
        writeln!(
            out,
            "All files together: {bytes} bytes ({seconds:.0} s) behind, {unread_bytes} bytes of them not read yet; most of \
             {}",
            worst.display()
        )?;
    }
    let BehindSnapshot { files, worst } = &snapshot.behind;
    for BehindFile { path, worker, session_number, factor, .. } in worst {
        writeln!(out, "Far behind: {} (session {worker}-{session_number}); limiting factor: {factor}", path.display())?;
    }
    more(out, "Far behind", files.saturating_sub(worst.len()))?;
    for session in &snapshot.tail.waiting_for {
        writeln!(out, "Reading waits for session {session}: its logs grow faster than it uploads them")?;
    }
    Ok(())
}

fn troubles(out: &mut String, snapshot: &Snapshot, shown: usize) -> fmt::Result {
    let tail = &snapshot.tail;
    if let Some(broken) = &tail.broken {
        writeln!(out, "Copying log files has ended: {broken}; restart the agent")?;
    }
    for (path, trouble) in tail.troubles.iter().take(shown) {
        writeln!(out, "Path {}: cannot be copied: {trouble}", path.display())?;
    }
    more(out, "Cannot be copied", tail.troubles.len().saturating_sub(shown))?;
    // What is there and cannot be copied was told of just now.
    let unmatched = || tail.unmatched.iter().filter(|(path, _)| !tail.troubles.contains_key(Path::new(path)));
    for (path, origin) in unmatched().take(shown) {
        writeln!(out, "Path {path}: no matching readable file ({origin})")?;
    }
    more(out, "No matching readable file", unmatched().count().saturating_sub(shown))?;
    for (why, count) in &tail.notices.polled_because {
        writeln!(out, "Polled, because {why}: {}", counted(*count as u64, "path"))?;
    }
    Ok(())
}

/// How many were not shown.
fn more(out: &mut String, what: &str, count: usize) -> fmt::Result {
    if count > 0 { writeln!(out, "{what}: {count} more") } else { Ok(()) }
}

fn paths(out: &mut String, files: &[FileSnapshot], shown: usize) -> fmt::Result {
    // The generations of a path together, as after a rotation nobody cares which one a byte stood in.
    let mut paths: BTreeMap<(&Path, &WorkerId), PathFacts> = BTreeMap::new();
    for file in files {
        paths.entry((&file.path, &file.worker)).or_default().add(file);
    }
    let mut paths: Vec<(&Path, PathFacts)> = paths.into_iter().map(|((path, _), facts)| (path, facts)).collect();
    // Stable: otherwise by name.
    paths.sort_by_key(|(_, facts)| Reverse(facts.weight()));
    for (path, facts) in paths.iter().take(shown) {
        writeln!(out, "Path {}: {}", path.display(), facts.line())?;
    }
    let mut rest = PathFacts::default();
    paths.iter().skip(shown).for_each(|(_, facts)| rest.merge(facts));
    match paths.len().saturating_sub(shown) {
        0 => Ok(()),
        count => {
            let count = counted(count as u64, "more path");
            writeln!(out, "{count}: {} (`agent status -vv` lists all)", rest.line())
        }
    }
}

/// What is shown of a path.
#[derive(Default)]
struct PathFacts {
    totals: Totals,
    /// Bytes without an outcome, those that were not read among them.
    lag_bytes: u64,
    lag_seconds: f64,
    last_checked: Option<f64>,
}

impl PathFacts {
    fn add(&mut self, file: &FileSnapshot) {
        self.merge(&Self {
            totals: file.totals.clone(),
            lag_bytes: file.lag_bytes,
            lag_seconds: file.lag_seconds,
            last_checked: file.last_checked,
        });
    }

    fn merge(&mut self, other: &Self) {
        self.totals.merge(&other.totals);
        self.lag_bytes += other.lag_bytes;
        self.lag_seconds = self.lag_seconds.max(other.lag_seconds);
        self.last_checked = [self.last_checked, other.last_checked].into_iter().flatten().reduce(f64::max);
    }

    fn is_behind(&self) -> bool {
        self.lag_bytes > 0 && self.lag_seconds >= MEANINGFUL_LAG
    }

    /// How much there is to tell: first what is behind, by its bytes, then what lost something or met a failed rule.
    fn weight(&self) -> (u64, bool) {
        let Totals { skipped, dropped, failed_rules, unparsed_lines, .. } = &self.totals;
        let has_losses = skipped.values().chain(dropped.values()).any(|count| count.bytes > 0);
        let lag = if self.is_behind() { self.lag_bytes } else { 0 };
        (lag, has_losses || failed_rules + unparsed_lines > 0)
    }

    /// `copied N bytes (N lines), N bytes pending`, with what was left out, lost or skipped when there is any, then
    /// `last checked TIME` (`log-copying.md` section 13). Pending is all that is in the file and has no outcome; how long
    /// the oldest of it has been waiting stands behind it when that is long.
    fn line(&self) -> String {
        let Totals { accepted, sampled_out, dropped, skipped, .. } = &self.totals;
        let pending = self.lag_bytes.max(self.totals.pending);
        let age = if self.is_behind() { format!(" ({:.0} s behind)", self.lag_seconds) } else { String::new() };
        let mut parts = vec![
            format!("copied {} bytes ({})", accepted.bytes, counted(accepted.lines, "line")),
            format!("{pending} bytes pending{age}"),
        ];
        for (reason, count) in skipped {
            parts.push(format!("{} bytes skipped: {reason}", count.bytes));
        }
        for (reason, count) in dropped {
            parts.push(format!("{} bytes ({}) dropped: {reason}", count.bytes, counted(count.lines, "line")));
        }
        if sampled_out.bytes > 0 {
            let lines = counted(sampled_out.lines, "line");
            parts.push(format!("{} bytes dropped by sampling ({lines})", sampled_out.bytes));
        }
        let Totals { redacted_lines, failed_rules, unparsed_lines, .. } = self.totals;
        let of_rules =
            [(redacted_lines, "redaction"), (failed_rules, "failed rule"), (unparsed_lines, "unparsed line")];
        parts.extend(of_rules.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)));
        parts.extend(self.last_checked.map(|checked| format!("last checked {}", moment(checked))));
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Count, DropReason, FileId, Identity, Offset, SkipReason};

    fn file(path: &str, lag_bytes: u64, lag_seconds: f64) -> FileSnapshot {
        FileSnapshot {
            id: FileId(1),
            path: path.into(),
            worker: WorkerId("default".into()),
            session_number: 0,
            identity: Identity { device: 1, inode: 1, born: None, head_length: 0, head_hash: String::new() },
            read_to: Offset(0),
            settled_to: Offset(0),
            totals: Totals { accepted: Count { bytes: 10, lines: 1 }, ..Totals::default() },
            lag_bytes,
            unread_bytes: 0,
            lag_seconds,
            last_checked: None,
            last_error: None,
            last_error_at: None,
        }
    }

    #[test]
    fn a_path_line_has_the_old_labels_and_says_what_became_of_each_byte() {
        let count = |bytes, lines| Count { bytes, lines };
        let mut facts = PathFacts::default();
        facts.totals.accepted = count(10, 1);
        assert_eq!(facts.line(), "copied 10 bytes (1 line), 0 bytes pending");
        facts.totals.accepted = count(100, 4);
        facts.totals.pending = 30;
        facts.lag_bytes = 50;
        facts.lag_seconds = 1.0;
        assert_eq!(facts.line(), "copied 100 bytes (4 lines), 50 bytes pending", "what is not read is pending, too");
        facts.totals.skipped.insert(SkipReason::TooFarBehind, count(7, 0));
        facts.totals.dropped.insert(DropReason::TooLarge, count(9, 1));
        facts.totals.sampled_out = count(5, 2);
        facts.totals.redacted_lines = 3;
        facts.totals.failed_rules = 1;
        facts.lag_seconds = 61.4;
        facts.last_checked = Some(60.0);
        assert_eq!(
            facts.line(),
            "copied 100 bytes (4 lines), 50 bytes pending (61 s behind), 7 bytes skipped: too far behind, 9 bytes (1 line) \
             dropped: larger than a request may be, 5 bytes dropped by sampling (2 lines), 3 redactions, 1 failed rule, \
             last checked 1970-01-01 00:01:00.000Z"
        );
    }

    #[test]
    fn of_many_paths_those_that_are_behind_or_lost_something_come_first_and_the_others_are_summed_up() {
        let mut skipped = file("/d.log", 0, 0.0);
        skipped.totals.skipped.insert(SkipReason::TooFarBehind, Count { bytes: 7, lines: 0 });
        let on_its_way = file("/a.log", 900, 0.5);
        let files = [on_its_way, file("/b.log", 0, 0.0), file("/c.log", 5, 9.0), skipped, file("/e.log", 60, 4.0)];
        let shown = |shown| {
            let mut out = String::new();
            paths(&mut out, &files, shown).unwrap();
            out
        };
        assert_eq!(
            shown(3),
            "Path /e.log: copied 10 bytes (1 line), 60 bytes pending (4 s behind)\n\
             Path /c.log: copied 10 bytes (1 line), 5 bytes pending (9 s behind)\n\
             Path /d.log: copied 10 bytes (1 line), 0 bytes pending, 7 bytes skipped: too far behind\n\
             2 more paths: copied 20 bytes (2 lines), 900 bytes pending (`agent status -vv` lists all)\n"
        );
        assert_eq!(shown(4).lines().last().unwrap_or_default().split(':').next(), Some("1 more path"));
        assert_eq!(shown(5).lines().count(), 5, "{}", shown(5));
        assert!(!shown(5).contains("more"), "{}", shown(5));
    }
}
