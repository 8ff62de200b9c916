//! What values mean, in a file and in the environment, and what variables say about monitors.

use std::path::PathBuf;
use std::time::Duration;

use expect_test::expect;
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::{RunRequest, Surroundings, draft, monitor_plan_for_run};

use super::{built_with, environment, intervals, registry};

/// What becomes of a key of the top level: the value in effect, and behind it the problems with their kinds.
fn outcome(key: &str, file: &str, variables: &[(&str, &str)]) -> String {
    let text = format!(
        "{{ implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, api_key: 'k', {file} }}"
    );
    let environment = environment(variables);
    let loaded = from_text(&text, PathBuf::from("/a"), &environment).unwrap_or_else(|report| panic!("{report}"));
    let registry = registry();
    let draft = draft(&loaded, &Surroundings { registry: &registry, environment: &environment, host_name: "h" });
    let option = draft.options.iter().find(|option| option.name == key);
    let mut outcome = option.and_then(|option| option.value.clone()).unwrap_or_default().to_string();
    for problem in draft.report.problems() {
        let check = if problem.is_error_in_check() { ", an error in check" } else { "" };
        outcome += &format!("\n    {} {:?}{check}: {}", problem.severity, problem.kind, problem.text());
    }
    outcome
}

/// Each value in a file, as it is written there.
fn in_file(key: &str, values: &[&str]) -> String {
    values.iter().map(|value| format!("{value} -> {}\n", outcome(key, &format!("{key}: {value}"), &[]))).collect()
}

/// Each text in the environment.
fn in_environment(key: &str, texts: &[&str]) -> String {
    let name = format!("SCALYR_{}", key.to_ascii_uppercase());
    texts.iter().map(|text| format!("{text:?} -> {}\n", outcome(key, "", &[(&name, text)]))).collect()
}

