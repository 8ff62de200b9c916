//! One monitor instance's way into a metric log.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::sample::Lines;
use scalyr_monitor::{Clock, Stop};

use super::MetricLog;
use crate::config::plan::WriteLimit;
use crate::own_logs::leaky_bucket::LeakyBucket;
use crate::own_logs::rotating_file::Held;

/// Where the lines of one monitor instance go, whatever run of it they come from.
pub trait MetricOutput: Send + Sync {
    /// Writes the lines in one go; tells how many of them were not written.
    fn write(&self, lines: &Lines) -> u64;

    /// A sample has ended, with or without lines.
    fn sample_ended(&self) {}

    /// From now on it is not held up by anything: the instance is to stop.
    fn hurry(&self) {}

    /// For how long a write has been held up, because the log's oldest file is not uploaded yet.
    fn held_for(&self) -> Option<Duration> {
        None
    }

    /// The instance writes nothing more.
    fn finish(&self) {}
}

/// What the buffer of accepted lines keeps between two samples: as much as a sample hands on at once.
const KEPT_BYTES: usize = 64 * 1024;

/// One monitor instance's way into a metric log, with a limit of its own.
pub struct InstanceLog {
    log: Arc<MetricLog>,
    monitor: String,
    clock: Clock,
    limiter: Option<Mutex<Limiter>>,
    /// Stopped when the instance is to stop.
    hurry: Stop,
    held_since: Mutex<Option<Instant>>,
}

struct Limiter {
    bucket: LeakyBucket,
    /// Lines refused since the last one that was accepted.
    skipped: u64,
    /// The accepted lines of one sample, with notices among them.
    accepted: String,
    /// How many lines these are.
    lines: u64,
    /// The notices: which line each is, and how many skipped lines it tells of.
    notices: Vec<(u64, u64)>,
}

impl Limiter {
    fn clear(&mut self) {
        self.accepted.clear();
        self.accepted.shrink_to(KEPT_BYTES);
        self.notices.clear();
        self.lines = 0;
    }

    /// The last ones of the accepted lines were lost. What was told there is to be told again; how many of them were no
    /// notices.
    fn lost(&mut self, lost: u64) -> u64 {
        let written = self.lines.saturating_sub(lost);
        let notices = self.notices.iter().filter(|(line, _)| *line >= written);
        let (count, skipped) = notices.fold((0, 0), |(count, sum), (_, skipped)| (count + 1, sum + skipped));
        self.skipped += skipped;
        lost.saturating_sub(count)
    }
}

impl InstanceLog {
    /// The lines of `monitor`, for example `coin()`, into `log`; without a limit when there is none.
    pub fn new(log: Arc<MetricLog>, monitor: &str, limit: Option<WriteLimit>, clock: Clock) -> Self {
        let limiter = limit.map(|limit| {
            let bucket = LeakyBucket::new(limit, clock.monotonic());
            Mutex::new(Limiter { bucket, skipped: 0, accepted: String::new(), lines: 0, notices: Vec::new() })
        });
        let (hurry, held_since) = (Stop::new(), Mutex::default());
        Self { log, monitor: monitor.to_owned(), clock, limiter, hurry, held_since }
    }

    /// Writes the lines, and waits as long as the log's oldest file is not uploaded; that is said once, and its end.
    fn put(&self, text: &[u8]) -> u64 {
        self.log.write(text, &self.hurry, |held| self.note_held(held))
    }

    fn note_held(&self, held: Option<Held>) {
        let now = self.clock.monotonic();
        let mut since = self.held_since.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, path, logger) = (*since, self.log.path.display(), &self.log.logger);
        *since = held.map(|_| before.unwrap_or(now));
        drop(since);
        match (held, before) {
            (Some(held), None) => logger.warn(format_args!(
                "{} waits: its log {path} is full, and {} bytes of the oldest file are not uploaded yet, which a rotation \
                 would remove",
                self.monitor, held.unsettled
            )),
            (None, Some(before)) => logger.info(format_args!(
                "{} goes on after {:.0} s: {path} can be rotated, or grows because the monitor is to stop",
                self.monitor,
                now.saturating_duration_since(before).as_secs_f64()
            )),
            _ => {}
        }
    }

    fn limiter(&self) -> Option<MutexGuard<'_, Limiter>> {
        self.limiter.as_ref().map(|limiter| limiter.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells how many lines were skipped, in the metric log itself, so that it is shipped beside the gap.
    fn push_notice(&self, out: &mut String, skipped: u64) {
        _ = writeln!(
            out,
            "{} [{}] .... Warning, skipped writing {skipped} log lines due to limit set by `monitor_log_write_rate` \
             option...",
            self.clock.now(),
            self.monitor
        );
    }

    /// Takes one line if the bucket allows it, with a notice before it when lines were skipped.
    fn offer(&self, limiter: &mut Limiter, line: &str) -> bool {
        let before = limiter.accepted.len();
        if limiter.skipped > 0 {
            self.push_notice(&mut limiter.accepted, limiter.skipped);
        }
        let notice = (limiter.accepted.len() - before).saturating_sub(1);
        if limiter.bucket.take(notice + line.len() - 1, self.clock.monotonic()) {
            limiter.accepted.push_str(line);
            if limiter.skipped > 0 {
                limiter.notices.push((limiter.lines, limiter.skipped));
                limiter.lines += 1;
                limiter.skipped = 0;
            }
            limiter.lines += 1;
            true
        } else {
            limiter.accepted.truncate(before);
            limiter.skipped += 1;
            false
        }
    }
}

impl MetricOutput for InstanceLog {
    fn write(&self, lines: &Lines) -> u64 {
        let Some(mut limiter) = self.limiter() else {
            return self.put(lines.text().as_bytes());
        };
        let cost = lines.text().len() - lines.len();
        if limiter.skipped == 0 && limiter.bucket.take(cost, self.clock.monotonic()) {
            return self.put(lines.text().as_bytes());
        }
        limiter.clear();
        let refused = lines.iter().filter(|line| !self.offer(&mut limiter, line)).count() as u64;
        let lost = if limiter.accepted.is_empty() { 0 } else { self.put(limiter.accepted.as_bytes()) };
        let lost = limiter.lost(lost);
        limiter.clear();
        refused + lost
    }

    /// Tells of skipped lines as soon as the bucket has room for it, also when the monitor has fallen silent.
    fn sample_ended(&self) {
        let Some(mut limiter) = self.limiter().filter(|limiter| limiter.skipped > 0) else { return };
        limiter.accepted.clear();
        let skipped = limiter.skipped;
        self.push_notice(&mut limiter.accepted, skipped);
        let cost = limiter.accepted.len() - 1;
        // One that is lost is tried again.
        if limiter.bucket.take(cost, self.clock.monotonic()) && self.put(limiter.accepted.as_bytes()) == 0 {
            limiter.skipped = 0;
        }
    }

    fn hurry(&self) {
        self.hurry.stop();
    }

    fn held_for(&self) -> Option<Duration> {
        let since = *self.held_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| self.clock.monotonic().saturating_duration_since(since))
    }

    /// Tells of skipped lines even when the bucket is empty: nothing comes behind it.
    fn finish(&self) {
        let Some(mut limiter) = self.limiter().filter(|limiter| limiter.skipped > 0) else { return };
        let skipped = std::mem::take(&mut limiter.skipped);
        let mut notice = String::new();
        self.push_notice(&mut notice, skipped);
        self.put(notice.as_bytes());
    }
}
