use {builtin_monitors as _, local_monitors as _};

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use expect_test::expect;
use scalyr_monitor::registry::Environment;
use serde_json::{Value, json};

use super::*;
use crate::config::effective::{EffectiveOption, MASKED};
use crate::config::origin::Origin;

const SNIPPETS: Form = Form::Snippets { width: 100, colour: false };

/// What `agent check` with these options prints about this text: its exit code, stdout and stderr. The file is called
/// FILE in them.
fn checked_with(
    text: &str,
    variables: &[(&str, &str)],
    form: Form,
    options: impl Fn(&mut Args),
) -> (u8, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.json");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let configuration = ConfigurationArgs { config_file: file.clone(), extra_config_dir: None };
    let mut args = Args { configuration, print: false, format: Format::Text, connect: false };
    options(&mut args);
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Arc::new(Environment::new(variables));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let registry = Registry::linked().unwrap();
    let code = check(&args, &registry, &environment, &Clock::system(), form, &mut out, &mut err);
    let named = |bytes: Vec<u8>| {
        let text = anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string();
        text.replace(&file.display().to_string(), "FILE")
    };
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "a check leaves nothing behind");
    (code, named(out), named(err))
}

fn printed(text: &str, variables: &[(&str, &str)]) -> String {
    checked_with(text, variables, Form::Lines, |args| args.print = true).1
}

fn json_of(text: &str) -> (u8, Value) {
    let (code, out, err) = checked_with(text, &[], Form::Lines, |args| args.format = Format::Json);
    assert_eq!(err, "");
    (code, serde_json::from_str(&out).unwrap())
}

const QUIET: &str = "implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false";

/// Unknown key, wrong type, out of range, unknown module, bad glob, missing option, bad word, one id twice.
const EIGHT_MISTAKES: &str = r#"{
  api_key: "hunter2hunter2", agent_log_pth: "/var/log/agent",
  implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false,
  max_line_size: "lots",
  debug_level: 11,
  compression_type: "deflat",
  logs: [
    { path: "/var/log/[a-.log" },
    { attributes: { parser: "app" } }
  ],
  monitors: [
    { module: "cion" },
    { module: "coin", id: "a" },
    { module: "coin", id: "a" }
  ]
}
"#;

