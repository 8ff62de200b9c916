//! The JSON Schema of `agent.json`, judged by a validator that is not ours, against what our own reader says.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use {builtin_monitors as _, local_monitors as _};

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use jsonschema::Validator;
use scalyr_agent::config::keys::{Effect, GLOBAL, LOG_ENTRY, MONITOR_ENTRY};
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::{Kind, Report, RunRequest, Severity, Surroundings, build, monitor_plan_for_run};
use scalyr_agent::schema;
use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Map, Value, json};

fn registry() -> Registry {
    Registry::linked().unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::meta::validate(schema).unwrap();
    jsonschema::draft202012::new(schema).unwrap()
}

fn of_agent_json() -> Validator {
    validator(&schema::of_agent_json(&registry()))
}

/// The values of a configuration's text, by the agent's own parser.
fn values(text: &str) -> Value {
    let loaded = from_text(text, PathBuf::from("/etc/agent.json"), &Environment::default()).unwrap();
    Value::Object(loaded.values)
}

/// What the agent's own reader says about a configuration.
fn report(text: &str) -> Report {
    let environment = Arc::new(Environment::default());
    let loaded = from_text(text, PathBuf::from("/etc/agent.json"), &environment).unwrap();
    let registry = registry();
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
    match build(&loaded, &surroundings) {
        Ok((_, report)) | Err(report) => report,
    }
}

/// Whether the schema would have to complain as well: about what is refused, but not for want of a part of the agent, and
/// about what is not known.
fn is_at_fault(report: &Report) -> bool {
    report.problems().iter().any(|problem| {
        problem.severity > Severity::Warning && problem.kind != Kind::NotBuilt || problem.kind == Kind::UnknownKey
    })
}

/// What the validator finds, a line each: where, and what.
fn faults(validator: &Validator, instance: &Value) -> String {
    let mut lines: Vec<String> = validator
        .iter_errors(instance)
        .map(|error| {
            // Not the patterns, which are for machines, nor the names of all monitors that happen to be linked.
            let message = error.to_string();
            let message = [" does not match ", " one of "]
                .iter()
                .fold(message.as_str(), |m, cut| m.split(cut).next().unwrap_or(m));
            format!("{}: {}\n", error.instance_path(), message.chars().take(110).collect::<String>())
        })
        .collect();
    lines.sort();
    lines.concat()
}

#[test]
fn the_shipped_examples_are_valid_and_read_without_a_refusal() {
    let validator = of_agent_json();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let from_readme =
        readme.split("agent.json <<'END'\n").nth(1).and_then(|rest| rest.split("\nEND\n").next()).unwrap();
    // It begins with the placeholder, which is refused, and whose place a key is given a few lines below.
    let mut texts = vec![("README.md".to_owned(), from_readme.replace("REPLACE_THIS", "a key"))];
    texts.extend(files_of("docs/examples"));
    assert!(texts.len() > 4, "{}", texts.len());
    for (name, text) in texts {
        assert_eq!(faults(&validator, &values(&text)), "", "{name}");
        let report = report(&text);
        assert!(!is_at_fault(&report), "{name}: {report}");
        assert!(!report.to_string().contains("is not built yet"), "{name}: {report}");
    }
    let is_json = |(name, _): &(String, String)| name.ends_with(".json");
    let parts = ["docs/examples/fragments", "docs/examples/fragments/agent.d"].map(files_of).concat();
    for (name, text) in parts.into_iter().filter(is_json) {
        assert_eq!(faults(&validator, &values(&text)), "", "{name}");
    }
}

