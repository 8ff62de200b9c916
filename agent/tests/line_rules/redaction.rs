use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use scalyr_agent::config::Workers;
use scalyr_agent::config::line_plan::{NamePiece, Renaming, RenamingPlan};
use scalyr_agent::logs::Registrations;
use scalyr_monitor::{LogConfig, LogFiles};
use serde_json::json;

use super::*;

#[test]
fn groups_and_hashes_take_the_place_of_secrets_and_other_bytes_pass_as_they_are() {
    let mut story = Story::new();
    let pieces = vec![Piece::Group(1), Piece::Literal("=".to_owned()), Piece::Hash(2)];
    story.append("a.log", b"\xff user=bob, user= \xc3\xa9\nnothing\n");
    story.append("b.log", "gone\nstays\n");
    let entries = vec![
        story.entry("a.log", redacting(r"(user)=(\w*)", pieces, "salt!")),
        story.entry("b.log", redacting(r"gone\n", vec![], "")),
    ];
    story.start(entries);
    let mut events = story.events(3);
    events.sort_by(|one, other| one.path.cmp(&other.path));
    assert_eq!(events[0].message, b"\xff user=226ff5109bd130a56bf811461137d7c7, user= \xc3\xa9\n");
    assert_eq!((events[1].text(), events[2].text()), ("nothing\n".into(), "stays\n".into()));
    let totals = story.totals();
    assert_eq!((totals.redacted_lines, totals.dropped[&DropReason::RedactedAway].lines), (2, 1), "{totals:?}");
}

#[test]
fn sharp_edges_12_and_13_a_rule_that_fails_withholds_its_line_and_stalls_no_file() {
    let mut story = Story::new();
    let bad = "a".repeat(200);
    let lines: Vec<String> =
        (0..200).map(|line| if line % 2 == 0 { format!("{bad}\n") } else { format!("fine {line}\n") }).collect();
    story.append("bad.log", lines.concat());
    story.append("other.log", "other\n");
    let entries = vec![story.entry("bad.log", stars(r"^(a|aa)+$\1b")), story.entry("other.log", LinePlan::default())];
    story.start(entries);
    let events = story.events(201);
    let fine: Vec<_> = events.iter().map(Seen::text).filter(|text| text.starts_with("fine")).collect();
    let expected: Vec<_> = (0..200).filter(|line| line % 2 == 1).map(|line| format!("fine {line}\n")).collect();
    assert_eq!(fine, expected, "no line is withheld for the sake of others");
    let marked = "[201 bytes withheld: redaction_rules[0] of a story could not be applied to them]\n";
    assert_eq!(events.iter().filter(|event| event.text() == marked).count(), 100);
    assert!(
        events.iter().any(|event| event.text() == "other\n") && events.iter().all(|event| !event.text().contains(&bad))
    );
    assert_eq!(story.totals().failed_rules, 100);
}

#[test]
fn sharp_edge_11_rules_act_from_the_first_line_and_from_the_reload_that_brings_them() {
    for round in 0..5 {
        let story = Story::new();
        story.append("a.log", "secret 0\n");
        story.append("b.log", "secret 0\n");
        let (is_over, written) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Not faster than they are read: the story ends by itself.
                while !is_over.load(Ordering::SeqCst) && written.load(Ordering::SeqCst) < 5000 {
                    let number = written.fetch_add(1, Ordering::SeqCst) + 1;
                    story_append(&story.path("a.log"), &format!("secret {number}\n"));
                    story_append(&story.path("b.log"), &format!("secret {number}\n"));
                    std::thread::sleep(Duration::from_micros(300));
                }
            });
            let mut running = Story { directory: tempfile::tempdir().unwrap(), plan: story.plan, running: None };
            let entry = |name: &str, lines| {
                let mut plan = LogPlan::new("logs[0]", story.path(name).to_string_lossy(), worker());
                (plan.lines, plan.copy_from_start) = (Arc::new(lines), true);
                plan
            };
            running.start(vec![entry("a.log", stars("secret")), entry("b.log", LinePlan::default())]);
            let mut events = running.events(50 + 20 * round);
            running.reload(vec![entry("a.log", stars("secret")), entry("b.log", stars("secret"))]);
            let at_reload = written.load(Ordering::SeqCst);
            let is_new =
                |event: &Seen| event.text().trim_end().rsplit(' ').next().unwrap().parse::<u64>().unwrap() > at_reload;
            while events.iter().filter(|event| is_new(event)).count() < 50 && written.load(Ordering::SeqCst) < 5000 {
                events.extend(running.events(1));
            }
            is_over.store(true, Ordering::SeqCst);
            for event in &events {
                let is_open = event.text().contains("secret");
                assert!(!is_open || event.path.ends_with("b.log") && !is_new(event), "{at_reload}: {event:?}");
            }
            assert!(events.iter().any(is_new));
        });
    }
}

fn story_append(path: &std::path::Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_secret_whose_line_had_no_end_for_too_long_is_redacted_with_its_rest() {
    let mut story = Story::new();
    story.append("a.log", "user=bob password=hun");
    story.start(vec![story.entry("a.log", stars(r"password=\w+"))]);
    assert_eq!(story.texts(1), ["user=bob *"]);
    story.append("a.log", "ter2 and more\npassword=x\n");
    assert_eq!(story.texts(2), ["* and more\n", "*\n"]);
}

#[test]
fn a_file_is_told_by_its_new_name_whichever_way_it_is_made() {
    let mut story = Story::new();
    story.append("a.log", "a\n");
    story.append("b.log", "b\n");
    let (mut template, mut expression) = (story.entry("a.log", stars("a")), story.entry("b.log", LinePlan::default()));
    let pieces = vec![NamePiece::Literal("/new/".to_owned()), NamePiece::BasenameWithoutExtension];
    template.renaming = Some(Renaming { how: RenamingPlan::Template(pieces), keeps_original: true });
    let replacement =
        Replacement { pieces: vec![Piece::Literal("/".to_owned()), Piece::Group(1)], salt: String::new() };
    let how = RenamingPlan::Expression { expression: pattern(r"^.*/(\w+)\.log$"), replacement };
    expression.renaming = Some(Renaming { how, keeps_original: false });
    story.start(vec![template, expression]);
    let mut events = story.events(2);
    events.sort_by(|one, other| one.path.cmp(&other.path));
    assert_eq!((events[0].text(), &events[0].file["logfile"]), ("*\n".to_owned(), &json!("/new/a")));
    assert_eq!(events[0].file["original_file"], json!(story.path("a.log")));
    assert_eq!((&events[1].file["logfile"], events[1].file.get("original_file")), (&json!("/b"), None));
}

#[test]
fn the_registered_logs_of_a_monitor_have_their_rules_from_the_first_line() {
    let mut story = Story::new();
    story.start(Vec::new());
    story.append("container.log", "2026-01-31T12:00:00Z stdout F token=abc\n");
    let all = Registrations::new(story.running().tail.clone());
    let registry = all.of_monitor(1, "docker()".to_owned(), story.path(""), Workers::default(), Logger::none());
    let log = LogConfig::new(story.path("container.log"))
        .option("parse_format", "cri")
        .option("redaction_rules", json!([{ "match_expression": "token=\\w+", "replacement": "token=?" }]));
    LogFiles::new(registry).register(log).unwrap();
    let events = story.events(1);
    assert_eq!((events[0].text(), &events[0].own["stream"]), ("token=?\n".to_owned(), &json!("stdout")));
}
