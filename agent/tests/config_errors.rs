//! What a configuration becomes: the plan, and every problem at once.

use {builtin_monitors as _, local_monitors as _};

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;
use scalyr_agent::config::keys::{GLOBAL, LOG_ENTRY, MONITOR_ENTRY};
use scalyr_agent::config::load::{self, from_text};
use scalyr_agent::config::plan::{Compression, MonitorPlan, Plan};
use scalyr_agent::config::{Report, RunRequest, Severity, Surroundings, build, monitor_plan_for_run};
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Map, Value, json};

/// Like a monitor of somebody else's package, with the same short name as the agent's own.
#[scalyr_monitor(name = "other_coin", module = "other.coin")]
struct OtherCoin {
    /// Which coin.
    #[config(default = "euro")]
    currency: String,
}

impl Monitor for OtherCoin {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line(&self.currency);
        Ok(())
    }
}

/// Has options that hold other values.
#[scalyr_monitor(name = "nested_options")]
struct NestedOptions {
    /// Which ports.
    #[config(default = vec![])]
    ports: Vec<u16>,
    /// How many of each.
    #[config(default = BTreeMap::new())]
    limits: BTreeMap<String, u16>,
    /// What it is called.
    #[config(required)]
    title: String,
}

impl Monitor for NestedOptions {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line(&format!("{} {:?} {:?}", self.title, self.ports, self.limits));
        Ok(())
    }
}

fn registry() -> Registry {
    Registry::linked().unwrap_or_else(|clashes| panic!("{clashes:?}"))
}

fn environment(variables: &[(&str, &str)]) -> Arc<Environment> {
    Arc::new(Environment::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))))
}

fn built_with(text: &str, variables: &[(&str, &str)]) -> std::result::Result<(Plan, Report), Report> {
    let environment = environment(variables);
    let loaded = from_text(text, PathBuf::from("/etc/agent.json"), &environment)?;
    let registry = registry();
    build(&loaded, &Surroundings { registry: &registry, environment: &environment, host_name: "web1.example.com" })
}

/// The plan and its report; `text` is what stands beside a key and without the implicit monitors.
fn plan(text: &str) -> (Plan, String) {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, {text} }}"
    );
    match built_with(&text, &[]) {
        Ok((plan, report)) => (plan, report.to_string()),
        Err(report) => panic!("{report}"),
    }
}

fn fatal(text: &str) -> String {
    match built_with(text, &[]) {
        Ok((plan, _)) => panic!("a plan was made: {plan:?}"),
        Err(report) => {
            assert_eq!(report.worst(), Some(Severity::Fatal));
            report.to_string()
        }
    }
}

