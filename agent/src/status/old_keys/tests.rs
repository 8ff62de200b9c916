use serde_json::Value;

use super::super::sample::{NOW, bad, good};
use super::super::{Format, Snapshot};

fn report(snapshot: &Snapshot) -> Value {
    serde_json::from_str(&Format::Json.render(snapshot)).unwrap()
}

/// The keys of `cli-and-service.md` section 7.
const TOP: &str = "launch_time user version revision server_host scalyr_server compression_type compression_level log_path \
     python_version avg_status_report_duration config_status copying_manager_status monitor_manager_status overall_stats";
const CONFIG: &str = "path additional_paths last_read_time status last_error last_good_read last_check_time";
const COPYING: &str = "total_bytes_uploaded total_errors total_scan_iterations num_worker_sessions health_check_result \
     worker_sessions_health_check total_rate_limited_time rate_limited_time_since_last_status total_read_time \
     total_waiting_time total_blocking_response_time total_request_time total_pipelined_requests log_matchers workers";
const SESSION: &str = "session_id pid total_bytes_uploaded last_success_time last_attempt_time last_attempt_size \
     last_response last_response_status total_errors total_rate_limited_time rate_limited_time_since_last_status \
     total_copy_iterations total_read_time total_waiting_time total_blocking_response_time total_request_time \
     total_pipelined_requests health_check_result log_processors";
const PROCESSOR: &str = "log_path last_scan_time total_bytes_copied total_bytes_pending total_bytes_skipped \
     skipped_new_bytes skipped_preexisting_bytes total_bytes_failed total_bytes_dropped_by_sampling total_lines_copied \
     total_lines_dropped_by_sampling total_redactions";
const MONITOR: &str = "monitor_name monitor_id monitor_short_hash stop_agent_on_failure reported_lines errors is_alive";
const OVERALL: &str = "launch_time version num_watched_paths num_copying_paths num_running_monitors num_dead_monitor \
     num_worker_sessions user_cpu system_cpu rss_size total_bytes_copied total_bytes_pending total_bytes_skipped \
     skipped_new_bytes skipped_preexisting_bytes total_rate_limited_time total_bytes_subsampled total_bytes_failed \
     total_redactions total_copy_requests_errors total_monitor_reported_lines total_monitor_errors total_requests_sent \
     total_requests_failed total_request_bytes_sent total_compressed_request_bytes_sent total_response_bytes_received \
     total_request_latency_secs total_connections_created total_scan_iterations total_read_time total_compression_time \
     total_waiting_time total_blocking_response_time total_request_time total_pipelined_requests avg_bytes_produced_rate \
     avg_bytes_copied_rate rate_limited_time_since_last_status avg_status_report_duration";

#[test]
fn every_old_key_is_there_beside_ours() {
    for snapshot in [good().judged(), bad()] {
        let report = report(&snapshot);
        let copying = &report["copying_manager_status"];
        let places = [
            (&report, TOP),
            (&report["config_status"], CONFIG),
            (copying, COPYING),
            (&copying["workers"][0]["sessions"][0], SESSION),
            (&copying["workers"][0]["sessions"][0]["log_processors"][0], PROCESSOR),
            (&copying["log_matchers"][1], "log_path is_glob last_check_time log_processors_status"),
            (&copying["log_matchers"][1]["log_processors_status"][0], PROCESSOR),
            (&report["monitor_manager_status"]["monitors_status"][0], MONITOR),
            (&report["overall_stats"], OVERALL),
            (&report, "health troubles failures files monitors sessions totals"),
        ];
        for (place, keys) in places {
            for key in keys.split_whitespace() {
                assert!(place.get(key).is_some(), "{key} of {place:#}");
            }
        }
        // A key that stands there twice is read as either one, by chance.
        let text = Format::Json.render(&snapshot);
        let top: Vec<_> = text.lines().filter(|line| line.starts_with("  \"")).collect();
        let keys: std::collections::BTreeSet<_> = top.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(keys.len(), top.len(), "{top:#?}");
    }
}

#[test]
fn the_only_session_stands_on_the_level_above_too() {
    let report = report(&good().judged());
    let copying = &report["copying_manager_status"];
    assert_eq!(copying["last_success_time"], NOW - 5.0);
    assert_eq!(copying["session_id"], "default-0");
    assert_eq!(copying["health_check_result"], "Good");
    assert!(self::report(&bad())["copying_manager_status"].get("session_id").is_none());
}

#[test]
fn a_failed_session_shows_in_the_health_check_of_all() {
    let report = report(&bad());
    let copying = &report["copying_manager_status"];
    assert_eq!(copying["health_check_result"], "The server refuses the api key of session team-0.");
    assert_eq!(copying["worker_sessions_health_check"], "Some workers have failed.");
    assert_eq!(copying["workers"][0]["sessions"][0]["health_check_result"], "Good");
    assert_eq!(report["health"], "failing");
    assert_eq!(report["config_status"]["status"], "Error, using last good configuration");
    assert_eq!(report["config_status"]["last_error"], "error: /etc/agent.json:3:7: expected a comma");
}

#[test]
fn the_figures_are_alive_from_the_first_moment() {
    let stats = &report(&bad())["overall_stats"];
    assert_eq!(stats["total_requests_sent"], 7);
    assert_eq!(stats["user_cpu"], 1.5);
    assert_eq!(stats["total_monitor_reported_lines"], 16);
    assert_eq!(stats["num_dead_monitor"], 1);
    assert_eq!(stats["total_bytes_copied"], 200);
    let processor = &report(&bad())["copying_manager_status"]["log_matchers"][1]["log_processors_status"][0];
    assert_eq!((&processor["skipped_preexisting_bytes"], &processor["skipped_new_bytes"]), (&7.into(), &0.into()));
    assert_eq!((&processor["total_bytes_failed"], &processor["total_bytes_pending"]), (&9.into(), &400.into()));
}
