//! Where the values of the top level come from: files, variables, key files, credentials, and what is shown of them.

use {builtin_monitors as _, local_monitors as _};

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use expect_test::expect;
use scalyr_agent::config::effective::{EffectiveOption, MASKED};
use scalyr_agent::config::{Draft, Kind, Loaded, Problem, Request, Severity, Surroundings, draft, load};
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Has a password that a metric of it is not.
#[scalyr_monitor(name = "secretive")]
struct Secretive {
    /// Who asks.
    #[config(default = "nobody")]
    user: String,
    /// What opens the door.
    #[config(secret, default = "")]
    sesame: String,
}

impl Monitor for Secretive {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line(&format!("{} {}", self.user, self.sesame.len()));
        Ok(())
    }
}

/// A folder with a configuration in it, and an environment.
struct Host {
    folder: TempDir,
    environment: Arc<Environment>,
}

impl Host {
    /// `text` is what stands beside the switches of the implicit monitors.
    fn new(text: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let at = |value: &str| value.replace("DIR", &folder.path().display().to_string());
        let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), at(value))).collect();
        let text = format!(
            "{{\n{}\nimplicit_metric_monitor: false\nimplicit_agent_process_metrics_monitor: false }}",
            at(text)
        );
        let host = Self { environment: Arc::new(Environment::new(variables)), folder };
        host.write("agent.json", &text)
    }

    /// A file that only its owner may read.
    fn write(self, name: &str, text: &str) -> Self {
        self.write_with_mode(name, text, 0o600)
    }

    fn write_with_mode(self, name: &str, text: impl AsRef<[u8]>, mode: u32) -> Self {
        let path = self.path(name);
        let written = fs::create_dir_all(path.parent().unwrap_or(&path))
            .and_then(|()| fs::write(&path, text))
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(mode)));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self) -> Loaded {
        let file = self.path("agent.json");
        load(&Request { file: &file, named_by: "-c", extra_directory: None, environment: &self.environment })
    }

    fn draft(&self) -> Draft {
        let registry = Registry::linked().unwrap_or_else(|clashes| panic!("{clashes:?}"));
        let environment = &self.environment;
        draft(&self.load(), &Surroundings { registry: &registry, environment, host_name: "web1" })
    }

    /// The report, with `DIR` in the place of the folder.
    fn report(&self) -> String {
        self.without_folder(&self.draft().report.to_string())
    }

    fn without_folder(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "DIR")
    }

    /// Value and origin of an option.
    fn option(&self, name: &str) -> (Value, String) {
        let options = self.draft().options;
        let option = options.into_iter().find(|option| option.name == name);
        let Some(EffectiveOption { value, origin, .. }) = option else { panic!("{name} is no option") };
        (value.unwrap_or_default(), self.without_folder(&origin.to_string()))
    }

    /// The key that would be sent.
    fn key(&self) -> Option<String> {
        self.draft().plan().sessions.first().map(|session| session.api_key.reveal().to_owned())
    }
}

fn problems(draft: &Draft, kind: Kind) -> Vec<&Problem> {
    draft.report.problems().iter().filter(|problem| problem.kind == kind).collect()
}