/// The files, not the folders, in a folder of the repository, with their texts.
fn files_of(folder: &str) -> Vec<(String, String)> {
    let paths = fs::read_dir(repository().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .collect()
}

#[test]
fn broken_configurations_are_refused_where_they_are_broken_as_the_reader_refuses_them() {
    let validator = of_agent_json();
    let broken = [
        "{ api_kye: 'k' }",
        "{ api_key: 'REPLACE_THIS' }",
        "{ api_key: 'k', scalyr_server: 'ftp://logs.example.com' }",
        "{ api_key: 'k', max_line_size: 'wide' }",
        "{ api_key: 'k', debug_level: 9 }",
        "{ api_key: 'k', compression_type: 'gzip' }",
        "{ api_key: 'k', max_send_rate_enforcement: '5 Mb/s' }",
        "{ api_key: 'k', logs: { path: '/var/log/syslog' } }",
        "{ api_key: 'k', logs: [ { attributes: { parser: 'x' } } ] }",
        "{ api_key: 'k', logs: [ { path: '/a', copy_from_begin: true } ] }",
        "{ api_key: 'k', logs: [ { path: '/a', attributes: { tags: ['x'] } } ] }",
        "{ api_key: 'k', server_attributes: { tier: {} } }",
        "{ api_key: 'k', monitors: [ { module: 'cion', gauss_mean: 1 } ] }",
        "{ api_key: 'k', monitors: [ { gauss_mean: 1 } ] }",
        "{ api_key: 'k', monitors: [ { module: 'coin', gaus_mean: 1 } ] }",
        "{ api_key: 'k', monitors: [ { module: 'coin', gauss_mean: 11 } ] }",
        "{ api_key: 'k', monitors: [ { module: 'scalyr_agent.builtin_monitors.test_monitor' } ] }",
        "{ api_key: 'k', monitors: [ { module: 'coin', sample_interval: 0 } ] }",
        "{ api_key: 'k', use_unsafe_debugging: true }",
        "{ api_key: 'k', max_send_rate_enforcement: '-5 MB/s' }",
        "{ api_key: 'k', workers: [ { api_key: 'k' } ] }",
        "{ api_key: 'k', workers: [ { id: 5, api_key: 'k' } ] }",
        "{ api_key: 'k', workers: [ { id: 'e u', api_key: 'k' } ] }",
        "{ api_key: 'k', workers: [ { id: 'eu', api_key: 'REPLACE_THIS' } ] }",
        "{ api_key: 'k', workers: [ { id: 'eu', api_key: 'k', server_url: 'ftp://a' } ] }",
        "{ api_key: 'k', workers: [ { id: 'eu', api_key: 'k', sessions: 0 } ] }",
        "{ api_key: 'k', api_key_file: ['key'] }",
        "{ api_key: 'k', workers: [ { id: 'eu', api_key_file: true } ] }",
    ];
    let told: String = broken
        .iter()
        .map(|text| {
            assert!(is_at_fault(&report(text)), "{text}");
            format!("{text}\n{}", faults(&validator, &values(text)))
        })
        .collect();
    expect![[r#"
        { api_kye: 'k' }
        : Additional properties are not allowed ('api_kye' was unexpected)
        { api_key: 'REPLACE_THIS' }
        /api_key: {"pattern":"^\\s*REPLACE_THIS\\s*$"} is not allowed for "REPLACE_THIS"
        { api_key: 'k', scalyr_server: 'ftp://logs.example.com' }
        /scalyr_server: "ftp://logs.example.com"
        { api_key: 'k', max_line_size: 'wide' }
        /max_line_size: "wide"
        { api_key: 'k', debug_level: 9 }
        /debug_level: 9 is greater than or equal to the maximum of 6
        { api_key: 'k', compression_type: 'gzip' }
        /compression_type: "gzip" is not
        { api_key: 'k', max_send_rate_enforcement: '5 Mb/s' }
        /max_send_rate_enforcement: "5 Mb/s"
        { api_key: 'k', logs: { path: '/var/log/syslog' } }
        /logs: {"path":"/var/log/syslog"} is not of types "null", "array"
        { api_key: 'k', logs: [ { attributes: { parser: 'x' } } ] }
        /logs/0: "path" is a required property
        { api_key: 'k', logs: [ { path: '/a', copy_from_begin: true } ] }
        /logs/0: Additional properties are not allowed ('copy_from_begin' was unexpected)
        { api_key: 'k', logs: [ { path: '/a', attributes: { tags: ['x'] } } ] }
        /logs/0/attributes/tags: ["x"] is not of types "null", "boolean", "number", "string"
        { api_key: 'k', server_attributes: { tier: {} } }
        /server_attributes/tier: {} is not of types "null", "boolean", "number", "string"
        { api_key: 'k', monitors: [ { module: 'cion', gauss_mean: 1 } ] }
        /monitors/0/module: "cion" is not
        { api_key: 'k', monitors: [ { gauss_mean: 1 } ] }
        /monitors/0: "module" is a required property
        { api_key: 'k', monitors: [ { module: 'coin', gaus_mean: 1 } ] }
        /monitors/0: Additional properties are not allowed ('gaus_mean' was unexpected)
        { api_key: 'k', monitors: [ { module: 'coin', gauss_mean: 11 } ] }
        /monitors/0/gauss_mean: 11 is greater than the maximum of 10
        { api_key: 'k', monitors: [ { module: 'scalyr_agent.builtin_monitors.test_monitor' } ] }
        /monitors/0: "gauss_mean" is a required property
        { api_key: 'k', monitors: [ { module: 'coin', sample_interval: 0 } ] }
        /monitors/0/sample_interval: 0 is less than the minimum of 0.1
        { api_key: 'k', use_unsafe_debugging: true }
        /use_unsafe_debugging: true is not
        { api_key: 'k', max_send_rate_enforcement: '-5 MB/s' }
        /max_send_rate_enforcement: {"pattern":"^\\s*-|^[^1-9]*B"} is not allowed for "-5 MB/s"
        { api_key: 'k', workers: [ { api_key: 'k' } ] }
        /workers/0: "id" is a required property
        { api_key: 'k', workers: [ { id: 5, api_key: 'k' } ] }
        /workers/0/id: 5 is not of type "string"
        { api_key: 'k', workers: [ { id: 'e u', api_key: 'k' } ] }
        /workers/0/id: "e u"
        { api_key: 'k', workers: [ { id: 'eu', api_key: 'REPLACE_THIS' } ] }
        /workers/0/api_key: {"pattern":"^\\s*REPLACE_THIS\\s*$"} is not allowed for "REPLACE_THIS"
        { api_key: 'k', workers: [ { id: 'eu', api_key: 'k', server_url: 'ftp://a' } ] }
        /workers/0/server_url: "ftp://a"
        { api_key: 'k', workers: [ { id: 'eu', api_key: 'k', sessions: 0 } ] }
        /workers/0/sessions: 0 is less than the minimum of 1
        { api_key: 'k', api_key_file: ['key'] }
        /api_key_file: ["key"] is not of types "null", "number", "string"
        { api_key: 'k', workers: [ { id: 'eu', api_key_file: true } ] }
        /workers/0/api_key_file: true is not of types "null", "number", "string"
    "#]]
    .assert_eq(&told);
}

/// What entries say about lines and files, and what has no part of the agent behind it yet: both look at all of it.
#[test]
fn what_entries_say_about_lines_and_files_is_checked_by_both() {
    let validator = of_agent_json();
    let entry = |rules: &str| format!("{{ logs: [ {{ path: '/a', {rules} }} ] }}");
    let with_key = |text: &str| text.replacen('{', "{ api_key: 'k',", 1);
    let fine = [
        entry("lineGroupers: [ { start: '^\\\\S', continueThrough: '^\\\\s' } ]"),
        entry("sampling_rules: [ { match_expression: 'x', sampling_rate: 0.5 } ]"),
        entry("sampling_rules: [ { match_expression: 'x', sampling_rate: '0.5' } ]"),
        entry("rename_logfile: { match: 'a', replacement: 'b' }"),
        entry("rename_logfile: { match: 'a', replacement: '' }"),
        entry("rename_logfile: '/x/$BASENAME', rename_no_original: true"),
        entry("parse_format: 'cri', minimum_scan_interval: 5, staleness_threshold_secs: '10'"),
        entry("parse_format: 'json', json_message_field: 'msg', json_timestamp_field: 'at'"),
        entry("lineGroupers: [], sampling_rules: [], redaction_rules: []"),
        entry("redaction_rules: [ { match_expression: '(x)', replacement: 'a\\\\H1', hash_salt: 's' } ]"),
        entry("redaction_rules: [ { match_expression: 'x' } ]"),
        entry("sampling_rules: [ { match_expression: 'x', sampling_rate: 0 } ], ignore_stale_files: 'yes'"),
        "{ max_log_offset_size: 5, max_existing_log_offset_size: '7', copy_staleness_threshold: 0.5 }".to_owned(),
        "{ merge_json_parsed_lines: true, include_raw_timestamp_field: false, line_completion_wait_time: 0.2 }"
            .to_owned(),
        "{ close_old_files_duration_in_seconds: 60, log_deletion_delay: '1.5', max_new_log_detection_time: 1 }"
            .to_owned(),
        "{ ignore_checkpoints_on_startup_path_globs: ['/a/*.log'] }".to_owned(),
        "{ import_vars: ['A', { var: 'B', default: 'b' }] }".to_owned(),
        "{ workers: [ { id: 'eu', api_key: 'k', sessions: 2, server_url: 'eu:443' }, { id: 'default' } ] }".to_owned(),
        "{ api_key_file: '/etc/key', workers: [ { id: 'eu', api_key_file: 'eu.key' } ] }".to_owned(),
        "{ k8s_logs: [ { k8s_pod_glob: 'shop-*', attributes: { parser: 'x' } } ] }".to_owned(),
        "{ journald_logs: [ { journald_unit: 'ssh.*', parser: 'x' } ] }".to_owned(),
        "{ journald_logs: [ { journald_globs: { unit: 'ssh*' }, emit_raw_details: true } ] }".to_owned(),
    ];
    for text in &fine {
        assert_eq!(faults(&validator, &values(text)), "", "{text}");
        let report = report(&with_key(text));
        assert!(!is_at_fault(&report), "{text}: {report}");
    }
    let broken = [
        entry("lineGroupers: [ { start: 'a', continueThrough: 'b', haltWith: 'c' } ]"),
        entry("lineGroupers: [ { start: 'a' } ]"),
        entry("lineGroupers: [ { start: '', haltWith: 'c' } ]"),
        entry("sampling_rules: [ { match_expression: 'x', sampling_rate: 2 } ]"),
        entry("sampling_rules: [ { match_expression: 'x' } ]"),
        entry("rename_logfile: { match: 'a' }"),
        entry("rename_logfile: 5"),
        entry("parse_format: 'jsno'"),
        entry("minimum_scan_interval: 'soon'"),
        entry("exclude: 'a'"),
        entry("json_message_field: ['msg']"),
        entry("linegroupers: []"),
        entry("lineGroupers: [ { start: 'a', haltwith: 'b' } ]"),
        entry("redaction_rules: [ { replacement: 'a' } ]"),
        entry("redaction_rules: [ { match_expression: '' } ]"),
        entry("sampling_rules: [ { match_expression: 'x', sampling_rate: -0.1 } ]"),
        entry("staleness_threshold_secs: 'soon'"),
        "{ max_log_offset_size: -1 }".to_owned(),
        "{ max_existing_log_offset_size: '5 MB' }".to_owned(),
        "{ copy_staleness_threshold: -1 }".to_owned(),
        "{ line_completion_wait_time: 'soon' }".to_owned(),
        "{ internal_parse_max_line_size: 0 }".to_owned(),
        "{ merge_json_parsed_lines: 'maybe' }".to_owned(),
        "{ ignore_checkpoints_on_startup_path_globs: [5, {}] }".to_owned(),
        "{ close_old_files_duration_in_seconds: -1 }".to_owned(),
        "{ logs: [ { path: '' } ] }".to_owned(),
        "{ journald_logs: [ { path: '/var/log/syslog' } ] }".to_owned(),
        "{ journald_logs: [ { journald_globs: { unit: 5 } } ] }".to_owned(),
        "{ k8s_logs: [ { attributes: { a: {} } } ] }".to_owned(),
        "{ import_vars: [ { var: 5 } ] }".to_owned(),
        "{ workers: [ { id: 'e u', api_key: 'k' } ] }".to_owned(),
    ];
    for text in &broken {
        assert_ne!(faults(&validator, &values(text)), "", "{text}");
        assert!(is_at_fault(&report(&with_key(text))), "{text}");
    }
}

#[test]
fn each_key_is_accepted_with_its_default_and_in_the_other_forms_of_it() {
    let validator = of_agent_json();
    let of_entry = |entry: &str, key: &str, value: Value| -> Value {
        let mut given = match entry {
            "logs" => json!({ "path": "/a" }),
            _ => json!({ "module": "coin" }),
        };
        given[key] = value;
        json!({ entry: [given] })
    };
    let wrap = |at: &str, key: &str, value: Value| match at {
        "" => json!({ key: value }),
        _ => of_entry(at, key, value),
    };
    let mut checked = 0;
    for (at, table) in [("", GLOBAL), ("logs", LOG_ENTRY), ("monitors", MONITOR_ENTRY)] {
        for key in table {
            let Some(default) = key.default() else { continue };
            let text = default.as_bool().map(|flag| flag.to_string()).or(default.as_f64().map(|n| n.to_string()));
            for value in std::iter::once(default).chain(text.map(Value::from)) {
                for name in [Some(key.name), key.alias].into_iter().flatten() {
                    let instance = wrap(at, name, value.clone());
                    assert_eq!(faults(&validator, &instance), "", "{instance}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn obsolete_keys_are_marked_so() {
    let schema = schema::of_agent_json(&registry());
    for key in GLOBAL {
        let is_obsolete = matches!(key.effect, Effect::Obsolete(_));
        assert_eq!(schema["properties"][key.name]["deprecated"] == json!(true), is_obsolete, "{}", key.name);
    }
}

/// Whether `--run-monitor` takes these options of a monitor, all of them known to it.
fn is_read(module: &str, options: &Map<String, Value>) -> bool {
    let request = RunRequest {
        module,
        config_text: &Value::from(options.clone()).to_string(),
        sample_interval: Duration::from_secs(30),
        agent_config: None,
    };
    let run = monitor_plan_for_run(&request, &registry(), &Arc::default());
    run.is_ok_and(|run| !is_at_fault(&run.report))
}

#[test]
fn the_schema_of_a_monitor_agrees_with_its_reader() {
    let cases = json!([
        ["coin", {}],
        ["coin", { "gauss_mean": 0 }],
        ["coin", { "gauss_mean": 10, "gauss_stddev": 5.0 }],
        ["coin", { "gauss_mean": 10.1 }],
        ["coin", { "gauss_mean": -0.1 }],
        ["coin", { "gauss_mean": "8.5" }],
        ["coin", { "gauss_mean": "eight" }],
        ["coin", { "gauss_mean": true }],
        ["coin", { "gauss_mean": [1] }],
        ["coin", { "gauss_mean": null }],
        ["coin", { "gauss_meen": 1 }],
        ["coin", { "id": "x" }],
        ["coin", { "id": 5 }],
        ["coin", { "id": "a\nb" }],
        ["coin", { "id": {} }],
        ["coin", { "sample_interval": 0.1 }],
        ["coin", { "sample_interval": 0.05 }],
        ["coin", { "sample_interval": "10" }],
        ["coin", { "sample_interval": "soon" }],
        ["coin", { "log_rotation_backup_count": -1 }],
        ["coin", { "monitor_log_write_rate": -1 }],
        ["coin", { "log_path": ["a"] }],
        ["test_monitor", {}],
        ["test_monitor", { "gauss_mean": 1 }],
        ["test_monitor", { "gauss_mean": null }],
        ["test_monitor", { "gauss_mean": 1, "seed": 7 }],
        ["test_monitor", { "gauss_mean": 1, "seed": 7.9 }],
        ["test_monitor", { "gauss_mean": 1, "seed": -1 }],
        ["test_monitor", { "gauss_mean": 1, "seed": "7" }],
        ["linux_system_metrics", { "local_disks_only": "yes" }],
        ["linux_system_metrics", { "local_disks_only": "perhaps" }],
        ["linux_system_metrics", { "local_disks_only": 1 }],
        ["linux_system_metrics", { "local_disks_only": 2 }],
        ["linux_system_metrics", { "ignore_mounts": ["/a", "/b"] }],
        ["linux_system_metrics", { "ignore_mounts": "/a, /b" }],
        ["linux_system_metrics", { "ignore_mounts": [["/a"]] }],
        ["linux_system_metrics", { "ignore_mounts": 5 }],
        ["linux_system_metrics", { "tags": { "a": "b" } }],
        ["linux_system_metrics", { "tags": ["a"] }],
        ["linux_system_metrics", { "proc_root": "/host/proc" }],
        ["linux_system_metrics", { "proc_root": 5 }]
    ]);
    let registry = registry();
    let whole = of_agent_json();
    for case in cases.as_array().unwrap() {
        let (module, options) = (case[0].as_str().unwrap(), case[1].as_object().unwrap());
        let registration = registry.find(module).unwrap();
        let mut entry = options.clone();
        entry.insert("module".to_owned(), module.into());
        let alone = validator(&schema::entry(registration)).is_valid(&Value::from(entry.clone()));
        let any = validator(&schema::any_entry(&registry)).is_valid(&Value::from(entry.clone()));
        let in_whole = whole.is_valid(&json!({ "monitors": [entry] }));
        assert_eq!((alone, any, in_whole), (is_read(module, options), alone, alone), "{case}");
    }
}

#[test]
fn every_linked_monitor_is_known_by_all_of_its_names() {
    let validator = of_agent_json();
    for registration in registry().iter() {
        for module in [Some(registration.name), registration.module].into_iter().flatten() {
            let misspelt = json!({ "monitors": [{ "module": module, "no_such_option": 1 }] });
            assert!(faults(&validator, &misspelt).contains("no_such_option"), "{module}");
        }
    }
}
