//! Panics of monitors: caught, with the place where they happened.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// Whether this thread runs the code of a monitor, whose panics are caught and logged.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic on this thread was while it was watched.
    static LAST: RefCell<Option<Trace>> = const { RefCell::new(None) };
}

/// Makes panics inside [`watch`] quiet and remembers their place; all others are printed as before. Call it once at
/// start; further calls change nothing.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if WATCHED.get() {
                LAST.set(Some(Trace::of(info)));
            } else {
                default(info);
            }
        }));
    });
}

/// Where a panic was.
struct Trace {
    place: Option<String>,
    /// The calls that led there, a line or two each; only with `RUST_BACKTRACE` in the environment of the agent.
    frames: Option<String>,
}

/// So many lines of calls are kept: the innermost tell most.
const MOST_LINES: usize = 40;

impl Trace {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        let place = info.location().map(|place| format!("{}:{}:{}", place.file(), place.line(), place.column()));
        // Looks into the environment by itself, as for every panic.
        let backtrace = Backtrace::capture();
        let frames = (backtrace.status() == BacktraceStatus::Captured).then(|| own_frames(&backtrace.to_string()));
        Self { place, frames }
    }
}

/// The calls between the panic and [`watch`]: those of the monitor.
fn own_frames(backtrace: &str) -> String {
    let lines: Vec<&str> = backtrace.lines().collect();
    let is_call = |line: &str| !line.trim_start().starts_with("at ");
    let is_machinery = |line: &&str| line.contains("core::panicking::") || line.contains("rust_begin_unwind");
    let begin = lines.iter().rposition(is_machinery).map_or(0, |last| last + 1);
    let begin = begin + lines[begin..].iter().take_while(|line| !is_call(line)).count();
    let is_ours = |line: &&str| line.contains("panic_place::watch") || line.contains("__rust_try");
    let watched = lines[begin..].iter().position(is_ours);
    let end = watched.map_or(lines.len(), |length| begin + length).min(begin + MOST_LINES);
    lines[begin..end].join("\n")
}

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtPanic {
    /// What the panic said.
    pub message: String,
    /// `file:line:column`; unknown when [`install`] was not called.
    pub place: Option<String>,
    /// The calls that led there, as far as they are known.
    pub frames: Option<String>,
}

/// On a line; `{:#}` is the form of the agent log, with the trace in the lines below (`logging.md` section 6).
impl fmt::Display for CaughtPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_deref().unwrap_or("an unknown place");
        write!(f, "panicked at {place}: {}", self.message)?;
        match &self.frames {
            _ if !f.alternate() => Ok(()),
            Some(frames) => write!(f, " :stack_trace:\n{frames}"),
            None => write!(
                f,
                " :stack_trace:\nat {place}; with RUST_BACKTRACE=1 in the environment of the agent, all calls"
            ),
        }
    }
}

/// Runs the code of a monitor.
///
/// # Errors
/// When it panicked. What it was working on may be in any state and must be thrown away.
pub fn watch<T>(work: impl FnOnce() -> T) -> Result<T, CaughtPanic> {
    let before = WATCHED.replace(true);
    LAST.set(None);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let (place, frames) = LAST.take().map_or((None, None), |last| (last.place, last.frames));
        let panic = CaughtPanic { message: message_of(&*payload), place, frames };
        // The payload is the monitor's own, and its drop may panic again.
        if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        panic
    });
    WATCHED.set(before);
    outcome
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_place_and_text() {
        install();
        let panic = watch(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(panic.message, "number 7");
        let place = panic.place.unwrap();
        assert!(place.starts_with(&format!("{}:{}:", file!(), line!() - 3)), "{place}");
        assert_eq!(watch(|| 1), Ok(1));
    }

    #[test]
    fn the_log_has_the_calls_that_led_to_a_panic() {
        let backtrace = "   0: std::backtrace_rs::trace\n   1: core::panicking::panic_fmt\n             at /rustc/x.rs:1:2\n   \
                         2: coin::toss\n             at local-monitors/coin/src/lib.rs:7:9\n   3: coin::gather\n   4: \
                         scalyr_agent::monitors::panic_place::watch\n   5: std::rt";
        let own = "   2: coin::toss\n             at local-monitors/coin/src/lib.rs:7:9\n   3: coin::gather";
        assert_eq!(own_frames(backtrace), own);
        let mut panic =
            CaughtPanic { message: "lost".into(), place: Some("f.rs:1:2".into()), frames: Some(own.into()) };
        assert_eq!(panic.to_string(), "panicked at f.rs:1:2: lost");
        assert_eq!(format!("{panic:#}"), format!("panicked at f.rs:1:2: lost :stack_trace:\n{own}"));
        panic.frames = None;
        assert!(format!("{panic:#}").starts_with("panicked at f.rs:1:2: lost :stack_trace:\nat f.rs:1:2; with RUST_B"));
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        install();
        let panic = watch(|| panic::panic_any(Bomb)).unwrap_err();
        assert_eq!(panic.message, "(no text)");
    }

    #[test]
    fn watching_within_watching_goes_on() {
        install();
        let outer = watch(|| {
            assert!(watch(|| panic!("inner")).is_err());
            panic!("outer")
        });
        assert_eq!(outer.map(|(): ()| ()).unwrap_err().message, "outer");
    }
}
