//! How a monitor is asked to stop, and what it leaves to be done then.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Says when to stop. Cheap to clone; waiting on it is how a monitor sleeps.
#[derive(Clone, Default)]
pub struct Stop(Arc<StopState>);

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_stopped() { "Stop(asked)" } else { "Stop(not asked)" })
    }
}

#[derive(Default)]
struct StopState {
    asked: Mutex<Asked>,
    changed: Condvar,
}

#[derive(Default)]
struct Asked {
    stopped: bool,
    hooks: Hooks,
}

type Hook = Box<dyn FnOnce() + Send>;

/// What runs when a monitor is asked to stop, and has not run yet.
#[doc(hidden)]
#[derive(Default)]
#[must_use = "hooks that are dropped do not run"]
pub struct Hooks(Vec<Hook>);

impl Hooks {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs all of them, in the order in which they came: one that panics does not keep the next one from running. Then
    /// the first panic goes on.
    pub fn run(mut self) {
        self.each(|hook| hook());
    }

    /// Two panics at once would end the process, so each hook's own is caught before the next one's turn.
    fn each(&mut self, work: impl Fn(Hook)) {
        let mut first = None;
        for hook in std::mem::take(&mut self.0) {
            let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| work(hook))) else { continue };
            match first {
                None => first = Some(panic),
                // Its drop may panic, too.
                Some(_) => std::mem::forget(panic),
            }
        }
        match first {
            Some(panic) if std::thread::panicking() => std::mem::forget(panic),
            Some(panic) => panic::resume_unwind(panic),
            None => {}
        }
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.each(drop);
    }
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the monitor was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// Sleeps for `time` unless asked to stop; true when asked to stop.
    pub fn wait(&self, time: Duration) -> bool {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_timeout_while(asked, time, |asked| !asked.stopped);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    /// Runs `hook` when the monitor is asked to stop (at once when that was already so): closes a socket on which
    /// the monitor's thread waits, for example. Runs on another thread.
    pub fn on_stop(&self, hook: impl FnOnce() + Send + 'static) {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.stopped {
            drop(asked);
            hook();
        } else {
            asked.hooks.0.push(Box::new(hook));
        }
    }

    /// Asks to stop: wakes every sleeper and runs the hooks, all of them, also when one panics.
    pub fn stop(&self) {
        self.ask().run();
    }

    /// Asks to stop and wakes every sleeper; the hooks are left to whoever asks, for a thread on which they may hang.
    #[doc(hidden)]
    pub fn ask(&self) -> Hooks {
        let hooks = {
            let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.stopped = true;
            std::mem::take(&mut asked.hooks)
        };
        self.0.changed.notify_all();
        hooks
    }
}