#[test]
fn eight_mistakes_are_all_told_at_once_each_with_its_place_and_cure() {
    let (code, out, err) = checked_with(EIGHT_MISTAKES, &[], Form::Lines, |_| {});
    assert_eq!((code, out.as_str()), (FAILURE, ""));
    expect![[r#"
        error: FILE:2:30  agent_log_pth: is not known and has no effect; did you mean `agent_log_path`?
        error: FILE:4:18  max_line_size: "lots" is not a whole number; the default 49900 is used
        error: FILE:5:16  debug_level: 11 is above the maximum 5; the default 0 is used
        error: FILE:6:21  compression_type: "deflat" is none of deflate, bz2, lz4, zstandard, none; deflate is used; did you mean "deflate"?
        error: FILE:8:13  logs[0].path: "/var/log/[a-.log" is no pattern of files: a `[` is never closed; it is read as "/var/log/[[]a-.log"; write `[[]` for a literal one
        error: FILE:9:5  logs[1].path: is missing: an entry names the file or glob that it copies; this entry is not copied
        error: FILE:12:15  monitors[0].module: "cion" is no monitor of this agent; cion() does not run; did you mean `coin`? A crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); if it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
        error: FILE:14:27  monitors[2].id: "a" is the id of monitors[1] too; this monitor does not run; give each coin its own
        FILE: 8 errors.
    "#]].assert_eq(&err);
    let (code, _, err) = checked_with(EIGHT_MISTAKES, &[], SNIPPETS, |_| {});
    assert_eq!(code, FAILURE);
    expect![[r#"
        error: agent_log_pth: is not known and has no effect
         --> FILE:2:30
          |
        2 |   api_key: "********", agent_log_pth: "/var/log/agent",
          |                        ^^^^^^^^^^^^^
          |
          = help: did you mean `agent_log_path`?

        error: max_line_size: "lots" is not a whole number; the default 49900 is used
         --> FILE:4:18
          |
        4 |   max_line_size: "lots",
          |                  ^^^^^^

        error: debug_level: 11 is above the maximum 5; the default 0 is used
         --> FILE:5:16
          |
        5 |   debug_level: 11,
          |                ^^

        error: compression_type: "deflat" is none of deflate, bz2, lz4, zstandard, none; deflate is used
         --> FILE:6:21
          |
        6 |   compression_type: "deflat",
          |                     ^^^^^^^^
          |
          = help: did you mean "deflate"?

        error: logs[0].path: "/var/log/[a-.log" is no pattern of files: a `[` is never closed; it is read as "/var/log/[[]a-.log"
         --> FILE:8:13
          |
        8 |     { path: "/var/log/[a-.log" },
          |             ^^^^^^^^^^^^^^^^^^
          |
          = help: write `[[]` for a literal one

        error: logs[1].path: is missing: an entry names the file or glob that it copies; this entry is not copied
         --> FILE:9:5
          |
        9 |     { attributes: { parser: "app" } }
          |     ^

        error: monitors[0].module: "cion" is no monitor of this agent; cion() does not run
          --> FILE:12:15
           |
        12 |     { module: "cion" },
           |               ^^^^^^
           |
           = help: did you mean `coin`? A crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); if it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"

        error: monitors[2].id: "a" is the id of monitors[1] too; this monitor does not run
          --> FILE:14:27
           |
        14 |     { module: "coin", id: "a" }
           |                           ^^^
           |
           = help: give each coin its own

        FILE: 8 errors.
    "#]].assert_eq(&err);
}

/// Two faults of the syntax, a quote and a comma too few, among six other mistakes.
const EIGHT_WITH_FAULTS: &str = r#"{
  api_key: "hunter2hunter2"
  implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false,
  agent_log_pth: "/var/log/agent",
  debug_level: 11,
  server_attributes: { tier: 'web", rack: 5 },
  max_line_size: "lots",
  logs: [
    { path: "/var/log/[a-.log" }
  ],
  monitors: [
    { module: "cion" },
    { module: "coin", gauss_mean: 99 } { module: "gauges", port: 8125 }
  ]
}
"#;

#[test]
fn faults_of_the_syntax_hide_no_other_mistake() {
    let (code, out, err) = checked_with(EIGHT_WITH_FAULTS, &[], Form::Lines, |_| {});
    assert_eq!((code, out.as_str()), (FAILURE, ""));
    let places: Vec<&str> =
        err.lines().filter_map(|line| line.strip_prefix("error: FILE:")?.split(": ").next()).collect();
    expect![[r#"
        4:3  agent_log_pth
        5:16  debug_level
        6:30
        7:18  max_line_size
        9:13  logs[0].path
        12:15  monitors[0].module
        13:35  monitors[1].gauss_mean
        13:40
    "#]]
    .assert_eq(&(places.join("\n") + "\n"));
    assert!(err.ends_with("FILE: 8 errors.\n"), "{err}");
    let (code, object) = json_of(EIGHT_WITH_FAULTS);
    assert_eq!((code, object["problems"].as_array().unwrap().len()), (FAILURE, 8), "{object:#}");
}

#[test]
fn json_holds_no_character_that_a_terminal_obeys_and_loses_none() {
    let text = format!("{{ api_key: 'k', {QUIET}, 'a\\u009b31m\\u202e\\u001b[2J\\u007f': 1, scalyr_server: 5 }}");
    let (code, out, _) = checked_with(&text, &[], Form::Lines, |args| args.format = Format::Json);
    assert_eq!(code, FAILURE);
    assert!(!out.contains(|c: char| c != '\n' && crate::config::report::is_obeyed(c)), "{out:?}");
    let object: Value = serde_json::from_str(&out).unwrap();
    let known: Vec<&Value> = object["problems"].as_array().unwrap().iter().map(|problem| &problem["path"]).collect();
    assert!(known.iter().any(|path| path.as_str().unwrap().contains("31m")), "{known:?}");
}

#[test]
fn a_server_is_asked_only_with_a_key() {
    let (code, out, err) = checked_with(&format!("{{ {QUIET} }}"), &[], Form::Lines, |args| args.connect = true);
    assert_eq!((code, out.as_str()), (1, "no server is asked: the configuration has no key that could be tried\n"));
    assert!(err.contains("api_key: is missing"), "{err}");
}

/// The page that describes the object and the kinds.
const PAGE: &str = include_str!("../../../../docs/checking.md");

#[test]
fn the_page_names_every_kind_and_every_member_of_the_object() {
    use crate::config::Kind;
    for kind in Kind::ALL {
        let word = serde_json::to_value(kind).unwrap();
        let row = format!("| `{}` |", word.as_str().unwrap());
        assert!(PAGE.contains(&row), "docs/checking.md has no row for {word}");
    }
    assert_eq!(PAGE.lines().filter(|line| line.starts_with("| `") && line.ends_with(" |")).count(), Kind::ALL.len());
    let text = format!(
        "{{ api_key: 'k', {QUIET}, colour: 1, server_attributes: {{a: 1}}, logs: [{{path: '/a'}}], monitors: [{{module: 'coin'}}] }}"
    );
    let (_, object) = json_of(&text);
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<String>>();
    let parts = [&object, &object["logs"][0], &object["monitors"][0], &object["sessions"][0], &object["problems"][0]];
    for name in parts.into_iter().flat_map(members) {
        assert!(PAGE.contains(&format!("`{name}`")), "docs/checking.md does not speak of {name}");
    }
}

#[test]
fn a_well_configuration_is_told_what_it_does() {
    let text = format!("{{ api_key: 'k', {QUIET}, logs: [{{path: '/a'}}], monitors: [{{module: 'coin'}}] }}");
    let well = "FILE is well: it copies what 2 entries of logs name and runs 1 monitor, and sends to \
                https://agent.scalyr.com.\n";
    assert_eq!(checked_with(&text, &[], Form::Lines, |_| {}), (0, well.to_owned(), String::new()));
}

#[test]
fn a_script_gets_one_word() {
    let word = |text: &str| {
        let (code, out, err) = checked_with(text, &[], Form::Lines, |args| args.format = Format::Verdict);
        assert_eq!(err, "");
        let (_, object) = json_of(text);
        assert_eq!(format!("{}\n", object["verdict"].as_str().unwrap()), out);
        (code, out)
    };
    let is = |code: u8, word: &str| (code, format!("{word}\n"));
    assert_eq!(word(&format!("{{ api_key: 'k', {QUIET} }}")), is(0, "well"));
    assert_eq!(word(&format!("{{ api_key: 'k', {QUIET}, compression_type: 'none' }}")), is(0, "well"));
    assert_eq!(word(&format!("{{ api_key: 'k', {QUIET}, colour: 1 }}")), is(1, "starts"));
    assert_eq!(word(&format!("{{ api_key: 'k', {QUIET}, monitors: [{{ module: 'cion' }}] }}")), is(1, "starts"));
    for none in ["", "api_key: 'REPLACE_THIS'", "api_key: ' '", "api_key: 'REPLACE_THIS', colour: 1"] {
        assert_eq!(word(&format!("{{ {none} }}")), is(1, "no-key"), "{none}");
    }
    for broken in
        ["{ ", "{ api_key: 'k', scalyr_server: 'ftp://x' }", "{ api_key: 'REPLACE_THIS', scalyr_server: 'ftp://x' }"]
    {
        assert_eq!(word(broken), is(1, "broken"), "{broken}");
    }
}

#[test]
fn warnings_leave_the_exit_code_and_unknown_keys_do_not() {
    let (code, out, err) =
        checked_with(&format!("{{ api_key: 'k', {QUIET}, compression_type: 'none' }}"), &[], Form::Lines, |_| {});
    assert_eq!(code, 0);
    assert!(out.starts_with("FILE is well, with 1 warning: "), "{out}");
    assert!(err.starts_with("warning: FILE:1:"), "{err}");
    let (code, out, err) = checked_with(&format!("{{ api_key: 'k', {QUIET}, colour: 1 }}"), &[], Form::Lines, |_| {});
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: FILE:1:") && err.ends_with("FILE: 1 error.\n"), "{err}");
}

#[test]
fn the_json_object_is_whole_whatever_is_wrong() {
    let (code, object) = json_of(EIGHT_MISTAKES);
    assert_eq!((code, &object["ok"]), (1, &json!(false)));
    let problems = object["problems"].as_array().unwrap();
    assert_eq!(problems.iter().filter(|problem| problem["severity"] == "error").count(), 8, "{problems:#?}");
    let keys = ["severity", "kind", "file", "line", "column", "path", "message", "hint"];
    for problem in problems {
        let found: BTreeSet<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, BTreeSet::from(keys));
        assert!(problem["line"].is_u64() && problem["column"].is_u64(), "{problem}");
    }
    assert_eq!(problems[0]["kind"], "unknown_key");
    assert_eq!(problems[0]["path"], "agent_log_pth");
    // What is not refused is there.
    assert_eq!(object["monitors"][0]["name"], "coin(a)");
    assert_eq!(object["sessions"][0]["server"], "https://agent.scalyr.com");
    assert!(!object.to_string().contains("hunter2"));

    for broken in ["{ api_key: ", "[1]", "", "\u{0}"] {
        let (code, object) = json_of(broken);
        assert_eq!((code, &object["ok"], &object["logs"]), (1, &json!(false), &json!([])), "{broken:?}");
        assert_eq!(object["problems"][0]["kind"], "syntax", "{broken:?}");
    }
}

#[test]
fn a_missing_file_is_the_only_problem_and_json_all_the_same() {
    let missing = |args: &mut Args| {
        args.configuration.config_file = "/nowhere/agent.json".into();
        args.format = Format::Json;
    };
    let (code, out, err) = checked_with("", &[], Form::Lines, missing);
    assert_eq!((code, err.as_str()), (1, ""));
    let object: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(object["problems"].as_array().unwrap().len(), 1, "{object}");
    assert_eq!(object["problems"][0]["file"], "/nowhere/agent.json");
    assert_eq!((&object["options"], &object["monitors"]), (&json!({}), &json!([])));
}

#[test]
fn logs_and_monitors_are_shown_with_where_each_value_comes_from() {
    let text = format!(
        "{{ api_key: 'hunter2', {QUIET}, agent_log_path: '/var/log/x', implicit_agent_log_collection: false,\n\
         logs: [\n{{path: 'a.log', attributes: {{parser: 'p', token: 'hunter2'}}, copy_from_start: true}} ],\n\
         monitors: [\n{{module: 'coin', id: 'one',\ngauss_mean: 2, sample_interval: 5}} ] }}"
    );
    let shown = printed(&text, &[]);
    let from_logs = &shown[shown.find("Logs\n").unwrap()..];
    expect![[r#"
        Logs
          /var/log/x/a.log  logs[0], FILE:3
            parser="p"  token="********** MASKED **********"  copied from its start

        Monitors
          coin(one)  monitors[0], FILE:5
            coin every 5 s into coin.log
            gauss_mean    2     FILE:6
            gauss_stddev  0.25  default

        Sessions
          default  https://agent.scalyr.com  ********** MASKED **********

        FILE is well: it copies what 1 entry of logs names and runs 1 monitor, and sends to https://agent.scalyr.com.
    "#]]
    .assert_eq(from_logs);

    let (code, object) = json_of(&text);
    assert_eq!(code, 0, "{object:#}");
    assert!(!object.to_string().contains("hunter2"), "{object:#}");
    let log = &object["logs"][0];
    assert_eq!((&log["path"], &log["origin"]), (&json!("/var/log/x/a.log"), &json!("FILE:3")));
    let coin = &object["monitors"][0];
    assert_eq!((&coin["name"], &coin["module"], &coin["id"]), (&json!("coin(one)"), &json!("coin"), &json!("one")));
    assert_eq!(coin["options"]["gauss_mean"], json!({ "value": 2, "origin": "FILE:6" }));
    assert_eq!(coin["options"]["gauss_stddev"], json!({ "value": 0.25, "origin": "default" }));
}

#[test]
fn options_that_were_given_stand_before_the_defaults() {
    let environment = Environment::default();
    let loaded = config::load::from_text("{ api_key: 'hunter2' }", "/f".into(), &environment).unwrap();
    let registry = Registry::linked().unwrap();
    let shared = Arc::new(Environment::default());
    let surroundings = Surroundings { registry: &registry, environment: &shared, host_name: "host" };
    let mut draft = config::draft(&loaded, &surroundings);
    let file = |line| Origin::File {
        file: "/etc/agent.json".to_owned(),
        position: Some(config::Position { line, column: 3 }),
    };
    let option = |name, value, origin| EffectiveOption { name, value, origin };
    draft.options = vec![
        option("api_key", Some(json!(MASKED)), file(2)),
        option("ca_cert_path", None, Origin::Default),
        option("debug_level", Some(json!(0)), Origin::Default),
        option("https_proxy", Some(json!("http://proxy")), Origin::Variable("SCALYR_HTTPS_PROXY".to_owned())),
        option("logs", Some(json!([{ "path": "/a" }, { "path": "/b" }])), file(4)),
        option("server_attributes", Some(json!({ "tier": "web", "rack": 5 })), file(7)),
    ];
    let mut checked = Checked { loaded, draft, environment: &environment, asked: None };
    let text = anstream::adapter::strip_str(&print::of(&checked)).to_string();
    let options = &text[..text.find("Logs\n").unwrap()];
    expect![[r#"
        Options
          api_key            "********** MASKED **********"  /etc/agent.json:2
          https_proxy        "http://proxy"                  env:SCALYR_HTTPS_PROXY
          logs               2 entries                       /etc/agent.json:4
          server_attributes  2 members                       /etc/agent.json:7
            tier             "web"                           default
            rack             5                               default

        Defaults
          ca_cert_path  -  default
          debug_level   0  default

    "#]]
    .assert_eq(options);

    checked.draft.options.truncate(2);
    expect![[r#"
        {
          "api_key": {
            "value": "********** MASKED **********",
            "origin": "/etc/agent.json:2"
          },
          "ca_cert_path": {
            "value": null,
            "origin": "default"
          }
        }"#]]
    .assert_eq(&format!("{:#}", json::of(&checked)["options"]));
}

#[test]
fn the_examples_of_the_documentation_are_well() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    let mut count = 0;
    for example in fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = fs::read_to_string(example).unwrap();
        let (code, _, err) = checked_with(&text, &[], Form::Lines, |_| {});
        assert_eq!((code, err.as_str()), (0, ""));
        count += 1;
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn a_file_beside_the_fragments_that_is_not_read_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.json");
    let fragments = folder.path().join("agent.d");
    fs::create_dir(&fragments).unwrap();
    fs::write(&file, "{ api_key: 'key' }").unwrap();
    for name in ["web.yaml", "db.JSON", "old.json.bak", "off.json.dpkg-old", ".hidden", "README", "logs.json"] {
        fs::write(fragments.join(name), "{}").unwrap();
    }
    for path in [&file, &fragments.join("logs.json")] {
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
    let configuration = ConfigurationArgs { config_file: file, extra_config_dir: None };
    let args = Args { configuration, print: false, format: Format::Text, connect: false };
    let environment = Arc::new(Environment::default());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let registry = Registry::linked().unwrap();
    let code = check(&args, &registry, &environment, &Clock::system(), Form::Lines, &mut out, &mut err);
    let told = String::from_utf8(err).unwrap().replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(code, 0, "{told}");
    expect![[r#"
        warning: agent.json  config_directory: agent.d/db.JSON is not read: the name of a fragment ends in .json; rename it, or put it elsewhere
        warning: agent.json  config_directory: agent.d/web.yaml is not read: the name of a fragment ends in .json; rename it, or put it elsewhere
    "#]].assert_eq(&told);
}

#[test]
fn what_a_monitor_refuses_only_when_it_initialises_is_told_too() {
    let (code, out, err) = checked_with(REFUSE_TO_INITIALISE, &[], Form::Lines, |_| {});
    assert_eq!((code, out.as_str()), (FAILURE, ""));
    expect![[r#"
        error: FILE:4:5  monitors[0]: ftp://localhost/: only http and https are spoken, and it begins with neither http:// nor https://; url_monitor() does not run
        error: FILE:5:5  monitors[1]: `protocols` names a tls port, but tls_certificate is not given: the path of a file in PEM; syslog_monitor() does not run
        error: FILE:6:5  monitors[2]: accept_plaintext, accept_pickle and accept_udp are all false, so nothing would be taken; set one of them to true, or remove the entry; graphite_monitor() does not run
        error: FILE:7:56  monitors[3].input_path_glob: must be an absolute path; it begins with `/`; symlink_file_monitor() does not run
        error: FILE:8:5  monitors[4]: which process is to be measured? Give `commandline` (a pattern of its command line), or `pid` (its number, or "$$" for the agent itself); linux_process_metrics(none) does not run
        error: FILE:9:68  monitors[5].journald_logs[0].journald_unit: "(" is not a regular expression: the `(` at character 1 is never closed; journald_monitor() does not run
        error: FILE:10:5  monitors[6]: which process is to be measured? Give `commandline` (a pattern of its command line), or `pid` (its number, or "$$" for the agent itself); linux_process_metrics(stops) does not run
        error: FILE:10:76  monitors[6].stop_agent_on_failure: is set, and linux_process_metrics(stops) is refused; mend it, or set `stop_agent_on_failure: false`
        FILE: 8 errors.
    "#]].assert_eq(&err);
    let (_, all) = json_of(REFUSE_TO_INITIALISE);
    assert_eq!(all["problems"].as_array().unwrap().len(), 8, "{all:#}");
}

/// Each entry is right option by option; the last one is disabled, and nobody asks it.
const REFUSE_TO_INITIALISE: &str = r#"{
  api_key: "hunter2hunter2", implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false,
  monitors: [
    { module: "url_monitor", url: "ftp://localhost/" },
    { module: "syslog_monitor", protocols: "tls:6514" },
    { module: "graphite_monitor", accept_plaintext: false, accept_pickle: false },
    { module: "symlink_file_monitor", input_path_glob: "a/*.log", symlink_file_name_format: "/l/{name}" },
    { module: "linux_process_metrics", id: "none" },
    { module: "journald_monitor", journald_logs: [{ journald_unit: "(" }] },
    { module: "linux_process_metrics", id: "stops", stop_agent_on_failure: true },
    { module: "linux_process_metrics", id: "off", disabled: true }
  ]
}
"#;
