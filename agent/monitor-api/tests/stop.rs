//! Asking a monitor to stop: whatever its hooks do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scalyr_monitor::prelude::*;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_hook_that_panics_does_not_keep_the_next_one_from_running() {
    let (stop, ran) = (Stop::new(), Arc::new(AtomicBool::new(false)));
    stop.on_stop(|| panic!("the first one"));
    stop.on_stop({
        let ran = Arc::clone(&ran);
        move || ran.store(true, Ordering::Relaxed)
    });
    let panic = catch_unwind(AssertUnwindSafe(|| stop.stop())).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the first one"), "whoever stops it hears of it");
    assert!(ran.load(Ordering::Relaxed));
}

#[test]
fn hooks_that_are_never_run_and_panic_when_they_are_dropped_do_not_end_the_process() {
    let stop = Stop::new();
    for _ in 0..3 {
        let bomb = Bomb;
        stop.on_stop(move || std::mem::forget(bomb));
    }
    let panic = catch_unwind(AssertUnwindSafe(|| drop(stop))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"dropped"));
}

#[test]
fn hooks_that_panic_when_they_run_and_when_they_are_dropped_do_not_end_the_process() {
    let stop = Stop::new();
    for _ in 0..3 {
        let bomb = Bomb;
        stop.on_stop(move || {
            let _bomb = bomb;
        });
    }
    assert!(catch_unwind(AssertUnwindSafe(|| stop.stop())).is_err());
    assert!(stop.is_stopped());
}
