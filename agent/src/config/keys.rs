//! Every known key, listed once: its type, default and range, and where it acts now (`configuration.md` section 8).

/// A key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// An older name that is still read.
    pub alias: Option<&'static str>,
    /// Its type and default.
    pub kind: Kind,
    /// The least and the greatest value of a number.
    pub range: Option<(f64, f64)>,
    /// The environment variable that may give it.
    pub variable: Variable,
    /// Where it acts.
    pub effect: Effect,
    /// Whether nothing can take the place of a bad value, so that it is fatal.
    pub vital: bool,
}

/// The type of a key, with its default; without one the default is absent or computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// true or false.
    Boolean(bool),
    /// A whole number.
    Integer(Option<i64>),
    /// A number.
    Float(Option<f64>),
    /// A text.
    Text(Option<&'static str>),
    /// A list of texts.
    Texts(&'static [&'static str]),
    /// A list of texts, or one text with commas in it.
    TextsOrText,
    /// An object.
    Object,
    /// A list of objects.
    Objects,
    /// Whatever stands there; whoever reads it checks it.
    Any,
}

/// Whether an environment variable may give a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// None.
    None,
    /// `SCALYR_` and the name in upper case; failing that, all of it in lower case.
    ByName,
    /// This one, or its lower case.
    Named(&'static str),
}

