//! What became of log files: sums, and the files that are furthest behind.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::exposition::{Exposition, Kind};
use super::{count, number};
use crate::ledger::Count;
use crate::order;
use crate::status::{FileSnapshot, Snapshot, word};

/// So many files are told of one by one: those that are furthest behind.
const MOST_FILES: usize = 100;

/// A path of a worker; the generations of a log count together.
#[derive(Default)]
struct Sum {
    lag_bytes: u64,
    lag_seconds: f64,
    accepted: u64,
}

pub(super) fn write(text: &mut Exposition, snapshot: &Snapshot) {
    outcomes(text, snapshot);
    let lag = &snapshot.lag;
    let help = "Bytes of followed files that have no outcome yet, those that were read among them.";
    text.one(Kind::Gauge, "scalyr_agent_log_lag_bytes", "bytes", help, number(lag.bytes));
    let help = "How long the oldest of them has been waiting.";
    text.one(Kind::Gauge, "scalyr_agent_log_lag_seconds", "seconds", help, lag.seconds);
    let help = "Bytes of followed files that were not read yet.";
    text.one(Kind::Gauge, "scalyr_agent_log_unread_bytes", "bytes", help, number(lag.unread_bytes));
    text.one(Kind::Gauge, "scalyr_agent_files_followed", "", "Followed files.", count(snapshot.files.len()));
    let help = "Paths that are watched, whether there is anything to read or not.";
    text.one(Kind::Gauge, "scalyr_agent_paths_watched", "", help, count(snapshot.tail.watched_paths));
    let help = "Paths that cannot be copied.";
    text.one(Kind::Gauge, "scalyr_agent_paths_not_copied", "", help, count(snapshot.tail.troubles.len()));
    let help = "Files that are behind by more than half of their limit.";
    text.one(Kind::Gauge, "scalyr_agent_files_far_behind", "", help, count(snapshot.behind.files));
    each(text, &snapshot.files);
}

fn outcomes(text: &mut Exposition, snapshot: &Snapshot) {
    let totals = &snapshot.totals;
    let dropped: Vec<_> = totals.dropped.iter().map(|(reason, counted)| (word(reason), *counted)).collect();
    let skipped: Vec<_> = totals.skipped.iter().map(|(reason, counted)| (word(reason), *counted)).collect();
    let mut write = |name, unit, help, counts: &[(String, Count)], of: fn(&Count) -> u64| {
        let mut family = text.family(Kind::Counter, name, unit, help);
        for (reason, counted) in counts {
            let labels = [("reason", reason.as_str())];
            family.sample(if reason.is_empty() { &[] } else { &labels }, number(of(counted)));
        }
    };
    let (accepted, left_out) = ([(String::new(), totals.accepted)], [(String::new(), totals.sampled_out)]);
    let help = "Of logs, accepted by the server.";
    write("scalyr_agent_log_accepted_bytes", "bytes", help, &accepted, |counted| counted.bytes);
    write("scalyr_agent_log_accepted_lines", "", help, &accepted, |counted| counted.lines);
    let help = "Of logs, left out by sampling rules.";
    write("scalyr_agent_log_sampled_out_bytes", "bytes", help, &left_out, |counted| counted.bytes);
    write("scalyr_agent_log_sampled_out_lines", "", help, &left_out, |counted| counted.lines);
    let help = "Of logs, read and not sent.";
    write("scalyr_agent_log_dropped_bytes", "bytes", help, &dropped, |counted| counted.bytes);
    write("scalyr_agent_log_dropped_lines", "", help, &dropped, |counted| counted.lines);
    // How many lines these are nobody knows.
    write("scalyr_agent_log_skipped_bytes", "bytes", "Of logs, never read.", &skipped, |counted| counted.bytes);
    let pending = number(totals.pending);
    text.one(
        Kind::Gauge,
        "scalyr_agent_log_pending_bytes",
        "bytes",
        "Bytes that were read and have no outcome.",
        pending,
    );
    let redacted = number(totals.redacted_lines);
    let help = "Lines with at least one replacement.";
    text.one(Kind::Counter, "scalyr_agent_log_redacted_lines", "", help, redacted);
}

fn each(text: &mut Exposition, files: &[FileSnapshot]) {
    let mut sums: BTreeMap<(&str, String), Sum> = BTreeMap::new();
    for file in files {
        let sum = sums.entry((&*file.worker.0, file.path.to_string_lossy().into_owned())).or_default();
        sum.lag_bytes += file.lag_bytes;
        sum.lag_seconds = sum.lag_seconds.max(file.lag_seconds);
        sum.accepted += file.totals.accepted.bytes;
    }
    let mut worst: Vec<_> = sums.iter().collect();
    // Stable: where nobody is behind it is always the first hundred.
    order::by_key(&mut worst, |(_, sum)| Reverse(sum.lag_bytes));
    let left_out = worst.len().saturating_sub(MOST_FILES);
    worst.truncate(MOST_FILES);
    let help = "Paths that the metrics of single files leave out: only the hundred furthest behind have them.";
    text.one(Kind::Gauge, "scalyr_agent_files_left_out", "", help, count(left_out));
    let mut write = |kind, name, unit, help, of: fn(&Sum) -> f64| {
        let mut family = text.family(kind, name, unit, help);
        for ((worker, path), sum) in &worst {
            family.sample(&[("path", path), ("worker", worker)], of(sum));
        }
    };
    let help = "Bytes of a file that have no outcome yet.";
    write(Kind::Gauge, "scalyr_agent_file_lag_bytes", "bytes", help, |sum| number(sum.lag_bytes));
    let help = "How long the oldest of them has been waiting.";
    write(Kind::Gauge, "scalyr_agent_file_lag_seconds", "seconds", help, |sum| sum.lag_seconds);
    let help = "Bytes of a file that the server accepted.";
    write(Kind::Counter, "scalyr_agent_file_accepted_bytes", "bytes", help, |sum| number(sum.accepted));
}
