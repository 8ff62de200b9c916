//! Each option of the specification is a key of ours, with the same type, default, range, variable and older name.

use std::collections::BTreeSet;

use scalyr_agent::config::keys::{Effect, GLOBAL, Key, Kind, Stage, Variable};
use serde_json::Value;

use super::plan;

const OPTIONS: &str = include_str!("options.txt");

/// Keys that the Python agent does not have.
const OUR_OWN: [&str; 2] = ["api_key_file", "status_listen"];

/// An option of the specification.
struct Listed {
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    range: &'static str,
    environment: &'static str,
    alias: &'static str,
    otherwise: Option<&'static str>,
}

fn options() -> Vec<Listed> {
    let lines = OPTIONS.lines().filter(|line| !line.starts_with('#'));
    let option = |line: &'static str| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or_else(|| panic!("{line}"));
        let (name, kind, default, range, environment, alias) = (next(), next(), next(), next(), next(), next());
        Listed { name, kind, default, range, environment, alias, otherwise: words.next() }
    };
    lines.map(option).collect()
}

fn json(text: &str) -> Option<Value> {
    (text != "-").then(|| serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}")))
}

fn same_number(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some() && a.as_f64() == b.as_f64()
}

/// What differs from the specification.
fn differences(key: &Key, option: &Listed) -> Vec<&'static str> {
    let kind = match key.kind {
        Kind::Boolean(_) => "b",
        Kind::Integer(_) => "i",
        Kind::Float(_) => "f",
        Kind::Text(_) => "s",
        Kind::Texts(_) | Kind::TextsOrText => "a",
        Kind::Object => "o",
        Kind::Objects | Kind::Any => "l",
    };
    // Where the platform decides, we are that of the packages.
    let default = key.default().filter(|_| !matches!(key.name, "agent_log_path" | "agent_data_path"));
    let is_same_default = match (&default, json(option.default)) {
        (Some(ours), Some(theirs)) => same_number(ours, &theirs),
        (ours, theirs) => ours.is_none() && theirs.is_none(),
    };
    // Beyond the specification we refuse what makes no sense: sizes and times below 0.
    let is_same_range = option.range == "-"
        || key.range.is_some_and(|(min, max)| {
            let (least, most) = option.range.split_once('-').unwrap_or_default();
            least.parse() == Ok(min) && (most.is_empty() || most.parse() == Ok(max))
        });
    let variable = match option.environment {
        "n" => Variable::None,
        "y" => Variable::ByName,
        name => Variable::Named(name),
    };
    let otherwise = option.otherwise.and_then(json).and_then(|value| value.as_f64());
    // Only one of the six has the same default in both cases.
    let otherwise = otherwise.filter(|_| key.name != "max_request_spacing_interval");
    [
        (kind == option.kind, "type"),
        (is_same_default, "default"),
        (is_same_range, "range"),
        (key.variable == variable, "variable"),
        (key.alias.unwrap_or("-") == option.alias || option.alias == "-", "alias"),
        (key.unless_legacy.map(f64::from) == otherwise, "default unless legacy"),
    ]
    .into_iter()
    .filter_map(|(is_same, what)| (!is_same).then_some(what))
    .collect()
}

#[test]
fn each_option_of_the_specification_is_a_key_with_its_type_default_range_variable_and_older_name() {
    let options = options();
    assert!(options.len() > 150, "{}", options.len());
    let mut found = String::new();
    for option in &options {
        match GLOBAL.iter().find(|key| key.name == option.name) {
            Some(key) => differences(key, option).iter().for_each(|what| found += &format!("{}: {what}\n", key.name)),
            None => found += &format!("{} is missing\n", option.name),
        }
    }
    assert_eq!(found, "");
    let known: BTreeSet<_> = options
        .iter()
        .map(|option| option.name)
        .chain(OUR_OWN)
        .chain(["logs", "journald_logs", "k8s_logs", "monitors"])
        .collect();
    let unknown: Vec<_> = GLOBAL.iter().map(|key| key.name).filter(|name| !known.contains(name)).collect();
    assert_eq!(unknown, [] as [&str; 0]);
}

#[test]
fn a_key_without_effect_is_accepted_with_one_line_that_says_why() {
    let keys: Vec<_> = GLOBAL.iter().filter(|key| matches!(key.effect, Effect::Obsolete(_))).collect();
    assert!(keys.len() > 40, "{}", keys.len());
    for key in keys {
        assert_eq!(key.stage, Stage::Nowhere, "{}", key.name);
        let value = match key.kind {
            Kind::Boolean(default) => (!default).to_string(),
            Kind::Integer(_) | Kind::Float(_) => "600".to_owned(),
            Kind::Texts(_) => "['x']".to_owned(),
            _ => "'x'".to_owned(),
        };
        let (_, report) = plan(&format!("{}: {value}", key.name));
        let lines: Vec<_> = report.lines().filter(|line| line.contains(key.name)).collect();
        assert_eq!(lines.len(), 1, "{report}");
        assert!(lines[0].starts_with("warning: ") && lines[0].contains(": has no effect: "), "{report}");
    }
}

#[test]
fn a_key_whose_stage_is_not_built_yet_says_what_happens_instead() {
    for key in GLOBAL.iter().filter(|key| matches!(key.effect, Effect::NotYet(_)) && key.stage != Stage::Kubernetes) {
        let value = match key.kind {
            Kind::Boolean(default) => (!default).to_string(),
            Kind::Integer(_) | Kind::Float(_) => "700".to_owned(),
            Kind::Texts(_) => "['x']".to_owned(),
            _ => "'x'".to_owned(),
        };
        let (_, report) = plan(&format!("{}: {value}", key.name));
        assert!(report.contains(&format!("  {}: is not honoured yet: ", key.name)), "{report}");
    }
}

#[test]
fn a_shell_port_is_never_opened() {
    let (_, report) = plan("use_unsafe_debugging: true");
    assert!(report.starts_with("refused: ") && report.contains("never opens a local shell port"), "{report}");
    assert_eq!(plan("use_unsafe_debugging: false").1, "");
}

// configuration.md, sharp edge 18
#[test]
fn the_end_of_an_unfinished_line_is_waited_for_in_seconds() {
    assert_eq!(plan("line_completion_wait_time: 7.5").0.tail.line_completion_wait.as_secs_f64(), 7.5);
}

#[test]
fn the_interval_of_looks_at_the_configuration_is_bounded_from_below() {
    assert_eq!(plan("config_change_check_interval: 5").0.config_check_interval.as_secs(), 5);
    assert_eq!(plan("config_change_check_interval: 0").0.config_check_interval.as_millis(), 100);
}
