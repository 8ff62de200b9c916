//! Files that monitors register and withdraw.

use std::fs;
use std::time::Duration;

use scalyr_monitor::Clock;

use super::{DEADLINE, Tailing};

#[test]
fn a_registered_file_may_be_withdrawn_and_come_back_and_goes_on_where_it_was() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let entry = tailing.entry("container.log");
    let path = tailing.path("container.log");
    let tail = tailing.running().tail.clone();
    for round in 0..20 {
        tail.register(entry.clone()).unwrap();
        tailing.append("container.log", format!("{round} a\n"));
        assert_eq!(tailing.lines(1), [format!("{round} a\n")]);
        // Written in the moment before the withdrawal, after the last look.
        tailing.append("container.log", format!("{round} b\n"));
        tail.withdraw(path.clone());
        assert_eq!(tailing.lines(1), [format!("{round} b\n")]);
        if round % 2 == 0 {
            while tail.snapshot().watched_paths > 1 {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

#[test]
fn a_withdrawn_file_that_another_entry_knows_under_its_next_name_goes_on_there() {
    let mut tailing = Tailing::new();
    tailing.start("*.old");
    tailing.append("container.log", "1\n");
    tailing.running().tail.register(tailing.entry("container.log")).unwrap();
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("container.log"), tailing.path("container.old")).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    tailing.running().tail.withdraw(tailing.path("container.log"));
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("container.old", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.nothing_comes();
}

#[test]
fn what_the_configuration_asks_for_a_monitor_cannot_withdraw() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.running().tail.register(tailing.entry("a.log")).unwrap();
    tailing.running().tail.withdraw(tailing.path("a.log"));
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_withdrawn_file_is_read_to_its_end_and_let_go() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let mut entry = tailing.entry("container.log");
    entry.origin = "monitor docker_monitor()".into();
    tailing.append("container.log", "1\n");
    tailing.running().tail.register(entry).unwrap();
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.append("container.log", "2\n");
    tailing.running().tail.withdraw(tailing.path("container.log"));
    assert_eq!(tailing.lines(1), ["2\n"]);
    let deadline = Clock::system().monotonic() + DEADLINE;
    while tailing.running().tail.snapshot().watched_paths > 1 {
        assert!(Clock::system().monotonic() < deadline, "it is still watched");
        std::thread::sleep(Duration::from_millis(20));
    }
    tailing.append("container.log", "3\n");
    tailing.nothing_comes();
}
