//! A configuration with faults of its syntax and mistakes in its values: both are told at once, and nothing is told that
//! only follows from a fault.

use {builtin_monitors as _, local_monitors as _};

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use expect_test::expect;
use scalyr_agent::config::{Request, Severity, Surroundings, draft, load};
use scalyr_monitor::registry::{Environment, Registry};

/// All that is said of a main file, without its folder.
fn told(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a file and a registry");
    let file = folder.path().join("agent.json");
    fs::write(&file, text).expect("a file and a registry");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a file and a registry");
    let environment = Arc::new(Environment::default());
    let loaded = load(&Request { file: &file, named_by: "-c", extra_directory: None, environment: &environment });
    let registry = Registry::linked().expect("a file and a registry");
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
    let report = draft(&loaded, &surroundings).report;
    assert_eq!(report.worst(), Some(Severity::Fatal));
    report.to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn faults_of_the_syntax_and_mistakes_in_the_values_are_told_at_once() {
    expect![[r#"
        error: agent.json:3:18: expected a comma, a line break or `}`, found `m`
        error: agent.json:4:30: expected a value, found `w`; texts need quotes around them
        error: agent.json:6:3: expected a key, found `#`; comments begin with //
        error: agent.json:8:13: expected `//` or `/*`, found `/` and `v` behind it; texts need quotes around them
        error: agent.json:9:46: expected a value, found `,`; remove the comma, or write the value before it
        error: agent.json:13:15: expected a value, found `c`; texts need quotes around them
        error: agent.json:14:58: expected an escape such as \n behind `\`, found `d`; write `\\` for a backslash
        warning: agent.json:5:3  max_line_sise: is not known and has no effect; did you mean `max_line_size`?
        refused: agent.json:4:41  server_attributes.zone: must be a text, a number, true or false, but is a list; it is left out
        refused: agent.json:9:40  logs[1].exclude: must be a list of texts, ["..."], but is a text; this entry of /var/log/b.log is not copied
        refused: agent.json:10:5  logs[2].path: is missing: an entry names the file or glob that it copies; this entry is not copied
        refused: agent.json:14:44  monitors[1].gauss_mean: 11 is above the maximum 10; coin(b) does not run
        warning: agent.json:14:48  monitors[1].pattern: unknown option; this monitor has `gauss_mean`, `gauss_stddev`
    "#]].assert_eq(&told(
        r#"{
  api_key: "k",
  debug_level: 2 max_line_size: 9900
  server_attributes: { tier: web, zone: [] },
  max_line_sise: 1,
  # the web server
  logs: [
    { path: /var/log/a.log },
    { path: "/var/log/b.log", exclude: "x" },,
    { exclude: ["*.gz"] }
  ]
  monitors: [
    { module: coin, gauss_mean: 3 },
    { module: "coin", id: "b", gauss_mean: 11, pattern: "\d+" }
  ],
}
"#,
    ));
}

#[test]
fn what_a_fault_hides_is_not_told_to_be_missing() {
    for text in [
        "{ api_key: k }",
        "{ api_key k }",
        "{ api_key }",
        "{ api key: 'k' }",
        "{ 'api_key: 'k' }",
        "{ api_key: \"k }",
        "{ api_key: 'k', logs: [ { path: /a } ] }",
        "{ api_key: 'k', logs: [ { path '/a' \"b\" } ] }",
        "{ api_key: 'k', logs: [ /a, /b ] }",
        "{ api_key: 'k', logs: [ { path: '/a' ] }",
        "{ api_key: 'k', monitors: [ { module: coin } ] }",
        "{ api_key: 'k', monitors: [ { \"mod\\ule\": 'coin' } ], scalyr_server: x }",
        "{ api_key: 'k', server_attributes: { a: b } }",
        "{ api_key: 'k', server_attributes: { a: b, ",
        "{ api_key: 'k' ]",
    ] {
        let told = told(&text.replacen("{ ", "{ implicit_agent_process_metrics_monitor: false, ", 1));
        let others: Vec<&str> = told.lines().filter(|line| !line.starts_with("error: agent.json:1:")).collect();
        assert!(others.is_empty(), "{text}: {told}");
    }
}

#[test]
fn what_no_fault_hides_is_told() {
    let told = told("{ debug_level: x, logs: [ { path: /a }, {} ] }");
    assert!(told.contains("api_key: is missing"), "{told}");
    assert!(told.contains("logs[1]"), "{told}");
}

#[test]
fn a_fault_that_hides_what_is_imported_makes_no_problems_of_texts_with_variables() {
    let sound = "{ api_key: '0-key', import_vars: [ 'LEVEL' ], debug_level: '$LEVEL', max_line_size: 'x',\n\
                 monitors: [ { module: 'coin', gauss_mean: '$LEVEL' } ], logs: [ { path: '/a' } ] }";
    for mistake in ["import_vars: [ LEVEL ]", "'import_vars: [ 'LEVEL' ]", "import vars"] {
        let text = sound.replacen("import_vars: [ 'LEVEL' ]", mistake, 1);
        let told = told(&text);
        assert!(!told.contains("debug_level") && !told.contains("gauss_mean"), "{mistake}: {told}");
        assert!(told.contains("max_line_size"), "{mistake}: {told}");
    }
}

#[test]
fn a_fault_in_one_entry_silences_no_other() {
    let text = "{\n  api_key: '0-key',\n  logs: [ { path: '/a', attributes: { parser: web } }, { path: '/b', exclude: 'x' } ],\n  \
                monitors: [ { module: 'coin', gauss_mean: 0 5 }, { module: 'coin', id: 'b', gauss_mean: 11 } ],\n";
    for end in
        ["  max_line_sise: 1\n}", "  max_line_sise: 1\n", "  server_attributes: {\n    a: 1\n  max_line_sise: 1\n}"]
    {
        let told = told(&format!("{text}{end}"));
        for path in ["logs[1].exclude", "monitors[1].gauss_mean", "max_line_sise: is not known"] {
            assert!(told.contains(path), "{path}: {told}");
        }
        let faults = told.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(faults, 2 + usize::from(end != "  max_line_sise: 1\n}"), "{told}");
    }
}
