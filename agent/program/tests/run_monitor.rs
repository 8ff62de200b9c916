//! `agent --run-monitor` as a monitor's author uses it: the real program.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn agent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_agent")).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs it with arguments that are wrong; returns what it says.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = agent(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", stderr(&output));
    assert_eq!(stdout(&output), Vec::<String>::new());
    let text = stderr(&output);
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// `<time> [coin()] <metric> <number> count=<count>` of `logging.md` section 3.
#[track_caller]
fn assert_metric_line(line: &str, metric: &str, count: usize) -> f64 {
    let shape = line.char_indices().take(24).map(|(_, c)| if c.is_ascii_digit() { '0' } else { c });
    assert_eq!(shape.collect::<String>(), "0000-00-00 00:00:00.000Z", "{line}");
    let parts: Vec<&str> = line[25..].split(' ').collect();
    assert_eq!(parts.len(), 4, "{line}");
    assert_eq!((parts[0], parts[1], parts[3]), ("[coin()]", metric, format!("count={count}").as_str()), "{line}");
    parts[2].parse().unwrap()
}

#[test]
fn three_samples_of_coin_are_six_metric_lines() {
    let output = agent(&["--run-monitor", "coin", "-c", "{ gauss_mean: 8.5 }", "-s", "0.1", "--samples", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let lines = stdout(&output);
    assert_eq!(lines.len(), 6, "{lines:#?}");
    for (at, pair) in lines.chunks(2).enumerate() {
        let uniform = assert_metric_line(&pair[0], "uniform", at + 1);
        assert!((0.0..1.0).contains(&uniform), "{uniform}");
        let gauss = assert_metric_line(&pair[1], "gauss", at + 1);
        assert!((6.0..11.0).contains(&gauss), "ten standard deviations from 8.5: {gauss}");
    }
}

#[test]
fn the_dotted_name_of_existing_configurations_runs_the_same_monitor() {
    let module = "scalyr_agent.builtin_monitors.test_monitor";
    let output = agent(&["--run-monitor", module, "-c", "{ gauss_mean: 0.5 }", "-s", "0.1", "--samples", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = stdout(&output);
    assert!(!lines.is_empty() && lines.iter().all(|line| line[25..].starts_with("[test_monitor()] ")), "{lines:#?}");
}

#[test]
fn an_id_stands_in_each_line() {
    let output = agent(&["--run-monitor", "coin", "-c", "{ id: 'x y' }", "-s", "0.1", "--samples", "1"]);
    assert!(stdout(&output).iter().all(|line| line[25..].starts_with("[coin(x y)] ")), "{:?}", stdout(&output));
}

#[test]
fn debugging_shows_the_steps() {
    let output = agent(&["--run-monitor", "coin", "-d", "1", "-s", "0.1", "--samples", "1"]);
    let lines = stdout(&output);
    let debug = lines.iter().filter(|line| line[25..].starts_with("DEBUG [core] [scalyr_agent.")).count();
    assert_eq!((debug, lines.len()), (4, 6), "{lines:#?}");
}

#[test]
fn a_value_out_of_bounds_names_the_option_the_value_and_the_bound() {
    let text = refused(&["--run-monitor", "coin", "-c", "{\n gauss_mean: 11 }"]);
    assert_eq!(text, "refused: -c:2:14  gauss_mean: 11 is above the maximum 10\n");
}

#[test]
fn all_problems_of_an_entry_are_told_at_once() {
    let text = refused(&["--run-monitor", "coin", "-c", "{ gauss_mean: 11, gauss_stddev: -1 }"]);
    assert!(text.contains("gauss_mean") && text.contains("gauss_stddev"), "{text}");
}

#[test]
fn an_unknown_monitor_is_answered_with_the_nearest_ones() {
    let text = refused(&["--run-monitor", "coinn"]);
    assert!(text.contains("coinn") && text.contains("`coin`"), "{text}");
}

#[test]
fn a_configuration_that_cannot_be_parsed_is_refused() {
    for (configuration, told) in [
        ("{ gauss_mean: ", "-c:1:14: the text ends where a value is expected; write it, and the `}` behind it"),
        ("{ gauss_mean: 1,\n gauss_stddev 2 }", "-c:2:15: expected `:` and a value behind the key, found `2`"),
        ("{ gauss_mean: 1 gauss_stddev: 2 }", "-c:1:17: expected a comma, a line break or `}`, found `g`"),
        ("{ gauss_mean: eight }", "-c:1:15: expected a value, found `e`; texts need quotes around them"),
        ("[1]", "-c: must be an object, { ... }, but is a list"),
        ("8.5", "-c: must be an object, { ... }, but is a number"),
    ] {
        let text = refused(&["--run-monitor", "coin", "-c", configuration]);
        assert!(text.starts_with(&format!("error: {told}")), "{configuration}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn bad_numbers_of_the_command_line_are_refused() {
    for arguments in [["-s", "often"], ["-s", "0"], ["-d", "6"], ["-d", "much"], ["--samples", "few"]] {
        let text = refused(&[&["--run-monitor", "coin"], &arguments[..]].concat());
        assert!(text.contains(arguments[1]), "{arguments:?}: {text}");
    }
}

#[test]
fn an_odd_option_is_told_once_and_the_monitor_runs() {
    let output = agent(&["--run-monitor", "coin", "-c", "{ guass_mean: 1 }", "-s", "0.1", "--samples", "1"]);
    assert_eq!((output.status.code(), stdout(&output).len()), (Some(0), 2));
    assert_eq!(stderr(&output).matches("guass_mean").count(), 1, "{}", stderr(&output));
}

#[test]
fn an_agent_configuration_that_is_not_there_is_named() {
    let text = refused(&["--run-monitor", "coin", "-a", "/nowhere/agent.json"]);
    assert!(text.contains("/nowhere/agent.json: there is no such file"), "{text}");
    assert!(text.contains("with -a FILE") && !text.contains("-c FILE"), "{text}");
}
