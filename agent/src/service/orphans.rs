//! The duty of a container's first process: who loses its parent becomes its child, and stays as a zombie, with its number
//! taken, until somebody asks how it ended. A monitor that runs `sh -c 'something &'` leaves such a process each time.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, tick};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

/// How often it is looked after them.
const INTERVAL: Duration = Duration::from_secs(5);
/// So many are taken at a time; the rest has its turn.
const AT_ONCE: usize = 1000;

/// When [`reap`] is due: now and then where this process is the first one of its world, never elsewhere.
pub fn due(own_pid: u32) -> Receiver<Instant> {
    if own_pid == 1 { tick(INTERVAL) } else { never() }
}

/// Takes note of the end of each process that became a child of this **thread**, without waiting; returns how many. The
/// kernel gives orphans to the main thread, and whoever starts a process of their own does that from another thread and
/// waits for it there. So nobody's child is taken from them.
pub fn reap() -> usize {
    // Of this thread alone: a flag of Linux.
    let flags = WaitPidFlag::WNOHANG | WaitPidFlag::__WNOTHREAD;
    let has_ended = |_: &usize| waitpid(None, Some(flags)).is_ok_and(|status| status != WaitStatus::StillAlive);
    (0..AT_ONCE).take_while(has_ended).count()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn the_child_of_another_thread_is_left_to_that_thread() {
        let mut child = Command::new("true").spawn().unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        while !state().contains(") Z ") {
            thread::yield_now();
        }
        assert_eq!(thread::scope(|scope| scope.spawn(reap).join().unwrap()), 0);
        assert!(child.wait().unwrap().success(), "its end was kept for whoever started it");
    }

    #[test]
    fn each_child_of_this_thread_that_has_ended_is_taken_and_none_that_lives() {
        let mut living = Command::new("sleep").arg("1000").spawn().unwrap();
        let mut ends: Vec<_> = (0..3).map(|_| Command::new("true").spawn().unwrap()).collect();
        let mut taken = 0;
        while taken < ends.len() {
            taken += reap();
            thread::yield_now();
        }
        assert!(ends.iter_mut().all(|child| child.wait().is_err()), "nobody is there to wait for");
        assert_eq!(reap(), 0);
        living.kill().unwrap();
        assert!(living.wait().is_ok());
    }

    #[test]
    fn only_the_first_process_looks_after_orphans() {
        assert!(due(4711).recv_timeout(Duration::from_millis(1)).is_err());
        assert!(due(1).recv_timeout(10 * INTERVAL).is_ok());
    }
}
