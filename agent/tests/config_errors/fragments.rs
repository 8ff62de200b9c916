//! Fragments: which files are read, in which order, and what they become together.

use std::os::unix::fs::symlink;

use expect_test::expect;
use proptest::prelude::*;
use scalyr_agent::config::{Kind, Severity};
use serde_json::{Value, json};

use super::environment;
use super::files::Files;

/// A log of this name, as a fragment.
fn log(path: &str) -> String {
    format!("{{ logs: [{{ path: '{path}' }}] }}")
}

/// The paths of the logs, in their order.
fn paths(files: &Files) -> Vec<String> {
    let loaded = files.load();
    let logs = loaded.values.get("logs").and_then(Value::as_array).cloned().unwrap_or_default();
    logs.iter().filter_map(|log| Some(log.get("path")?.as_str()?.to_owned())).collect()
}

#[test]
fn the_names_that_count_are_read_in_the_order_of_their_code_points() {
    let files = Files::new(&[("agent.json", "{ logs: [{ path: 'main' }] }")]);
    let names =
        ["a.json", "B.json", "9.json", "10.json", ".hid.json", ".json", "x.JSON", "x.json5", "x.json.bak", "xjson"];
    let not_in = ["sub.json/inner.json", "sub/inner.json", "../beside.json"];
    for name in names.iter().chain(&not_in) {
        files.write(&format!("agent.d/{name}"), log(name).as_bytes());
    }
    files.write("elsewhere", log("link.json").as_bytes());
    symlink(files.path("elsewhere"), files.path("agent.d/link.json")).unwrap_or_else(|error| panic!("{error}"));
    let expected = ["main", ".hid.json", ".json", "10.json", "9.json", "B.json", "a.json", "link.json"];
    assert_eq!(paths(&files), expected);
    assert!(files.load().report.problems().is_empty());
}

