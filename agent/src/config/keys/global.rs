//! The keys at the top level.

use super::Stage::{Checkpoint, Configuration, Files, Kubernetes, Lines, Monitors, OwnLogs, Process, Status, Upload};
use super::{
    Key, Kind, MAX_SECONDS, MIN_SAMPLE_INTERVAL, bytes, flag, float, integer, open_text, seconds, text, texts,
};

const LEAK: &str = "it switched off parts of the Python agent to find its leaks";
const INGESTION: &str = "it belongs to an experimental protocol of the Python agent";
const COLLECTOR: &str = "this agent has no garbage collector";

const fn kubernetes(key: Key) -> Key {
    key.at(Kubernetes).not_yet("the agent does not watch Kubernetes yet")
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

/// More sessions of one worker help nobody.
const MAX_SESSIONS: f64 = 1_000.0;

/// The ways to compress an upload.
pub(crate) const COMPRESSIONS: &[&str] = &["deflate", "bz2", "lz4", "zstandard", "none"];

/// The headings of the reference, each with the first key that stands under it.
pub const SECTIONS: &[(&str, &str)] = &[
    ("api_key", "Account, folders, what is collected"),
    ("verify_server_certificate", "Network"),
    ("max_send_rate_enforcement", "Pace of uploads"),
    ("max_line_size", "Reading files"),
    ("global_monitor_sample_interval", "Monitors and the agent's own logs"),
    ("config_change_check_interval", "Process and statistics"),
    ("disable_leak_monitor_threads", "Search for leaks"),
    ("k8s_ignore_namespaces", "Kubernetes"),
];

/// The keys at the top level of the configuration.
pub const GLOBAL: &[Key] = keys! {
    // 8.1 identity, paths, server
    /// The "Log Write Access" key of the account that everything is uploaded to.
    open_text("api_key").at(Upload).secret().vital(),
    /// File that holds the key, and nothing else, in place of `api_key`; relative to the folder of the main file. Without
    /// either of them, and without their variables, the credential `scalyr_api_key` of systemd is used.
    open_text("api_key_file").at(Configuration),
    /// Address of the server that takes the uploads; https is put in place of http unless `allow_http` is set.
    text("scalyr_server", "https://agent.scalyr.com").at(Upload).by_variable("SCALYR_SERVER").vital(),
    /// Lets `scalyr_server` be reached over plain http, unencrypted.
    flag("allow_http", false).at(Configuration),
    /// Lets monitors use http:// addresses; with false those options of monitors are brought to https.
    flag("allow_http_monitors", true).at(Monitors),
    /// Attributes of this host, sent with every upload: names with a text, a number or a bool each. `serverHost` is the
    /// host's name unless given here.
    Key::new("server_attributes", Kind::Object).at(Upload),
    /// Cuts the host's name at its first dot before it becomes `serverHost`.
    flag("strip_domain_from_default_server_host", false).at(Configuration),
    /// Folder of the agent's own log and of the metric logs. Relative paths start at the folder of the main
    /// configuration file.
    text("agent_log_path", "/var/log/scalyr-agent-2").at(OwnLogs),
    /// Folder of the positions in the log files, of the lock and of the status socket.
    text("agent_data_path", "/var/lib/scalyr-agent-2").at(Checkpoint),
    /// Folder whose `*.json` files are read too, in the order of their names; relative to the folder of the main file.
    text("config_directory", "agent.d").at(Configuration),
    /// Folders that the Python agent searched for monitors.
    text("additional_monitor_module_paths", "")
        .obsolete("Python monitors cannot be loaded; link monitor crates instead"),
    /// Environment variables whose value replaces `$NAME` and `${NAME}` in the texts of this file: names, or objects with
    /// `var` and `default`. `$$NAME` stands for `$NAME` itself.
    Key::new("import_vars", Kind::Any).at(Configuration).only_in_file(),
    /// Further accounts or servers to upload to; `worker_id` of a log chooses among them. What names none goes to the
    /// worker `default`, which has `api_key` and `scalyr_server`.
    Key::new("workers", Kind::Objects).at(Upload)
        .alias("api_keys")
        .only_in_file(),
    /// The log files to copy.
    Key::new("logs", Kind::Objects).at(Files).only_in_file(),
    /// How entries of the systemd journal are copied; `journald_monitor` has to run. The first one that matches an entry
    /// of the journal counts; the rest is copied with the parser `journald`.
    Key::new("journald_logs", Kind::Objects).at(Files).only_in_file(),
    /// The logs of Kubernetes pods to copy. Not copied yet: each entry is refused.
    Key::new("k8s_logs", Kind::Objects).at(Kubernetes).only_in_file(),
    /// The monitors to run; the other keys of an entry are options of its monitor.
    Key::new("monitors", Kind::Objects).at(Monitors).only_in_file(),
    // 8.2 network
    /// Checks the server's TLS certificate. With false anybody on the way can read what is uploaded.
    flag("verify_server_certificate", true).at(Upload),
    /// File with the certificates that are trusted, in PEM form; it is read again when a connection is made after it has
    /// changed. `system`: the file in which this host's system keeps them. Without it those compiled into the agent are
    /// trusted.
    open_text("ca_cert_path").at(Upload),
    /// A second file of trusted certificates.
    open_text("new_ca_cert_path").obsolete("nothing ever read it"),
    /// Proxy for uploads to a server that begins with http://, in the forms of `https_proxy`. The Python agent used
    /// proxies only with `use_requests_lib`; here they are used whenever they are given. The variables of the shell
    /// (`http_proxy` and the like) are not read.
    open_text("http_proxy").at(Upload),
    /// Proxy for uploads to a server that begins with https://: `http://host:port` or `http://user:password@host:port`,
    /// also without `http://`. In a user or password, `%40` is a `@`. The proxy is spoken to over plain http, and what
    /// is uploaded goes through it encrypted; https and SOCKS proxies are refused.
    open_text("https_proxy").at(Upload),
    /// Seconds that an upload may stand still: that connecting may take, that the server may take no more of a request,
    /// and from a request's end until the whole answer is there. Then it is given up and tried again. One that goes on
    /// is not cut, however slow, before 20 times as much.
    seconds("request_deadline", 60.0).at(Upload).range(0.1, MAX_SECONDS),
    /// How uploads are compressed.
    text("compression_type", "deflate").at(Upload).words(COMPRESSIONS),
    /// How hard uploads are compressed: 1 to 9 for deflate and bz2, 0 to 16 for lz4, 1 to 22 for zstandard. Without it
    /// 1, 1, 0 and 1, and also with a level that there is not, which is warned about.
    Key::new("compression_level", Kind::Integer(None)).at(Upload),
    /// Chose the HTTP library of the Python agent.
    flag("use_requests_lib", false).obsolete("there is one HTTP client"),
    /// Chose the TLS library of the Python agent.
    flag("use_tlslite", false).obsolete("there is one TLS library"),
    /// Switched on an experimental protocol.
    flag("use_new_ingestion", false).obsolete(INGESTION),
    /// Encrypted the experimental protocol.
    flag("new_ingestion_use_tls", false).obsolete(INGESTION),
    /// Host and port of the experimental protocol.
    text("new_ingestion_bootstrap_address", "127.0.0.1:4772").obsolete(INGESTION),
    /// Asks each server at start whether it accepts the key, also when no terminal is attached; a refused key ends the
    /// start. Not with `--no-check-remote-server`.
    flag("check_remote_if_no_tty", false).at(Process),
    /// Throws away what is read instead of sending it, for debugging: it counts as dropped, and is not sent later either.
    flag("disable_send_requests", false).at(Upload),
    /// Sends the attributes of a log in each event and nowhere else, those of the line before those of the log, as the
    /// Python agent did before requests had `logs`. It makes requests larger; docs/wire-format.md says when it is needed.
    flag("disable_logfile_addevents_format", false).at(Upload),
    /// Sends the attributes of a log not only once per request but again in each of its events, as the Python agent
    /// does. It makes requests larger; docs/wire-format.md says when it is needed.
    flag("repeat_log_attributes", false).at(Upload),
    /// Gives each event a time that is later than that of the event before, of whatever file and session, by a
    /// nanosecond if need be.
    flag("enforce_monotonic_timestamps", false).at(Upload),
    /// Seconds between two times that monitors were asked for their part of the User-Agent header.
    integer("user_agent_refresh_interval", 60)
        .obsolete("what a monitor adds to the User-Agent goes out with the next request"),
    // 8.3 upload pacing; the defaults are those of `legacy`
    /// The most that each session uploads: `unlimited`, `legacy` for the slower pace of old agents, or a rate such as
    /// `5 MB/s` or `1.5 KiB/h`: bytes of log lines, before compression and without what the protocol adds, with K, M, G or
    /// T, or Ki, Mi, Gi or Ti for 1024, per s, m, h, d or w. An upload waits until its own bytes may be sent, at the first
    /// attempt; four seconds' worth, or one upload if that is more, may leave at once after a quiet time. The limit holds
    /// also while the agent stops: what may not be sent then stays in its files until the next start. Of the keys below it
    /// decides about defaults only: where the Python agent overrides six of them, a value that is written here is respected.
    text("max_send_rate_enforcement", "unlimited").at(Upload),
    /// Keeps the slower defaults of `legacy` with every `max_send_rate_enforcement`.
    flag("disable_max_send_rate_enforcement_overrides", false).at(Upload),
    /// The largest upload, in bytes before compression. Under a limit of the rate the default is four seconds' worth of it,
    /// but at least 100 KiB and room for two of the longest lines.
    bytes("max_allowed_request_size", 1_048_576).at(Upload).unless_legacy(5_900_000).range(1_000.0, 1e9),
    /// After the server found an upload too large, the next ones are prepared with no less than this many bytes. The one
    /// that was too large is sent in parts, which may be smaller.
    bytes("min_allowed_request_size", 102_400).at(Upload),
    /// Share of the largest upload that had to be full before the next one was prepared ahead.
    float("pipeline_threshold", 1.1).unless_legacy(0).obsolete("the next upload is always prepared while one is on its way"),
    /// The least time between the starts of two uploads, in seconds. Small ones are at least a quarter of a second apart in
    /// any case, unless `max_request_spacing_interval` is less; the first lines after a quiet time leave at once.
    seconds("min_request_spacing_interval", 1.0).at(Upload).unless_legacy(0),
    /// The most time between the starts of two uploads while all is well and there is something to send, in seconds.
    seconds("max_request_spacing_interval", 5.0).at(Upload),
    /// The most time between two attempts while the server cannot be reached, in seconds.
    seconds("max_error_request_spacing_interval", 30.0).at(Upload).range(0.1, MAX_SECONDS),
    /// Uploads smaller than this many bytes, before compression, make the next one wait longer. This and the three keys
    /// behind it act under `legacy`, and where one of them is given.
    bytes("low_water_bytes_sent", 20_480).at(Upload),
    /// Factor by which the wait grows after a small upload.
    float("low_water_request_spacing_adjustment", 1.5).at(Upload).range(0.0, 1e6),
    /// Uploads larger than this many bytes, before compression, make the next one come sooner.
    bytes("high_water_bytes_sent", 102_400).at(Upload),
    /// Factor by which the wait shrinks after a large upload.
    float("high_water_request_spacing_adjustment", 0.6).at(Upload).range(0.0, 1e6),
    /// Factor by which the wait grows from one failed attempt to the next, beginning with a second; each wait is up to a
    /// fifth longer or shorter by chance. Less than 1 counts as 1.
    float("failure_request_spacing_adjustment", 1.5).at(Upload).range(0.0, 1e6),
    /// Share of its bytes before compression that the next uploads have at most after the server found one too large. That
    /// is remembered, and grows by a tenth after each ten full uploads up to `max_allowed_request_size`.
    float("request_too_large_adjustment", 0.5).at(Upload).range(0.01, 0.99),
    /// The most unread bytes of a file of which nothing was copied yet; the oldest beyond that are skipped, which is
    /// logged and marked in the log itself. Unless it is given, nothing is skipped.
    bytes("max_log_offset_size", 5_242_880).at(Files).unless_legacy(200_000_000).when_given(),
    /// The most unread bytes of a file whose copying has begun; the oldest beyond that are skipped, which is logged
    /// and marked in the log itself. Unless it is given, nothing is skipped.
    bytes("max_existing_log_offset_size", 104_857_600).at(Files).unless_legacy(200_000_000).when_given(),
    // 8.4 reading files
    /// The longest line, in bytes; a longer one is split.
    integer("max_line_size", 49_900).at(Lines).range(1.0, 10_000_000.0),
    /// Seconds that the end of a line, of a group of lines, or of a container line in parts is waited for; then it is sent
    /// as it stands. The Python agent waited sixty times as long for the parts.
    seconds("line_completion_wait_time", 5.0).at(Lines),
    /// The `internal_parse_max_line_size` of configurations without one, in bytes. How much is read from a file at once
    /// does not depend on it.
    integer("read_page_size", 65_536).at(Lines).range(1.0, 10_000_000.0),
    /// The longest json or cri line that is taken apart, in bytes; the same as `read_page_size` unless given.
    Key::new("internal_parse_max_line_size", Kind::Integer(None)).at(Lines).range(1.0, 10_000_000.0),
    /// The number after which events begin a new sequence.
    integer("max_sequence_number", 1 << 40).obsolete("a sequence counts the bytes of one file, and its numbers have room for all of them"),
    /// Seconds after which a file with unread bytes, of which nothing was accepted meanwhile, jumps to its end.
    /// Unless it is given, nothing is too old.
    seconds("copy_staleness_threshold", 900.0).at(Files).when_given(),
    /// Seconds after which a deleted file is given up that still has unread bytes, if other files wait for its descriptor;
    /// otherwise it is read to its end.
    seconds("log_deletion_delay", 600.0).at(Files),
    /// Seconds between two searches for new files; most are noticed at once, without a search.
    seconds("max_new_log_detection_time", 60.0).at(Files),
    /// The least time between two looks at the same file, in seconds.
    Key::new("minimum_scan_interval", Kind::Integer(None)).range(0.0, MAX_SECONDS).at(Files),
    /// Seconds without a change after which a file is closed; it is opened again when it grows.
    integer("close_old_files_duration_in_seconds", 3600).range(0.0, MAX_SECONDS).at(Files),
    /// Seconds between two times that all positions are written to disk.
    integer("full_checkpoint_interval_in_seconds", 60).obsolete("positions are written with each request that the server accepted"),
    /// Seconds after which stored positions are too old to be used.
    integer("max_allowed_checkpoint_age", 900).only_in_file().obsolete("positions are used however old they are, so that nothing is skipped that is still on disk"),
    /// Files whose stored position is not used at start; patterns whose `*` also matches `/`.
    texts("ignore_checkpoints_on_startup_path_globs", &[]).at(Checkpoint),
    /// Notices logs that are rotated by copying and truncating them.
    flag("enable_copy_truncate_log_rotation_support", true).only_in_file().obsolete("a log that is copied and truncated is always noticed"),
    /// Adds `raw_timestamp`, the time as it was written, to events of json and cri lines.
    flag("include_raw_timestamp_field", true).at(Lines),
    /// Joins json lines that the container runtime split.
    flag("merge_json_parsed_lines", false).at(Lines),
    // 8.5 monitors and own logs
    /// Seconds between two samples of a monitor whose entry has no `sample_interval`.
    seconds("global_monitor_sample_interval", 30.0).at(Monitors).range(MIN_SAMPLE_INTERVAL, MAX_SECONDS),
    /// Puts a random time between the first sample of each monitor, which it takes at once, and its second, so that not all
    /// run at one moment for ever.
    flag("global_monitor_sample_interval_enable_jitter", true).at(Monitors),
    /// Runs `linux_system_metrics` without an entry for it.
    flag("implicit_metric_monitor", true).at(Monitors),
    /// Runs `linux_process_metrics` on the agent itself without an entry for it.
    flag("implicit_agent_process_metrics_monitor", true).at(Monitors),
    /// Uploads the agent's own log.
    flag("implicit_agent_log_collection", true).at(OwnLogs),
    /// Metrics that get a second one with their change per second: `monitor:metric`, or `monitor:metric:field=value`.
    texts("calculate_rate_metric_names", &[]).at(Monitors),
    /// Seconds between two times that values of vanished metrics are forgotten; 0 for never.
    integer("metric_functions_cleanup_interval", 1800).at(Monitors).range(0.0, MAX_SECONDS),
    /// How many old files of the agent log, and of each metric log, are kept.
    integer("log_rotation_backup_count", 2).at(OwnLogs).range(0.0, 10_000.0),
    /// Bytes after which the agent log, and each metric log, begins a new file.
    bytes("log_rotation_max_bytes", 20_971_520).at(OwnLogs),
    /// How much is logged to find a mistake, into `agent_debug.log`: 0 nothing, 1 what the agent decides, 2 each request too, 3 each sample, 4 each piece of a file, 5 each look at the files.
    integer("debug_level", 0).at(OwnLogs).range(0.0, 5.0),
    /// Parts of the agent that log as with `debug_level` 5, whatever that is for the others: `core`, `monitor:NAME`, or a module as a line of the log names it, with all below it.
    texts("debug_level_logger_names", &[]).at(OwnLogs),
    /// The least severity that `start --no-fork` prints, in any case; `NOTSET` prints all.
    text("stdout_severity", "NOTSET").at(OwnLogs),
    /// Writes the debug lines of the start into `agent.log` too, and what was known before it was open.
    flag("debug_init", false).at(OwnLogs),
    /// Compares the command line of a running process with the one in the pid file.
    flag("pidfile_advanced_reuse_guard", false)
        .at(Process)
        .obsolete("the agent holds a lock on its pid file, so a process that has got its number by chance is never taken for it"),
    /// Threads that process syslog messages.
    integer("syslog_processing_thread_count", 16).at(Monitors).only_in_file().not_yet("there is no syslog monitor yet"),
    // 8.6 process and statistics
    /// Seconds between two looks whether the configuration has changed; not less than a tenth of a second.
    seconds("config_change_check_interval", 30.0).at(Configuration),
    /// Seconds between two `agent_status` lines in the agent log, one of which also ends it; 0 for none. This and the other
    /// statistics lines are left out while nothing happens but the shipping of the agent log itself.
    seconds("overall_stats_log_interval", 600.0).at(OwnLogs),
    /// Seconds between two `copy_manager_status` lines in the agent log; 0 for none.
    seconds("copying_manager_stats_log_interval", 300.0).at(OwnLogs),
    /// Seconds between two `agent_requests` lines in the agent log; 0 for none.
    seconds("bandwidth_stats_log_interval", 60.0).at(OwnLogs),
    /// Seconds between two lines about the inside of the Python agent; 0 for none.
    integer("instrumentation_stats_log_interval", 0).range(0.0, MAX_SECONDS).obsolete("it timed the inside of the Python agent"),
    /// Seconds after which the agent counts as failing (`status -H`: not `Good`) while data waits to be sent and the server
    /// deals with none of it, or while log files are not looked after. An agent that has nothing to send is healthy.
    seconds("healthy_max_time_since_last_copy_attempt", 60.0).at(Status),
    /// Seconds that `agent status -v` and `-H` wait for an answer; at least one.
    integer("agent_status_timeout", 30).at(Status).only_in_file().range(0.0, MAX_SECONDS),
    /// Where the agent serves its status over HTTP: `127.0.0.1:8126`, say. There are a page for people at `/`, `/healthz` for
    /// a load balancer, `/livez` for an orchestrator, `/status.json`, and `/metrics` in the form of OpenMetrics; docs/operating.md
    /// describes them. Without it, or when it is empty, nothing listens. Nobody is asked for a password: with an address
    /// that other hosts reach, which is warned about, whoever reaches it reads the paths of files, the names of servers and
    /// the texts of errors, though no keys. With port 0 the system chooses one, which the agent log and `status -v` tell.
    open_text("status_listen").at(Status),
    /// Used a process for each session.
    flag("use_multiprocess_workers", false)
        .alias("use_multiprocess_copying_workers")
        .obsolete("sessions are threads, and they use all processors"),
    /// Sessions that upload side by side, for each worker that does not say otherwise; the worker's files are shared out among them.
    integer("default_sessions_per_worker", 1).range(1.0, MAX_SESSIONS).at(Upload).alias("default_workers_per_api_key"),
    /// Seconds between two `worker_session_requests` lines about each session in the agent log; 0 for none.
    seconds("default_worker_session_status_message_interval", 600.0).at(OwnLogs),
    /// Measured each worker process.
    flag("enable_worker_process_metrics_gather", false)
        .alias("enable_worker_session_process_metrics_gather")
        .obsolete("there are no worker processes"),
    /// Seconds between two garbage collections.
    integer("garbage_collect_interval", 300).obsolete(COLLECTOR),
    /// Logged what the garbage collector found.
    flag("enable_gc_stats", false).only_in_file().obsolete(COLLECTOR),
    /// Chose the JSON library: `auto`, `json` or `orjson`.
    text("json_library", "auto").obsolete("there is one JSON library"),
    /// Opened a port with a shell inside the agent.
    flag("use_unsafe_debugging", false).refused("this agent never opens a local shell port; remove it"),
    /// Open files of the agent on Windows.
    integer("win32_max_open_fds", 512).range(512.0, 2048.0).obsolete("it acts on Windows only"),
    /// Switched on all profilers.
    profiler(flag("enable_profiling", false)),
    /// Switched on the profiler of processor time.
    profiler(flag("enable_cpu_profiling", false)),
    /// Switched on the profiler of memory.
    profiler(flag("enable_memory_profiling", false)),
    /// Chose the profiler of memory.
    profiler(text("memory_profiler", "pympler")),
    /// Lines of a memory profile.
    profiler(integer("memory_profiler_max_items", 50)),
    /// Stack frames that a memory profile keeps of each allocation.
    profiler(integer("memory_profiler_frames_count", 10)),
    /// Added the stack to each line of a memory profile.
    profiler(flag("memory_profiler_include_traceback", false)),
    /// Files that memory profiles leave out.
    profiler(texts("memory_profiler_ignore_path_globs", &[])),
    /// The longest time between two profiles, in minutes.
    profiler(integer("max_profile_interval_minutes", 60)),
    /// Length of a profile, in minutes.
    profiler(integer("profile_duration_minutes", 2)),
    /// Clock of the profiler of processor time.
    profiler(text("profile_clock", "random")),
    /// File of the profiles of processor time.
    profiler(text("profile_log_name", "agent.callgrind")),
    /// File of the memory profiles.
    profiler(text("memory_profile_log_name", "agent.meminfo")),
    /// Rounds of the copying thread between two of its profiles.
    profiler(integer("copying_thread_profile_interval", 0)),
    /// File name prefix of the copying thread's profiles.
    profiler(open_text("copying_thread_profile_output_path")),
    // 8.7 leak-debugging switches
    /// Did not start the threads of monitors.
    leak_switch("disable_leak_monitor_threads"),
    /// Did not create monitors.
    leak_switch("disable_leak_monitors_creation"),
    /// Did not look for new files.
    leak_switch("disable_leak_new_file_matches"),
    /// Did not look for new bytes in files.
    leak_switch("disable_leak_scan_for_new_bytes"),
    /// Did not process new bytes.
    leak_switch("disable_leak_processing_new_bytes"),
    /// Did not start the copying thread.
    leak_switch("disable_leak_copying_thread"),
    /// Did not log statistics about the agent.
    leak_switch("disable_leak_overall_stats"),
    /// Did not log statistics about the bandwidth.
    leak_switch("disable_leak_bandwidth_stats"),
    /// Did not log statistics about copying.
    leak_switch("disable_copy_manager_stats"),
    /// Did not apply a changed `debug_level`.
    leak_switch("disable_leak_update_debug_log_level"),
    /// Did not keep the checked configuration.
    leak_switch("disable_leak_verify_config_cache_config"),
    /// Seconds after the start in which the configuration was not looked at again.
    leak_delay("disable_leak_all_config_updates"),
    /// Seconds after the start in which a changed configuration was not checked.
    leak_delay("disable_leak_verify_config"),
    /// Seconds after the start in which configurations were not compared.
    leak_delay("disable_leak_config_equivalence_check"),
    /// Seconds after the start in which folders were not tested for writing.
    leak_delay("disable_leak_verify_can_write_to_logs"),
    /// Seconds after the start in which a changed configuration was not applied.
    leak_delay("disable_leak_config_reload"),
    /// Seconds after the start in which a check of the configuration created no monitors.
    leak_delay("disable_leak_verify_config_create_monitors_manager"),
    /// Seconds after the start in which a check of the configuration created no copier.
    leak_delay("disable_leak_verify_config_create_copying_manager"),
    // 8.8 Kubernetes
    /// Namespaces whose pods are left out.
    kubernetes(texts("k8s_ignore_namespaces", &["kube-system"])),
    /// Namespaces whose pods are copied; `*` for all.
    kubernetes(texts("k8s_include_namespaces", &["*"])),
    /// Address of the Kubernetes API server.
    kubernetes(text("k8s_api_url", "https://kubernetes.default")),
    /// Checks the API server's TLS certificate.
    kubernetes(flag("k8s_verify_api_queries", true)),
    /// Checks the kubelet's TLS certificate.
    kubernetes(flag("k8s_verify_kubelet_queries", true)),
    /// File with the certificates that are trusted for the kubelet.
    kubernetes(text("k8s_kubelet_ca_cert", "/run/secrets/kubernetes.io/serviceaccount/ca.crt")),
    /// File with the certificates that are trusted for the API server.
    kubernetes(text("k8s_service_account_cert", "/run/secrets/kubernetes.io/serviceaccount/ca.crt")),
    /// File with the token of the agent's service account.
    kubernetes(text("k8s_service_account_token", "/var/run/secrets/kubernetes.io/serviceaccount/token")),
    /// File with the namespace of the agent's service account.
    kubernetes(text("k8s_service_account_namespace", "/var/run/secrets/kubernetes.io/serviceaccount/namespace")),
    /// Seconds between two times that the token is read.
    kubernetes(integer("k8s_token_re_read_interval", 300)),
    /// Seconds after which a query without an answer is given up.
    kubernetes(integer("k8s_cache_query_timeout_secs", 20)),
    /// Seconds that what is known of a pod is used.
    kubernetes(integer("k8s_cache_expiry_secs", 30)),
    /// Random seconds taken off `k8s_cache_expiry_secs`, so that not all pods are asked for at once.
    kubernetes(integer("k8s_cache_expiry_fuzz_secs", 0)),
    /// The most random seconds that the first queries wait.
    kubernetes(integer("k8s_cache_start_fuzz_secs", 0)),
    /// Seconds between two times that vanished pods are forgotten.
    kubernetes(integer("k8s_cache_purge_secs", 300)),
    /// Logs the answers of the API server; for debugging.
    kubernetes(flag("k8s_log_api_responses", false)),
    /// Does not log answers with status 200.
    kubernetes(flag("k8s_log_api_exclude_200s", false)),
    /// Bytes of an answer below which it is not logged.
    kubernetes(integer("k8s_log_api_min_response_len", 0)),
    /// Seconds between two answers that are logged; 0 logs all.
    kubernetes(integer("k8s_log_api_ratelimit_interval", 0)),
    /// Seconds that a query must take for its answer to be logged.
    kubernetes(float("k8s_log_api_min_latency", 0.0)),
    /// Times that a query about a new pod is repeated.
    kubernetes(integer("k8s_controlled_warmer_max_query_retries", 3)),
    /// Failed queries about a pod after which it is left alone for a while.
    kubernetes(integer("k8s_controlled_warmer_max_attempts", 5)),
    /// Seconds that such a pod is left alone.
    kubernetes(integer("k8s_controlled_warmer_blacklist_time", 300)),
    /// Does not copy the events of the cluster.
    kubernetes(flag("k8s_events_disable", false)),
    /// Collects what the Kubernetes Explorer shows.
    kubernetes(flag("k8s_explorer_enable", false)),
    /// Did not try other addresses of the kubelet.
    flag("k8s_fallback_urls_disable", false).obsolete("nothing ever read it"),
    /// Agents in the cluster, which share the allowed queries.
    kubernetes(text("k8s_ratelimit_cluster_num_agents", "1")),
    /// Queries per second of the whole cluster to begin with.
    kubernetes(float("k8s_ratelimit_cluster_rps_init", 1000.0)),
    /// The least queries per second of the whole cluster.
    kubernetes(float("k8s_ratelimit_cluster_rps_min", 1.0)),
    /// The most queries per second of the whole cluster.
    kubernetes(float("k8s_ratelimit_cluster_rps_max", 1e9)),
    /// Good answers in a row after which the rate grows.
    kubernetes(integer("k8s_ratelimit_consecutive_increase_threshold", 5)),
    /// Queries that may be under way at once.
    kubernetes(integer("k8s_ratelimit_max_concurrency", 1)),
    /// How the rate changes.
    kubernetes(text("k8s_ratelimit_strategy", "multiply")),
    /// Factor by which the rate grows.
    kubernetes(float("k8s_ratelimit_increase_factor", 2.0)),
    /// Factor by which the rate shrinks after an error.
    kubernetes(float("k8s_ratelimit_backoff_factor", 0.5)),
    /// Seconds after which a query to Docker is given up.
    kubernetes(Key::new("k8s_docker_client_timeout", Kind::Integer(None))),
    /// The most connections to Docker.
    kubernetes(Key::new("k8s_docker_client_max_pool_size", Kind::Integer(None))),
};

/// The keys of an entry of `workers` (`configuration.md` section 6).
pub const WORKER_ENTRY: &[Key] = keys! {
    /// Its name, for `worker_id` of a log: letters, digits and `_`. A text, also where it looks like a number.
    open_text("id").at(Upload).required(),
    /// The "Log Write Access" key that it uploads with; for the worker `default` the same as at the top level.
    open_text("api_key").at(Upload).secret(),
    /// File that holds its key, and nothing else, in place of `api_key`; relative to the folder of the main file. Without
    /// either of them the credential `scalyr_api_key.` and its `id` of systemd is used.
    open_text("api_key_file").at(Configuration),
    /// Address of its server; `scalyr_server` unless given.
    open_text("server_url").at(Upload),
    /// How many sessions upload side by side; `default_sessions_per_worker` unless given.
    Key::new("sessions", Kind::Integer(None)).at(Upload).alias("workers").range(1.0, MAX_SESSIONS),
};
