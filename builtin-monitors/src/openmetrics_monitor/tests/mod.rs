//! The whole monitor against a server of the test.

mod any_bytes;
mod differential;
mod exporter;
mod refusals;

use std::time::Duration;

use expect_test::{expect, expect_file};
use scalyr_monitor::testing::{Harness, Taken, json};

use super::OpenmetricsMonitor;
use exporter::Exporter;

/// A monitor that asks this exporter, with more options.
fn monitor(exporter: &Exporter, more: serde_json::Value) -> Harness<OpenmetricsMonitor> {
    let mut entry = json!({ "url": exporter.url() });
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Harness::from_config(entry).allow_dynamic()
}

/// One sample of what an exporter shows.
fn sample(text: &str, more: serde_json::Value) -> Taken {
    monitor(&Exporter::showing(text), more).sample()
}

/// The diagnostics but for those of debugging, with the address as `SERVER`.
fn told(taken: &Taken) -> String {
    let all = taken.diagnostics().iter().map(|told| without_address(&told.to_string()));
    all.filter(|told| !told.starts_with("DEBUG ")).collect::<Vec<_>>().join("\n")
}

fn without_address(text: &str) -> String {
    let Some((before, rest)) = text.split_once("http://127.0.0.1:") else { return text.to_owned() };
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}http://SERVER{}", without_address(behind))
}