#[test]
fn the_file_wins_over_the_environment_and_that_over_the_default() {
    let variables = [
        ("SCALYR_API_KEY", "k"),
        ("SCALYR_DEBUG_LEVEL", "3"),
        ("SCALYR_MAX_LINE_SIZE", "1000"),
        ("scalyr_server", "a"),
    ];
    let host = Host::new("max_line_size: 2000", &variables);
    assert_eq!(host.option("debug_level"), (json!(3), "env:SCALYR_DEBUG_LEVEL".to_owned()));
    assert_eq!(host.option("max_line_size"), (json!(2000), "DIR/agent.json:2".to_owned()));
    assert_eq!(host.option("scalyr_server"), (json!("https://a"), "env:scalyr_server".to_owned()));
    assert_eq!(host.option("allow_http"), (json!(false), "default".to_owned()));
    let draft = host.draft();
    assert_eq!(draft.plan().agent_log.debug_level, 3);
    assert_eq!(draft.plan().tail.max_line_size, 2000);
    assert_eq!(draft.plan().sessions[0].server, "https://a");
    expect![[r#"
        warning: DIR/agent.json:2:16  max_line_size: given here and, differently, by the environment variable SCALYR_MAX_LINE_SIZE, which is ignored; remove one of the two: the file always wins over SCALYR_MAX_LINE_SIZE
    "#]].assert_eq(&host.report());
    assert_eq!(problems(&draft, Kind::Conflict).len(), 1);
}

// configuration.md, sharp edge 1
#[test]
fn a_fragment_makes_no_difference_to_what_wins() {
    let variables = [("SCALYR_API_KEY", "of the environment"), ("SCALYR_MAX_LINE_SIZE", "1000")];
    let host = Host::new("api_key: 'of the file', max_line_size: 2000", &variables).write("agent.d/a.json", "{}");
    assert_eq!(host.key().as_deref(), Some("of the file"));
    assert_eq!(host.option("max_line_size").0, json!(2000));
    let host = Host::new("", &variables).write("agent.d/a.json", "{ api_key: 'of a fragment' }");
    let host = host.write("agent.d/b.json", "{ max_line_size: 3000 }").write("agent.d/c.json", "{}");
    assert_eq!(host.key().as_deref(), Some("of a fragment"));
    assert_eq!(host.option("max_line_size"), (json!(3000), "DIR/agent.d/b.json:1".to_owned()));
    let conflicts = problems(&host.draft(), Kind::Conflict).len();
    assert_eq!(conflicts, 2);
}

#[test]
fn a_variable_that_says_what_the_file_says_is_no_conflict() {
    let variables = [
        ("SCALYR_MAX_LINE_SIZE", "2000"),
        ("SCALYR_ALLOW_HTTP", "True"),
        ("SCALYR_SERVER_ATTRIBUTES", "{ tier: 'web' }"),
        ("SCALYR_CALCULATE_RATE_METRIC_NAMES", "a:b c:d"),
        ("SCALYR_REQUEST_DEADLINE", "20"),
    ];
    let text = "api_key: 'k', max_line_size: '2000', allow_http: true, server_attributes: { tier: 'web' } \
                request_deadline: 20.0, calculate_rate_metric_names: ['a:b', 'c:d']";
    let host = Host::new(text, &variables);
    assert_eq!(problems(&host.draft(), Kind::Conflict), [] as [&Problem; 0]);
}

#[test]
fn an_older_name_counts_in_the_file_and_in_the_environment() {
    let host = Host::new("api_key: 'k'", &[("SCALYR_DEFAULT_WORKERS_PER_API_KEY", "3")]);
    let origin = "env:SCALYR_DEFAULT_WORKERS_PER_API_KEY".to_owned();
    assert_eq!(host.option("default_sessions_per_worker"), (json!(3), origin));
    let both = [("SCALYR_DEFAULT_WORKERS_PER_API_KEY", "3"), ("scalyr_default_sessions_per_worker", "4")];
    assert_eq!(Host::new("api_key: 'k'", &both).option("default_sessions_per_worker").0, json!(4));
    let host = Host::new("api_key: 'k', default_workers_per_api_key: 5", &both);
    assert_eq!(host.option("default_sessions_per_worker"), (json!(5), "DIR/agent.json:2".to_owned()));
    let draft = host.draft();
    let conflicts: Vec<_> = problems(&draft, Kind::Conflict).iter().map(|it| it.place.path.clone()).collect();
    assert_eq!(conflicts, ["default_workers_per_api_key"]);
}

#[test]
fn upper_case_wins_over_lower_case_and_mixed_case_counts_for_nothing() {
    let level = |variables: &[(&str, &str)]| Host::new("api_key: 'k'", variables).option("debug_level").0;
    assert_eq!(level(&[("SCALYR_DEBUG_LEVEL", "1"), ("scalyr_debug_level", "2")]), json!(1));
    assert_eq!(level(&[("scalyr_debug_level", "2")]), json!(2));
    assert_eq!(level(&[("Scalyr_Debug_Level", "2")]), json!(0));
    let server = |name| Host::new("api_key: 'k'", &[(name, "https://b")]).option("scalyr_server").0;
    assert_eq!(server("SCALYR_SERVER"), json!("https://b"));
    assert_eq!(server("SCALYR_SCALYR_SERVER"), json!("https://agent.scalyr.com"));
}

#[test]
fn a_variable_that_was_most_likely_misspelt_is_named_and_others_are_left_alone() {
    let variables = [
        ("SCALYR_DEBUG_LEVLE", "5"),
        ("scalyr_api_kye", "x"),
        ("Scalyr_Max_Line_Size", "5"),
        ("SCALYR_LOGS", "[]"),
        // Of others.
        ("SCALYR_K8S_CLUSTER_NAME", "prod"),
        ("SCALYR_K8S_NODE_NAME", "n"),
        ("SCALYR_K8S_POD_NAME", "p"),
        ("SCALYR_TEAM", "x"),
        ("SCALYR_", ""),
        ("MY_SCALYR_DEBUG_LEVLE", "x"),
        // Read elsewhere.
        ("SCALYR_EXTRA_CONFIG_DIR", "conf"),
        ("SCALYR_SAMPLE_INTERVAL", "20"),
        ("SCALYR_GAUSS_MEAN", "20"),
    ];
    expect![[r#"
        warning: environment  SCALYR_DEBUG_LEVLE: is not read; did you mean `SCALYR_DEBUG_LEVEL`?
        warning: environment  SCALYR_LOGS: is not read: no variable can give this key; write `logs` into the configuration file
        warning: environment  Scalyr_Max_Line_Size: is not read: its name is neither all in upper case nor all in lower case; did you mean `SCALYR_MAX_LINE_SIZE`?
        warning: environment  scalyr_api_kye: is not read; did you mean `SCALYR_API_KEY`?
    "#]].assert_eq(&Host::new("api_key: 'k'", &variables).write("conf/a.txt", "").report());
}

#[test]
fn a_key_may_stand_in_a_file_of_its_own() {
    let host = Host::new("api_key_file: 'keys/main'", &[]).write("keys/main", "\u{feff}  the key \r\n\n");
    assert_eq!((host.key().as_deref(), host.report().as_str()), (Some("the key"), ""));
    assert_eq!(host.option("api_key"), (json!(MASKED), "DIR/keys/main".to_owned()));
    assert_eq!(host.option("api_key_file"), (json!("keys/main"), "DIR/agent.json:2".to_owned()));
    let host = Host::new("", &[("SCALYR_API_KEY_FILE", "DIR/key")]).write("key", "k");
    assert_eq!((host.key().as_deref(), host.report().as_str()), (Some("k"), ""));
    let host = Host::new("", &[("CREDENTIALS_DIRECTORY", "DIR/c")]).write_with_mode("c/scalyr_api_key", "k\n", 0o644);
    assert_eq!((host.key().as_deref(), host.report().as_str()), (Some("k"), ""));
    assert_eq!(host.option("api_key").1, "DIR/c/scalyr_api_key");
}

#[test]
fn of_several_keys_the_first_in_the_order_counts() {
    let variables = [
        ("SCALYR_API_KEY", "key of the environment"),
        ("SCALYR_API_KEY_FILE", "DIR/named"),
        ("CREDENTIALS_DIRECTORY", "DIR"),
    ];
    let host = |text: &str, variables: &[(&str, &str)]| {
        let host = Host::new(text, variables).write("file", "key of the file").write("named", "key of the named file");
        host.write("scalyr_api_key", "key of the credential")
    };
    let key = |text: &str, variables: &[(&str, &str)]| host(text, variables).key();
    let file_and_key = "api_key_file: 'file', api_key: 'key'";
    assert_eq!(key(file_and_key, &variables).as_deref(), Some("key"));
    assert_eq!(key("api_key_file: 'file'", &variables).as_deref(), Some("key of the file"));
    assert_eq!(key("", &variables).as_deref(), Some("key of the environment"));
    assert_eq!(key("", &variables[1..]).as_deref(), Some("key of the named file"));
    assert_eq!(key("", &variables[2..]).as_deref(), Some("key of the credential"));
    expect![[r#"
        warning: DIR/agent.json:2:15  api_key_file: is ignored: `api_key` (DIR/agent.json:2) gives the key; remove one of the two
    "#]]
    .assert_eq(&host(file_and_key, &[]).report());
    expect![[r#"
        warning: environment  SCALYR_API_KEY: is ignored: `api_key_file` (DIR/agent.json:2) gives the key; remove one of the two
    "#]]
    .assert_eq(&host("api_key_file: 'file'", &variables[..1]).report());
    expect![[r#"
        warning: environment  SCALYR_API_KEY_FILE: is ignored: SCALYR_API_KEY gives the key; remove one of the two
    "#]]
    .assert_eq(&host("", &variables).report());
    assert_eq!(host("api_key_file: 'file'", &[("SCALYR_API_KEY", "key of the file")]).report(), "");
}

#[test]
fn a_key_file_that_cannot_be_used_says_why_and_is_fatal_when_nothing_else_gives_a_key() {
    let told = |name: &str, content: &[u8], variables: &[(&str, &str)]| {
        let host = Host::new(&format!("api_key_file: '{name}'"), variables).write_with_mode("file", content, 0o600);
        assert_eq!(host.key().is_some(), !variables.is_empty());
        host.report()
    };
    let long = vec![b'x'; 4097];
    let texts: [(&str, &[u8]); 7] = [
        ("missing", b""),
        (".", b""),
        ("file", b" \n"),
        ("file", b"one\ntwo\n"),
        ("file", b"\xff"),
        ("file", b"a\tb"),
        ("file", &long),
    ];
    let all: String = texts.iter().map(|(name, content)| told(name, content, &[])).collect();
    expect![[r#"
        error: DIR/agent.json:2:15  api_key_file: DIR/missing does not exist; write the key, and nothing else, into that file, readable by the user of the agent
        error: DIR/agent.json:2:15  api_key_file: DIR/. cannot be read: it is no regular file; write the key, and nothing else, into that file, readable by the user of the agent
        error: DIR/agent.json:2:15  api_key_file: DIR/file is empty; write the key, and nothing else, into that file, readable by the user of the agent
        error: DIR/agent.json:2:15  api_key_file: DIR/file holds several lines; a key is one; write the key, and nothing else, into that file, readable by the user of the agent
        error: DIR/agent.json:2:15  api_key_file: DIR/file is not UTF-8 text; write the key, and nothing else, into that file, readable by the user of the agent
        error: DIR/agent.json:2:15  api_key_file: DIR/file holds control characters; write the key, and nothing else, into that file, readable by the user of the agent
        error: DIR/agent.json:2:15  api_key_file: DIR/file is larger than 4096 bytes; a key is one line of text; write the key, and nothing else, into that file, readable by the user of the agent
    "#]].assert_eq(&all);
    expect![[r#"
        refused: DIR/agent.json:2:15  api_key_file: DIR/missing does not exist; SCALYR_API_KEY is used; write the key, and nothing else, into that file, readable by the user of the agent
    "#]].assert_eq(&told("missing", b"", &[("SCALYR_API_KEY", "k")]));
}

#[test]
fn a_key_file_that_others_may_read_or_change_is_warned_about() {
    let report = |mode| Host::new("api_key_file: 'key'", &[]).write_with_mode("key", "k", mode).report();
    assert_eq!(report(0o640), "");
    expect![[r#"
        warning: DIR/agent.json:2:15  api_key_file: DIR/key has the permissions 644: every user may read it; chmod 640 DIR/key
    "#]]
    .assert_eq(&report(0o644));
    expect![[r#"
        warning: DIR/agent.json:2:15  api_key_file: DIR/key has the permissions 666: every user may read it, and every user may change it, and its group may change it; chmod 640 DIR/key
    "#]]
    .assert_eq(&report(0o666));
}

#[test]
fn the_key_of_a_worker_may_stand_in_a_file_or_be_a_credential() {
    let text = "api_key: 'k', workers: [ { id: 'a', api_key_file: 'a.key' }, { id: 'b' }, { id: '../a' },
                { id: 'c', api_key: 'c', api_key_file: 'a.key' }, { id: 'd', api_key_file: 'd.key' } ]";
    let host = Host::new(text, &[("CREDENTIALS_DIRECTORY", "DIR/credentials")]);
    let host = host.write("a.key", "key a\n").write("credentials/scalyr_api_key.b", "key b");
    let loaded = host.load();
    let keys: Vec<_> = (0..5).map(|index| loaded.values["workers"][index]["api_key"].clone()).collect();
    assert_eq!(keys, [json!("key a"), json!("key b"), Value::Null, json!("c"), Value::Null]);
    expect![[r#"
        warning: DIR/agent.json:3:56  workers[3].api_key_file: is ignored: `api_key` of the same entry gives the key; remove one of the two
        refused: DIR/agent.json:3:92  workers[4].api_key_file: DIR/d.key does not exist; write the key, and nothing else, into that file, readable by the user of the agent
    "#]].assert_eq(&host.without_folder(&loaded.report.to_string()));
}

#[test]
fn a_credential_that_is_handed_over_anew_is_noticed() {
    for name in ["scalyr_api_key", "scalyr_api_key.b"] {
        let text = "workers: [ { id: 'b' } ]";
        let host = Host::new(text, &[("CREDENTIALS_DIRECTORY", "DIR/credentials")]);
        let host = host.write("credentials/scalyr_api_key", "key").write("credentials/scalyr_api_key.b", "key b");
        let mut seen = host.load().seen;
        assert!(seen.is_current(Timestamp::from_nanos(0)));
        let _host = host.write(&format!("credentials/{name}"), "another key");
        assert!(!seen.is_current(Timestamp::from_nanos(0)), "{name}");
    }
}

#[test]
fn a_folder_of_fragments_that_a_fragment_names_is_not_shown_as_the_one_in_effect() {
    let host = Host::new("api_key: 'k'", &[]).write("agent.d/a.json", "{ config_directory: 'elsewhere' }");
    assert_eq!(host.option("config_directory"), (json!("agent.d"), "default".to_owned()));
}

#[test]
fn every_option_in_effect_is_shown_with_its_origin() {
    let text = "api_key: 'k', agent_log_path: 'logs', compression_level: 12, max_allowed_request_size: '2000000',
        stdout_severity: 'LOUD', max_line_size: 'long', scalyr_server: 'http://a', debug_level: null,
        server_attributes: { tier: 'web' }, logs: [ { path: '/a.log' } ]";
    let host =
        Host::new(text, &[("SCALYR_CALCULATE_RATE_METRIC_NAMES", "[a:b, c:d]"), ("scalyr_read_page_size", "10")]);
    let lines: String = [
        "api_key",
        "agent_log_path",
        "agent_data_path",
        "compression_type",
        "compression_level",
        "max_allowed_request_size",
        "min_request_spacing_interval",
        "max_log_offset_size",
        "stdout_severity",
        "max_line_size",
        "scalyr_server",
        "debug_level",
        "server_attributes",
        "logs",
        "monitors",
        "calculate_rate_metric_names",
        "read_page_size",
        "internal_parse_max_line_size",
        "http_proxy",
        "request_deadline",
        "k8s_ignore_namespaces",
    ]
    .iter()
    .map(|name| (name, host.option(name)))
    .map(|(name, (value, origin))| format!("{name} = {} ({origin})\n", host.without_folder(&value.to_string())))
    .collect();
    expect![[r#"
        api_key = "********** MASKED **********" (DIR/agent.json:2)
        agent_log_path = "DIR/logs" (DIR/agent.json:2)
        agent_data_path = "/var/lib/scalyr-agent-2" (default)
        compression_type = "deflate" (default)
        compression_level = 1 (default)
        max_allowed_request_size = 2000000 (DIR/agent.json:2)
        min_request_spacing_interval = 0 (default)
        max_log_offset_size = null (default)
        stdout_severity = "NOTSET" (default)
        max_line_size = 49900 (default)
        scalyr_server = "https://a" (DIR/agent.json:3)
        debug_level = 0 (default)
        server_attributes = {"tier":"web","serverHost":"web1"} (DIR/agent.json:4)
        logs = [{"path":"/a.log"}] (DIR/agent.json:4)
        monitors = [] (default)
        calculate_rate_metric_names = ["a:b","c:d"] (env:SCALYR_CALCULATE_RATE_METRIC_NAMES)
        read_page_size = 10 (env:scalyr_read_page_size)
        internal_parse_max_line_size = 10 (default)
        http_proxy = null (default)
        request_deadline = 60 (default)
        k8s_ignore_namespaces = ["kube-system"] (default)
    "#]]
    .assert_eq(&lines);
    let names: Vec<_> = host.draft().options.iter().map(|option| option.name).collect();
    assert_eq!(names, scalyr_agent::config::keys::GLOBAL.iter().map(|key| key.name).collect::<Vec<_>>());
}

#[test]
fn the_defaults_of_legacy_are_in_effect_where_it_is_asked_for() {
    let host = Host::new("api_key: 'k', max_send_rate_enforcement: 'legacy'", &[]);
    assert_eq!(host.option("max_allowed_request_size"), (json!(1_048_576), "default".to_owned()));
    assert_eq!(host.option("min_request_spacing_interval"), (json!(1), "default".to_owned()));
}

// configuration.md, sharp edge 17
#[test]
fn a_number_and_its_text_are_the_same_plan() {
    let shown = |text: &str, variables: &[(&str, &str)]| {
        let host = Host::new(&format!("api_key: 'k', agent_log_path: '/l', {text}"), variables);
        let draft = host.draft();
        let values: Vec<_> = draft.options.iter().map(|option| (option.name, option.value.clone())).collect();
        (format!("{:?}", draft.plan()), values)
    };
    let numbers = shown("max_line_size: 5000, request_deadline: 20, allow_http: true, debug_level: 2", &[]);
    let texts = shown("max_line_size: '5000', request_deadline: '2e1', allow_http: 'TRUE', debug_level: 2.0", &[]);
    assert_eq!(numbers, texts);
    let variables =
        [("SCALYR_MAX_LINE_SIZE", " 5_000"), ("SCALYR_REQUEST_DEADLINE", "20.0"), ("scalyr_debug_level", "2")];
    assert_eq!(numbers, shown("allow_http: 1", &variables));
}

// configuration.md, sharp edge 16
#[test]
fn no_secret_is_shown_anywhere() {
    const SECRET: &str = "wEiRd_SeCrEt_KeY";
    const PROXY: &str = "http://me:wEiRd_SeCrEt_KeY@proxy";
    let by_file = format!(
        "api_key: '{SECRET}', http_proxy: 'http://me:{SECRET}@proxy:3128', https_proxy: 'me:a/{SECRET}@proxy',
         k8s_api_url: 'https://{SECRET}@cluster', import_vars: ['A', {{ var: 'DB_PASSWORD', default: '{SECRET}' }}],
         workers: [ {{ id: 'a', api_key: '{SECRET}' }}, {{ id: 'b', api_key_file: 'key' }} ],
         logs: [ {{ path: '/a', redaction_rules: [ {{ match_expression: 'a', hash_salt: '{SECRET}' }} ] }} ],
         monitors: [ {{ module: 'secretive', sesame: '{SECRET}' }}, {{ module: 'foreign', db_password: '{SECRET}' }} ]"
    );
    let variables = [("SCALYR_API_KEY", SECRET), ("SCALYR_HTTPS_PROXY", PROXY), ("DB_PASSWORD", SECRET)];
    let credential = [("CREDENTIALS_DIRECTORY", "DIR/c")];
    let named = [("SCALYR_API_KEY_FILE", "DIR/key"), ("SCALYR_API_KEY", "other")];
    let twice = format!("api_key: 'k', api_key_file: 'key', http_proxy: 'http://:{SECRET}@proxy'");
    let several = format!("api_key: '{SECRET}\\n{SECRET}'");
    let hosts = [
        Host::new(&by_file, &variables),
        Host::new("", &variables),
        Host::new("api_key: 'other'", &variables[..1]),
        Host::new("", &credential),
        Host::new("", &named),
        Host::new("api_key_file: 'key'", &variables[..1]),
        Host::new("api_key_file: 'lines'", &[]),
        Host::new(&twice, &[]),
        Host::new(&several, &[]),
        Host::new(&format!("api_key: ['{SECRET}']"), &[]),
        Host::new("", &[]).write("agent.d/key.json", &format!("{{ api_key: '{SECRET}' }}")),
    ];
    for host in hosts {
        let host = host.write_with_mode("key", SECRET, 0o644).write("lines", &format!("{SECRET}\n{SECRET}"));
        let host = host.write("c/scalyr_api_key", SECRET);
        let (loaded, draft) = (host.load(), host.draft());
        let shown = [
            format!("{loaded:?}"),
            loaded.report.to_string(),
            format!("{draft:?}"),
            draft.report.to_string(),
            format!("{:?}", draft.plan()),
            draft.options.iter().map(|option| format!("{option:?} {}", option.origin)).collect(),
        ];
        for text in shown {
            let found = text.split(SECRET).next().filter(|before| before.len() < text.len());
            assert_eq!(found, None);
        }
    }
    let host = Host::new(&by_file, &variables);
    assert_eq!(host.option("http_proxy").0, json!(format!("http://me:{MASKED}@proxy:3128")));
    assert_eq!(host.option("workers").0[0], json!({ "id": "a", "api_key": MASKED }));
    let monitors = host.option("monitors").0;
    assert_eq!((&monitors[0]["sesame"], &monitors[1]["db_password"]), (&json!(MASKED), &json!(MASKED)));
    assert_eq!(monitors[0]["module"], "secretive");
}

#[test]
fn a_bad_value_of_a_variable_is_refused_by_the_name_of_the_variable() {
    let host = Host::new("api_key: 'k'", &[("SCALYR_MAX_LINE_SIZE", "5.5")]);
    let draft = host.draft();
    assert_eq!(draft.report.worst(), Some(Severity::Refused));
    assert_eq!(host.option("max_line_size"), (json!(49_900), "default".to_owned()));
}
