//! A log file that a monitor writes itself: the writer of metric logs, without their limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scalyr_monitor::Stop;
use scalyr_monitor::context::LineOutput;

use super::MetricLog;
use crate::own_logs::rotating_file::Held;

/// One monitor instance's way into a log file of its own.
pub struct MonitorLog {
    log: Arc<MetricLog>,
    monitor: String,
    /// It was told that the file is full and cannot be rotated.
    is_held: AtomicBool,
}

impl MonitorLog {
    /// The lines of `monitor`, for example `journald_monitor()`, into `log`.
    pub fn new(log: Arc<MetricLog>, monitor: &str) -> Self {
        Self { log, monitor: monitor.to_owned(), is_held: AtomicBool::new(false) }
    }

    /// Says once that it waits, and once that it goes on.
    fn note_held(&self, held: Option<Held>) {
        let (monitor, path, logger) = (&self.monitor, self.log.path.display(), &self.log.logger);
        match (held, self.is_held.swap(held.is_some(), Ordering::Relaxed)) {
            (Some(held), false) => logger.warn(format_args!(
                "{monitor} waits: its log {path} is full, and {} bytes of the oldest file are not uploaded yet, which a \
                 rotation would remove",
                held.unsettled
            )),
            (None, true) => logger.info(format_args!(
                "{monitor} goes on: {path} can be rotated, or grows because the monitor is to stop"
            )),
            _ => {}
        }
    }
}

impl LineOutput for MonitorLog {
    fn write(&self, lines: &str, stop: &Stop) -> u64 {
        self.log.write(lines.as_bytes(), stop, |held| self.note_held(held))
    }
}
