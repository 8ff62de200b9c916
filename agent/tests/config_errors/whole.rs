//! A whole configuration: what the smallest one becomes, and how much of a bad one runs.

use expect_test::expect;

use super::{built_with, fatal, plan};

#[test]
fn the_smallest_configuration_has_the_effective_defaults() {
    let (plan, report) = match built_with("{ api_key: \"k\" }", &[]) {
        Ok(built) => built,
        Err(report) => panic!("{report}"),
    };
    expect![""].assert_eq(&report.to_string());
    expect![[r#"
        Plan {
            log_path: "/var/log/scalyr-agent-2",
            data_path: "/var/lib/scalyr-agent-2",
            server_attributes: {
                "serverHost": String("web1.example.com"),
            },
            config_check_interval: 30s,
            check_remote: false,
            healthy_within: 60s,
            agent_log: AgentLogPlan {
                rotation: Rotation {
                    max_bytes: 20971520,
                    backups: 2,
                },
                debug_level: 0,
                debug_names: [],
                debug_init: false,
                stdout_severity: None,
            },
            statistics: StatisticsPlan {
                says_is_agent: false,
                bandwidth: Some(
                    60s,
                ),
                overall: Some(
                    600s,
                ),
                copying: Some(
                    300s,
                ),
                sessions: Some(
                    600s,
                ),
            },
            status_listen: None,
            tail: TailPlan {
                max_line_size: 49900,
                line_completion_wait: 5s,
                max_record_size: 65536,
                merges_json: false,
                raw_timestamp: true,
                max_log_offset_size: None,
                max_existing_log_offset_size: None,
                copy_staleness_threshold: None,
                close_quiet_after: 3600s,
                log_deletion_delay: 600s,
                max_new_log_detection_time: 60s,
            },
            ignored_positions: [],
            sessions: [
                SessionPlan {
                    id: SessionId {
                        worker: WorkerId(
                            "default",
                        ),
                        number: 0,
                    },
                    api_key: ********** MASKED **********,
                    server: "https://agent.scalyr.com",
                    server_attributes: {
                        "serverHost": String("web1.example.com"),
                    },
                    verify_server_certificate: true,
                    roots: BuiltIn,
                    proxy: None,
                    request_deadline: 60s,
                    compression: Deflate(
                        1,
                    ),
                    pacing: Pacing {
                        max_request_size: 5900000,
                        min_request_size: 102400,
                        too_large_adjustment: 0.5,
                        max_rate: None,
                        min_spacing: 0ns,
                        max_spacing: 5s,
                        max_error_spacing: 30s,
                        water_marks: false,
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
                    body_form: Lean,
                    monotonic_times: false,
                    sends_nothing: false,
                    hidden: ********** MASKED **********,
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
                    lines: LinePlan {
                        format: Raw,
                        groupers: [],
                        sampling: [],
                        redaction: [],
                    },
                    renaming: None,
                    stale_after: None,
                    scan_interval: None,
                    goes_first: false,
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
                MonitorPlan {
                    origin: "implicit_agent_process_metrics_monitor",
                    monitor: "linux_process_metrics",
                    name: "linux_process_metrics(agent)",
                    options: [
                        "module",
                        "id",
                        "pid",
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
                    metric_log: "linux_process_metrics.log",
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
                    workers: Workers {
                        ids: [
                            "default",
                        ],
                        refused: [],
                    },
                    rates: RateEntries {
                        entries: [],
                        clean_up: Some(
                            1800s,
                        ),
                    },
                    allow_http: true,
                    journald_logs: 0 entries,
                },
                ..
            },
        }
    "#]]
    .assert_eq(&format!("{plan:#?}\n"));
}

// configuration.md, sharp edge 5
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
        warning: /etc/agent.json:15:23  json_library: has no effect: there is one JSON library
        refused: /etc/agent.json:16:31  use_unsafe_debugging: this agent never opens a local shell port; remove it
        refused: /etc/agent.json:14:36  server_attributes.tier: must be a text, a number, true or false, but is a list; it is left out
        error: /etc/agent.json  api_key: is missing; set it to a "Log Write Access" key of your account; your keys are listed at https://www.scalyr.com/keys
        error: /etc/agent.json:3:24  scalyr_server: must begin with https://; write it as in https://agent.scalyr.com
        refused: /etc/agent.json:9:27  compression_type: "GZIP" is none of deflate, bz2, lz4, zstandard, none; deflate is used
        refused: /etc/agent.json:11:36  max_send_rate_enforcement: "5 Mb/s" counts bits, with its small b; there is no limit; give bytes, with a capital B: 8 Mb/s are "1 MB/s"
        refused: /etc/agent.json:13:26  stdout_severity: "LOUD" is none of NOTSET, DEBUG, INFO, WARNING, ERROR and CRITICAL; NOTSET is used
        refused: /etc/agent.json:21:13  logs[0]: must be an object with a `path`, but is a text; this entry is not copied
        warning: /etc/agent.json:22:15  logs[1].pth: is not known and has no effect; did you mean `path`?
        refused: /etc/agent.json:22:13  logs[1].path: is missing: an entry names the file or glob that it copies; this entry is not copied
        refused: /etc/agent.json:23:39  logs[2].exclude: must be a list of texts, ["..."], but is a text
        refused: /etc/agent.json:23:81  logs[2].attributes.list: must be a text, a number, true or false, but is a list; this entry of /var/log/scalyr-agent-2/a.log is not copied
        refused: /etc/agent.json:25:45  logs[4].lineGroupers[0]: has none of continueThrough, continuePast, haltBefore, haltWith, and needs exactly one of them; this entry of /var/log/scalyr-agent-2/c.log is not copied; add the one that says where an event ends
        refused: /etc/agent.json:28:13  monitors[0]: must be an object with a `module`, but is a number; this monitor does not run
        refused: /etc/agent.json:29:13  monitors[1].module: is missing: an entry names the monitor that it runs; this monitor does not run
        refused: /etc/agent.json:34:35  monitors[6].id: must be a text, a number, true or false, but is a list; this monitor does not run
        warning: /etc/agent.json:19:24  journald_logs: has no effect: no monitor reads the journal of systemd; add `{ module: "journald_monitor" }` to `monitors`
        refused: /etc/agent.json:30:23  monitors[2].module: "cion" is no monitor of this agent; cion() does not run; did you mean `coin`? A crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); if it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
        refused: /etc/agent.json:31:80  monitors[3].sample_interval: 0.01 is below the minimum 0.1; coin(1) does not run
        refused: /etc/agent.json:31:110  monitors[3].log_rotation_max_bytes: -1 is below the minimum 0; coin(1) does not run
        refused: /etc/agent.json:31:43  monitors[3].gauss_mean: 11 is above the maximum 10; coin(1) does not run
        warning: /etc/agent.json:31:47  monitors[3].gauss_stdev: unknown option; did you mean `gauss_stddev`?
        refused: /etc/agent.json:33:35  monitors[5].id: "a" is the id of monitors[4] too; this monitor does not run; give each coin its own
    "#]].assert_eq(&fatal(text));
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
