//! A monitor whose `run` is at work on a thread of its own, while the test looks on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::checks;
use super::record::{Mark, Recorder};
use super::surroundings::Surroundings;
use super::taken::Taken;
use crate::clock::Clock;
use crate::error::Result;
use crate::monitor::Monitor;
use crate::registry::Registration;
use crate::run::Run;
use crate::stop::Stop;

/// How often a condition is looked at when the monitor has no news.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How a run ended: the monitor, and what its `run` returned or panicked with.
pub(super) type End = (Box<dyn Monitor>, Result<Result<()>, Box<dyn Any + Send>>);

/// A monitor that runs while the test looks on; see [`Harness::running`](super::Harness::running).
pub struct Running {
    pub(super) registration: &'static Registration,
    pub(super) recorder: Recorder,
    pub(super) begin: Mark,
    pub(super) allows_dynamic: bool,
    around: Surroundings,
    stop: Stop,
    clock: Clock,
    patience: Duration,
    ending: Arc<Mutex<Ending>>,
    /// Runs what the monitor hung on its stop: that may hang or panic.
    hooks: Mutex<Option<JoinHandle<()>>>,
}

/// Whether, and how, a run has ended.
#[derive(Default)]
struct Ending {
    has_ended: bool,
    /// Nobody had asked it to stop.
    unasked: bool,
    /// Until somebody has taken it.
    end: Option<End>,
}

/// How a monitor is watched while it runs.
pub(super) struct Watching {
    pub(super) registration: &'static Registration,
    pub(super) recorder: Recorder,
    pub(super) allows_dynamic: bool,
    pub(super) patience: Duration,
    pub(super) around: Surroundings,
}