/// Where a key acts in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is honoured.
    Honoured,
    /// It is not honoured yet; the text says what happens instead, or is empty.
    NotYet(&'static str),
    /// It never will be, and nothing is lost; the text says why.
    Obsolete(&'static str),
    /// Running without it would do harm; the text says why.
    Refused(&'static str),
}

/// A hundred years, as the runner of monitors has it: no timer of the agent overflows within it.
const MAX_SECONDS: f64 = 3_153_600_000.0;
/// More bytes than any disk has, far from the end of any counter.
const MAX_BYTES: f64 = 1e18;
/// Shorter intervals would keep a processor busy with sampling alone.
pub const MIN_SAMPLE_INTERVAL: f64 = 0.1;

impl Key {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            alias: None,
            kind,
            range: None,
            variable: Variable::ByName,
            effect: Effect::Honoured,
            vital: false,
        }
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn range(mut self, min: f64, max: f64) -> Self {
        self.range = Some((min, max));
        self
    }

    const fn only_in_file(mut self) -> Self {
        self.variable = Variable::None;
        self
    }

    const fn by_variable(mut self, variable: &'static str) -> Self {
        self.variable = Variable::Named(variable);
        self
    }

    const fn vital(mut self) -> Self {
        self.vital = true;
        self
    }

    const fn not_yet(mut self, instead: &'static str) -> Self {
        self.effect = Effect::NotYet(instead);
        self
    }

    const fn obsolete(mut self, why: &'static str) -> Self {
        self.effect = Effect::Obsolete(why);
        self
    }

    const fn refused(mut self, why: &'static str) -> Self {
        self.effect = Effect::Refused(why);
        self
    }
}

const fn flag(name: &'static str, default: bool) -> Key {
    Key::new(name, Kind::Boolean(default))
}

const fn integer(name: &'static str, default: i64) -> Key {
    Key::new(name, Kind::Integer(Some(default)))
}

const fn bytes(name: &'static str, default: i64) -> Key {
    integer(name, default).range(0.0, MAX_BYTES)
}

const fn float(name: &'static str, default: f64) -> Key {
    Key::new(name, Kind::Float(Some(default)))
}

const fn seconds(name: &'static str, default: f64) -> Key {
    float(name, default).range(0.0, MAX_SECONDS)
}

const fn text(name: &'static str, default: &'static str) -> Key {
    Key::new(name, Kind::Text(Some(default)))
}

const fn texts(name: &'static str, default: &'static [&'static str]) -> Key {
    Key::new(name, Kind::Texts(default))
}

/// A text without a default, or with one that is computed.
const fn open_text(name: &'static str) -> Key {
    Key::new(name, Kind::Text(None))
}

const fn kubernetes(key: Key) -> Key {
    key.not_yet("the agent does not watch Kubernetes yet")
}

const fn profiler(key: Key) -> Key {
    key.obsolete("it belongs to the Python agent's profilers")
}

const fn leak_switch(name: &'static str) -> Key {
    flag(name, false).only_in_file().obsolete(LEAK)
}

const fn leak_delay(name: &'static str) -> Key {
    Key::new(name, Kind::Integer(None)).only_in_file().obsolete(LEAK)
}

const LEAK: &str = "it switched off parts of the Python agent to find its leaks";
const INGESTION: &str = "it belongs to an experimental protocol of the Python agent";
const COLLECTOR: &str = "this agent has no garbage collector";

/// The keys at the top level of the configuration.
pub const GLOBAL: &[Key] = &[
    // 8.1 identity, paths, server
    open_text("api_key").vital(),
    text("scalyr_server", "https://agent.scalyr.com").by_variable("SCALYR_SERVER").vital(),
    flag("allow_http", false),
    flag("allow_http_monitors", true),
    Key::new("server_attributes", Kind::Object),
    flag("strip_domain_from_default_server_host", false),
    text("agent_log_path", "/var/log/scalyr-agent-2"),
    text("agent_data_path", "/var/lib/scalyr-agent-2"),
    text("config_directory", "agent.d").not_yet("its files are not read"),
    text("additional_monitor_module_paths", "")
        .obsolete("Python monitors cannot be loaded; link monitor crates instead"),
    Key::new("import_vars", Kind::Any).only_in_file().not_yet("$NAME stays as it is written"),
    Key::new("workers", Kind::Objects)
        .alias("api_keys")
        .only_in_file()
        .not_yet("only the worker `default` runs, with `api_key`"),
    Key::new("logs", Kind::Objects).only_in_file(),
    Key::new("journald_logs", Kind::Objects).only_in_file(),
    Key::new("k8s_logs", Kind::Objects).only_in_file(),
    Key::new("monitors", Kind::Objects).only_in_file(),
    // 8.2 network
    flag("verify_server_certificate", true),
    open_text("ca_cert_path"),
    open_text("new_ca_cert_path").obsolete("nothing ever read it"),
    open_text("http_proxy").not_yet("the server is reached without a proxy"),
    open_text("https_proxy").not_yet("the server is reached without a proxy"),
    seconds("request_deadline", 60.0).range(0.1, MAX_SECONDS),
    text("compression_type", "deflate"),
    Key::new("compression_level", Kind::Integer(None)),
    flag("use_requests_lib", false).obsolete("there is one HTTP client"),
    flag("use_tlslite", false).obsolete("there is one TLS library"),
    flag("use_new_ingestion", false).obsolete(INGESTION),
    flag("new_ingestion_use_tls", false).obsolete(INGESTION),
    text("new_ingestion_bootstrap_address", "127.0.0.1:4772").obsolete(INGESTION),
    flag("check_remote_if_no_tty", false).not_yet("there is no check of the connection at start"),
    flag("disable_send_requests", false).not_yet("requests are sent"),
    flag("disable_logfile_addevents_format", false).obsolete("there is one request format"),
    flag("enforce_monotonic_timestamps", false).not_yet(""),
    integer("user_agent_refresh_interval", 60).not_yet(""),
    // 8.3 upload pacing; the defaults of `legacy`, those of `unlimited` are in `session.rs`
    text("max_send_rate_enforcement", "unlimited"),
    flag("disable_max_send_rate_enforcement_overrides", false),
    bytes("max_allowed_request_size", 1_048_576).range(1_000.0, 1e9),
    bytes("min_allowed_request_size", 102_400).not_yet(""),
    float("pipeline_threshold", 1.1).not_yet("the next request is always prepared while one is on its way"),
    seconds("min_request_spacing_interval", 1.0),
    seconds("max_request_spacing_interval", 5.0),
    seconds("max_error_request_spacing_interval", 30.0).range(0.1, MAX_SECONDS),
    bytes("low_water_bytes_sent", 20_480),
    float("low_water_request_spacing_adjustment", 1.5).range(0.0, 1e6),
    bytes("high_water_bytes_sent", 102_400),
    float("high_water_request_spacing_adjustment", 0.6).range(0.0, 1e6),
    float("failure_request_spacing_adjustment", 1.5).range(0.0, 1e6),
    float("request_too_large_adjustment", 0.5).not_yet(""),
    bytes("max_log_offset_size", 5_242_880),
    bytes("max_existing_log_offset_size", 104_857_600),
    // 8.4 reading files
    integer("max_line_size", 49_900).range(1.0, 10_000_000.0),
    seconds("line_completion_wait_time", 5.0),
    integer("read_page_size", 65_536).not_yet(""),
    Key::new("internal_parse_max_line_size", Kind::Integer(None)).not_yet(""),
    integer("max_sequence_number", 1 << 40).not_yet(""),
    seconds("copy_staleness_threshold", 900.0).not_yet("old data is sent however old it is"),
    seconds("log_deletion_delay", 600.0),
    seconds("max_new_log_detection_time", 60.0),
    Key::new("minimum_scan_interval", Kind::Integer(None)).not_yet(""),
    integer("close_old_files_duration_in_seconds", 3600).not_yet(""),
    integer("full_checkpoint_interval_in_seconds", 60).not_yet(""),
    integer("max_allowed_checkpoint_age", 900).only_in_file().not_yet("positions are used however old they are"),
    texts("ignore_checkpoints_on_startup_path_globs", &[]).not_yet("the positions of these files are used"),
    flag("enable_copy_truncate_log_rotation_support", true).only_in_file().not_yet(""),
    flag("include_raw_timestamp_field", true).not_yet(""),
    flag("merge_json_parsed_lines", false).not_yet(""),
    // 8.5 monitors and own logs
    seconds("global_monitor_sample_interval", 30.0).range(MIN_SAMPLE_INTERVAL, MAX_SECONDS),
    flag("global_monitor_sample_interval_enable_jitter", true),
    flag("implicit_metric_monitor", true),
    flag("implicit_agent_process_metrics_monitor", true),
    flag("implicit_agent_log_collection", true),
    texts("calculate_rate_metric_names", &[]),
    integer("metric_functions_cleanup_interval", 1800).range(0.0, MAX_SECONDS),
    integer("log_rotation_backup_count", 2).range(0.0, 10_000.0),
    bytes("log_rotation_max_bytes", 20_971_520),
    integer("debug_level", 0).range(0.0, 5.0),
    texts("debug_level_logger_names", &[]).not_yet(""),
    text("stdout_severity", "NOTSET"),
    flag("debug_init", false).not_yet(""),
    flag("pidfile_advanced_reuse_guard", false).not_yet(""),
    integer("syslog_processing_thread_count", 16).only_in_file().not_yet(""),
    // 8.6 process and statistics
    seconds("config_change_check_interval", 30.0).not_yet("a changed configuration is read at the next start"),
    seconds("overall_stats_log_interval", 600.0).not_yet(""),
    seconds("copying_manager_stats_log_interval", 300.0).not_yet(""),
    seconds("bandwidth_stats_log_interval", 60.0).not_yet(""),
    integer("instrumentation_stats_log_interval", 0).obsolete("it timed the inside of the Python agent"),
    seconds("healthy_max_time_since_last_copy_attempt", 60.0).not_yet(""),
    integer("agent_status_timeout", 30).only_in_file().not_yet(""),
    flag("use_multiprocess_workers", false)
        .alias("use_multiprocess_copying_workers")
        .obsolete("sessions are threads, and they use all processors"),
    integer("default_sessions_per_worker", 1).alias("default_workers_per_api_key").not_yet("there is one session"),
    seconds("default_worker_session_status_message_interval", 600.0).not_yet(""),
    flag("enable_worker_process_metrics_gather", false)
        .alias("enable_worker_session_process_metrics_gather")
        .obsolete("there are no worker processes"),
    integer("garbage_collect_interval", 300).obsolete(COLLECTOR),
    flag("enable_gc_stats", false).only_in_file().obsolete(COLLECTOR),
    text("json_library", "auto").obsolete("there is one JSON library"),
    flag("use_unsafe_debugging", false).refused("this agent never opens a local shell port; remove it"),
    integer("win32_max_open_fds", 512).obsolete("it acts on Windows only"),
    profiler(flag("enable_profiling", false)),
    profiler(flag("enable_cpu_profiling", false)),
    profiler(flag("enable_memory_profiling", false)),
    profiler(text("memory_profiler", "pympler")),
    profiler(integer("memory_profiler_max_items", 50)),
    profiler(integer("memory_profiler_frames_count", 10)),
    profiler(flag("memory_profiler_include_traceback", false)),
    profiler(texts("memory_profiler_ignore_path_globs", &[])),
    profiler(integer("max_profile_interval_minutes", 60)),
    profiler(integer("profile_duration_minutes", 2)),
    profiler(text("profile_clock", "random")),
    profiler(text("profile_log_name", "agent.callgrind")),
    profiler(text("memory_profile_log_name", "agent.meminfo")),
    profiler(integer("copying_thread_profile_interval", 0)),
    profiler(open_text("copying_thread_profile_output_path")),
    // 8.7 leak-debugging switches
    leak_switch("disable_leak_monitor_threads"),
    leak_switch("disable_leak_monitors_creation"),
    leak_switch("disable_leak_new_file_matches"),
    leak_switch("disable_leak_scan_for_new_bytes"),
    leak_switch("disable_leak_processing_new_bytes"),
    leak_switch("disable_leak_copying_thread"),
    leak_switch("disable_leak_overall_stats"),
    leak_switch("disable_leak_bandwidth_stats"),
    leak_switch("disable_copy_manager_stats"),
    leak_switch("disable_leak_update_debug_log_level"),
    leak_switch("disable_leak_verify_config_cache_config"),
    leak_delay("disable_leak_all_config_updates"),
    leak_delay("disable_leak_verify_config"),
    leak_delay("disable_leak_config_equivalence_check"),
    leak_delay("disable_leak_verify_can_write_to_logs"),
    leak_delay("disable_leak_config_reload"),
    leak_delay("disable_leak_verify_config_create_monitors_manager"),
    leak_delay("disable_leak_verify_config_create_copying_manager"),
    // 8.8 Kubernetes
    kubernetes(texts("k8s_ignore_namespaces", &["kube-system"])),
    kubernetes(texts("k8s_include_namespaces", &["*"])),
    kubernetes(text("k8s_api_url", "https://kubernetes.default")),
    kubernetes(flag("k8s_verify_api_queries", true)),
    kubernetes(flag("k8s_verify_kubelet_queries", true)),
    kubernetes(text("k8s_kubelet_ca_cert", "/run/secrets/kubernetes.io/serviceaccount/ca.crt")),
    kubernetes(text("k8s_service_account_cert", "/run/secrets/kubernetes.io/serviceaccount/ca.crt")),
    kubernetes(text("k8s_service_account_token", "/var/run/secrets/kubernetes.io/serviceaccount/token")),
    kubernetes(text("k8s_service_account_namespace", "/var/run/secrets/kubernetes.io/serviceaccount/namespace")),
    kubernetes(integer("k8s_token_re_read_interval", 300)),
    kubernetes(integer("k8s_cache_query_timeout_secs", 20)),
    kubernetes(integer("k8s_cache_expiry_secs", 30)),
    kubernetes(integer("k8s_cache_expiry_fuzz_secs", 0)),
    kubernetes(integer("k8s_cache_start_fuzz_secs", 0)),
    kubernetes(integer("k8s_cache_purge_secs", 300)),
    kubernetes(flag("k8s_log_api_responses", false)),
    kubernetes(flag("k8s_log_api_exclude_200s", false)),
    kubernetes(integer("k8s_log_api_min_response_len", 0)),
    kubernetes(integer("k8s_log_api_ratelimit_interval", 0)),
    kubernetes(float("k8s_log_api_min_latency", 0.0)),
    kubernetes(integer("k8s_controlled_warmer_max_query_retries", 3)),
    kubernetes(integer("k8s_controlled_warmer_max_attempts", 5)),
    kubernetes(integer("k8s_controlled_warmer_blacklist_time", 300)),
    kubernetes(flag("k8s_events_disable", false)),
    kubernetes(flag("k8s_explorer_enable", false)),
    flag("k8s_fallback_urls_disable", false).obsolete("nothing ever read it"),
    kubernetes(text("k8s_ratelimit_cluster_num_agents", "1")),
    kubernetes(float("k8s_ratelimit_cluster_rps_init", 1000.0)),
    kubernetes(float("k8s_ratelimit_cluster_rps_min", 1.0)),
    kubernetes(float("k8s_ratelimit_cluster_rps_max", 1e9)),
    kubernetes(integer("k8s_ratelimit_consecutive_increase_threshold", 5)),
    kubernetes(integer("k8s_ratelimit_max_concurrency", 1)),
    kubernetes(text("k8s_ratelimit_strategy", "multiply")),
    kubernetes(float("k8s_ratelimit_increase_factor", 2.0)),
    kubernetes(float("k8s_ratelimit_backoff_factor", 0.5)),
    kubernetes(Key::new("k8s_docker_client_timeout", Kind::Integer(None))),
    kubernetes(Key::new("k8s_docker_client_max_pool_size", Kind::Integer(None))),
];

/// The keys of an entry of `logs` (`configuration.md` section 7.1).
pub const LOG_ENTRY: &[Key] = &[
    open_text("path"),
    texts("exclude", &[]),
    open_text("parser"),
    Key::new("attributes", Kind::Object),
    flag("copy_from_start", false),
    text("worker_id", "default"),
    text("parse_format", "raw"),
    flag("parse_lines_as_json", false),
    Key::new("redaction_rules", Kind::Objects).refused(
        "redaction is not built yet, and the lines would leave this host unredacted; no other entry copies its files",
    ),
    Key::new("lineGroupers", Kind::Objects).not_yet("each line becomes an event of its own"),
    Key::new("sampling_rules", Kind::Objects).not_yet("all lines are sent"),
    Key::new("rename_logfile", Kind::Any).not_yet("the real path is sent"),
    Key::new("rename_no_original", Kind::Any).not_yet(""),
    text("json_message_field", "log").not_yet("lines are sent as they are"),
    text("json_timestamp_field", "time").not_yet("lines are sent as they are"),
    flag("ignore_stale_files", false).not_yet("files are copied however old they are"),
    seconds("staleness_threshold_secs", 300.0).not_yet("files are copied however old they are"),
    Key::new("minimum_scan_interval", Kind::Integer(None)).not_yet(""),
];

/// The keys of an entry of `monitors` that the agent itself reads (`monitor-framework.md` section 2); all others belong
/// to the monitor.
pub const MONITOR_ENTRY: &[Key] = &[
    open_text("module"),
    Key::new("id", Kind::Any),
    Key::new("sample_interval", Kind::Float(None)).range(MIN_SAMPLE_INTERVAL, MAX_SECONDS),
    open_text("log_path"),
    integer("monitor_log_write_rate", 2000),
    integer("monitor_log_max_write_burst", 100_000),
    Key::new("log_rotation_backup_count", Kind::Integer(None)).range(0.0, 10_000.0),
    Key::new("log_rotation_max_bytes", Kind::Integer(None)).range(0.0, MAX_BYTES),
    flag("stop_agent_on_failure", false).not_yet("the agent goes on when this monitor fails"),
    // A delay would save nothing: the lines of a sample already are one write, and need a timer to leave on time.
    seconds("monitor_log_flush_delay", 0.0).obsolete("each sample is written to the metric log in one go, at its end"),
    Key::new("metric_name_blacklist", Kind::TextsOrText),
    Key::new("calculate_rate_metric_names", Kind::TextsOrText),
];

/// The key that was most likely meant by `name`, if one is near.
pub fn nearest(name: &str, keys: &[Key]) -> Option<&'static str> {
    nearest_name(name, keys.iter().map(|key| key.name))
}

/// The one of `names` that was most likely meant by `name`, if one is near.
pub(super) fn nearest_name<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let given = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&given, &known.to_lowercase()), known))
        .min()
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_key_is_listed_once() {
        for table in [GLOBAL, LOG_ENTRY, MONITOR_ENTRY] {
            let names: Vec<_> = table.iter().flat_map(|key| [Some(key.name), key.alias]).flatten().collect();
            let distinct: BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len());
        }
    }

    #[test]
    fn each_default_lies_in_its_range() {
        for key in GLOBAL.iter().chain(LOG_ENTRY).chain(MONITOR_ENTRY) {
            #[expect(clippy::cast_precision_loss, reason = "defaults are small")]
            let default = match key.kind {
                Kind::Integer(default) => default.map(|number| number as f64),
                Kind::Float(default) => default,
                _ => None,
            };
            if let (Some(default), Some((min, max))) = (default, key.range) {
                assert!((min..=max).contains(&default), "{}", key.name);
            }
        }
    }

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        assert_eq!(nearest("api_kye", GLOBAL), Some("api_key"));
        assert_eq!(nearest("API_KEY", GLOBAL), Some("api_key"));
        assert_eq!(nearest("linegroupers", LOG_ENTRY), Some("lineGroupers"));
        assert_eq!(nearest("colour", GLOBAL), None);
        assert_eq!(nearest("", GLOBAL), None);
    }
}