// configuration.md, sharp edge 2
#[test]
fn a_bool_of_a_file_is_read_by_one_table_and_told_where_the_python_agent_took_it_for_another() {
    let values = [
        "true", "false", "null", "1", "0", "1.0", "2", "''", "'f'", "'false'", "'FALSE'", "'F'", "'no'", "'0'",
        "'True'", "'on'", "'maybe'", "[]", "{}",
    ];
    expect![[r#"
        true -> true
        false -> false
        null -> true
        1 -> true
        0 -> false
        1.0 -> true
        2 -> true
            refused Type, an error in check: 2 is neither true nor false; the default true is used
        '' -> false
        'f' -> false
        'false' -> false
        'FALSE' -> false
            warning Conversion, an error in check: "FALSE" is read as false; the Python agent took it as true
        'F' -> false
            warning Conversion, an error in check: "F" is read as false; the Python agent took it as true
        'no' -> false
            warning Conversion, an error in check: "no" is read as false; the Python agent took it as true
        '0' -> false
            warning Conversion, an error in check: "0" is read as false; the Python agent took it as true
        'True' -> true
        'on' -> true
        'maybe' -> true
            refused Type, an error in check: "maybe" is neither true nor false; the default true is used
        [] -> true
            refused Type, an error in check: a list is neither true nor false; the default true is used
        {} -> true
            refused Type, an error in check: an object is neither true nor false; the default true is used
    "#]]
    .assert_eq(&in_file("global_monitor_sample_interval_enable_jitter", &values));
}

// configuration.md, sharp edge 2
#[test]
fn a_bool_of_a_variable_is_read_by_the_same_table() {
    let texts = ["true", "TRUE", " true", "1", "yes", "on", "false", "0", "no", "", "maybe"];
    expect![[r#"
        "true" -> true
        "TRUE" -> true
        " true" -> true
            warning Conversion, an error in check: " true" is read as true; the Python agent took it as false
        "1" -> true
            warning Conversion, an error in check: "1" is read as true; the Python agent took it as false
        "yes" -> true
            warning Conversion, an error in check: "yes" is read as true; the Python agent took it as false
        "on" -> true
            warning Conversion, an error in check: "on" is read as true; the Python agent took it as false
        "false" -> false
        "0" -> false
        "no" -> false
        "" -> false
        "maybe" -> true
            refused Type, an error in check: "maybe" is neither true nor false; the default true is used
    "#]]
    .assert_eq(&in_environment("global_monitor_sample_interval_enable_jitter", &texts));
}

#[test]
fn a_whole_number_of_a_file_may_be_a_text_and_loses_its_fraction() {
    let values = [
        "7", "7.9", "-7.9", "'7'", "'7.9'", "'1e3'", "1e3", "null", "true", "''", "'x'", "'inf'", "1e300", "'1e400'",
        "-1", "[]",
    ];
    expect![[r#"
        7 -> 7
        7.9 -> 7
            warning Conversion, an error in check: 7.9 is cut to 7: this must be a whole number
        -7.9 -> 2
            refused Range, an error in check: -7.9 is below the minimum 0; the default 2 is used
        '7' -> 7
        '7.9' -> 7
            warning Conversion, an error in check: "7.9" is cut to 7: this must be a whole number
        '1e3' -> 1000
        1e3 -> 1000
        null -> 2
        true -> 2
            refused Type, an error in check: true is not a whole number; the default 2 is used
        '' -> 2
            refused Type, an error in check: "" is not a whole number; the default 2 is used
        'x' -> 2
            refused Type, an error in check: "x" is not a whole number; the default 2 is used
        'inf' -> 2
            refused Type, an error in check: "inf" is not a whole number; the default 2 is used
        1e300 -> 2
            refused Range, an error in check: 1e+300 is too large for a whole number; the default 2 is used
        '1e400' -> 2
            refused Type, an error in check: "1e400" is not a whole number; the default 2 is used
        -1 -> 2
            refused Range, an error in check: -1 is below the minimum 0; the default 2 is used
        [] -> 2
            refused Type, an error in check: a list is not a whole number; the default 2 is used
    "#]]
    .assert_eq(&in_file("log_rotation_backup_count", &values));
}

#[test]
fn a_whole_number_of_a_variable_has_digits_only() {
    let texts = ["7", " 7 ", "+7", "1_000", "5.5", "1e3", "", "x", "-1", "99999999999999999999"];
    expect![[r#"
        "7" -> 7
        " 7 " -> 7
        "+7" -> 7
        "1_000" -> 1000
        "5.5" -> 2
            refused Type, an error in check: "5.5" is not a whole number, written with digits only; the default 2 is used
        "1e3" -> 2
            refused Type, an error in check: "1e3" is not a whole number, written with digits only; the default 2 is used
        "" -> 2
            refused Type, an error in check: "" is not a whole number, written with digits only; the default 2 is used
        "x" -> 2
            refused Type, an error in check: "x" is not a whole number, written with digits only; the default 2 is used
        "-1" -> 2
            refused Range, an error in check: -1 is below the minimum 0; the default 2 is used
        "99999999999999999999" -> 2
            refused Range, an error in check: "99999999999999999999" is too large for a whole number; the default 2 is used
    "#]].assert_eq(&in_environment("log_rotation_backup_count", &texts));
}

// configuration.md, sharp edge 4
#[test]
fn a_number_may_be_a_text_and_is_finite() {
    let values = ["7", "7.5", "'7.5'", "'1e1'", "'inf'", "'nan'", "true", "''", "-1", "{}"];
    expect![[r#"
        7 -> 7
        7.5 -> 7.5
        '7.5' -> 7.5
        '1e1' -> 10
        'inf' -> 60
            refused Range, an error in check: "inf" is infinite, and no number that can be used; the default 60 is used
        'nan' -> 60
            refused Type, an error in check: "nan" is not a number; the default 60 is used
        true -> 60
            refused Type, an error in check: true is not a number; the default 60 is used
        '' -> 60
            refused Type, an error in check: "" is not a number; the default 60 is used
        -1 -> 60
            refused Range, an error in check: -1 is below the minimum 0.1; the default 60 is used
        {} -> 60
            refused Type, an error in check: an object is not a number; the default 60 is used
    "#]]
    .assert_eq(&in_file("request_deadline", &values));
    let texts = ["7", "7.5", "1e1", " 7.5 ", "inf", "nan", "", "x", "-1"];
    expect![[r#"
        "7" -> 7
        "7.5" -> 7.5
        "1e1" -> 10
        " 7.5 " -> 7.5
        "inf" -> 60
            refused Range, an error in check: "inf" is infinite, and no number that can be used; the default 60 is used
        "nan" -> 60
            refused Type, an error in check: "nan" is not a number; the default 60 is used
        "" -> 60
            refused Type, an error in check: "" is not a number; the default 60 is used
        "x" -> 60
            refused Type, an error in check: "x" is not a number; the default 60 is used
        "-1" -> 60
            refused Range, an error in check: -1 is below the minimum 0.1; the default 60 is used
    "#]]
    .assert_eq(&in_environment("request_deadline", &texts));
}

#[test]
fn a_text_may_be_a_number_and_nothing_else() {
    let key = "agent_log_path";
    expect![[r#"
        '/l' -> "/l"
        7 -> "/7"
        1.5 -> "/1.5"
        null -> "/var/log/scalyr-agent-2"
        true -> "/var/log/scalyr-agent-2"
            refused Type, an error in check: must be a text, but is true or false; the default "/var/log/scalyr-agent-2" is used
        [] -> "/var/log/scalyr-agent-2"
            refused Type, an error in check: must be a text, but is a list; the default "/var/log/scalyr-agent-2" is used
        {} -> "/var/log/scalyr-agent-2"
            refused Type, an error in check: must be a text, but is an object; the default "/var/log/scalyr-agent-2" is used
    "#]].assert_eq(&in_file(key, &["'/l'", "7", "1.5", "null", "true", "[]", "{}"]));
    expect![[r#"
        "/l" -> "/l"
        "/ l " -> "/ l "
        "7" -> "/7"
    "#]]
    .assert_eq(&in_environment(key, &["/l", "/ l ", "7"]));
}

#[test]
fn a_list_of_texts_is_one_in_a_file_and_may_be_written_with_blanks_and_commas_in_a_variable() {
    let key = "ignore_checkpoints_on_startup_path_globs";
    expect![[r#"
        ['a', 'b'] -> ["a","b"]
        [] -> []
        'a,b' -> []
            refused Type, an error in check: must be a list of texts, ["..."], but is a text; it is left out
        ['a', 1] -> []
            refused Type, an error in check: must be a list of texts, but element 1 is a number; it is left out
        {} -> []
            refused Type, an error in check: must be a list of texts, ["..."], but is an object; it is left out
    "#]]
    .assert_eq(&in_file(key, &["['a', 'b']", "[]", "'a,b'", "['a', 1]", "{}"]));
    let texts = ["a,b", "a b", "a, b", "[a, b]", "['a', \"b\", c]", "\"a\",\"b\"", "", "  ", "[]"];
    expect![[r#"
        "a,b" -> ["a","b"]
        "a b" -> ["a","b"]
        "a, b" -> ["a","b"]
        "[a, b]" -> ["a","b"]
        "['a', \"b\", c]" -> ["a","b","c"]
        "\"a\",\"b\"" -> ["a","b"]
        "" -> []
        "  " -> []
        "[]" -> []
    "#]]
    .assert_eq(&in_environment(key, &texts));
    let of_paths = outcome(
        "memory_profiler_ignore_path_globs",
        "",
        &[("SCALYR_MEMORY_PROFILER_IGNORE_PATH_GLOBS", "/my files/*, /b")],
    );
    assert!(of_paths.starts_with("[\"/my files/*\",\"/b\"]"), "{of_paths}");
}

#[test]
fn the_attributes_of_the_host_may_be_an_object_in_a_variable() {
    let key = "server_attributes";
    expect![[r#"
        { a: 'x', n: 7 } -> {"a":"x","n":7,"serverHost":"h"}
        { a: [] } -> {"serverHost":"h"}
            refused Type, an error in check: must be a text, a number, true or false, but is a list; it is left out
        'x' -> {"serverHost":"h"}
            refused Type, an error in check: must be an object, { ... }, but is a text; it is left out
        null -> {"serverHost":"h"}
    "#]]
    .assert_eq(&in_file(key, &["{ a: 'x', n: 7 }", "{ a: [] }", "'x'", "null"]));
    let texts =
        ["{ a: 'x', n: 7 }", "{a: \"x\"\nb: 1 /* c */}", "", "{}", "{ a: ", "[]", "x", "{ a: [] }", "{ a: 1, a: 2 }"];
    expect![[r#"
        "{ a: 'x', n: 7 }" -> {"a":"x","n":7,"serverHost":"h"}
        "{a: \"x\"\nb: 1 /* c */}" -> {"a":"x","b":1,"serverHost":"h"}
        "" -> {"serverHost":"h"}
        "{}" -> {"serverHost":"h"}
        "{ a: " -> {"serverHost":"h"}
            refused Syntax, an error in check: the text ends where a value is expected; write it, and the `}` behind it (line 1, column 5); it is left out
        "[]" -> {"serverHost":"h"}
            refused Syntax, an error in check: must be an object, { ... }, but is a list; it is left out
        "x" -> {"serverHost":"h"}
            refused Syntax, an error in check: expected `{`, found `x`; the configuration stands in braces, { ... } (line 1, column 1); it is left out
        "{ a: [] }" -> {"serverHost":"h"}
            refused Type, an error in check: must be a text, a number, true or false, but is a list; it is left out
        "{ a: 1, a: 2 }" -> {"a":2,"serverHost":"h"}
            warning DuplicateKey: a: is given twice, before this at 1:3; the last one counts
    "#]].assert_eq(&in_environment(key, &texts));
    let both = outcome(key, "server_attributes: { a: 1 }", &[("SCALYR_SERVER_ATTRIBUTES", "{ b: 2 }")]);
    expect![[r#"
        {"a":1,"serverHost":"h"}
            warning Conflict: given here and, differently, by the environment variable SCALYR_SERVER_ATTRIBUTES, which is ignored; remove one of the two: the file always wins over SCALYR_SERVER_ATTRIBUTES"#]].assert_eq(&both);
}

#[test]
fn keys_that_do_not_act_say_so_with_their_kinds() {
    let of = |text: &str| outcome("api_key", text, &[]);
    expect![[r#"
        "********** MASKED **********"
            warning Obsolete: has no effect: there is one JSON library
        "********** MASKED **********"
            warning Type: "x" is not a whole number; has no effect: it acts on Windows only
        "********** MASKED **********"
            warning NotBuilt: is not honoured yet: there is no syslog monitor yet
        "********** MASKED **********"
            refused Refused, an error in check: this agent never opens a local shell port; remove it"#]]
    .assert_eq(
        &[
            "json_library: 'orjson'",
            "win32_max_open_fds: 'x'",
            "syslog_processing_thread_count: 4",
            "use_unsafe_debugging: true",
        ]
        .map(of)
        .join("\n"),
    );
}

#[test]
fn an_older_name_beside_the_newer_one_does_not_count() {
    let text = "default_sessions_per_worker: 2, default_workers_per_api_key: 3";
    let told = outcome("default_sessions_per_worker", text, &[]);
    assert!(told.starts_with("2\n"), "{told}");
    assert!(told.contains("warning Conflict: is the old name of `default_sessions_per_worker`"), "{told}");
}

#[test]
fn the_entry_wins_over_the_environment_and_that_over_the_global_interval() {
    let entries = "{ module: 'coin', id: 'a', sample_interval: 5 }, { module: 'coin', id: 'b' }";
    let given = |a, b| vec![("coin(a)".to_owned(), a), ("coin(b)".to_owned(), b)];
    assert_eq!(intervals(entries, &[]), (given(5.0, 20.0), String::new()));
    let both = [("scalyr_sample_interval", "3"), ("SCALYR_SAMPLE_INTERVAL", "0.5")];
    let (found, report) = intervals(entries, &both);
    assert_eq!(found, given(5.0, 0.5));
    expect![[r#"
        warning: /etc/agent.json:1:187  monitors[0].sample_interval: given here and, differently, by the environment variable SCALYR_SAMPLE_INTERVAL, which is ignored
    "#]].assert_eq(&report);
    let (found, report) = intervals("{ module: 'coin', id: 'b' }", &both[..1]);
    assert_eq!((found, report), (vec![("coin(b)".to_owned(), 3.0)], String::new()));
}

#[test]
fn a_bad_interval_of_the_environment_is_named_and_ignored() {
    for (text, told) in [("often", "\"often\" is not a number"), ("0", "\"0\" is below the minimum 0.1")] {
        let (found, report) = intervals("{ module: 'coin' }", &[("SCALYR_SAMPLE_INTERVAL", text)]);
        assert_eq!(found, [("coin()".to_owned(), 20.0)]);
        let expected = format!("refused: environment  SCALYR_SAMPLE_INTERVAL: {told}; the variable is ignored\n");
        assert_eq!(report, expected);
    }
}

#[test]
fn the_interval_of_the_environment_wins_over_that_of_the_runner() {
    let run = |config_text, variables: &[(&str, &str)]| {
        let sample_interval = Duration::from_secs(5);
        let request = RunRequest { module: "coin", config_text, sample_interval, agent_config: None };
        let planned = monitor_plan_for_run(&request, &registry(), &environment(variables));
        planned.map(|planned| planned.monitor.sample_interval.as_secs_f64()).map_err(|report| report.to_string())
    };
    assert_eq!(run("{}", &[]), Ok(5.0));
    assert_eq!(run("{}", &[("SCALYR_SAMPLE_INTERVAL", "2")]), Ok(2.0));
    assert_eq!(run("{ sample_interval: 3 }", &[("SCALYR_SAMPLE_INTERVAL", "2")]), Ok(3.0));
    let refused = run("{}", &[("SCALYR_SAMPLE_INTERVAL", "x")]).unwrap_err();
    assert!(refused.contains("SCALYR_SAMPLE_INTERVAL"), "{refused}");
}

#[test]
fn a_variable_that_the_python_agent_read_for_every_monitor_is_named_once() {
    let text = |entries: &str| {
        format!(
            "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, \
             monitors: [{entries}] }}"
        )
    };
    let told = |entries: &str| {
        let variables = [("scalyr_sample_interval", "0.5"), ("SCALYR_METRIC_NAME_BLACKLIST", "a")];
        built_with(&text(entries), &variables).unwrap_or_else(|report| panic!("{report}")).1.to_string()
    };
    expect![[r#"
        warning: environment  SCALYR_METRIC_NAME_BLACKLIST: is not read for entries of `monitors`; write `metric_name_blacklist` into each of them
        warning: /etc/agent.json:1:171  monitors[1].sample_interval: given here and, differently, by the environment variable scalyr_sample_interval, which is ignored
    "#]]
    .assert_eq(&told("{ module: 'coin' }, { module: 'coin', id: 'a', sample_interval: 3 }"));
    assert!(
        told("{ module: 'coin', sample_interval: 3 }").contains("variable scalyr_sample_interval, which is ignored")
    );
    assert_eq!(told(""), "");
}