#[test]
fn lines_become_metrics_as_in_the_old_agent() {
    let taken = sample(
        r#"# HELP http_requests_total The number of requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

temp 21.5
sci 1e+3
inf +Inf
minus -Inf
none NaN
m{instance="i",monitor="abc",value="v"} 3
Some-Name{path="C:\\DIR\\FILE.TXT",error="Cannot find \"it\"\n"} 1.458255915e9
rpc_duration_seconds_sum 1.7560473e+07
# TYPE rpc summary
rpc{quantile="0.01"} 3102
rpc_count 2693
"#,
        json!({ "id": "om" }),
    );
    expect![[r#"
        http_requests_total 1027 code="200" method="post" timestamp=1395066363000
        http_requests_total 3 code="400" method="post" timestamp=1395066363000
        temp 21.5
        sci 1000.0
        inf "+Inf"
        minus "-Inf"
        m 3 instance_="i" monitor_="abc" value_="v"
        some_name 1458255915.0 error="Cannot find \"it\"\n" path="C:\\DIR\\FILE.TXT"
        rpc_duration_seconds_sum 17560473.0
        rpc_count 2693"#]]
    .assert_eq(&taken.lines().join("\n"));
    assert_eq!((told(&taken).as_str(), taken.error()), ("", None));
}

#[test]
fn what_node_exporter_showed_becomes_these_lines() {
    let page = include_str!("../../../tests/fixtures/openmetrics_monitor/node_exporter/page.txt");
    let taken = sample(page, json!({ "extra_fields": { "datacentre": "eu-1" } }));
    expect_file!["../../../tests/fixtures/openmetrics_monitor/node_exporter/golden.txt"]
        .assert_eq(&(taken.lines().join("\n") + "\n"));
    assert_eq!((told(&taken).as_str(), taken.error()), ("", None));
}

#[test]
fn openmetrics_has_seconds_exemplars_and_an_end() {
    let exporter = Exporter::answering(
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        r#"# TYPE foo histogram
foo_bucket{le="0.01"} 0
foo_bucket{le="+Inf"} 17 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67 1520879606.1
foo_count 17
foo_sum 324789.3
foo_created 1520430000.123
# TYPE cc counter
# UNIT cc seconds
cc_total{a="b\"}"} 17 1520879607
# TYPE state stateset
state{state="on"} 1
# TYPE build info
build_info{version="8.2.7"} 1
# EOF
"#,
    );
    let taken = monitor(&exporter, json!({ "prefer_openmetrics": true })).sample();
    expect![[r#"
        foo_bucket 0 le="0.01"
        foo_bucket 17 le="+Inf" timestamp=1520879607789
        foo_count 17
        foo_sum 324789.3
        foo_created 1520430000.123
        cc_total 17 a="b\"}" timestamp=1520879607000
        build_info 1 version="8.2.7""#]]
    .assert_eq(&taken.lines().join("\n"));
    assert_eq!((told(&taken).as_str(), taken.error()), ("", None));
    assert!(exporter.asked().contains("\r\naccept: application/openmetrics-text;version=1.0.0,"));
    let all = monitor(&exporter, json!({ "include_all_types": true })).sample();
    assert_eq!(*all.value("state"), 1);
}

#[test]
fn text_is_asked_for_and_own_headers_win() {
    let exporter = Exporter::showing("a 1\n");
    monitor(&exporter, json!({})).sample();
    assert!(exporter.asked().contains("\r\naccept: text/plain;version=0.0.4,") && !exporter.asked().contains("openm"));
    let own = json!({ "headers": { "ACCEPT": "text/x", "Authorization": "Bearer t0ken" } });
    monitor(&exporter, own).sample();
    let asked = exporter.asked();
    assert!(
        asked.contains("\r\naccept: text/x\r\n") && asked.contains("\r\nauthorization: bearer t0ken\r\n"),
        "{asked}"
    );
}

#[test]
fn fields_of_the_user_win_over_the_time_and_the_time_over_a_label() {
    let text = "a{timestamp=\"x\",zone=\"y\",host=\"h\"} 1 5\nb{timestamp=\"x\"} 1\n";
    let more = json!({ "extra_fields": { "zone": "eu", "rack": 7, "new": true, "part": 0.5 } });
    assert_eq!(
        sample(text, more).lines(),
        [
            r#"a 1 host="h" new=true part=0.5 rack=7 timestamp=5 zone="eu""#,
            r#"b 1 new=true part=0.5 rack=7 timestamp="x" zone="eu""#,
        ]
    );
    let taken = sample("a 1 5\n", json!({ "extra_fields": { "timestamp": "mine" } }));
    assert_eq!(taken.lines(), [r#"a 1 timestamp="mine""#]);
}

#[test]
fn filters_take_names_and_labels() {
    let text = "up 1\nreqs{code=\"200\"} 1\nreqs{code=\"503\"} 2\nreqs_errors{code=\"503\"} 3\nGo_Threads 7\n";
    let lines = |more| sample(text, more).lines().join("; ");
    assert_eq!(lines(json!({ "metric_name_include_list": ["go_*", "u?"] })), "up 1; go_threads 7");
    assert_eq!(lines(json!({ "metric_name_include_list": "go_*,u?" })), "up 1; go_threads 7");
    assert_eq!(
        lines(json!({ "metric_name_exclude_list": ["reqs*"], "metric_component_value_include_list":
            { "reqs": { "code": ["*"] } } })),
        "up 1; go_threads 7"
    );
    assert_eq!(
        lines(json!({ "metric_name_include_list": [], "metric_component_value_include_list":
            { "*": { "code": ["5*"] } } })),
        "reqs 2 code=\"503\"; reqs_errors 3 code=\"503\""
    );
    assert_eq!(
        lines(json!({ "metric_name_include_list": ["up"], "metric_component_value_include_list":
            { "reqs": { "code": ["5*"] } } })),
        "up 1; reqs 2 code=\"503\""
    );
}

#[test]
fn a_faulty_line_is_told_with_its_number_and_costs_no_other() {
    let exporter = Exporter::showing("a 1\nb one\nc 3\nd{x=\"1} 4\ne 5\n");
    let mut monitor = monitor(&exporter, json!({}));
    let taken = monitor.sample();
    assert_eq!(taken.lines(), ["a 1", "c 3", "e 5"]);
    assert_eq!(taken.error(), None);
    expect![[r#"WARNING GET http://SERVER/metrics: line 2 is left out, because the value is no number: "b one"; so are 1 more of this answer, for this or another reason. It must be as Prometheus or OpenMetrics has it"#]]
    .assert_eq(&told(&taken));
    for minute in 1..5 {
        monitor.clock().advance(Duration::from_secs(60));
        assert_eq!(told(&monitor.sample()), "", "minute {minute}");
    }
    monitor.clock().advance(Duration::from_secs(60));
    let again = told(&monitor.sample());
    assert!(again.contains("line 2 is left out") && again.contains("(4 more like this were held back"), "{again}");
}

#[test]
fn a_flood_is_bounded_counted_and_told() {
    let flood: String = (0..2500).map(|n| format!("m{{n=\"{n}\"}} {n}\n")).collect();
    let taken = sample(&flood, json!({ "max_metrics": 2100 }));
    assert_eq!(taken.emitted().len(), 2100);
    expect![[r#"
        WARNING GET http://SERVER/metrics: 400 metrics are left out, because there are more than `max_metrics` (2100); take fewer by the filters, let the exporter show fewer, or raise it
        WARNING GET http://SERVER/metrics: 2100 metrics are written with each sample, and every one of them is sent and stored; take those that you need by the filters, best in the exporter itself. This is told once a day"#]]
    .assert_eq(&told(&taken));
}

#[test]
fn nothing_to_write_is_told_once_a_day() {
    let taken = sample("a 1\nb 2\n", json!({ "metric_name_include_list": ["c*"] }));
    assert!(taken.lines().is_empty());
    expect!["WARNING GET http://SERVER/metrics: none of the 2 metrics is wanted; look at `metric_name_include_list`, `metric_name_exclude_list` and `metric_component_value_include_list`. This is told once a day"]
    .assert_eq(&told(&taken));
    expect!["WARNING GET http://SERVER/metrics: the answer holds no metrics; is the path right, and does the exporter have something to show? This is told once a day"]
    .assert_eq(&told(&sample("# nothing\n", json!({}))));
}

#[test]
fn names_that_differ_by_capitals_only_are_told() {
    let taken = sample("Threads{a=\"1\"} 1\nup 1\nthreads{a=\"2\"} 2\n", json!({}));
    assert_eq!(taken.lines(), [r#"threads 1 a="1""#, "up 1", r#"threads 2 a="2""#]);
    expect![[r#"WARNING GET http://SERVER/metrics: the metrics "Threads" and "threads" are both written as "threads"; leave one of them out by `metric_name_exclude_list`"#]]
    .assert_eq(&told(&taken));
}

#[test]
fn all_lines_have_the_time_at_which_was_asked_and_rates_work() {
    let exporter = Exporter::showing("reqs_total{code=\"200\"} 10\nreqs_total{code=\"404\"} 10\n");
    let rates = json!({ "calculate_rate_metric_names": ["openmetrics_monitor:reqs_total:code=200"] });
    let mut monitor = monitor(&exporter, rates);
    monitor.sample();
    exporter.answer("text/plain; version=0.0.4", "reqs_total{code=\"200\"} 25\nreqs_total{code=\"404\"} 10\n");
    monitor.clock().advance(Duration::from_secs(30));
    let taken = monitor.sample();
    assert_eq!(*taken.metric_with("reqs_total_rate", "code", "200").value(), 0.5);
    assert_eq!(taken.values("reqs_total_rate").len(), 1);
}

#[test]
fn the_log_of_the_monitor_has_no_limit_of_its_own() {
    let exporter = Exporter::showing("a 1\n");
    assert!(monitor(&exporter, json!({})).context().unlimited_log);
}

#[test]
fn a_request_that_hangs_does_not_hold_up_the_end() {
    // Announces more than it sends, and never closes: nobody reads what is behind it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    let mut monitor = Harness::<OpenmetricsMonitor>::from_config(json!({ "url": url, "timeout": 600 })).allow_dynamic();
    monitor.running(|_| drop(listener.accept().map(std::mem::forget)));
}
