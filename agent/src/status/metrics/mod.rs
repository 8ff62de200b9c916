//! The snapshot in the form of OpenMetrics, for Prometheus and its kin. Names and labels are told in `docs/operating.md`.

mod exposition;
mod files;
mod monitors;
mod process;
mod sessions;
#[cfg(test)]
mod tests;

use super::{ConfigurationState, Health, Snapshot, word};
use exposition::{Exposition, Kind};

/// `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a snapshot, and what the process uses at this moment.
pub fn render(snapshot: &Snapshot) -> String {
    let mut text = Exposition::default();
    agent(&mut text, snapshot);
    process::write(&mut text);
    files::write(&mut text, snapshot);
    sessions::write(&mut text, &snapshot.sessions);
    monitors::write(&mut text, snapshot);
    text.finish()
}

fn agent(text: &mut Exposition, snapshot: &Snapshot) {
    let labels = [("version", snapshot.version.as_str()), ("server_host", snapshot.server_host.as_str())];
    text.family(Kind::Info, "scalyr_agent_build", "", "Version of the agent, and the name of this host.")
        .sample(&labels, 1.0);
    let mut health = text.family(
        Kind::StateSet,
        "scalyr_agent_health",
        "",
        "good; degraded: data flows and something wants a look; failing: data does not flow.",
    );
    let levels = [Health::Good, Health::Degraded, Health::Failing].map(|level| word(&level));
    health.states(&[], &levels.each_ref().map(String::as_str), &word(&snapshot.health));
    let troubles = count(snapshot.troubles.len());
    text.one(Kind::Gauge, "scalyr_agent_troubles", "", "Lines about what is wrong, as status tells them.", troubles);
    let help = "When the agent started, seconds since the epoch.";
    text.one(Kind::Gauge, "scalyr_agent_start_time_seconds", "seconds", help, snapshot.started);
    let is_newer = snapshot.configuration.state == ConfigurationState::NewerAndInvalid;
    let help = "1 while the configuration on disk is newer than the one in use, and invalid.";
    text.one(Kind::Gauge, "scalyr_agent_configuration_newer_and_invalid", "", help, f64::from(u8::from(is_newer)));
    let help = "When the configuration in use was loaded, seconds since the epoch.";
    text.one(Kind::Gauge, "scalyr_agent_configuration_loaded_seconds", "seconds", help, snapshot.configuration.loaded);
    let refused = count(snapshot.refused_values + snapshot.refused.len());
    let help = "Entries and values of the configuration that are refused.";
    text.one(Kind::Gauge, "scalyr_agent_configuration_refused", "", help, refused);
    let log = &snapshot.agent_log;
    let help = "Lines of the agent's own log that were not written: over its limit, or not writable.";
    let mut lost = text.family(Kind::Counter, "scalyr_agent_own_log_lost_lines", "", help);
    lost.sample(&[("reason", "limit")], number(log.skipped_lines));
    lost.sample(&[("reason", "not_writable")], number(log.lost_lines));
    let saved = f64::from(u8::from(snapshot.checkpoint.last_error.is_none()));
    text.one(Kind::Gauge, "scalyr_agent_positions_saved", "", "1 unless positions cannot be saved.", saved);
}

/// As OpenMetrics has its numbers.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn number(number: u64) -> f64 {
    number as f64
}

fn count(count: usize) -> f64 {
    number(count as u64)
}
