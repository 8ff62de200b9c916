//! A process that sends, watched until it is done.

use std::thread;
use std::time::{Duration, Instant};

use crate::sink::Sink;
use crate::story::{Process, now};

/// How often one looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Without a request for so long, the sender may be done.
const QUIET: Duration = Duration::from_millis(250);
/// Without a request for so long, it is stuck.
const STUCK: Duration = Duration::from_secs(120);
/// The kernel counts the CPU time of a process in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used when it was done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// CPU seconds, user and system.
    pub(crate) cpu: f64,
    /// From the start of the process to the answer to its last request.
    pub(crate) seconds: f64,
    /// The most resident memory, MiB.
    pub(crate) peak_mib: f64,
}

/// How it is seen that a sender is done, and from where it is measured.
pub(crate) struct Manners<'a> {
    /// Asked when nothing was sent for a moment. It may disturb the process: what it used is read before.
    pub(crate) is_done: &'a mut dyn FnMut(Duration) -> bool,
    /// It first sends a request without lines, and what it used until then is its start alone. That is left out where a
    /// small log would make much of it.
    pub(crate) without_start: bool,
}

/// Watches a process that was started at `begin` until it is done.
///
/// # Errors
/// When it ends, or sends nothing more.
pub(crate) fn watch(process: &mut Process, sink: &Sink, begin: Instant, manners: Manners<'_>) -> Result<Used, String> {
    let (mut seen, mut since, mut start) = (0, now(), (0.0, begin));
    let mut used = None;
    loop {
        thread::sleep(LOOK_EVERY);
        if let Some(status) = process.ended() {
            return Err(format!("it ended: {status}"));
        }
        if let Some(trouble) = sink.trouble() {
            return Err(format!("the sink has had trouble: {trouble}"));
        }
        if manners.without_start && sink.requests() == 0 {
            start = (cpu_seconds(process), now());
        }
        let large = sink.large();
        if large != seen {
            (seen, since, used) = (large, now(), None);
            continue;
        }
        let quiet = since.elapsed();
        if quiet > STUCK {
            return Err(format!("it sent nothing for {} s, after {seen} requests", STUCK.as_secs()));
        }
        if seen == 0 || quiet < QUIET {
            continue;
        }
        let used = *used.get_or_insert_with(|| Used {
            cpu: cpu_seconds(process) - start.0,
            seconds: sink.last().saturating_duration_since(start.1).as_secs_f64(),
            peak_mib: process.peak_rss_kib() as f64 / 1024.0,
        });
        // The last request may have come while that was asked: then what was used before it is not all.
        if (manners.is_done)(quiet) && sink.large() == seen {
            return Ok(used);
        }
    }
}

/// What all its threads used. The finer count leaves out threads that have ended, the coarser one the last hundredth.
fn cpu_seconds(process: &Process) -> f64 {
    let nanoseconds: u64 = process.cpu_of_threads().values().sum();
    (nanoseconds as f64 / 1e9).max(process.cpu_ticks() as f64 / TICKS_PER_SECOND)
}
