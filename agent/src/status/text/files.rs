//! The part about log files: a line for each path, those that have most to tell before the others; first the plain paths,
//! then those that globs have found. What the Python agent does not tell stands on lines of its own below.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::Path;

use super::super::{FileSnapshot, LagSnapshot, Snapshot};
use super::{counted, moment, moment_or_never, on_one_line};
use crate::lag::{BehindFile, BehindSnapshot};
use crate::ledger::{Totals, WorkerId};
use crate::order;

/// A lag of less than so many seconds is not worth a word: lines are on their way.
const MEANINGFUL_LAG: f64 = 2.0;

/// Shows the files, with `shown` of each kind of line at most.
pub(super) fn write(out: &mut String, snapshot: &Snapshot, shown: usize) -> fmt::Result {
    writeln!(out)?;
    let mut paths = paths(&snapshot.files);
    let count = paths.len();
    let rest = paths.split_off(count.min(shown));
    let globs: BTreeSet<&str> =
        order::tree(snapshot.logs.iter().filter(|log| log.is_glob).map(|log| log.entry.as_str()));
    let is_found = |path: &PathFacts<'_>| path.entry.is_some_and(|entry| globs.contains(entry));
    for path in paths.iter().filter(|path| !is_found(path)) {
        path.write(out, "Path ")?;
    }
    absent(out, snapshot, shown)?;
    for log in snapshot.logs.iter().filter(|log| log.is_glob) {
        writeln!(
            out,
            "\nGlob: {}:: last scanned for glob matches at {}",
            log.path,
            moment_or_never(snapshot.tail.last_round)
        )?;
        for path in paths.iter().filter(|path| path.entry == Some(log.entry.as_str())) {
            path.write(out, "  ")?;
        }
    }
    if !rest.is_empty() {
        let mut sum = PathFacts::default();
        rest.iter().for_each(|path| sum.merge(path));
        let count = counted(rest.len() as u64, "more path");
        writeln!(out, "\n{count}: {} (`agent status -vv` lists all)", sum.line())?;
    }
    if snapshot.closed_files != Totals::default() {
        let facts = PathFacts { totals: snapshot.closed_files.clone(), ..PathFacts::default() };
        writeln!(out, "\nFiles that are not followed any more: {}", facts.line())?;
        facts.details(out, "")?;
    }
    stage(out, snapshot)
}

/// What concerns all files together.
fn stage(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    let LagSnapshot { bytes, unread_bytes, seconds, worst } = &snapshot.lag;
    writeln!(out)?;
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
    let tail = &snapshot.tail;
    for session in &tail.waiting_for {
        writeln!(out, "Reading waits for session {session}: its logs grow faster than it uploads them")?;
    }
    if let Some(broken) = &tail.broken {
        writeln!(out, "Copying log files has ended: {broken}; restart the agent")?;
    }
    for (why, count) in &tail.notices.polled_because {
        writeln!(out, "Polled, because {why}: {}", counted(*count as u64, "path"))?;
    }
    Ok(())
}

/// The paths of which no file is read: those that cannot be copied, each with the reason, and those where none is.
fn absent(out: &mut String, snapshot: &Snapshot, shown: usize) -> fmt::Result {
    let tail = &snapshot.tail;
    let checked = moment_or_never(tail.last_round);
    let followed: BTreeSet<&Path> = order::tree(snapshot.files.iter().map(|file| file.path.as_path()));
    for (path, trouble) in tail.troubles.iter().take(shown) {
        if followed.contains(path.as_path()) {
            // Its line is above; the reason is that of now.
            writeln!(out, "  {}: cannot be copied: {}", path.display(), on_one_line(trouble))?;
        } else {
            writeln!(out, "Path {}: no matching readable file, last checked {checked}", path.display())?;
            writeln!(out, "  cannot be copied: {}", on_one_line(trouble))?;
        }
    }
    more(out, "Cannot be copied", tail.troubles.len().saturating_sub(shown))?;
    let globs: BTreeSet<&str> =
        order::tree(snapshot.logs.iter().filter(|log| log.is_glob).map(|log| log.path.as_str()));
    let unmatched = || {
        let is_told = |path: &str| tail.troubles.contains_key(Path::new(path)) || globs.contains(path);
        tail.unmatched.iter().filter(move |(path, _)| !is_told(path))
    };
    for (path, origin) in unmatched().take(shown) {
        writeln!(out, "Path {path}: no matching readable file, last checked {checked}\n  wanted by {origin}")?;
    }
    more(out, "No matching readable file", unmatched().count().saturating_sub(shown))
}

/// How many were not shown.
fn more(out: &mut String, what: &str, count: usize) -> fmt::Result {
    if count > 0 { writeln!(out, "{what}: {count} more") } else { Ok(()) }
}

/// The paths, those with most to tell first, else by name. The generations of a path together, as after a rotation nobody
/// cares which one a byte stood in.
fn paths(files: &[FileSnapshot]) -> Vec<PathFacts<'_>> {
    let mut paths: BTreeMap<(&Path, &WorkerId), PathFacts<'_>> = BTreeMap::new();
    for file in files {
        paths.entry((&file.path, &file.worker)).or_default().merge(&PathFacts::of(file));
    }
    let mut paths: Vec<_> = paths.into_values().collect();
    order::by_key(&mut paths, |path| Reverse(path.weight()));
    paths
}

