//! Diagnostics kept in memory, for tests.

use std::sync::{Arc, Mutex, PoisonError};

use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::{Level, Logger};

/// Keeps what it is told, of every level, as `LEVEL message`.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    /// A logger of component `core` that tells this.
    pub(crate) fn logger(&self) -> Logger {
        Logger::new(Arc::new(self.clone()), "core")
    }

    /// What was told so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LogSink for Told {
    fn enabled(&self, _: Level) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let code = record.code.map(|code| format!("[{code}] ")).unwrap_or_default();
        let line = format!("{} {code}{}", record.level, record.message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
