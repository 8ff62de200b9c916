//! When the kernel does not tell everything.

use std::fs;

use scalyr_agent::logs::{FileSystems, Noticing};

use super::Stage;

#[test]
fn lost_notices_lose_no_line() {
    let noticing = Noticing { most_pending: 1, ..Noticing::default() };
    let stage = Stage::copying_so(noticing, &["*.log", "sub/*/*.log"]);
    for round in 0..5 {
        fs::create_dir_all(stage.path(&format!("sub/{round}"))).unwrap();
        for n in 0..20 {
            stage.append(&format!("{n}.log"), "x\n");
            stage.append(&format!("sub/{round}/{n}.log"), "x\n");
        }
        assert_eq!(stage.lines(40).len(), 40);
    }
}

#[test]
fn directories_beyond_the_limit_are_polled_and_status_says_so() {
    let mut stage = Stage::new(Noticing { most_watches: 1, ..Noticing::default() });
    for directory in ["a", "b", "c"] {
        fs::create_dir(stage.path(directory)).unwrap();
        stage.append(&format!("{directory}/x.log"), "");
    }
    stage.start(&["a/x.log", "b/x.log", "c/*.log"]);
    let notices = stage.shows(|it| it.notices.polled_paths == 2).notices;
    assert_eq!(notices.watches, 1);
    assert!(notices.polled_because.keys().all(|why| why.contains("max_user_watches")), "{notices:?}");
    for name in ["a/x.log", "b/x.log", "c/x.log", "c/new.log"] {
        stage.append(name, "1\n");
        assert_eq!(stage.lines(1), ["1\n"], "{name}");
    }
}

#[test]
fn without_notices_everything_is_polled() {
    let noticing = Noticing { file_systems: FileSystems::Silent, ..Noticing::default() };
    let stage = Stage::copying_so(noticing, &["*.log"]);
    stage.append("a.log", "1\n");
    assert_eq!(stage.lines(1), ["1\n"]);
    let notices = stage.shows(|it| it.notices.polled_paths == 1).notices;
    assert!(notices.polled_because.keys().all(|why| why.contains("max_user_instances")), "{notices:?}");
    let looks = stage.snapshot().looks;
    stage.shows(|it| it.looks > looks + 5);
}
