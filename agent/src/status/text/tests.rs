use expect_test::expect_file;

use super::super::sample::{NOW, bad, file, good, monitor};
use super::*;
use crate::monitors::state::Phase;

#[test]
fn times_are_those_of_c() {
    assert_eq!(moment(NOW), "Sun Nov 22 13:17:31 2026 UTC");
    assert_eq!(moment(86_400.0 * 4.0), "Mon Jan  5 00:00:00 1970 UTC", "the day is padded with a blank");
    assert_eq!((moment_or_never(None), at_millis(None)), ("Never".to_owned(), "Never".to_owned()));
}

#[test]
fn the_layout_of_one_session_when_all_is_well() {
    expect_file!["tests/one_session.txt"].assert_eq(&render(&good().judged(), false));
}

#[test]
fn the_layout_of_several_sessions_when_much_is_wrong() {
    expect_file!["tests/several_sessions.txt"].assert_eq(&render(&bad(), true));
}

/// What stands behind a label in the column of its block.
fn field(text: &str, label: &str, width: usize) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(label)?;
        assert!(label.len() < width, "{label}");
        rest.strip_prefix(&" ".repeat(width - label.len())).map(str::to_owned)
    })
}

/// The numbers of `Path P: copied N bytes (L lines), N bytes pending, ...`, as a script reads them.
fn path_numbers(line: &str) -> Option<(String, Vec<u64>, String)> {
    let (path, rest) = line.strip_prefix("Path ").or_else(|| line.strip_prefix("  "))?.split_once(": copied ")?;
    let (numbers, checked) = rest.rsplit_once(", last checked ")?;
    let words = numbers.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    Some((path.to_owned(), words.collect(), checked.to_owned()))
}

#[test]
fn whoever_reads_the_old_report_line_by_line_finds_each_of_its_fields() {
    let text = render(&good().judged(), false);
    assert!(
        text.starts_with(
            "Scalyr Agent status.  See https://www.scalyr.com/help/scalyr-agent-2 for help\n\nCurrent time:"
        )
    );
    let facts = [
        ("Current time:", "Sun Nov 22 13:17:31 2026 UTC"),
        ("Agent started at:", "Sun Nov 22 12:17:31 2026 UTC"),
        ("Main process pid:", "4711"),
        ("Version:", "1.2.3"),
        ("Agent running as:", "root"),
        ("Agent log:", "/var/log/agent/agent.log"),
        ("ServerHost:", "web 1"),
        ("Compression algorithm:", "deflate"),
        ("Compression level:", "6"),
        ("Average status time:", "0.0012 sec."),
    ];
    for (label, value) in facts {
        assert_eq!(field(&text, label, 25).as_deref(), Some(value), "{label}");
    }
    assert!(field(&text, "Python version:", 25).unwrap().starts_with("Rust 1."));
    assert!(field(&text, "VCS revision:", 25).is_some());
    let link = "View data from this agent at: https://www.scalyr.com/events?filter=$serverHost%3D%27web+1%27\n\n\n";
    assert!(text.contains(link), "{text}");
    let configuration = [
        ("Configuration file:", "/etc/agent.json"),
        ("Status:", "Good (files parsed successfully)"),
        ("Last checked:", "Sun Nov 22 13:17:20 2026 UTC"),
        ("Last changed observed:", "Sun Nov 22 12:17:31 2026 UTC"),
        ("SCALYR_API_KEY:", "<Redacted>"),
        ("SCALYR_SERVER:", "<Missing>"),
    ];
    for (label, value) in configuration {
        assert_eq!(field(&text, label, 23).as_deref(), Some(value), "{label}");
    }
    let uploads = [
        ("Bytes uploaded successfully:", "800"),
        ("Last successful communication with Scalyr:", "Sun Nov 22 13:17:26 2026 UTC"),
        ("Last attempt:", "Sun Nov 22 13:17:26 2026 UTC"),
        ("Last copy request size:", "120"),
        ("Last copy response size:", "21"),
        ("Last copy response status:", "success"),
        ("Health check:", "Good"),
    ];
    for (label, value) in uploads {
        assert_eq!(field(&text, label, 43).as_deref(), Some(value), "{label}");
    }
    let paths: Vec<_> = text.lines().filter_map(path_numbers).collect();
    let checked = || "Sun Nov 22 13:17:22 2026 UTC".to_owned();
    assert_eq!(
        paths,
        [
            ("/var/log/app.log".to_owned(), vec![100, 4, 0], checked()),
            ("/var/log/web/a.log".to_owned(), vec![100, 4, 0], checked())
        ]
    );
    assert!(
        text.contains("\nGlob: /var/log/web/*.log:: last scanned for glob matches at Sun Nov 22 13:17:29 2026 UTC\n")
    );
    assert!(text.contains("\ncoin(a): 8 lines emitted, 0 errors\n"), "{text}");
}