#[test]
fn the_folder_may_be_named_by_the_file_its_variables_or_the_environment() {
    let fragments =
        [("agent.d/x.json", log("default")), ("by_file/x.json", log("file")), ("by_env/x.json", log("environment"))];
    let mut files = Files::new(&[("agent.json", "{}")]);
    for (name, text) in &fragments {
        files.write(name, text.as_bytes());
    }
    assert_eq!(paths(&files), ["default"]);
    files.environment = environment(&[("scalyr_config_directory", "by_env")]);
    assert_eq!(paths(&files), ["environment"]);
    files.environment = environment(&[("SCALYR_CONFIG_DIRECTORY", "by_env"), ("scalyr_config_directory", "agent.d")]);
    assert_eq!(paths(&files), ["environment"]);
    files.write("agent.json", b"{ config_directory: 'by_file' }");
    assert_eq!(paths(&files), ["file"]);
    files.environment = environment(&[("DIR", "_file")]);
    files.write("agent.json", b"{ import_vars: ['DIR'], config_directory: 'by$DIR' }");
    assert_eq!(paths(&files), ["file"]);
    let absolute = format!("{{ config_directory: '{}' }}", files.path("by_env").display());
    files.write("agent.json", absolute.as_bytes());
    assert_eq!(paths(&files), ["environment"]);
    files.write("by_env/y.json", b"{ config_directory: 'agent.d' }");
    files.write("agent.json", b"{}");
    files.environment = environment(&[("SCALYR_CONFIG_DIRECTORY", "by_env")]);
    expect![[r#"
        warning: by_env/y.json:1:21  config_directory: has no effect in a fragment: the folder is known before the files in it; write it into the main file
    "#]].assert_eq(&files.shown(&files.load().report));
}

#[test]
fn the_extra_folder_is_read_behind_the_normal_one() {
    let mut files = Files::new(&[("agent.json", "{}")]);
    for (name, path) in [("agent.d/z.json", "normal"), ("more/a.json", "option"), ("env/a.json", "environment")] {
        files.write(name, log(path).as_bytes());
    }
    files.environment = environment(&[("SCALYR_EXTRA_CONFIG_DIR", "env")]);
    assert_eq!(paths(&files), ["normal", "environment"]);
    files.extra = Some("more".into());
    assert_eq!(paths(&files), ["normal", "option"]);
    files.extra = Some(files.path("agent.d"));
    assert_eq!(paths(&files), ["normal"]);
    expect![[r#"
        warning: --extra-config-dir: agent.d is agent.d, which is read already; leave it out
    "#]]
    .assert_eq(&files.shown(&files.load().report));
}

#[test]
fn a_folder_that_is_missing_is_told_only_when_somebody_named_it() {
    let mut files = Files::new(&[("agent.json", "{ }"), ("file", "")]);
    assert_eq!(files.shown(&files.load().report), "");
    files.environment = environment(&[("SCALYR_CONFIG_DIRECTORY", "from_env"), ("SCALYR_EXTRA_CONFIG_DIR", "file")]);
    let mut told = files.shown(&files.load().report);
    files.write("agent.json", b"{\n  config_directory: 'from_file' }");
    files.extra = Some("from_option".into());
    told += &files.shown(&files.load().report);
    files.write("agent.json", b"{ config_directory: '' }");
    files.extra = Some("".into());
    told += &files.shown(&files.load().report);
    assert!(files.load().report.worst() == Some(Severity::Warning));
    expect![[r#"
        warning: environment  SCALYR_CONFIG_DIRECTORY: there is no folder from_env; no fragments are read from there; create it, or correct the name
        warning: environment  SCALYR_EXTRA_CONFIG_DIR: file is not a folder; no fragments are read from there; name the folder that holds the fragments
        warning: agent.json:2:21  config_directory: there is no folder from_file; no fragments are read from there; create it, or correct the name
        warning: --extra-config-dir: there is no folder from_option; no fragments are read from there; create it, or correct the name
        warning: agent.json:2:21  config_directory: given here and, differently, by the environment variable SCALYR_CONFIG_DIRECTORY, which is ignored; remove one of the two: the file always wins over SCALYR_CONFIG_DIRECTORY
        warning: agent.json:1:21  config_directory: is empty; agent.d is used; leave it out, or name a folder
        warning: agent.json:1:21  config_directory: given here and, differently, by the environment variable SCALYR_CONFIG_DIRECTORY, which is ignored; remove one of the two: the file always wins over SCALYR_CONFIG_DIRECTORY
    "#]].assert_eq(&told);
}

#[test]
fn lists_are_appended_and_attributes_joined_and_each_value_keeps_its_file() {
    let files = Files::new(&[
        ("agent.json", "{ api_key: 'k', logs: [{ path: '/a' }], server_attributes: { tier: 'x', rack: 1 } }"),
        (
            "agent.d/1.json",
            "{\n  logs: [{ path: '/b' }, { path: '/c', exclude: 5 }],\n  server_attributes: { tier: 'y', bad: [] } }",
        ),
        ("agent.d/2.json", "{ monitors: [{ module: 'no_such' }],\n debug_level: 'x', unknown: 1 }"),
        ("agent.d/3.json", "{ logs: [{ pathh: '/d' }], monitors: [] }"),
    ]);
    let loaded = files.load();
    let values = |key: &str| loaded.values.get(key).cloned().unwrap_or_default();
    assert_eq!(values("server_attributes"), json!({ "tier": "y", "rack": 1, "bad": [] }));
    assert_eq!(values("logs").as_array().map(Vec::len), Some(4));
    expect![[r#"
        refused: agent.d/2.json:2:15  debug_level: "x" is not a whole number; the default 0 is used
        warning: agent.d/2.json:2:20  unknown: is not known and has no effect
        refused: agent.d/1.json:3:40  server_attributes.bad: must be a text, a number, true or false, but is a list; it is left out
        refused: agent.d/1.json:2:49  logs[1].exclude: must be a list of texts, ["..."], but is a number; this entry of /c is not copied
        warning: agent.d/3.json:1:12  logs[0].pathh: is not known and has no effect; did you mean `path`?
        refused: agent.d/3.json:1:10  logs[0].path: is missing: an entry names the file or glob that it copies; this entry is not copied
        refused: agent.d/2.json:1:24  monitors[0].module: "no_such" is no monitor of this agent; it has ALL; no_such() does not run; a crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); if it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
    "#]].assert_eq(&files.told());
}

// configuration.md, sharp edge 9
#[test]
fn the_order_of_files_decides_nothing_but_the_order_of_entries() {
    // In the Python agent, neither the main file's nor the fragment's own log was looked for in its directory.
    let files = Files::new(&[
        ("agent.json", "{ api_key: 'k', compression_level: 9, logs: [{ path: 'main.log' }] }"),
        ("agent.d/a.json", "{ agent_log_path: '/logs', compression_type: 'deflate', logs: [{ path: 'own.log' }] }"),
    ]);
    let registry = super::registry();
    let surroundings =
        scalyr_agent::config::Surroundings { registry: &registry, environment: &files.environment, host_name: "web1" };
    let (plan, _) =
        scalyr_agent::config::build(&files.load(), &surroundings).unwrap_or_else(|report| panic!("{report}"));
    let logs: Vec<_> = plan.logs.iter().map(|log| format!("{:?}", log.path)).collect();
    assert!(logs.iter().any(|log| log.contains("/logs/main.log")), "{logs:?}");
    assert!(logs.iter().any(|log| log.contains("/logs/own.log")), "{logs:?}");
}

#[test]
fn a_key_that_one_file_may_give_and_two_give_is_fatal_and_names_both_and_those_that_several_may_give() {
    let files = Files::new(&[
        ("agent.json", "{ api_key: 'k',\n  debug_level: 1, my_key: 1, use_multiprocess_workers: false }"),
        ("agent.d/1.json", "{ debug_level: 1, 'my_key': 2 }"),
        ("agent.d/2.json", "{\n my_key: 2,\n use_multiprocess_copying_workers: true }"),
    ]);
    let report = files.load().report;
    assert!(report.problems().iter().all(|problem| problem.kind == Kind::SeveralFiles));
    assert_eq!(report.worst(), Some(Severity::Fatal));
    expect![[r#"
        error: agent.d/1.json:1:3  debug_level: is given in agent.json:2:3, too; only one file may give it; remove one of the two; several files may give import_vars, logs, journald_logs, k8s_logs, monitors, server_attributes, workers
        error: agent.d/1.json:1:19  my_key: is given in agent.json:2:19, too; only one file may give it; remove one of the two; several files may give import_vars, logs, journald_logs, k8s_logs, monitors, server_attributes, workers
        error: agent.d/2.json:2:2  my_key: is given in agent.json:2:19, too; only one file may give it; remove one of the two; several files may give import_vars, logs, journald_logs, k8s_logs, monitors, server_attributes, workers
        error: agent.d/2.json:3:2  use_multiprocess_copying_workers: is given in agent.json:2:30 as use_multiprocess_workers, too; only one file may give it; remove one of the two; several files may give import_vars, logs, journald_logs, k8s_logs, monitors, server_attributes, workers
    "#]].assert_eq(&files.shown(&report));
}

#[test]
fn a_key_and_its_older_name_are_one_list() {
    let files = Files::new(&[
        ("agent.json", "{ api_keys: [{ id: 'a' }] }"),
        ("agent.d/1.json", "{ workers: [{ id: 'b' }], api_keys: [{ id: 'lost' }] }"),
        ("agent.d/2.json", "{\n\n  api_keys: [{ id: 'c' }] }"),
    ]);
    let loaded = files.load();
    assert_eq!(loaded.values.get("workers"), Some(&json!([{ "id": "a" }, { "id": "b" }, { "id": "c" }])));
    assert_eq!(loaded.values.get("api_keys"), None);
    assert_eq!(loaded.report.worst(), Some(Severity::Warning));
    expect![[r#"
        warning: agent.d/1.json:1:27  api_keys: is the old name of `workers`, which is given too; that one counts
    "#]]
    .assert_eq(&files.shown(&loaded.report));
}

#[test]
fn a_value_that_is_no_list_is_refused_in_its_file_and_the_lists_of_others_stand() {
    let files = Files::new(&[
        ("agent.json", "{ logs: 5, server_attributes: [] }"),
        ("agent.d/1.json", "{ logs: [{ path: '/a' }], server_attributes: { a: 1 } }"),
        ("agent.d/2.json", "{\n  logs: { path: '/b' } }"),
    ]);
    let loaded = files.load();
    assert_eq!(loaded.values.get("logs"), Some(&json!([{ "path": "/a" }])));
    assert_eq!(loaded.values.get("server_attributes"), Some(&json!({ "a": 1 })));
    assert_eq!(loaded.report.worst(), Some(Severity::Refused));
    expect![[r#"
        refused: agent.json:1:9  logs: must be a list, but is a number; it is left out, those of other files act
        refused: agent.json:1:31  server_attributes: must be an object, but is a list; it is left out, those of other files act
        refused: agent.d/2.json:2:9  logs: must be a list, but is an object; it is left out, those of other files act
    "#]].assert_eq(&files.shown(&loaded.report));
}

#[test]
fn each_broken_file_is_told_and_the_others_are_looked_at_all_the_same() {
    let files = Files::new(&[
        ("agent.json", "{ logs: [{ pth: 'x' }],\n  server_attributes 5 }"),
        ("agent.d/1.json", "{ logs: [{ pathh: '/a' }], monitors: [{ module: 'coin', gauss_mean: 11 }] }"),
        ("agent.d/2.json", "[]"),
        ("agent.d/3.json", ""),
        ("agent.d/4.json", "{\n a: \"b }"),
    ]);
    files.write("agent.d/5.json", b"{ \xff }");
    expect![[r#"
        error: agent.json:2:21: expected `:` and a value behind the key, found `5`
        error: agent.d/2.json: must be an object, { ... }, but is a list
        error: agent.d/3.json: is empty; it must hold an object, { ... }
        error: agent.d/4.json:2:5: the text ends inside this string: its closing quote is missing
        error: agent.d/5.json:1:3: is not UTF-8 text from here on; save the file as UTF-8
        refused: agent.json:2:21  server_attributes: must be an object, { ... }, but is a number; it is left out
        warning: agent.json:1:12  logs[0].pth: is not known and has no effect; did you mean `path`?
        refused: agent.json:1:10  logs[0].path: is missing: an entry names the file or glob that it copies; this entry is not copied
        warning: agent.d/1.json:1:12  logs[0].pathh: is not known and has no effect; did you mean `path`?
        refused: agent.d/1.json:1:10  logs[0].path: is missing: an entry names the file or glob that it copies; this entry is not copied
        refused: agent.d/1.json:1:69  monitors[0].gauss_mean: 11 is above the maximum 10; coin() does not run
    "#]].assert_eq(&files.told());
}

#[test]
fn a_link_to_nothing_and_the_main_file_among_the_fragments_are_passed_over_with_a_word() {
    let files = Files::new(&[("agent.json", "{ api_key: 'k', config_directory: '.' }"), ("x.json", "{}")]);
    symlink("nowhere", files.path("link.json")).unwrap_or_else(|error| panic!("{error}"));
    let report = files.load().report;
    assert_eq!(report.worst(), Some(Severity::Warning), "{report}");
    expect![[r#"
        warning: agent.json:1:35  config_directory: ./agent.json is the main file, and is not read once more; keep the fragments in a folder of their own
        warning: agent.json:1:35  config_directory: ./link.json leads nowhere, or to where this user may not look; it is not read
    "#]].assert_eq(&files.shown(&report));
}

// configuration.md, sharp edge 13
#[test]
fn what_was_read_is_current_until_a_fragment_comes() {
    let files = Files::new(&[("agent.json", "{ api_key: 'k' }")]);
    let mut loaded = files.load();
    let later = scalyr_monitor::Timestamp::from_nanos(i64::MAX);
    assert!(loaded.seen.is_current(later) && loaded.seen.has_same_texts(&files.load().seen));
    files.write("agent.d/a.json", b"{}");
    assert!(!loaded.seen.is_current(later) && !loaded.seen.has_same_texts(&files.load().seen));
}

/// Bytes that resemble a configuration, more or less.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\n",
            "'",
            "\"",
            "logs",
            "import_vars",
            "'A'",
            "'$A'",
            "'$${A}$AB'",
            "workers",
            "api_keys",
            "server_attributes",
            "config_directory",
            "'.'",
            "1",
            "null",
            "{ var: 'A', default: '$B' }",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat()),
        prop::collection::vec(
            (
                prop::sample::select(vec![
                    "logs",
                    "workers",
                    "api_keys",
                    "server_attributes",
                    "import_vars",
                    "x",
                    "config_directory"
                ]),
                prop::sample::select(vec![
                    "[]",
                    "{}",
                    "5",
                    "'$A'",
                    "[{ path: '$B' }]",
                    "['A', 'B']",
                    "{ a: '${A}' }",
                    "[{ var: 'A', default: 1 }]",
                ]),
            ),
            0..6
        )
        .prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{ {} }}", members.join(", ")).into_bytes()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_of_main_file_and_fragments_make_it_panic(main in any_text(), first in any_text(), second in any_text()) {
        let mut files = Files::new(&[]);
        files.environment = environment(&[("A", "va$B"), ("B", "$A")]);
        files.write("agent.json", &main);
        files.write("agent.d/1.json", &first);
        files.write("agent.d/2.json", &second);
        _ = files.told();
    }
}
