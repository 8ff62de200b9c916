//! Panics of monitors: caught, with the place where they happened.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// Whether this thread runs the code of a monitor, whose panics are caught and logged.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// The place of the last panic on this thread while it was watched.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics inside [`watch`] quiet and remembers their place; all others are printed as before. Call it once at
/// start; further calls change nothing.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if WATCHED.get() {
                PLACE.set(place_of(info));
            } else {
                default(info);
            }
        }));
    });
}

fn place_of(info: &PanicHookInfo<'_>) -> Option<String> {
    info.location().map(|place| format!("{}:{}:{}", place.file(), place.line(), place.column()))
}

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtPanic {
    /// What the panic said.
    pub message: String,
    /// `file:line:column`; unknown when [`install`] was not called.
    pub place: Option<String>,
}

impl fmt::Display for CaughtPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_deref().unwrap_or("an unknown place");
        write!(f, "panicked at {place}: {}", self.message)
    }
}

/// Runs the code of a monitor.
///
/// # Errors
/// When it panicked. What it was working on may be in any state and must be thrown away.
pub fn watch<T>(work: impl FnOnce() -> T) -> Result<T, CaughtPanic> {
    let before = WATCHED.replace(true);
    PLACE.set(None);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let panic = CaughtPanic { message: message_of(&*payload), place: PLACE.take() };
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
