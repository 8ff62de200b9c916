//! What idle files cost.

use std::fs;
use std::time::Duration;

use super::Stage;

const FILES: usize = 10_000;

#[test]
fn ten_thousand_idle_files_are_not_looked_at() {
    let mut stage = Stage::new(scalyr_agent::logs::Noticing::default());
    for directory in 0..10 {
        fs::create_dir(stage.path(&format!("{directory}"))).unwrap();
        for n in 0..FILES / 10 {
            fs::write(stage.path(&format!("{directory}/{n}.log")), "history\n").unwrap();
        }
    }
    stage.start(&["*/*.log"]);
    let after_start = stage.shows(|it| it.watched_paths == FILES && it.notices.watches > 10);
    assert_eq!(after_start.notices.polled_paths, 0);
    std::thread::sleep(Duration::from_secs(3));
    let idle = stage.snapshot().looks - after_start.looks;
    // What polling would have come to is more than twice as many looks a second as there are files.
    assert!(idle < FILES as u64 / 2, "{idle} looks");
    for name in ["3/500.log", "9/999.log", "0/0.log"] {
        stage.append(name, "1\n");
        assert_eq!(stage.lines(1), ["1\n"]);
    }
}