#[test]
fn the_smallest_configuration_has_the_effective_defaults() {
    let (plan, report) = match built_with("{ api_key: \"k\" }", &[]) {
        Ok(built) => built,
        Err(report) => panic!("{report}"),
    };
    expect![[r#"
        warning: /etc/agent.json  implicit_agent_process_metrics_monitor: the monitor linux_process_metrics that it runs is not built yet; `implicit_agent_process_metrics_monitor: false` ends this warning
    "#]].assert_eq(&report.to_string());
    expect![[r#"
        Plan {
            log_path: "/var/log/scalyr-agent-2",
            data_path: "/var/lib/scalyr-agent-2",
            server_attributes: {
                "serverHost": String("web1.example.com"),
            },
            agent_log: AgentLogPlan {
                rotation: Rotation {
                    max_bytes: 20971520,
                    backups: 2,
                },
                debug_level: 0,
                stdout_severity: None,
            },
            tail: TailPlan {
                max_line_size: 49900,
                line_completion_wait: 5s,
                max_log_offset_size: 200000000,
                max_existing_log_offset_size: 200000000,
                log_deletion_delay: 600s,
                max_new_log_detection_time: 60s,
            },
            sessions: [
                SessionPlan {
                    worker: WorkerId(
                        "default",
                    ),
                    api_key: ********** MASKED **********,
                    server: "https://agent.scalyr.com",
                    server_attributes: {
                        "serverHost": String("web1.example.com"),
                    },
                    verify_server_certificate: true,
                    ca_cert_path: None,
                    request_deadline: 60s,
                    compression: Deflate(
                        6,
                    ),
                    pacing: Pacing {
                        max_request_size: 5900000,
                        min_spacing: 0ns,
                        max_spacing: 5s,
                        max_error_spacing: 30s,
                        low_water: (
                            20480,
                            1.5,
                        ),
                        high_water: (
                            102400,
                            0.6,
                        ),
                        failure_adjustment: 1.5,
                    },
                },
            ],
            logs: [
                LogPlan {
                    origin: "agent log",
                    path: "/var/log/scalyr-agent-2/agent.log",
                    exclude: [],
                    attributes: {
                        "parser": String("scalyrAgentLog"),
                    },
                    copy_from_start: false,
                    worker: WorkerId(
                        "default",
                    ),
                },
            ],
            monitors: [
                MonitorPlan {
                    origin: "implicit_metric_monitor",
                    monitor: "linux_system_metrics",
                    name: "linux_system_metrics()",
                    options: [
                        "module",
                    ],
                    sample_interval: 30s,
                    jitter: true,
                    write_limit: Some(
                        WriteLimit {
                            rate: 2000,
                            burst: 100000,
                        },
                    ),
                    rotation: Rotation {
                        max_bytes: 20971520,
                        backups: 2,
                    },
                    metric_log: "linux_system_metrics.log",
                    disabled: false,
                    stop_agent_on_failure: false,
                    ..
                },
            ],
            added_entries: AddedEntries {
                defaults: Defaults {
                    sample_interval: 30s,
                    interval_variable: None,
                    jitter: true,
                    rotation: Rotation {
                        max_bytes: 20971520,
                        backups: 2,
                    },
                    own_files: OwnFiles {
                        log_path: "/var/log/scalyr-agent-2",
                        data_path: "/var/lib/scalyr-agent-2",
                    },
                    rates: RateEntries {
                        entries: [],
                        clean_up: Some(
                            1800s,
                        ),
                    },
                    allow_http: true,
                },
                ..
            },
        }
    "#]]
    .assert_eq(&format!("{plan:#?}\n"));
}

#[test]
fn a_configuration_with_many_mistakes_reports_all_of_them() {
    let text = r#"{
        api_kye: "misspelt",
        scalyr_server: "ftp://logs",
        max_line_size: "long",
        max_new_log_detection_time: -1,
        debug_level: 9,
        verify_server_certificate: "maybe",
        allow_http: "no",
        compression_type: "GZIP",
        compression_level: 12,
        max_send_rate_enforcement: "5 Mb/s",
        http_proxy: "http://user:secret@proxy",
        stdout_severity: "LOUD",
        server_attributes: { tier: ["a"], rack: 7 },
        json_library: "orjson",
        use_unsafe_debugging: true,
        read_page_size: 1024,
        workers: [{ id: "second", api_key: "other secret" }],
        journald_logs: [{ journald_unit: "ssh" }],
        logs: [
            "app.log",
            { pth: "app.log" },
            { path: "a.log", exclude: "b.log", attributes: { parser: "p", list: [] } },
            { path: "b.log", worker_id: "second" },
            { path: "c.log", lineGroupers: [{ start: "x" }], parse_format: "cri", sampling_rules: [] },
        ],
        monitors: [
            7,
            { gauss_mean: 1 },
            { module: "cion" },
            { module: "coin", gauss_mean: 11, gauss_stdev: 1, sample_interval: 0.01, log_rotation_max_bytes: -1 },
            { module: "coin", id: "a", stop_agent_on_failure: true },
            { module: "coin", id: "a" },
            { module: "coin", id: ["a"] },
        ],
    }"#;
    expect![[r#"
        warning: /etc/agent.json:2:9  api_kye: is not known and has no effect; did you mean `api_key`?
        refused: /etc/agent.json:4:24  max_line_size: "long" is not a whole number; the default 49900 is used
        refused: /etc/agent.json:5:37  max_new_log_detection_time: -1 is below the minimum 0; the default 60 is used
        refused: /etc/agent.json:6:22  debug_level: 9 is above the maximum 5; the default 0 is used
        refused: /etc/agent.json:7:36  verify_server_certificate: "maybe" is neither true nor false; the default true is used
        warning: /etc/agent.json:8:21  allow_http: "no" is read as false; the Python agent took it as true
        warning: /etc/agent.json:12:21  http_proxy: is not honoured yet: the server is reached without a proxy
        warning: /etc/agent.json:15:23  json_library: has no effect: there is one JSON library
        refused: /etc/agent.json:16:31  use_unsafe_debugging: this agent never opens a local shell port; remove it
        warning: /etc/agent.json:17:25  read_page_size: is not honoured yet
        warning: /etc/agent.json:18:18  workers: is not honoured yet: only the worker `default` runs, with `api_key`
        refused: /etc/agent.json:14:36  server_attributes.tier: must be a text, a number, true or false, but is a list; it is left out
        error: /etc/agent.json  api_key: is missing: set it to a "Log Write Access" key of your account
        error: /etc/agent.json:3:24  scalyr_server: must begin with https://, for example https://agent.scalyr.com
        refused: /etc/agent.json:9:27  compression_type: "GZIP" is none of deflate, bz2, lz4, zstandard, none; deflate is used
        refused: /etc/agent.json:11:36  max_send_rate_enforcement: "5 Mb/s" is no rate; write unlimited, legacy, or a rate such as "5 MB/s" (B for bytes, not b); there is no limit
        refused: /etc/agent.json:13:26  stdout_severity: "LOUD" is none of NOTSET, DEBUG, INFO, WARNING, ERROR and CRITICAL; NOTSET is used
        refused: /etc/agent.json:21:13  logs[0]: must be an object with a `path`, but is a text; this entry is not copied
        warning: /etc/agent.json:22:15  logs[1].pth: is not known and has no effect; did you mean `path`?
        refused: /etc/agent.json:22:13  logs[1].path: is missing: an entry names the file or glob that it copies; this entry is not copied
        refused: /etc/agent.json:23:39  logs[2].exclude: must be a list of texts, ["..."], but is a text
        refused: /etc/agent.json:23:81  logs[2].attributes.list: must be a text, a number, true or false, but is a list; this entry is not copied
        refused: /etc/agent.json:24:41  logs[3].worker_id: "second" cannot be used: `workers` are not honoured yet, there is only "default"; this entry is not copied
        warning: /etc/agent.json:25:44  logs[4].lineGroupers: is not honoured yet: each line becomes an event of its own
        warning: /etc/agent.json:25:76  logs[4].parse_format: cri is not honoured yet: lines are sent as they are
        refused: /etc/agent.json:19:25  journald_logs[0]: the systemd journal cannot be copied yet
        refused: /etc/agent.json:28:13  monitors[0]: must be an object with a `module`, but is a number; this monitor does not run
        refused: /etc/agent.json:29:13  monitors[1].module: is missing: an entry names the monitor that it runs; this monitor does not run
        refused: /etc/agent.json:34:35  monitors[6].id: must be a text, a number, true or false, but is a list; this monitor does not run
        warning: /etc/agent.json  implicit_agent_process_metrics_monitor: the monitor linux_process_metrics that it runs is not built yet; `implicit_agent_process_metrics_monitor: false` ends this warning
        refused: /etc/agent.json:30:23  monitors[2].module: "cion" is no monitor of this agent; did you mean `coin`? If it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"; this monitor does not run
        refused: /etc/agent.json:31:80  monitors[3].sample_interval: 0.01 is below the minimum 0.1
        refused: /etc/agent.json:31:110  monitors[3].log_rotation_max_bytes: -1 is below the minimum 0
        refused: /etc/agent.json:31:43  monitors[3].gauss_mean: 11 is above the maximum 10; this monitor does not run
        warning: /etc/agent.json:31:47  monitors[3].gauss_stdev: unknown option; did you mean `gauss_stddev`?
        refused: /etc/agent.json:33:35  monitors[5].id: "a" is the id of monitors[4] too; give each coin its own; this monitor does not run
    "#]].assert_eq(&fatal(text));
}

const NESTED: &str = "{
      module: 'nested_options', // c
      ports: [80,
        70000, \"x\"]
      'limits': { a: 1, 'b c': -1,
        d: \"\"\"\n\"\"\" },
      prots: [1], 'a.b': 2
    }";

#[test]
fn a_problem_within_an_option_has_the_place_of_the_value_in_it() {
    let text =
        format!("monitors: [\n    {NESTED}, {{ module: 'nested_options', title: 'x',\r    ports: '1, two' }}\n]");
    expect![[r#"
        refused: /etc/agent.json:5:9  monitors[0].ports[1]: 70000 is above 65535, the most that fits
        refused: /etc/agent.json:5:16  monitors[0].ports[2]: "x" is not a whole number
        refused: /etc/agent.json:6:32  monitors[0].limits."b c": -1 is below 0, the least that fits
        refused: /etc/agent.json:7:12  monitors[0].limits.d: "\n" is not a whole number
        refused: /etc/agent.json:2:5  monitors[0].title: required, but not given; this monitor does not run
        warning: /etc/agent.json:9:7  monitors[0].prots: unknown option; did you mean `ports`?
        warning: /etc/agent.json:9:19  monitors[0]."a.b": unknown option; this monitor has `ports`, `limits`, `title`
        refused: /etc/agent.json:11:12  monitors[1].ports[1]: "two" is not a whole number; this monitor does not run
    "#]]
    .assert_eq(&plan(&text).1);
}

#[test]
fn a_problem_of_a_single_run_has_its_place_in_the_text() {
    let request = RunRequest {
        module: "nested_options",
        config_text: NESTED,
        sample_interval: Duration::from_secs(5),
        agent_config: None,
    };
    let run = monitor_plan_for_run(&request, &registry(), &environment(&[("SCALYR_PORTS", "1")]));
    expect![[r#"
        refused: -c:4:9  ports[1]: 70000 is above 65535, the most that fits
        refused: -c:4:16  ports[2]: "x" is not a whole number
        refused: -c:5:32  limits."b c": -1 is below 0, the least that fits
        refused: -c:6:12  limits.d: "\n" is not a whole number
        refused: -c  title: required, but not given
        warning: -c:8:7  prots: unknown option; did you mean `ports`?
        warning: -c:8:19  "a.b": unknown option; this monitor has `ports`, `limits`, `title`
    "#]]
    .assert_eq(&run.map_or_else(|report| report.to_string(), |run| format!("{run:?}")));
}

#[test]
fn a_configuration_in_the_old_dialect_runs() {
    let text = "\u{feff}// Stock file
        {
          api_key: \"k\" + \"ey\"
          implicit_metric_monitor: false
          implicit_agent_process_metrics_monitor: false
          server_attributes: {
             tier: \"web\"
          }
          max_line_size: 010000
          logs: [ { path: \"\"\"/var/log/app.log\"\"\" }
                  { path: \"/b.log\" } ]
        }";
    let (plan, report) = built_with(text, &[]).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(report.to_string(), "");
    assert_eq!(plan.sessions[0].server_attributes["tier"], "web");
    assert_eq!(plan.tail.max_line_size, 10_000);
    let paths: Vec<_> = plan.logs.iter().map(|log| log.path.as_str()).collect();
    assert_eq!(paths, ["/var/log/app.log", "/b.log", "/var/log/scalyr-agent-2/agent.log"]);
}

#[test]
fn what_is_refused_does_not_keep_the_rest_from_running() {
    let (plan, report) = plan(
        r#"
        max_line_size: "long",
        logs: [{ path: "a.log", worker_id: "x" }, { path: "b.log" }],
        monitors: [{ module: "coin", gauss_mean: 11 }, { module: "coin" }, { module: "nothing" }],
        "#,
    );
    let origins: Vec<_> = plan.logs.iter().map(|log| log.origin.as_str()).collect();
    assert_eq!(origins, ["logs[1]", "agent log"]);
    assert_eq!(plan.monitors.iter().map(|monitor| monitor.name()).collect::<Vec<_>>(), ["coin(2)"]);
    assert_eq!(plan.tail.max_line_size, 49_900);
    assert_eq!(report.lines().filter(|line| line.starts_with("refused: ")).count(), 4, "{report}");
}

#[test]
fn a_key_that_cannot_be_used_is_fatal_and_says_what_to_do() {
    let texts =
        ["{}", "{ api_key: null }", "{ api_key: ' ' }", "{ api_key: 'REPLACE_THIS' }", "{ api_key: [1] }", "[]", ""];
    let all: String = texts.iter().map(|text| format!("{text}\n{}", fatal(text))).collect();
    expect![[r#"
        {}
        error: /etc/agent.json  api_key: is missing: set it to a "Log Write Access" key of your account
        { api_key: null }
        error: /etc/agent.json:1:12  api_key: is missing: set it to a "Log Write Access" key of your account
        { api_key: ' ' }
        error: /etc/agent.json:1:12  api_key: is empty: set it to a "Log Write Access" key of your account
        { api_key: 'REPLACE_THIS' }
        error: /etc/agent.json:1:12  api_key: is still the placeholder REPLACE_THIS: set it to a "Log Write Access" key of your account
        { api_key: [1] }
        error: /etc/agent.json:1:12  api_key: must be a text, but is a list
        []
        error: /etc/agent.json: must be an object, { ... }, but is a list

        error: /etc/agent.json: is empty; it must hold an object, { ... }
    "#]].assert_eq(&all.replace(
        "warning: /etc/agent.json  implicit_agent_process_metrics_monitor: the monitor linux_process_metrics that it runs is not built yet; `implicit_agent_process_metrics_monitor: false` ends this warning\n",
        "",
    ));
}

#[test]
fn the_key_is_never_shown() {
    let key = "wEiRd_SeCrEt_KeY-";
    for text in [
        format!("{{ api_key: '{key}' }}"),
        format!("{{ api_key: '{key}', api_key: '{key}', max_line_size: [] }}"),
        format!("{{ api_key: ['{key}'] }}"),
        format!("{{ api_key: '{key}\\n{key}' }}"),
        format!("{{ api_key: '{key}' scalyr_server: 'x' }}"),
        format!("{{ api_key: '{key} }}"),
        format!("{{ api_key: {key} }}"),
        format!("{{ api_key: 'k', scalyr_server: 'https://{key}:{key}@host' }}"),
        format!("{{ api_key: 'k', http_proxy: 'https://{key}:{key}@host', workers: [{{ api_key: '{key}' }}] }}"),
    ] {
        let variables = [("SCALYR_API_KEY", key), ("scalyr_https_proxy", key)];
        let shown = format!("{:?}", built_with(&text, &variables));
        assert!(!shown.contains(key), "{shown}");
        let displayed = built_with(&text, &variables).map_or_else(|r| r.to_string(), |(_, r)| r.to_string());
        assert!(!displayed.contains(key), "{displayed}");
        let loaded = format!("{:?}", from_text(&text, PathBuf::from("/a"), &environment(&variables)));
        assert!(!loaded.contains(key), "{loaded}");
    }
}

#[test]
fn what_the_user_wrote_is_respected_under_unlimited() {
    let pacing = |text: &str| plan(text).0.sessions[0].pacing;
    assert_eq!(pacing("").max_request_size, 5_900_000);
    assert_eq!(pacing("").min_spacing, Duration::ZERO);
    assert_eq!(pacing("max_allowed_request_size: 2000000").max_request_size, 2_000_000);
    assert_eq!(pacing("min_request_spacing_interval: 2.5").min_spacing, Duration::from_millis(2500));
    assert_eq!(pacing("max_send_rate_enforcement: 'legacy'").max_request_size, 1_048_576);
    assert_eq!(pacing("max_send_rate_enforcement: 'legacy'").min_spacing, Duration::from_secs(1));
    assert_eq!(pacing("disable_max_send_rate_enforcement_overrides: true").max_request_size, 1_048_576);
    assert_eq!(plan("max_send_rate_enforcement: 'legacy'").0.tail.max_existing_log_offset_size, 104_857_600);
    assert_eq!(plan("max_log_offset_size: 7").0.tail.max_log_offset_size, 7);
    let (plan, report) = plan("max_send_rate_enforcement: '5 MB/s'");
    assert_eq!(plan.sessions[0].pacing.max_request_size, 5_900_000);
    assert!(report.contains("max_send_rate_enforcement: \"5 MB/s\" is not honoured yet"), "{report}");
}

#[test]
fn compression_falls_back_to_deflate_by_name() {
    let compression = |text: &str| (plan(text).0.sessions[0].compression, plan(text).1);
    assert_eq!(compression("compression_level: 3").0, Compression::Deflate(3));
    assert_eq!(compression("compression_type: 'none'").0, Compression::None);
    let (kind, report) = compression("compression_type: 'zstandard', compression_level: 19");
    assert_eq!(kind, Compression::Deflate(6));
    assert!(report.contains("zstandard is not built yet; deflate is used"), "{report}");
    let (kind, report) = compression("compression_level: 12");
    assert_eq!(kind, Compression::Deflate(6));
    assert!(report.contains("compression_level: 12 is outside 1 to 9"), "{report}");
}

#[test]
fn relative_paths_lie_where_the_python_agent_has_them() {
    let (plan, _) = plan(
        "agent_log_path: '/l', logs: [{ path: 'a*.log' }, { path: '/b.log', parser: 'x', attributes: { parser: 'y', n: 1 } }]",
    );
    let paths: Vec<_> = plan.logs.iter().map(|log| log.path.as_str()).collect();
    assert_eq!(paths, ["/l/a*.log", "/b.log", "/l/agent.log"]);
    assert_eq!(Value::Object(plan.logs[1].attributes.clone()), json!({ "parser": "x", "n": 1 }));
    assert_eq!(Value::Object(plan.logs[2].attributes.clone()), json!({ "parser": "scalyrAgentLog" }));
}

#[test]
fn files_whose_redaction_is_not_built_are_sent_by_no_other_entry() {
    let (plan, report) = plan(
        "agent_log_path: '/l', logs: [{ path: '/v/secure.log', redaction_rules: [{ match_expression: 'x' }] },
                { path: '/v/*.log' }, { path: '/w/*.log', redaction_rules: [] }]",
    );
    let logs: Vec<_> = plan.logs.iter().map(|log| (log.path.as_str(), log.exclude.clone())).collect();
    let withheld = vec!["/v/secure.log".to_owned()];
    assert_eq!(logs, [("/v/*.log", withheld.clone()), ("/w/*.log", withheld.clone()), ("/l/agent.log", withheld)]);
    assert!(report.contains("logs[0].redaction_rules: redaction is not built yet"), "{report}");
}

#[test]
fn a_pattern_that_is_none_refuses_its_own_entry_only() {
    let (plan, report) = plan(
        "agent_log_path: '/l', logs: [{ path: '/v/[a.log', exclude: ['*.gz', '{b'] },
                { path: '/w/[.log', redaction_rules: [{ match_expression: 'x' }] }, { path: '/w/*.log' }]",
    );
    let logs: Vec<_> = plan.logs.iter().map(|log| (log.path.as_str(), log.exclude.clone())).collect();
    let withheld = vec!["/w/[[].log".to_owned()];
    assert_eq!(logs, [("/w/*.log", withheld.clone()), ("/l/agent.log", withheld)]);
    expect![[r#"
        refused: /etc/agent.json:1:133  logs[0].path: "/v/[a.log" is no pattern of files: a `[` is never closed; write `[[]` for a literal one
        refused: /etc/agent.json:1:164  logs[0].exclude[1]: "{b" is no pattern of paths: a `{` is never closed; write `[{]` for a literal one; this entry is not copied
        refused: /etc/agent.json:2:54  logs[1].redaction_rules: redaction is not built yet, and the lines would leave this host unredacted
        refused: /etc/agent.json:2:25  logs[1].path: "/w/[.log" is no pattern of files: a `[` is never closed; write `[[]` for a literal one; this entry is not copied, and no other entry copies its files
    "#]].assert_eq(&report);
}

#[test]
fn monitors_have_the_names_of_the_python_agent() {
    let (plan, report) = plan(
        r#"monitors: [
            { module: "coin" },
            { module: "other.coin", id: 2 },
            { module: "coin", sample_interval: 5, log_path: "mine.log", monitor_log_write_rate: -1 },
            { module: "scalyr_agent.builtin_monitors.test_monitor", gauss_mean: 1, id: 1.5 },
            { module: "test_monitor", gauss_mean: 1, id: true },
        ]"#,
    );
    let monitors: Vec<_> = plan
        .monitors
        .iter()
        .map(|m| (m.name(), m.metric_log.display().to_string(), m.sample_interval.as_secs(), m.write_limit.is_some()))
        .collect();
    assert_eq!(
        monitors,
        [
            ("coin(1)".to_owned(), "coin.log".to_owned(), 30, true),
            ("coin(2)".to_owned(), "coin.log".to_owned(), 30, true),
            ("coin(3)".to_owned(), "mine.log".to_owned(), 5, false),
            ("test_monitor(1.5)".to_owned(), "test_monitor.log".to_owned(), 30, true),
            ("test_monitor(True)".to_owned(), "test_monitor.log".to_owned(), 30, true),
        ]
    );
    assert_eq!(report, "");
}

#[test]
fn a_module_that_is_none_is_told_from_one_that_is_still_to_come() {
    let (plan, report) = plan(
        r#"monitors: [
            { module: "url_monitor" },
            { module: "scalyr_agent.builtin_monitors.linux_process_metrics" },
            { module: "scalyr_agent.builtin_monitors.cion" },
            { module: "acme.queue_depth" },
            { module: "acme.url_monitor" },
            { module: "acme.coin" },
        ]"#,
    );
    let all: Vec<_> = registry().iter().map(|registration| format!("`{}`", registration.name)).collect();
    let report = report.replace(&all.join(", "), "ALL");
    assert!(plan.monitors.iter().all(|monitor| !monitor.origin.starts_with("monitors[")), "{plan:?}");
    expect![[r#"
        refused: /etc/agent.json:2:23  monitors[0].module: "url_monitor" is a monitor of the Python agent that is not built yet; this monitor does not run
        refused: /etc/agent.json:3:23  monitors[1].module: "scalyr_agent.builtin_monitors.linux_process_metrics" is a monitor of the Python agent that is not built yet; this monitor does not run
        refused: /etc/agent.json:4:23  monitors[2].module: "scalyr_agent.builtin_monitors.cion" is no monitor of this agent; did you mean `coin`? (this monitor does not run)
        refused: /etc/agent.json:5:23  monitors[3].module: "acme.queue_depth" is no monitor of this agent; it has ALL; Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"; this monitor does not run
        refused: /etc/agent.json:6:23  monitors[4].module: "acme.url_monitor" is no monitor of this agent; it has ALL; Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"; this monitor does not run
        refused: /etc/agent.json:7:23  monitors[5].module: "acme.coin" is no monitor of this agent; did you mean `coin`? Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"; this monitor does not run
    "#]].assert_eq(&report);
}

#[test]
fn a_bare_name_that_is_no_monitor_may_be_a_python_monitor_of_the_user() {
    let (_, report) = plan("monitors: [{ module: 'random_coin_monitor' }]");
    assert!(report.contains("did you mean `coin`"), "{report}");
    assert!(report.contains("docs/writing-a-monitor.md, section \"From a Python monitor\""), "{report}");
    assert!(report.find("`coin`") < report.find("docs/"), "{report}");
}

/// The names and intervals of the monitors of these entries, in seconds, with these variables.
fn intervals(entries: &str, variables: &[(&str, &str)]) -> (Vec<(String, f64)>, String) {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, \
         global_monitor_sample_interval: 20, monitors: [{entries}] }}"
    );
    let (plan, report) = built_with(&text, variables).unwrap_or_else(|report| panic!("{report}"));
    let interval = |monitor: &MonitorPlan| (monitor.name(), monitor.sample_interval.as_secs_f64());
    (plan.monitors.iter().map(interval).collect(), report.to_string())
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
fn ids_of_every_kind_become_the_names_of_the_python_agent() {
    for (entries, names) in [
        ("{ module: 'coin' }", vec!["coin()"]),
        ("{ module: 'coin', id: null }", vec!["coin()"]),
        ("{ module: 'coin', id: '' }", vec!["coin()"]),
        ("{ module: 'coin', id: 1.5 }, { module: 'coin', id: true }", vec!["coin(1.5)", "coin(True)"]),
        ("{ module: 'coin', id: 'x y' }, { module: 'coin', id: 'a(b)' }", vec!["coin(x y)", "coin(a(b))"]),
        ("{ module: 'coin', id: 'first' }, { module: 'coin' }", vec!["coin(first)", "coin(2)"]),
    ] {
        let (found, report) = intervals(entries, &[]);
        assert_eq!(found.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
        assert_eq!(report, "");
    }
}

#[test]
fn an_entry_can_be_disabled_and_is_read_all_the_same() {
    let (built, report) = plan("monitors: [{ module: 'coin', disabled: true }, { module: 'coin', disabled: 'no' }]");
    assert_eq!(built.monitors.iter().map(|monitor| monitor.disabled).collect::<Vec<_>>(), [true, false]);
    assert!(report.contains("monitors[1].disabled: \"no\" is read as false"), "{report}");
    let (built, report) = plan("monitors: [{ module: 'coin', disabled: true, gauss_mean: 11 }]");
    assert!(built.monitors.is_empty() && report.contains("gauss_mean: 11 is above the maximum 10"), "{report}");
}

#[test]
fn a_monitor_that_the_agent_must_not_run_without_is_fatal_when_it_is_refused() {
    let text = |flag: &str| {
        format!(
            "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, \
             monitors: [{{ module: 'coin', gauss_mean: 11, stop_agent_on_failure: {flag} }}] }}"
        )
    };
    expect![[r#"
        refused: /etc/agent.json:1:137  monitors[0].gauss_mean: 11 is above the maximum 10; this monitor does not run
        error: /etc/agent.json:1:164  monitors[0].stop_agent_on_failure: is set, and this monitor is refused: mend it, or set `stop_agent_on_failure: false`
    "#]].assert_eq(&fatal(&text("true")));
    let (plan, report) = built_with(&text("'false'"), &[]).unwrap();
    assert!(plan.monitors.is_empty() && report.worst() == Some(Severity::Refused), "{report}");
    let (plan, _) = built_with(&text("true").replace("11", "1"), &[]).unwrap();
    assert!(plan.monitors[0].stop_agent_on_failure);
}

#[test]
fn automatic_ids_that_are_given_elsewhere_are_moved_with_a_warning() {
    let (plan, report) = plan("monitors: [{ module: 'coin', id: 2 }, { module: 'coin' }]");
    assert_eq!(plan.monitors.iter().map(|monitor| monitor.name()).collect::<Vec<_>>(), ["coin(2)", "coin(3)"]);
    assert_eq!(
        report,
        "warning: /etc/agent.json:1:134  monitors[1]: its automatic id 2 is given to another entry; it gets 3\n"
    );
}

#[test]
fn the_host_names_itself_unless_the_user_does() {
    let host = |text: &str| plan(text).0.sessions[0].server_attributes["serverHost"].clone();
    assert_eq!(host(""), "web1.example.com");
    assert_eq!(host("strip_domain_from_default_server_host: true"), "web1");
    assert_eq!(host("server_attributes: { serverHost: 'mine' }"), "mine");
}

#[test]
fn fragments_and_variables_are_named_because_they_are_not_read_yet() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))
            .and_then(|()| fs::write(&path, text))
            .unwrap_or_else(|error| panic!("{error}"));
        path
    };
    let file = write("agent.json", "{ api_key: 'k' }");
    for name in ["agent.d/b.json", "agent.d/.a.json", "agent.d/c.JSON", "agent.d/d.json/e.json"] {
        write(name, "{}");
    }
    let environment = environment(&[
        ("SCALYR_API_KEY", "from outside"),
        ("scalyr_debug_level", "5"),
        ("SCALYR_SERVER", "x"),
        ("SCALYR_SCALYR_SERVER", "x"),
        ("SCALYR_EXTRA_CONFIG_DIR", "x"),
        ("SCALYR_LOGS", "x"),
    ]);
    let loaded = load::load(&file, &environment).unwrap_or_else(|report| panic!("{report}"));
    let shown = loaded.report.to_string().replace(&directory.path().display().to_string(), "DIR");
    expect![[r#"
        warning: environment  SCALYR_API_KEY: is not honoured yet; write `api_key` into the configuration file
        warning: environment  SCALYR_SERVER: is not honoured yet; write `scalyr_server` into the configuration file
        warning: environment  scalyr_debug_level: is not honoured yet; write `debug_level` into the configuration file
        warning: environment  SCALYR_EXTRA_CONFIG_DIR: is not honoured yet: its files are not read
        warning: DIR/agent.json: DIR/agent.d/.a.json is not read yet; move its content into the main file
        warning: DIR/agent.json: DIR/agent.d/b.json is not read yet; move its content into the main file
    "#]]
    .assert_eq(&shown);
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let bad = directory.path().join("bad.json");
    fs::write(&bad, b"{\n a: \"\xff\" }").unwrap_or_else(|error| panic!("{error}"));
    let large = directory.path().join("large.json");
    fs::write(&large, vec![b' '; 17 << 20]).unwrap_or_else(|error| panic!("{error}"));
    let failure = |file: &Path| match load::load(file, &Environment::default()) {
        Ok(loaded) => panic!("{loaded:?}"),
        Err(report) => report.to_string().replace(&directory.path().display().to_string(), "DIR"),
    };
    let all: String = [&directory.path().join("missing.json"), directory.path(), &bad, &large].map(failure).concat();
    expect![[r#"
        error: DIR/missing.json: there is no such file; name the configuration with -c FILE
        error: DIR: is a directory; name the file in it with -c FILE
        error: DIR/bad.json:2:6: is not UTF-8 text from here on; save the file as UTF-8
        error: DIR/large.json: is larger than 16 MiB; is this the right file?
    "#]]
    .assert_eq(&all);
}

/// Like a monitor whose author did not think of the agent's own log.
#[scalyr_monitor(name = "agent")]
struct Namesake {}

impl Monitor for Namesake {}

#[test]
fn a_metric_log_among_the_agents_own_files_is_refused() {
    let (plan, report) = plan(
        "agent_log_path: '/var/log/a', agent_data_path: '/var/lib/a', monitors: [
            { module: 'coin', log_path: 'agent.log' },
            { module: 'coin', log_path: 'x/../agent_debug.log.2' },
            { module: 'coin', log_path: '../../lib/a/positions.json' },
            { module: 'agent' },
            { module: 'agent', log_path: 'namesake.log' },
            { module: 'coin' },
        ]",
    );
    let names: Vec<_> = plan.monitors.iter().map(|monitor| monitor.metric_log.to_str().unwrap_or_default()).collect();
    assert_eq!(names, ["namesake.log", "coin.log"]);
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 4, "{report}");
    for (index, (line, file)) in lines
        .iter()
        .zip([
            "/var/log/a/agent.log",
            "/var/log/a/agent_debug.log.2",
            "/var/lib/a/positions.json",
            "/var/log/a/agent.log",
        ])
        .enumerate()
    {
        assert!(line.contains(&format!("monitors[{index}].log_path")), "{line}");
        assert!(line.contains(&format!("the metric log would be {file}, which is ")), "{line}");
    }
}

#[test]
fn each_monitor_is_planned_alike_by_the_daemon_and_by_run_monitor() {
    let (registry, environment) = (registry(), environment(&[]));
    assert!(registry.iter().count() >= 2);
    for registration in registry.iter() {
        for options in
            ["{}", "{ no_such_option: 1 }", "{ sample_interval: 7, log_path: 'x.log' }", "{ sample_interval: 0 }"]
        {
            let request = RunRequest {
                module: registration.name,
                config_text: options,
                sample_interval: Duration::from_secs(30),
                agent_config: None,
            };
            let alone = monitor_plan_for_run(&request, &registry, &environment);
            let entry = options.replacen('{', &format!("{{ module: '{}', ", registration.name), 1);
            let (daemon, _) =
                plan(&format!("global_monitor_sample_interval_enable_jitter: false, monitors: [{entry}]"));
            let shown = |plan: &scalyr_agent::config::plan::MonitorPlan| {
                let mut options: Vec<_> = plan.entry.keys().cloned().collect();
                options.sort();
                (
                    format!("{:?}", (plan.name(), plan.sample_interval, plan.jitter, plan.write_limit, plan.rotation)),
                    options,
                )
            };
            assert_eq!(alone.ok().map(|run| shown(&run.monitor)), daemon.monitors.first().map(shown), "{entry}");
        }
    }
}

#[test]
fn run_monitor_takes_jitter_and_rotation_from_the_agents_configuration() {
    let (registry, environment) = (registry(), environment(&[]));
    let text = "{ agent_log_path: 'logs', log_rotation_backup_count: 7, no_such_key: 1 }";
    let loaded = from_text(text, PathBuf::from("/etc/agent.json"), &environment).unwrap_or_else(|r| panic!("{r}"));
    let request = RunRequest {
        module: "coin",
        config_text: "{ id: 'x' }",
        sample_interval: Duration::from_secs(5),
        agent_config: Some(&loaded),
    };
    let run = monitor_plan_for_run(&request, &registry, &environment).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!((run.monitor.jitter, run.monitor.rotation.backups), (true, 7));
    assert_eq!((run.monitor.name().as_str(), run.monitor.sample_interval.as_secs()), ("coin(x)", 5));
    assert_eq!((run.log_path, run.report.to_string()), (PathBuf::from("/etc/logs"), String::new()));
}

#[test]
fn a_bad_run_is_refused_with_every_reason() {
    let refusal = |module: &str, text: &str| {
        let request =
            RunRequest { module, config_text: text, sample_interval: Duration::from_secs(5), agent_config: None };
        match monitor_plan_for_run(&request, &registry(), &environment(&[])) {
            Ok(run) => panic!("{run:?}"),
            Err(report) => report.to_string(),
        }
    };
    let all = [
        refusal("coin", "{ gauss_mean: 11, gauss_stddev: 'x', sample_interval: 0 }"),
        refusal("cion", "{ a: 1 b: 2 }"),
        refusal("coin", "[1]"),
        refusal("coin", "{ id: {} }"),
    ];
    expect![[r#"
        refused: -c:1:55  sample_interval: 0 is below the minimum 0.1
        refused: -c:1:15  gauss_mean: 11 is above the maximum 10
        refused: -c:1:33  gauss_stddev: "x" is not a number
        error: -c:1:8: expected a comma, a line break or `}`, found `b`
        refused: --run-monitor: "cion" is no monitor of this agent; did you mean `coin`? If it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
        error: -c: must be an object, { ... }, but is a list
        refused: -c:1:7  id: must be a text, a number, true or false, but is an object
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn what_has_no_effect_on_a_single_run_is_named() {
    let (registry, environment) = (registry(), environment(&[("SCALYR_ID", "a"), ("SCALYR_SAMPLE_INTERVAL", "1")]));
    let report = |text: &str| {
        let request = RunRequest {
            module: "coin",
            config_text: text,
            sample_interval: Duration::from_secs(5),
            agent_config: None,
        };
        let run = monitor_plan_for_run(&request, &registry, &environment).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(run.monitor.short_name, "coin");
        run.report.to_string()
    };
    expect![[r#"
        warning: -c:1:11  module: "test_monitor" is ignored: --run-monitor runs coin
        warning: -c:1:100  log_path: has no effect with --run-monitor: all lines go to standard output, without a limit
        warning: -c:1:87  log_rotation_max_bytes: has no effect with --run-monitor: all lines go to standard output, without a limit
        warning: -c:1:60  monitor_log_write_rate: has no effect with --run-monitor: all lines go to standard output, without a limit
    "#]]
    .assert_eq(&report(
        "{ module: 'test_monitor', id: 'b', monitor_log_write_rate: 5, log_rotation_max_bytes: 9, log_path: 'x.log' }",
    ));
    assert_eq!(report("{ module: 'coin', id: 'b', disabled: false, sample_interval: 1 }"), "");
    let disabled = "warning: -c:1:22  disabled: has no effect with --run-monitor: the monitor was asked for by name\n";
    assert_eq!(report("{ id: 'b', disabled: true }"), disabled);
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

#[test]
fn a_key_with_a_line_break_makes_no_line_of_its_own() {
    let (_, report) = plan("monitors: [{ module: 'coin', 'a\\nerror: forged': 1 }], 'b\\r\\nerror: forged': 1");
    assert_eq!(report.lines().count(), 2, "{report}");
    assert!(report.lines().all(|line| line.starts_with("warning: ")), "{report}");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof![Just("inf"), Just("-1e300"), Just("coin"), Just("test_monitor"), Just("https://[::]:1")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let keys: Vec<&'static str> = LOG_ENTRY.iter().chain(MONITOR_ENTRY).map(|key| key.name).collect();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(keys), inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        _ = built_with(&text, &[]);
        _ = built_with(&format!("{{ api_key: 'k', logs: [{{ {text} }}], monitors: [{{ module: 'coin', {text} }}] }}"), &[]);
    }

    #[test]
    fn no_value_of_any_key_makes_it_panic(
        values in prop::collection::vec((prop::sample::select(GLOBAL.iter().map(|key| key.name).collect::<Vec<_>>()), any_value()), 0..8)
    ) {
        let mut members = Map::new();
        members.insert("api_key".to_owned(), "k".into());
        members.extend(values.into_iter().map(|(key, value)| (key.to_owned(), value)));
        _ = built_with(&Value::Object(members).to_string(), &[]);
    }
}