impl Running {
    /// Lets the monitor run on a thread of its own.
    pub(super) fn start(mut monitor: Box<dyn Monitor>, mut run: Run, watching: Watching) -> Self {
        let Watching { registration, recorder, allows_dynamic, patience, around } = watching;
        let running = Self {
            registration,
            begin: recorder.mark(),
            recorder,
            allows_dynamic,
            around,
            stop: run.stop().clone(),
            clock: run.clock().clone(),
            patience,
            ending: Arc::default(),
            hooks: Mutex::default(),
        };
        let (ending, recorder, stop) = (Arc::clone(&running.ending), running.recorder.clone(), running.stop.clone());
        #[expect(clippy::disallowed_methods, reason = "in a test there is no agent that could lend a thread")]
        std::thread::spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| monitor.run(&mut run)));
            drop(run); // hands on what it has still to write
            let end = Some((monitor, result));
            *ending.lock().unwrap_or_else(PoisonError::into_inner) =
                Ending { has_ended: true, unasked: !stop.is_stopped(), end };
            recorder.wake();
        });
        running
    }

    /// What the monitor emitted and logged since it was started.
    ///
    /// # Panics
    /// When it did something that it must not do; see [`Harness`](super::Harness).
    #[track_caller]
    pub fn taken(&self) -> Taken {
        let taken = self.recorder.since(self.begin);
        checks::check(self.registration, &self.recorder, &taken, self.allows_dynamic);
        taken
    }

    /// Waits until what the monitor emitted and logged since it was started fulfils the condition.
    ///
    /// # Panics
    /// When that does not come to pass within the harness's [patience](super::Harness::with_patience), or the monitor
    /// ended before; the text shows what there is.
    #[track_caller]
    pub fn wait_until(&self, mut condition: impl FnMut(&Taken) -> bool) -> Taken {
        let system = Clock::system();
        let deadline = system.monotonic() + self.patience;
        loop {
            // Before the look at the record, so that the last words of a monitor that has just ended are seen.
            let has_ended = self.has_ended();
            let taken = self.taken();
            if condition(&taken) {
                return taken;
            }
            let name = self.registration.name;
            if has_ended {
                panic!("the run of the monitor `{name}` ended while the test was waiting{}\n{taken}", self.end_text());
            }
            if system.monotonic() >= deadline {
                let patience = self.patience.as_secs_f64();
                panic!("the monitor `{name}` did not do within {patience} s what the test waits for\n{taken}");
            }
            self.recorder.wait(LOOK_AGAIN);
        }
    }

    /// Waits until a metric was emitted, and gives what was emitted and logged until then.
    ///
    /// # Panics
    /// As [`wait_until`](Self::wait_until).
    #[track_caller]
    pub fn wait_for(&self, metric: &str) -> Taken {
        self.wait_until(|taken| taken.has(metric))
    }

    /// Waits until the monitor logs a text that holds `part`, and gives the whole text: the port that it listens on, for
    /// example.
    ///
    /// # Panics
    /// As [`wait_until`](Self::wait_until).
    #[track_caller]
    pub fn wait_for_diagnostic(&self, part: &str) -> String {
        let mut found = String::new();
        self.wait_until(|taken| {
            let told = taken.diagnostics().iter().find(|diagnostic| diagnostic.message.contains(part));
            told.inspect(|diagnostic| found.clone_from(&diagnostic.message)).is_some()
        });
        found
    }

    /// What the monitor has written to the log file that it opened at this path; invalid UTF-8 is replaced.
    pub fn log_text(&self, path: impl AsRef<Path>) -> String {
        String::from_utf8_lossy(&self.around.written(path.as_ref())).into_owned()
    }

    /// Waits until what the monitor has written to the log file at this path fulfils the condition, and gives that.
    ///
    /// # Panics
    /// As [`wait_until`](Self::wait_until).
    #[track_caller]
    pub fn wait_for_log_text(&self, path: impl AsRef<Path>, condition: impl Fn(&str) -> bool) -> String {
        let system = Clock::system();
        let deadline = system.monotonic() + self.patience;
        loop {
            let has_ended = self.has_ended();
            let text = self.log_text(&path);
            if condition(&text) {
                return text;
            }
            let (name, path) = (self.registration.name, path.as_ref().display());
            assert!(!has_ended, "the run of the monitor `{name}` ended{}; {path} holds\n{text}", self.end_text());
            assert!(
                system.monotonic() < deadline,
                "{path} does not hold what the test waits for, but\n{text}\n{}",
                self.taken()
            );
            self.recorder.wait(LOOK_AGAIN);
        }
    }

    /// From now on nothing can be written to the log files that the monitor opens, or it can again.
    pub fn fill_disk(&self, is_full: bool) {
        self.around.fill_disk(is_full);
    }

    /// The clock; [advance](Clock::advance) it to make the next sample due.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Asks the monitor to stop, and is asked itself whether it was. The harness does so at the end.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    fn ending(&self) -> MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self) -> bool {
        self.ending().has_ended
    }

    /// Whether it ended although nobody had asked it to.
    pub(super) fn ended_unasked(&self) -> bool {
        self.ending().unasked
    }

    /// Asks the monitor to stop, on a thread of its own, as the agent does.
    pub(super) fn ask_to_stop(&self) {
        let stop = self.stop.clone();
        #[expect(clippy::disallowed_methods, reason = "in a test there is no agent that could lend a thread")]
        let hooks = std::thread::spawn(move || stop.stop());
        *self.hooks.lock().unwrap_or_else(PoisonError::into_inner) = Some(hooks);
    }

    /// Waits for what the monitor hung on its stop; false when that does not end.
    ///
    /// # Panics
    /// When it panics.
    pub(super) fn wait_for_hooks(&self) -> bool {
        let Some(hooks) = self.hooks.lock().unwrap_or_else(PoisonError::into_inner).take() else { return true };
        let system = Clock::system();
        let deadline = system.monotonic() + self.patience;
        while !hooks.is_finished() {
            if system.monotonic() >= deadline {
                return false;
            }
            self.recorder.wait(LOOK_AGAIN);
        }
        match hooks.join() {
            Ok(()) => true,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// How it ended, for a message.
    fn end_text(&self) -> String {
        match self.ending().end.as_ref() {
            Some((_, Ok(Err(error)))) => format!(": {error}"),
            Some((_, Err(_))) => ": it panicked".to_owned(),
            _ => String::new(),
        }
    }

    /// Waits until the monitor has ended; `None` when it does not.
    pub(super) fn wait_for_end(&self) -> Option<End> {
        let system = Clock::system();
        let deadline = system.monotonic() + self.patience;
        loop {
            let end = self.ending().end.take();
            if let Some(end) = end {
                return Some(end);
            }
            if system.monotonic() >= deadline {
                return None;
            }
            self.recorder.wait(LOOK_AGAIN);
        }
    }
}

/// A test that fails while the monitor runs must not leave it running.
impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.recorder.close();
            self.ask_to_stop();
        }
    }
}
