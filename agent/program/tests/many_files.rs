//! "There are thousands of files. Is each line found, and what does it cost?"

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rand::RngExt;
use rand::seq::index::sample;
use serde_json::json;
use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, end_well, now, say, seeded_rng, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Makes so many files, each with a line that was there before any agent.
fn make_files(scratch: &Scratch, count: usize) -> Vec<PathBuf> {
    fs::create_dir_all(scratch.path("logs")).unwrap();
    let paths: Vec<PathBuf> = (0..count).map(|number| scratch.path(&format!("logs/{number:05}.log"))).collect();
    paths.iter().for_each(|path| fs::write(path, "from before\n").unwrap());
    paths
}

/// The events of each log.
fn by_log(events: &[Event]) -> BTreeMap<&str, Vec<Event>> {
    let mut logs = BTreeMap::<_, Vec<Event>>::new();
    for event in events {
        logs.entry(event.logfile.as_str()).or_default().push(event.clone());
    }
    logs
}

#[test]
fn a_line_of_any_of_ten_thousand_idle_files_arrives() {
    const FILES: usize = 10_000;
    let scratch = Scratch::new();
    let mut chance = seeded_rng();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let paths = make_files(&scratch, FILES);
    let logs = json!([{ "path": scratch.path("logs/*.log") }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({}));
    let begin = now();
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("all files are watched", PATIENCE, || {
        agent.status().is_some_and(|status| status["tail"]["watched_paths"].as_u64() == Some(FILES as u64))
    });
    say(&format!("{FILES} files were watched after {:.1?}", begin.elapsed()));
    let before = agent.process().cpu_ticks();
    thread::sleep(Duration::from_secs(3));
    let ticks = agent.process().cpu_ticks() - before;
    say(&format!("{FILES} idle files cost {ticks} hundredths of a second of CPU time in 3 seconds (not optimised)"));

    for round in 1..=2 {
        for index in sample(&mut chance, FILES, 20) {
            Lines::new(&paths[index], 20).append(3);
        }
        wait_until("the lines have arrived", PATIENCE, || receiver.events().len() == round * 60);
    }
    // Whoever was chosen twice wrote the same three lines again, as a file of its own.
    for (log, events) in by_log(receiver.events()) {
        events.chunks(3).for_each(|three| assert_each_once(three, 3));
        assert!(events.len() % 3 == 0, "{log}: {} lines", events.len());
    }
    end_well(&mut agent, PATIENCE);
}

#[test]
fn a_thousand_files_with_ten_lines_a_second_together_arrive_whole() {
    const FILES: usize = 1_000;
    let scratch = Scratch::new();
    let mut chance = seeded_rng();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let paths = make_files(&scratch, FILES);
    let logs = json!([{ "path": scratch.path("logs/*.log") }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("all files are watched", PATIENCE, || {
        agent.status().is_some_and(|status| status["tail"]["watched_paths"].as_u64() == Some(FILES as u64))
    });
    let mut written = BTreeMap::<usize, Lines>::new();
    for _ in 0..80 {
        let index = chance.random_range(0..FILES);
        written.entry(index).or_insert_with(|| Lines::new(&paths[index], 40)).append(1);
        thread::sleep(Duration::from_millis(100));
    }
    wait_until("all lines have arrived", PATIENCE, || receiver.events().len() >= 80);
    let logs = by_log(receiver.events());
    assert_eq!(logs.len(), written.len());
    for lines in written.values() {
        assert_each_once(&logs[&*lines.path().to_string_lossy()], lines.written());
    }
    end_well(&mut agent, PATIENCE);
}
