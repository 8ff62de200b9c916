//! Tests of a monitor: an entry in, metric lines or problems out, through the same reader as in the agent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use serde_json::json;
use serde_json::{Map, Value};

use crate::clock::{Clock, Timestamp};
use crate::context::{Context, LogConfig, LogFiles};
use crate::log::Logger;
use crate::monitor::{Monitor, Result};
use crate::registry::{Declared, Environment, Problem, Severity};
use crate::sample::{LineSink, Lines, Sample};

/// A monitor that was built from an entry, ready to take samples when the test says so.
///
/// The clock stands at 2026-01-01 00:00:00 until the test moves it, and nothing leaves the test.
pub struct Harness {
    monitor: Box<dyn Monitor>,
    sample: Sample,
    context: Context,
    warnings: Vec<Problem>,
    written: Written,
}

impl Harness {
    /// Builds the monitor `M` from an entry, written as in `monitors: [ … ]` without `module`, and initialises it.
    ///
    /// # Errors
    /// All problems of the entry; that of [`Monitor::initialize`] without a path.
    pub fn new<M: Declared>(entry: Value) -> Result<Self, Vec<Problem>> {
        let refused =
            |path: &str, message: String| Problem { path: path.to_owned(), message, severity: Severity::Refused };
        let entry: Map<String, Value> = match entry {
            Value::Object(entry) => entry,
            other => return Err(vec![refused("", format!("{other} is not an object"))]),
        };
        let registration = M::registration();
        let built = registration.build(&entry, &Environment::default())?;

        let clock = Clock::manual(Timestamp::from_millis(1_767_225_600_000));
        let logger = Logger::none();
        let written = Written::default();
        let mut harness = Self {
            monitor: built.monitor,
            sample: Sample::new(registration.name, "", clock.clone(), logger.clone(), Box::new(written.clone())),
            context: Context::new(
                &format!("{}()", registration.name),
                Duration::from_secs(30),
                LogConfig::new(format!("{}.log", registration.name)),
                logger,
                clock,
                LogFiles::none(),
            ),
            warnings: built.warnings,
            written,
        };
        match harness.monitor.initialize(&mut harness.context) {
            Ok(()) => Ok(harness),
            Err(error) => Err(vec![refused("", error.to_string())]),
        }
    }

    /// Takes one sample: its lines without time and name, `uniform 0.25 count=1`.
    ///
    /// # Errors
    /// Those of [`Monitor::gather_sample`].
    pub fn sample(&mut self) -> Result<Vec<String>> {
        let gathered = self.monitor.gather_sample(&mut self.sample);
        self.sample.flush();
        let lines = std::mem::take(&mut *self.written.0.lock().unwrap_or_else(PoisonError::into_inner));
        gathered.map(|()| lines.iter().map(|line| without_name(line).to_owned()).collect())
    }

    /// What the monitor was given, and what it changed of it in [`Monitor::initialize`].
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What is odd about the entry.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The clock; [advance](Clock::advance) it to let time pass.
    pub fn clock(&self) -> &Clock {
        self.context.clock()
    }
}

/// Behind `2026-01-01 00:00:00.000Z [coin()] `.
fn without_name(line: &str) -> &str {
    line.split_once(")] ").map_or(line, |(_, rest)| rest).trim_end_matches('\n')
}

/// The lines of a sample.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<String>>>);

impl LineSink for Written {
    fn write_lines(&mut self, lines: &Lines) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(lines.iter().map(str::to_owned));
    }
}
