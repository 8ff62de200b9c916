//! The screen as it is drawn, and the lines that are printed without one.

use std::io;
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use expect_test::{Expect, expect};
use scalyr_monitor::{Clock, Timestamp};
use serde_json::{Value, json};

use super::keys::{Effect, Key};
use super::report::{Focus, Seen, View};
use super::{WatchArgs, amounts, plain, screen};

/// A view at work, and its clock.
struct Watcher {
    view: View,
    clock: Clock,
}

impl Watcher {
    fn new() -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_650_021_068_015));
        Self { view: View::new(Path::new("/var/lib/scalyr-agent-2"), Duration::from_secs(2)), clock }
    }

    /// The same after these reports, two seconds apart.
    fn of(reports: &[Value]) -> Self {
        let mut watcher = Self::new();
        reports.iter().for_each(|report| watcher.note(Ok(report.to_string())));
        watcher
    }

    fn note(&mut self, text: io::Result<String>) {
        self.clock.advance(Duration::from_secs(2));
        self.view.note(Seen { at: self.clock.monotonic(), wall: self.clock.now(), text });
    }

    /// The screen as text; no line is wider than it, and there are not more of them.
    fn screen(&mut self, columns: u16, rows: u16) -> String {
        self.view.look_at_clock(self.clock.now(), self.clock.monotonic());
        let drawn = screen::render(&self.view, (columns, rows));
        self.view.keep_scroll_within(drawn.furthest);
        assert!(drawn.lines.len() <= usize::from(rows), "{} lines", drawn.lines.len());
        let lines = drawn.lines.iter().map(|line| line.parts().map(|(_, text)| text).collect::<String>());
        let lines: Vec<String> = lines.collect();
        for line in &lines {
            assert!(amounts::width(line) <= usize::from(columns), "{line:?}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
        // The edge keeps the blanks in front from being taken for the indentation of the test.
        lines.iter().map(|line| format!("|{line}").trim_end().to_owned() + "\n").collect()
    }

    fn press(&mut self, keys: &[Key]) -> &mut Self {
        keys.iter().for_each(|key| assert_eq!(self.view.press(*key, 24), Effect::Go));
        self
    }
}

fn file(number: u64, path: &str, accepted: u64, lag: u64) -> Value {
    json!({
        "id": number, "path": path, "settled_to": accepted, "lag_bytes": lag, "lag_seconds": lag as f64 / 1000.0,
        "read": accepted, "accepted": { "bytes": accepted, "lines": 1 }, "dropped": {}, "skipped": {}, "last_error": null,
    })
}

fn monitor(name: &str, state: &str) -> Value {
    json!({
        "name": name, "state": state, "sample_interval_secs": 30.0, "last_sample_at": 1_650_020_970.0,
        "last_sample_secs": 0.004, "errors": 0, "restarts": 0, "lines_emitted": 420, "lines_dropped": 0,
        "values": [{ "metric": "uniform", "value": "0.18", "fields": " count=1" }, { "metric": "gauss", "value": "0.6", "fields": "" }],
    })
}

/// An agent with a file that is far behind, one with an error, a dead monitor and one that hangs, and a refused key.
fn troubled() -> Value {
    let mut lost = file(2, "/var/log/rotated/away.log", 5_000, 0);
    lost["skipped"] = json!({ "too_far_behind": { "bytes": 70_000, "lines": 0 } });
    let mut unreadable = file(3, "/var/log/secret.log", 0, 10);
    unreadable["last_error"] = "cannot be opened: Permission denied (os error 13)".into();
    let mut dead = monitor("mysql_monitor(db1)", "backing_off");
    dead["last_failure"] = "The monitor failed: connection refused".into();
    (dead["restart_in_secs"], dead["errors"], dead["restarts"]) = (json!(42.0), json!(7), json!(7));
    let mut hangs = monitor("url_monitor(slow)", "running");
    hangs["sample_running_secs"] = json!(95.0);
    json!({
        "version": "2.3.0", "pid": 4711, "started": 1_650_013_600.0, "now": 1_650_020_980.0, "server_host": "web1.example.com",
        "healthy": false, "health": "failing",
        "troubles": ["the api key of worker team is refused", "1 of 4 monitors should run and do not",
            "/var/log/busy.log is 200000 bytes (200 s) behind"],
        "totals": { "read": 2_000_000, "accepted": { "bytes": 1_500_000, "lines": 9 } },
        "lag": { "bytes": 200_010, "seconds": 200.0 },
        "files": [file(1, "/var/log/busy.log", 1_000_000, 200_000), lost, unreadable, file(4, "/var/log/calm.log", 500_000, 0)],
        "monitors": [monitor("coin()", "running"), monitor("linux_system_metrics()", "running"), dead, hangs,
            monitor("nginx_monitor()", "disabled")],
        "sessions": [
            { "name": "default-0", "server": "https://agent.scalyr.com", "state": "ok", "requests_sent": 900, "requests_failed": 0,
              "events_accepted": 5_000, "last_success_ms": 1_650_020_978_000_i64, "bytes_per_second": 12_300.0, "blocked": null },
            { "name": "team-0", "server": "https://agent.scalyr.com", "state": "key_refused", "requests_sent": 3, "requests_failed": 3,
              "events_accepted": 0, "last_success_ms": null, "bytes_per_second": 0.0, "back_off_seconds": 30.0,
              "blocked": { "by": "refused_key", "seconds": 200.0 }, "last_answer": "401: the key is not valid" },
        ],
        "leaving_sessions": [],
    })
}

/// The same two seconds later.
fn later(mut report: Value) -> Value {
    report["now"] = json!(1_650_020_982.0);
    report["totals"] = json!({ "read": 2_100_000, "accepted": { "bytes": 1_550_000, "lines": 9 } });
    report["files"][0]["accepted"]["bytes"] = json!(1_050_000);
    report["sessions"][0]["requests_sent"] = json!(903);
    report["sessions"][0]["events_accepted"] = json!(5_250);
    report
}

fn check(watcher: &mut Watcher, columns: u16, rows: u16, expected: &Expect) {
    expected.assert_eq(&watcher.screen(columns, rows));
}

#[test]
fn on_a_usual_terminal_what_is_worst_stands_first() {
    check(
        &mut Watcher::of(&[troubled(), later(troubled())]),
        80,
        24,
        &expect![[r#"
            | web1.example.com  agent 2.3.0  pid 4711  up 2h03m                     11:11:12Z
            | health failing
            |   ! the api key of worker team is refused
            |   ! 1 of 4 monitors should run and do not
            |   ! /var/log/busy.log is 200000 bytes (200 s) behind
            | shipped 24KB/s · lag 195KB, 3m20s · 1.5 requests/s · 125 events/s · read 49KB/s
            | 1.5MB in all
            | files 4                                                                 1 to 3
            |    LAG     AGE  RATE/s      POSITION    LOST  FILE
            |     10    10ms       0             0       0  /var/log/secret.log
            |      cannot be opened: Permission denied (os error 13)
            |   195K   3m20s     24K       1000000       0  /var/log/busy.log
            |      0      0s       0          5000     68K  /var/log/rotated/away.log
            | monitors 5                                                              1 to 2
            |    STATE  SAMPLE    TOOK     LINES  ERRORS   RETRY  MONITOR
            |  resting     12s     4ms       420       7     42s  mysql_monitor(db1)
            |      last failure: The monitor failed: connection refused
            |    hangs     12s     4ms       420       0       -  url_monitor(slow)
            | uploads 2                                                               1 to 1
            |        STATE  RATE/s     SENT  FAILED  SUCCESS  SESSION
            |  key refused       0        3       3    never  team-0  https://agent.scalyr.c…
            |      blocked for 3m20s: refused key
            |      tries again in 30s or less
            | q quit  f files  m monitors  u uploads  a all  arrows scroll  ? help
        "#]],
    );
}

#[test]
fn a_small_one_shows_what_matters_most() {
    check(
        &mut Watcher::of(&[troubled(), later(troubled())]),
        40,
        10,
        &expect![[r#"
            | web1.example.com  agent 2.3.0  pid 4711
            | health failing (1 of 3): the api key o…
            | shipped 24KB/s · lag 195KB, 3m20s
            | 1.5 requests/s · 125 events/s
            | files 4                         1 to 2
            |    LAG     AGE  FILE
            |     10    10ms  /var/log/secret.log
            |      cannot be opened: Permission deni…
            |   195K   3m20s  /var/log/busy.log
            | q quit  f m u a  ? help
        "#]],
    );
}

#[test]
fn a_large_one_shows_all() {
    check(
        &mut Watcher::of(&[troubled(), later(troubled())]),
        200,
        60,
        &expect![[r#"
            | web1.example.com  agent 2.3.0  pid 4711  up 2h03m                                                                                                                                             11:11:12Z
            | health failing
            |   ! the api key of worker team is refused
            |   ! 1 of 4 monitors should run and do not
            |   ! /var/log/busy.log is 200000 bytes (200 s) behind
            | shipped 24KB/s · lag 195KB, 3m20s · 1.5 requests/s · 125 events/s · read 49KB/s · 1.5MB in all
            | files 4
            |    LAG     AGE  RATE/s      POSITION    LOST  FILE
            |     10    10ms       0             0       0  /var/log/secret.log
            |      cannot be opened: Permission denied (os error 13)
            |   195K   3m20s     24K       1000000       0  /var/log/busy.log
            |      0      0s       0          5000     68K  /var/log/rotated/away.log
            |      0      0s       0        500000       0  /var/log/calm.log
            | monitors 5
            |    STATE  SAMPLE    TOOK     LINES  ERRORS   RETRY  MONITOR
            |  resting     12s     4ms       420       7     42s  mysql_monitor(db1)
            |      last failure: The monitor failed: connection refused
            |    hangs     12s     4ms       420       0       -  url_monitor(slow)
            |      a sample has been under way for 1m35s
            |  running     12s     4ms       420       0       -  coin()
            |  running     12s     4ms       420       0       -  linux_system_metrics()
            | disabled     12s     4ms       420       0       -  nginx_monitor()
            | uploads 2
            |        STATE  RATE/s     SENT  FAILED  SUCCESS  SESSION
            |  key refused       0        3       3    never  team-0  https://agent.scalyr.com
            |      blocked for 3m20s: refused key
            |      tries again in 30s or less
            |      last answer: 401: the key is not valid
            |           ok     12K      903       0       4s  default-0  https://agent.scalyr.com
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            | q quit  f files  m monitors  u uploads  a all  arrows scroll  ? help
        "#]],
    );
}

#[test]
fn a_part_can_have_the_whole_screen_and_is_scrolled_through() {
    let mut watcher = Watcher::of(&[troubled()]);
    watcher.press(&[Key::Sign('m')]);
    check(
        &mut watcher,
        80,
        24,
        &expect![[r#"
            | web1.example.com  agent 2.3.0  pid 4711  up 2h03m                     11:11:10Z
            | health failing
            |   ! the api key of worker team is refused
            |   ! 1 of 4 monitors should run and do not
            |   ! /var/log/busy.log is 200000 bytes (200 s) behind
            | shipped - B/s · lag 195KB, 3m20s · 1.4MB in all
            | monitors 5
            |    STATE  SAMPLE    TOOK     LINES  ERRORS   RETRY  MONITOR
            |  resting     10s     4ms       420       7     42s  mysql_monitor(db1)
            |      last failure: The monitor failed: connection refused
            |      7 restarts, 0 lines dropped
            |      uniform 0.18 count=1 · gauss 0.6
            |    hangs     10s     4ms       420       0       -  url_monitor(slow)
            |      a sample has been under way for 1m35s
            |      uniform 0.18 count=1 · gauss 0.6
            |  running     10s     4ms       420       0       -  coin()
            |      uniform 0.18 count=1 · gauss 0.6
            |  running     10s     4ms       420       0       -  linux_system_metrics()
            |      uniform 0.18 count=1 · gauss 0.6
            | disabled     10s     4ms       420       0       -  nginx_monitor()
            |      uniform 0.18 count=1 · gauss 0.6
            |
            |
            | q quit  f files  m monitors  u uploads  a all  arrows scroll  ? help
        "#]],
    );

    let files = (0..100).map(|number| file(number, &format!("/var/log/{number:02}.log"), 10, 0)).collect();
    let mut report = troubled();
    report["files"] = Value::Array(files);
    let mut watcher = Watcher::of(&[report]);
    watcher.press(&[Key::Sign('f'), Key::Down, Key::PageDown]);
    let screen = watcher.screen(80, 24);
    assert!(screen.contains("files 100") && screen.contains(" 18 to ") && screen.contains("/17.log"), "{screen}");
    assert!(!screen.contains("/16.log"), "{screen}");
    watcher.press(&[Key::End]);
    let screen = watcher.screen(80, 24);
    assert!(screen.contains("to 100") && screen.contains("/99.log"), "{screen}");
    watcher.press(&[Key::Up]);
    assert!(!watcher.screen(80, 24).contains("/99.log"), "the end is not behind the last row");
    watcher.press(&[Key::Home]);
    assert!(watcher.screen(80, 24).contains("/00.log"));
    watcher.press(&[Key::Sign('f')]);
    assert_eq!(watcher.view.focus, Focus::All);
}

#[test]
fn the_help_tells_every_key() {
    let mut watcher = Watcher::of(&[troubled()]);
    watcher.press(&[Key::Sign('?')]);
    let screen = watcher.screen(100, 24);
    for word in ["q, Ctrl-C", "f  m  u", "arrows", "PgUp", "LAG", "RETRY"] {
        assert!(screen.contains(word), "{word}: {screen}");
    }
    watcher.press(&[Key::Escape]);
    assert!(!watcher.screen(100, 24).contains("q, Ctrl-C"));
    assert_eq!(watcher.view.press(Key::Interrupt, 24), Effect::Quit);
    assert_eq!(watcher.view.press(Key::Sign('q'), 24), Effect::Quit);
}

#[test]
fn an_agent_that_went_away_is_waited_for_and_its_rates_do_not_mix_two_runs() {
    let mut watcher = Watcher::new();
    let nobody = || Err(io::Error::from(io::ErrorKind::ConnectionRefused));
    watcher.note(nobody());
    check(
        &mut watcher,
        60,
        8,
        &expect![[r#"
            | agent                                             11:11:10Z
            | the agent does not run: nobody answers in
            | /var/lib/scalyr-agent-2.
            | Since 2022-04-15 11:11:10 UTC; it is waited for.
            |
            |
            |
            | q quit  f m u a  ? help
        "#]],
    );
    watcher.note(Ok(troubled().to_string()));
    watcher.note(nobody());
    watcher.note(nobody());
    check(
        &mut watcher,
        80,
        12,
        &expect![[r#"
            | web1.example.com  agent 2.3.0  pid 4711                               11:11:16Z
            | the agent does not run: nobody answers in /var/lib/scalyr-agent-2.
            | Since 2022-04-15 11:11:14 UTC; it is waited for.
            | Below is its last report.
            | files 4
            |    LAG     AGE  RATE/s      POSITION    LOST  FILE
            |     10    10ms       -             0       0  /var/log/secret.log
            |      cannot be opened: Permission denied (os error 13)
            |   195K   3m20s       -       1000000       0  /var/log/busy.log
            |      0      0s       -          5000     68K  /var/log/rotated/away.log
            |      0      0s       -        500000       0  /var/log/calm.log
            | q quit  f files  m monitors  u uploads  a all  arrows scroll  ? help
        "#]],
    );
    let mut new = later(troubled());
    (new["pid"], new["started"]) = (json!(4712), json!(1_650_020_981.0));
    watcher.note(Ok(new.to_string()));
    let screen = watcher.screen(80, 24);
    assert!(screen.contains("pid 4712  up 1s") && screen.contains("shipped - B/s"), "{screen}");
}

#[test]
fn an_agent_that_does_not_answer_is_told_of_while_the_screen_goes_on() {
    let mut watcher = Watcher::of(&[troubled()]);
    assert!(!watcher.screen(80, 24).contains("has not answered"));
    watcher.clock.advance(Duration::from_secs(8));
    assert!(watcher.screen(80, 24).contains("The agent has not answered for 8s."));
    watcher.note(Ok("{ half of it".to_owned()));
    assert!(watcher.screen(80, 24).contains("its answer cannot be read"));
}

#[test]
fn names_of_files_and_answers_of_servers_cannot_take_over_the_terminal() {
    let hostile = "/var/log/\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}gol.\u{200b}x\r\n\tlog";
    let mut report = troubled();
    for text in ["path", "last_error"] {
        report["files"][0][text] = hostile.into();
    }
    for text in ["name", "state", "last_failure"] {
        report["monitors"][0][text] = hostile.into();
    }
    report["monitors"][2]["values"][0]["value"] = hostile.into();
    report["monitors"][2]["last_failure"] = hostile.into();
    for text in ["name", "server", "state", "last_answer", "broken"] {
        report["sessions"][0][text] = hostile.into();
    }
    for text in ["version", "server_host", "health"] {
        report[text] = hostile.into();
    }
    report["troubles"] = json!([hostile, "日本語のログファイルは遅れています".repeat(20)]);
    let mut watcher = Watcher::of(&[report]);
    for (columns, rows) in [(80, 24), (40, 10), (200, 60), (1, 1), (3, 2), (500, 5)] {
        for focus in ['f', 'm', 'u', 'a', '?'] {
            watcher.press(&[Key::Sign(focus)]);
            // It looks for control characters itself.
            let screen = watcher.screen(columns, rows);
            assert!(!screen.contains(['\u{202e}', '\u{200b}']), "{screen}");
        }
    }
    let line = plain::line(&watcher.view);
    assert!(!line.chars().any(char::is_control) && line.contains(r"\u{1b}"), "{line}");
}

#[test]
fn without_a_terminal_a_line_tells_the_same() {
    let mut watcher = Watcher::of(&[troubled()]);
    expect![[r#"2022-04-15 11:11:10.015Z health=failing pid=4711 uptime=7380 lag_bytes=200010 lag_seconds=200 shipped_bytes=1500000 files=4 monitors_running=3 monitors_dead=1 sessions=2 sessions_delivering=1 troubles=3 trouble="the api key of worker team is refused""#]].assert_eq(&plain::line(&watcher.view));
    watcher.note(Ok(later(troubled()).to_string()));
    expect![[r#"2022-04-15 11:11:12.015Z health=failing pid=4711 uptime=7382 shipped_bytes_per_second=25000 read_bytes_per_second=50000 requests_per_second=1.50 lag_bytes=200010 lag_seconds=200 shipped_bytes=1550000 files=4 monitors_running=3 monitors_dead=1 sessions=2 sessions_delivering=1 troubles=3 trouble="the api key of worker team is refused""#]].assert_eq(&plain::line(&watcher.view));
    watcher.note(Err(io::Error::from(io::ErrorKind::NotFound)));
    expect![[r#"2022-04-15 11:11:14.015Z health=absent why="the agent does not run: nobody answers in /var/lib/scalyr-agent-2""#]].assert_eq(&plain::line(&watcher.view));

    let seen = |text| Seen { at: watcher.clock.monotonic(), wall: watcher.clock.now(), text };
    let pretty = serde_json::to_string_pretty(&troubled()).unwrap();
    assert_eq!(plain::json_line(&seen(Ok(pretty)), watcher.clock.now()), troubled().to_string());
    let absent = plain::json_line(&seen(Err(io::ErrorKind::NotFound.into())), watcher.clock.now());
    assert_eq!(absent, r#"{"running":false,"now":1650021074.015,"error":"entity not found"}"#);
}

#[test]
fn the_interval_is_two_seconds_or_what_is_asked_for() {
    #[derive(Debug, Parser)]
    struct Status {
        #[command(flatten)]
        watch: WatchArgs,
    }
    let interval = |args: &[&str]| {
        let parsed = Status::try_parse_from([&["status"], args].concat());
        parsed
            .map(|status| status.watch.interval().map(|interval| interval.as_secs_f64()))
            .map_err(|error| error.to_string())
    };
    assert_eq!(interval(&[]), Ok(None));
    assert_eq!(interval(&["--watch"]), Ok(Some(2.0)));
    assert_eq!((interval(&["--watch=0.5"]), interval(&["-n", "10"])), (Ok(Some(0.5)), Ok(Some(10.0))));
    for wrong in ["--watch=0", "--watch=nan", "--watch=-1", "--watch=two", "--watch=1e9"] {
        assert!(interval(&[wrong]).unwrap_err().contains("SECONDS must be a number from 0.1 to 86400"), "{wrong}");
    }
}
