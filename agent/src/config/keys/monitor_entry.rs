//! The keys of an entry of `monitors` that the agent itself reads.

use super::Stage::Monitors;
use super::{Key, Kind, MAX_BYTES, MAX_SECONDS, MIN_SAMPLE_INTERVAL, flag, integer, open_text, seconds};

/// The keys of an entry of `monitors` that the agent itself reads (`monitor-framework.md` section 2); all others belong
/// to the monitor.
pub const MONITOR_ENTRY: &[Key] = keys! {
    /// Which monitor this is: its name, or the dotted module name of the Python agent.
    open_text("module").at(Monitors).required(),
    /// Tells apart several entries of one monitor: it stands in every line, as in `coin(id)`. Without it they are
    /// numbered.
    Key::new("id", Kind::Any).at(Monitors),
    /// Seconds between two samples; `global_monitor_sample_interval` unless given.
    Key::new("sample_interval", Kind::Float(None)).at(Monitors).range(MIN_SAMPLE_INTERVAL, MAX_SECONDS),
    /// File of the metric log; relative paths start at `agent_log_path`. Without it the monitor's name with `.log`
    /// behind it.
    open_text("log_path").at(Monitors),
    /// Characters per second that the metric log may grow by in the long run; a negative number for no limit.
    integer("monitor_log_write_rate", 2000).at(Monitors),
    /// Characters that the metric log may grow by at once; a negative number for no limit.
    integer("monitor_log_max_write_burst", 100_000).at(Monitors),
    /// How many old metric logs are kept; the key of the same name at the top level unless given.
    Key::new("log_rotation_backup_count", Kind::Integer(None)).at(Monitors).range(0.0, 10_000.0),
    /// Bytes after which the metric log begins a new file; the key of the same name at the top level unless given.
    Key::new("log_rotation_max_bytes", Kind::Integer(None)).at(Monitors).range(0.0, MAX_BYTES),
    /// Keeps this monitor from running; its entry is read all the same, and `status` shows it as disabled.
    flag("disabled", false).at(Monitors),
    /// Stops the agent, with exit status 1, when this monitor fails.
    flag("stop_agent_on_failure", false).at(Monitors),
    /// Seconds that metric lines may wait before they are written.
    // A delay would save nothing: the lines of a sample already are one write, and need a timer to leave on time.
    seconds("monitor_log_flush_delay", 0.0).at(Monitors).obsolete("each sample is written to the metric log in one go, at its end"),
    /// Metrics that are not written.
    Key::new("metric_name_blacklist", Kind::TextsOrText).at(Monitors),
    /// Metrics of this monitor that get a second one with their change per second: `monitor:metric`, or
    /// `monitor:metric:field=value`.
    Key::new("calculate_rate_metric_names", Kind::TextsOrText).at(Monitors),
};
