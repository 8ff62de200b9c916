//! The tools of the story tests are tested themselves: a tally that overlooks a lost line would make every story pass.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};

use story::{
    API_KEY, Event, EventReader, Lines, Process, Scratch, Tally, assert_each_once, missing_and_repeated, read_events,
    seeded_rng, wait_until, write_config,
};

const SOON: Duration = Duration::from_secs(30);

fn event(message: &str) -> Event {
    Event { message: message.into(), logfile: "/var/log/app.log".into(), si: None, sn: None, client: 0 }
}

/// The lines of a file, as events.
fn events_of(scratch: &Scratch, file: &str) -> Vec<Event> {
    fs::read_to_string(scratch.path(file)).unwrap().split_inclusive('\n').map(event).collect()
}

#[test]
fn numbered_lines_are_counted_across_a_rotation() {
    let scratch = Scratch::new();
    let mut lines = Lines::new(&scratch.path("app.log"), 40);
    lines.append(3000);
    lines.rotate();
    lines.append(2);
    assert_eq!(lines.written(), 3002);

    let mut events = events_of(&scratch, "app.log.1");
    assert_eq!(events[123].text(), "line 000000123 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.");
    assert_eq!(missing_and_repeated(&events, 3002).missing, [3000, 3001]);
    events.extend(events_of(&scratch, "app.log"));
    assert_each_once(&events, 3002);
}

#[test]
fn lost_repeated_reordered_and_damaged_lines_are_told_apart() {
    let numbers = [0, 2, 1, 2, 2, 5];
    let mut events: Vec<Event> = numbers.iter().map(|number| event(&format!("line {number:09} x.\n"))).collect();
    events.push(event("another log\n"));
    events.push(event("line 000000003 xx"));
    events.push(event("line 000000003 xx.line 000000004 xx.\n"));
    events.push(event("line 000000009 xx.\n"));

    let tally = missing_and_repeated(&events, 6);
    assert_eq!(tally.missing, [3, 4]);
    assert_eq!(tally.repeated, [(2, 3)].into());
    assert_eq!(tally.out_of_order, [1]);
    assert_eq!(tally.damaged.len(), 3);
    assert!(tally.to_string().starts_with("2 are missing [3, 4], 1 came more than once [(2, 3)]"), "{tally}");
    assert_eq!(missing_and_repeated(&[], 0), Tally::default());
}

#[test]
fn chance_loses_and_repeats_lines_and_the_tally_finds_each() {
    let mut rng = seeded_rng();
    let (mut events, mut missing, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..2000_u64 {
        let copies = rng.random_range(0..4);
        events.extend((0..copies).map(|_| event(&format!("line {number:09} .\n"))));
        match copies {
            0 => missing.push(number),
            1 => {}
            _ => repeated.push((number, copies)),
        }
    }
    let tally = missing_and_repeated(&events, 2000);
    assert_eq!(tally.missing, missing);
    assert_eq!(tally.repeated.into_iter().collect::<Vec<_>>(), repeated);
}

#[test]
fn events_are_read_while_the_file_grows_and_half_a_line_waits_for_its_end() {
    let scratch = Scratch::new();
    let path = scratch.path("f.jsonl");
    let mut reader = EventReader::new(&path);
    let mut events = Vec::new();
    reader.read(&mut events);
    assert_eq!(events, [], "the file is not there yet");

    let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
    write!(file, "{}\n{{\"mess", json!({"message": "a\n", "logfile": "/l", "si": "s", "sn": 2})).unwrap();
    reader.read(&mut events);
    let first = Event { message: b"a\n".to_vec(), logfile: "/l".into(), si: Some("s".into()), sn: Some(2), client: 0 };
    assert_eq!(events, std::slice::from_ref(&first));

    writeln!(file, "age\": {{\"$b64\": \"//4K\"}}, \"logfile\": \"/l\"}}").unwrap();
    reader.read(&mut events);
    let second = Event { message: b"\xff\xfe\n".to_vec(), logfile: "/l".into(), si: None, sn: None, client: 0 };
    assert_eq!(events, [first, second]);
    assert_eq!(read_events(&path), events);
}

#[test]
fn the_configuration_names_the_server_and_takes_further_keys() {
    let scratch = Scratch::new();
    let logs = json!([{ "path": "/var/log/app.log" }]);
    let extra = json!({ "implicit_metric_monitor": true, "max_line_size": 100 });
    let path = write_config(&scratch, "http://127.0.0.1:1", logs.clone(), extra);
    let config: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!((&config["api_key"], &config["scalyr_server"]), (&json!(API_KEY), &json!("http://127.0.0.1:1")));
    assert_eq!((&config["logs"], &config["max_line_size"]), (&logs, &json!(100)));
    assert_eq!(config["implicit_metric_monitor"], json!(true));
    assert!(scratch.path("log").is_dir() && scratch.path("data").is_dir());
}

#[test]
fn a_process_is_stopped_killed_and_never_left_behind() {
    let scratch = Scratch::new();
    let shell = |script: &str| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    };
    let polite = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done";
    let mut process = Process::start(&scratch, "polite", shell(polite));
    wait_until("the shell is ready", SOON, || process.stdout() == "ready\n");
    assert!(process.rss_kib() > 0);
    assert_eq!(process.stop(SOON), Some(7));

    let mut process = Process::start(&scratch, "killed", shell("echo to stderr >&2; exec sleep 600"));
    wait_until("it has printed", SOON, || process.stderr() == "to stderr\n");
    process.kill();
    assert_eq!(process.wait(SOON), None, "a signal leaves no exit code");

    let dropped = Process::start(&scratch, "dropped", shell("echo $$; exec sleep 600"));
    wait_until("it has told its number", SOON, || dropped.stdout().ends_with('\n'));
    let proc_folder = format!("/proc/{}", dropped.stdout().trim());
    assert!(fs::exists(&proc_folder).unwrap());
    drop(dropped);
    assert!(!fs::exists(&proc_folder).unwrap());
}

#[test]
fn killing_a_process_that_ended_by_itself_fails_the_story() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "short", Command::new("/bin/true"));
    wait_until("it has ended", SOON, || process.ended().is_some());
    let refused = catch_unwind(AssertUnwindSafe(|| process.kill())).unwrap_err();
    let text = refused.downcast_ref::<String>().unwrap();
    assert!(text.starts_with("short had already ended with exit status: 0"), "{text}");
}

#[test]
fn a_failed_story_keeps_its_folder_and_a_passed_one_does_not() {
    let scratch = Scratch::new();
    let passed = scratch.folder().to_owned();
    drop(scratch);
    assert!(!passed.exists());

    let mut kept = None;
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let scratch = Scratch::new();
        kept = Some(scratch.folder().to_owned());
        wait_until("the moon is made of cheese", Duration::ZERO, || false);
    }));
    let text = failed.unwrap_err().downcast_ref::<String>().unwrap().clone();
    assert_eq!(text, "waited 0ns in vain until the moon is made of cheese");
    let kept = kept.unwrap();
    assert!(kept.is_dir());
    fs::remove_dir(kept).unwrap();
}
