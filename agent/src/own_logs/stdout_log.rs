//! Metric lines and diagnostics of `--run-monitor`, together on one stream in whole lines.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::sample::Lines;
use scalyr_monitor::{Clock, Level, Stop};

use crate::own_logs::metric_log::MetricOutput;
use crate::own_logs::record_line::record_line;

/// Writes both kinds of lines to one stream; nothing is limited.
pub struct StdoutLog {
    out: Mutex<Stream>,
    threshold: Level,
    clock: Clock,
    broken: Stop,
}

struct Stream {
    out: Box<dyn Write + Send>,
    trouble: Option<io::Error>,
}

impl StdoutLog {
    /// Writes to `out`; diagnostics below the threshold of `debug_level` are left out. `broken` is stopped when the
    /// stream takes nothing more.
    pub fn new(out: Box<dyn Write + Send>, debug_level: u8, clock: Clock, broken: Stop) -> Self {
        let threshold = Level::threshold(debug_level);
        Self { out: Mutex::new(Stream { out, trouble: None }), threshold, clock, broken }
    }

    /// Writes a line as it is, without time and component; `text` has no line end.
    pub fn say(&self, text: &str) {
        self.write_all(format!("{text}\n").as_bytes());
    }

    /// Writes whole lines as they are.
    pub fn show(&self, lines: &[u8]) {
        self.write_all(lines);
    }

    /// Why the stream takes nothing more, once it does not.
    pub fn trouble(&self) -> Option<io::Error> {
        self.stream().trouble.take()
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False when the stream took it no more.
    fn write_all(&self, text: &[u8]) -> bool {
        let mut stream = self.stream();
        if self.broken.is_stopped() {
            return false;
        }
        let written = stream.out.write_all(text).and_then(|()| stream.out.flush());
        let Err(error) = written else { return true };
        stream.trouble = Some(error);
        drop(stream);
        self.broken.stop();
        false
    }
}

impl LogSink for StdoutLog {
    fn enabled(&self, level: Level) -> bool {
        level >= self.threshold
    }

    fn log(&self, record: &Record<'_>) {
        self.write_all(record_line(self.clock.now(), record).as_bytes());
    }
}

impl MetricOutput for StdoutLog {
    fn write(&self, lines: &Lines) -> u64 {
        if self.write_all(lines.text().as_bytes()) { 0 } else { lines.len() as u64 }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use scalyr_monitor::{Logger, Timestamp};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn debug_records_appear_only_when_asked_for() {
        for (debug_level, expected) in [(0, "INFO [core] b"), (1, "DEBUG [core] a\nINFO [core] b")] {
            let out = Shared::default();
            let clock = Clock::manual(Timestamp::from_millis(0));
            let log = StdoutLog::new(Box::new(out.clone()), debug_level, clock, Stop::new());
            let logger = Logger::new(Arc::new(log), "core");
            logger.debug("a");
            logger.info("b");
            let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
            let without_time_and_source = |line: &str| {
                let (head, message) = line[25..].rsplit_once("] ").unwrap();
                format!("{} {message}", head.rsplit_once(" [").unwrap().0)
            };
            assert_eq!(text.lines().map(without_time_and_source).collect::<Vec<_>>().join("\n"), expected);
        }
    }

    #[test]
    fn a_stream_that_is_gone_is_tried_once() {
        struct Gone(Arc<AtomicUsize>);
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                self.0.fetch_add(1, Ordering::Relaxed);
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (tries, broken) = (Arc::new(AtomicUsize::new(0)), Stop::new());
        let log = StdoutLog::new(Box::new(Gone(Arc::clone(&tries))), 0, Clock::system(), broken.clone());
        log.say("a");
        log.say("b");
        assert!(broken.is_stopped());
        assert_eq!(tries.load(Ordering::Relaxed), 1);
        assert_eq!(log.trouble().unwrap().kind(), ErrorKind::BrokenPipe);
    }
}