#[test]
fn the_fields_of_a_report_with_trouble_are_found_as_well() {
    let text = render(&bad(), false);
    for (label, value) in [
        ("Status:", "Bad (could not parse, using last good version)"),
        ("Parsing error:", "error: /etc/agent.json:3:7: expected a comma"),
    ] {
        assert_eq!(field(&text, label, 23).as_deref(), Some(value), "{label}");
    }
    assert!(text.contains("Configuration files:\n                       /etc/agent.json\n"), "{text}");
    for (label, value) in [
        ("Total bytes uploaded:", "1600"),
        ("Overall health check:", "The server refuses the api key of session team-0."),
        ("Total errors occurred:", "3 (see '/var/log/agent/agent.log' for details)"),
    ] {
        assert_eq!(field(&text, label, 49).as_deref(), Some(value), "{label}");
    }
    for (label, value) in [
        ("Last copy response:", "Invalidkey"),
        ("Total responses with errors:", "3 (see '/var/log/agent/agent.log' for details)"),
    ] {
        assert_eq!(field(&text, label, 43).as_deref(), Some(value), "{label}");
    }
    assert!(text.contains("\n Worker ID: team\n    Session ID: team-0\n      Bytes uploaded successfully:"), "{text}");
    let paths: Vec<_> = text.lines().filter_map(path_numbers).map(|(path, numbers, _)| (path, numbers)).collect();
    assert!(
        paths.contains(&("/var/log/web/a.log".to_owned(), vec![100, 4, 400, 7, 9, 5, 2, 3])),
        "each kind of loss stands at its place: {paths:?}"
    );
    let absent = "Path /var/log/none.log: no matching readable file, last checked Sun Nov 22 13:17:29 2026 UTC\n";
    assert!(text.contains(absent), "{text}");
    let monitors = "\nRunning monitors:\n  coin(a): 8 lines emitted, 0 errors\n";
    assert!(text.contains(monitors), "{text}");
    assert!(text.contains("\nFailed monitors:\n  shell(b) 8 lines emitted, 1 errors\n"), "{text}");
}

#[test]
fn of_many_paths_those_that_are_behind_or_lost_something_come_first_and_the_others_are_summed_up() {
    let mut snapshot = good();
    snapshot.files = (0..150).map(|at| file(&format!("/{at:03}.log"), "logs[0]")).collect();
    let late = &mut snapshot.files[140];
    (late.lag_bytes, late.lag_seconds) = (60, 4.0);
    snapshot.files[139].last_error = Some("Input/output error".into());
    snapshot.files[139].last_error_at = Some(NOW);
    let text = render(&snapshot, false);
    let paths: Vec<_> = text.lines().filter_map(path_numbers).map(|(path, ..)| path).collect();
    assert_eq!((paths.len(), &paths[..3]), (100, ["/140.log", "/139.log", "/000.log"].map(String::from).as_slice()));
    assert!(text.contains("\n50 more paths: copied 5000 bytes (200 lines), 0 bytes pending, "), "{text}");
    assert_eq!(render(&snapshot, true).lines().filter_map(path_numbers).count(), 150);
}

#[test]
fn a_monitor_that_hangs_or_is_slow_or_disabled_or_refused_says_so() {
    let mut snapshot = good();
    let mut hangs = monitor("hangs()", "");
    hangs.sample_running_secs = Some(61.0);
    (hangs.slow_samples, hangs.missed_samples, hangs.stop_agent_on_failure) = (2, 3, true);
    let mut disabled = monitor("off()", "");
    disabled.state = Phase::Disabled;
    snapshot.monitors = vec![hangs, disabled];
    snapshot.refused = vec![super::super::RefusedMonitor { name: "odd()".into(), why: "no\nsuch currency".into() }];
    let text = render(&snapshot, false);
    let shown = &text[text.find("hangs()").unwrap()..];
    assert_eq!(
        shown,
        "hangs(): 8 lines emitted, 0 errors, stop_agent_on_failure=true\n    running, last sample at Sun Nov 22 13:17:23 2026 \
         UTC, which took 0.250 s, 2 samples took longer than the interval of 30 s, 3 turns left out, its sample has been \
         running for 61 s\n    values: m1 1; m2 2; m3 3 and 1 more\nDisabled monitors:\n  off()\nRefused monitors:\n  odd(): \
         no such currency\n"
    );
}

#[test]
fn the_link_leads_to_the_web_site_of_the_server() {
    let web = |server| facts::web_address(server);
    assert_eq!(web("https://upload.eu.scalyr.com"), "https://www.eu.scalyr.com");
    assert_eq!(web("https://app.scalyr.com"), "https://www.scalyr.com");
    assert_eq!(web("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
}