/// What is shown of a path.
#[derive(Default)]
struct PathFacts<'a> {
    path: Option<&'a Path>,
    entry: Option<&'a str>,
    totals: Totals,
    /// The newest generation's: where it is read to, settled to, and how large it is.
    position: (u64, u64, u64),
    /// Bytes without an outcome, those that were not read among them.
    lag_bytes: u64,
    lag_seconds: f64,
    last_checked: Option<f64>,
    last_error: Option<(f64, &'a str)>,
}

impl<'a> PathFacts<'a> {
    fn of(file: &'a FileSnapshot) -> Self {
        let (read, settled) = (file.read_to.0, file.settled_to.0);
        Self {
            path: Some(&file.path),
            entry: file.entry.as_deref(),
            totals: file.totals.clone(),
            position: (settled, read, read + file.unread_bytes),
            lag_bytes: file.lag_bytes,
            lag_seconds: file.lag_seconds,
            last_checked: file.last_checked,
            last_error: file.last_error_at.zip(file.last_error.as_deref()),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.path = other.path;
        self.entry = other.entry.or(self.entry);
        self.totals.merge(&other.totals);
        self.position = other.position;
        self.lag_bytes += other.lag_bytes;
        self.lag_seconds = self.lag_seconds.max(other.lag_seconds);
        self.last_checked = [self.last_checked, other.last_checked].into_iter().flatten().reduce(f64::max);
        let errors = [self.last_error, other.last_error].into_iter().flatten();
        self.last_error = errors.max_by(|one, other| one.0.total_cmp(&other.0));
    }

    fn is_behind(&self) -> bool {
        self.lag_bytes > 0 && self.lag_seconds >= MEANINGFUL_LAG
    }

    fn has_losses(&self) -> bool {
        let Totals { skipped, dropped, .. } = &self.totals;
        skipped.values().chain(dropped.values()).any(|count| count.bytes > 0)
    }

    /// How much there is to tell: first what is behind, by its bytes, then what lost something or met a failure.
    fn weight(&self) -> (u64, bool) {
        let Totals { failed_rules, unparsed_lines, .. } = &self.totals;
        let lag = if self.is_behind() { self.lag_bytes } else { 0 };
        (lag, self.has_losses() || failed_rules + unparsed_lines > 0 || self.last_error.is_some())
    }

    fn write(&self, out: &mut String, begin: &str) -> fmt::Result {
        let path = self.path.unwrap_or(Path::new("")).display();
        writeln!(out, "{begin}{path}: {}", self.line())?;
        self.details(out, if begin.trim().is_empty() { begin } else { "" })
    }

    /// `copied N bytes (L lines), N bytes pending, [N bytes skipped, ][N bytes failed, ][N bytes dropped by sampling
    /// (L lines), ][N redactions, ]last checked T`. Pending is all that is in the file and has no outcome.
    fn line(&self) -> String {
        let Totals { accepted, sampled_out, dropped, skipped, redacted_lines, .. } = &self.totals;
        let pending = self.lag_bytes.max(self.totals.pending);
        let mut line = format!("copied {} bytes ({} lines), {pending} bytes pending, ", accepted.bytes, accepted.lines);
        let skipped: u64 = skipped.values().map(|count| count.bytes).sum();
        let failed: u64 = dropped.values().map(|count| count.bytes).sum();
        for (bytes, what) in [(skipped, "skipped"), (failed, "failed")] {
            if bytes > 0 {
                _ = write!(line, "{bytes} bytes {what}, ");
            }
        }
        if sampled_out.bytes > 0 {
            _ = write!(line, "{} bytes dropped by sampling ({} lines), ", sampled_out.bytes, sampled_out.lines);
        }
        if *redacted_lines > 0 {
            _ = write!(line, "{redacted_lines} redactions, ");
        }
        line + "last checked " + &moment_or_never(self.last_checked)
    }

    /// How far it is behind, why bytes were lost, and what kept it from being read.
    fn details(&self, out: &mut String, indent: &str) -> fmt::Result {
        let Totals { dropped, skipped, failed_rules, unparsed_lines, .. } = &self.totals;
        if self.is_behind() {
            let (settled, read, size) = self.position;
            let (bytes, seconds) = (self.lag_bytes, self.lag_seconds);
            writeln!(
                out,
                "{indent}  {bytes} bytes ({seconds:.0} s) behind: acknowledged up to {settled}, read up to {read} of {size} \
                 bytes"
            )?;
        }
        for (reason, count) in skipped {
            writeln!(out, "{indent}  {} bytes skipped: {reason}", count.bytes)?;
        }
        for (reason, count) in dropped {
            let lines = counted(count.lines, "line");
            writeln!(out, "{indent}  {} bytes ({lines}) dropped: {reason}", count.bytes)?;
        }
        for (count, noun) in [(*failed_rules, "failed rule"), (*unparsed_lines, "unparsed line")] {
            if count > 0 {
                writeln!(out, "{indent}  {}", counted(count, noun))?;
            }
        }
        if let Some((at, error)) = self.last_error {
            writeln!(out, "{indent}  last error, at {}: {}", moment(at), on_one_line(error))?;
        }
        Ok(())
    }
}
