//! What upload sessions are made of: key, server, compression and pacing.

use std::time::Duration;

use serde_json::{Map, Value};

use super::compression;
use super::hidden::Hidden;
use super::load::Loaded;
use super::plan::{ApiKey, BodyForm, Compression, Pacing, ProxyPlan, Roots, SessionId, SessionPlan};
use super::proxy;
use super::report::{Kind, Place, Report, Severity};
use super::send_rate::{NoRate, SendRate};
use super::server;
use super::settings::Settings;
use super::sources::ENVIRONMENT;
use super::value;

/// The worker that `api_key` and `scalyr_server` belong to.
pub(super) const DEFAULT_WORKER: &str = "default";
/// What the stock configuration has in place of a key.
const PLACEHOLDER: &str = "REPLACE_THIS";
/// What to do where there is no key.
const SET_IT: &str =
    "set it to a \"Log Write Access\" key of your account; your keys are listed at https://www.scalyr.com/keys";
/// Where to get one.
const KEYS_ARE_AT: &str = "your keys are listed at https://www.scalyr.com/keys";
/// The keys by which the size of a request acts on the spacing.
const WATER_MARKS: [&str; 4] = [
    "low_water_bytes_sent",
    "low_water_request_spacing_adjustment",
    "high_water_bytes_sent",
    "high_water_request_spacing_adjustment",
];

/// What the sessions of all workers have in common.
pub(super) struct Shared {
    server_attributes: Map<String, Value>,
    verify_server_certificate: bool,
    roots: Roots,
    http_proxy: Option<ProxyPlan>,
    https_proxy: Option<ProxyPlan>,
    request_deadline: Duration,
    compression: Compression,
    pacing: Pacing,
    body_form: BodyForm,
    monotonic_times: bool,
    sends_nothing: bool,
    hidden: Hidden,
}

impl Shared {
    /// From the keys at the top level.
    pub(super) fn read(
        settings: &Settings<'_>,
        server_attributes: &Map<String, Value>,
        loaded: &Loaded,
        report: &mut Report,
    ) -> Self {
        let compression = compression::read(settings, report);
        let pacing = pacing(settings, report);
        let roots = match settings.text("ca_cert_path").unwrap_or_default() {
            "" => Roots::BuiltIn,
            "system" => Roots::System,
            path => Roots::File(loaded.directory().join(path)),
        };
        let (http_proxy, https_proxy) =
            (proxy::read(settings, "http_proxy", report), proxy::read(settings, "https_proxy", report));
        let hidden = Hidden::default();
        // The one that is not used is none for others either.
        http_proxy.iter().chain(&https_proxy).for_each(|proxy| hidden.hide_proxy(proxy));
        Self {
            server_attributes: server_attributes.clone(),
            verify_server_certificate: settings.boolean("verify_server_certificate"),
            roots,
            http_proxy,
            https_proxy,
            request_deadline: seconds(settings, "request_deadline"),
            compression,
            pacing,
            body_form: body_form(settings),
            monotonic_times: settings.boolean("enforce_monotonic_timestamps"),
            sends_nothing: sends_nothing(settings, report),
            hidden,
        }
    }

    /// Nobody is to see this key, whether or not a session has it.
    pub(super) fn hide(&self, key: &ApiKey) {
        self.hidden.hide_key(key);
    }

    /// A session of a worker.
    pub(super) fn session(&self, id: SessionId, api_key: ApiKey, server: String) -> SessionPlan {
        let proxy = if server.starts_with("http://") { &self.http_proxy } else { &self.https_proxy };
        self.hide(&api_key);
        SessionPlan {
            hidden: self.hidden.clone(),
            proxy: proxy.clone(),
            id,
            api_key,
            server,
            server_attributes: self.server_attributes.clone(),
            verify_server_certificate: self.verify_server_certificate,
            roots: self.roots.clone(),
            request_deadline: self.request_deadline,
            compression: self.compression,
            pacing: self.pacing,
            body_form: self.body_form,
            monotonic_times: self.monotonic_times,
            sends_nothing: self.sends_nothing,
        }
    }
}

/// A duration whose range the table of keys bounds.
pub(super) fn seconds(settings: &Settings<'_>, name: &'static str) -> Duration {
    Duration::try_from_secs_f64(settings.float(name).unwrap_or(0.0)).unwrap_or_default()
}

/// The same of a whole number without a default, 0 included; `None` when it is not given.
pub(super) fn whole_seconds(settings: &Settings<'_>, name: &'static str) -> Option<Duration> {
    settings.integer(name).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// The key of the top level; without a usable one the agent cannot start.
pub(super) fn api_key(settings: &Settings<'_>, loaded: &Loaded, report: &mut Report) -> Option<ApiKey> {
    let Some(text) = settings.text("api_key") else {
        // It may stand in the text that could not be read.
        if !settings.is_bad("api_key") && !loaded.is_key_told && !loaded.is_partial {
            report.fail("api_key", "is missing").kind(Kind::Missing).hint(SET_IT);
        }
        return None;
    };
    usable_key(text, "api_key", Severity::Fatal, report)
}

/// The key that stands at `path`, unless it cannot be one.
pub(super) fn usable_key(text: &str, path: &str, severity: Severity, report: &mut Report) -> Option<ApiKey> {
    let key = text.trim();
    if key.is_empty() {
        report.add(severity, path, "is empty").kind(Kind::Missing).hint(SET_IT);
    } else if key == PLACEHOLDER {
        let problem = report.add(severity, path, format!("is still the placeholder {PLACEHOLDER}"));
        let Place { source, path, .. } = &problem.place;
        let file = if source == ENVIRONMENT { format!("the variable {path}") } else { source.clone() };
        problem
            .kind(Kind::Missing)
            .hint(format!("put a \"Log Write Access\" key of your account in its place in {file}; {KEYS_ARE_AT}"));
    } else if key.chars().any(char::is_control) {
        report.add(severity, path, "holds a line break or another control character");
    } else {
        return Some(ApiKey::new(key));
    }
    None
}

/// An address that cannot be used is fatal: no other server may get the data in its place.
pub(super) fn server(settings: &Settings<'_>, report: &mut Report) -> Option<String> {
    if settings.is_bad("scalyr_server") {
        return None;
    }
    match server::read(settings.text("scalyr_server").unwrap_or_default(), settings.boolean("allow_http")) {
        Ok(server) => {
            if let Some(note) = server.note {
                report.warn("scalyr_server", note);
            }
            Some(server.address)
        }
        Err(message) => {
            report.fail("scalyr_server", message).hint(server::EXAMPLE);
            None
        }
    }
}

/// The form without `logs` repeats what the other switch asks for.
fn body_form(settings: &Settings<'_>) -> BodyForm {
    // Both are asked for, so that both count as read.
    match (settings.boolean("disable_logfile_addevents_format"), settings.boolean("repeat_log_attributes")) {
        (true, _) => BodyForm::WithoutLogs,
        (false, true) => BodyForm::Repeated,
        (false, false) => BodyForm::Lean,
    }
}

fn sends_nothing(settings: &Settings<'_>, report: &mut Report) -> bool {
    let sends_nothing = settings.boolean("disable_send_requests");
    if sends_nothing {
        report.warn("disable_send_requests", "is true: what is read is thrown away and never sent, also later");
    }
    sends_nothing
}

/// Whether keys that the user did not set have the defaults of `unlimited` instead of those of `legacy`.
///
/// The Python agent puts the former also in place of what the user wrote; here a written value is respected.
pub(super) fn defaults_of_unlimited(settings: &Settings<'_>) -> bool {
    let enforced = SendRate::read(settings.text("max_send_rate_enforcement").unwrap_or_default());
    enforced != Ok(SendRate::Legacy) && !settings.boolean("disable_max_send_rate_enforcement_overrides")
}

/// The user's value, else the table's default: that of `legacy`, or the one that holds otherwise.
pub(super) fn bytes(settings: &Settings<'_>, name: &'static str) -> u64 {
    unless_legacy(settings, name).map_or_else(|| settings.count(name), u64::from)
}

/// The default of a key that the user did not set, where it is another one than that of `legacy`.
pub(super) fn unless_legacy(settings: &Settings<'_>, name: &'static str) -> Option<u32> {
    let default = settings.key(name)?.unless_legacy?;
    (!settings.is_given(name) && defaults_of_unlimited(settings)).then_some(default)
}

fn pacing(settings: &Settings<'_>, report: &mut Report) -> Pacing {
    let max_rate = max_rate(settings, report);
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let factor = |name| settings.float(name).unwrap_or(1.0);
    let min_spacing = match unless_legacy(settings, "min_request_spacing_interval") {
        Some(default) => Duration::from_secs(default.into()),
        None => seconds(settings, "min_request_spacing_interval"),
    };
    let mut pacing = Pacing {
        max_request_size: max_request_size(settings, max_rate),
        min_request_size: size(settings.count("min_allowed_request_size")),
        too_large_adjustment: factor("request_too_large_adjustment"),
        max_rate,
        min_spacing,
        max_spacing: seconds(settings, "max_request_spacing_interval"),
        max_error_spacing: seconds(settings, "max_error_request_spacing_interval"),
        water_marks: water_marks(settings),
        low_water: (size(settings.count("low_water_bytes_sent")), factor("low_water_request_spacing_adjustment")),
        high_water: (size(settings.count("high_water_bytes_sent")), factor("high_water_request_spacing_adjustment")),
        failure_adjustment: factor("failure_request_spacing_adjustment"),
    };
    if pacing.max_spacing < pacing.min_spacing {
        let message = format!(
            "{} is below min_request_spacing_interval, {}; that is used for both",
            pacing.max_spacing.as_secs_f64(),
            pacing.min_spacing.as_secs_f64()
        );
        report.warn("max_request_spacing_interval", message).kind(Kind::Conflict);
        pacing.max_spacing = pacing.min_spacing;
    }
    let longest_line = settings.count("max_line_size");
    if size(longest_line) > pacing.max_request_size {
        let message = format!(
            "{} is less than max_line_size, {longest_line}: lines that fit in no request are dropped",
            pacing.max_request_size
        );
        report.warn("max_allowed_request_size", message).kind(Kind::Conflict);
    }
    pacing
}

/// Whether the water marks act: an agent that nobody told about them is quick when it is quiet and when it is busy.
fn water_marks(settings: &Settings<'_>) -> bool {
    // Each is asked, also when one is given.
    let given = WATER_MARKS.map(|key| settings.is_given(key));
    !defaults_of_unlimited(settings) || given.contains(&true)
}

/// Under a limit of the rate requests are no larger than the four seconds' worth that may be sent at once, unless the user
/// says how large they may be: a larger one would only wait longer. Bodies are meant, which are larger than the messages
/// in them that the rate counts. Below 100 KiB they would cost more than they save, and long lines would not fit.
fn max_request_size(settings: &Settings<'_>, max_rate: Option<f64>) -> usize {
    const KEY: &str = "max_allowed_request_size";
    const LEAST: usize = 102_400;
    let most = usize::try_from(bytes(settings, KEY)).unwrap_or(usize::MAX);
    match max_rate {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number; it saturates")]
        Some(rate) if !settings.is_given(KEY) => {
            let longest_line = usize::try_from(settings.count("max_line_size")).unwrap_or(usize::MAX);
            most.min(((rate * 4.0) as usize).max(LEAST).max(longest_line.saturating_mul(2)))
        }
        _ => most,
    }
}

/// The most bytes per second; `None` = no limit.
fn max_rate(settings: &Settings<'_>, report: &mut Report) -> Option<f64> {
    const KEY: &str = "max_send_rate_enforcement";
    const ALLOWED: &str = "write \"unlimited\", \"legacy\", or a rate such as \"5 MB/s\"";
    let text = settings.text(KEY).unwrap_or_default();
    let shown = value::shown(&text.into());
    let (message, hint) = match SendRate::read(text) {
        Ok(SendRate::Unlimited | SendRate::Legacy) => return None,
        Ok(SendRate::Limited { bytes_per_second, has_more }) => {
            if has_more {
                let message = format!(
                    "{shown} is read as {bytes_per_second} bytes per second, what is around that is passed over"
                );
                report.warn(KEY, message).hint(ALLOWED);
            }
            return Some(bytes_per_second);
        }
        Err(NoRate::Bits) => (
            format!("{shown} counts bits, with its small b; there is no limit"),
            "give bytes, with a capital B: 8 Mb/s are \"1 MB/s\"",
        ),
        Err(NoRate::NotPositive) => (format!("{shown} would never send anything; there is no limit"), ALLOWED),
        Err(NoRate::Other) => (format!("{shown} is no rate; there is no limit"), ALLOWED),
    };
    report.refuse(KEY, message).hint(hint);
    None
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use scalyr_monitor::registry::Environment;

    use super::super::keys::GLOBAL;
    use super::super::load::from_text;
    use super::super::settings::Scope;
    use super::*;

    const SIX: [&str; 6] = [
        "max_allowed_request_size",
        "pipeline_threshold",
        "min_request_spacing_interval",
        "max_request_spacing_interval",
        "max_log_offset_size",
        "max_existing_log_offset_size",
    ];

    /// The number that holds for a key.
    fn number(text: &str, key: &'static str) -> f64 {
        let loaded = from_text(text, PathBuf::from("/etc/agent.json"), &Environment::default()).unwrap();
        let settings = Settings::read(&loaded.values, GLOBAL, "", Scope::Global, &mut loaded.blank_report());
        let written = settings.float(key).or_else(|| Some(settings.count(key) as f64));
        unless_legacy(&settings, key).map(f64::from).or(written).unwrap()
    }

    #[test]
    fn the_six_options_have_other_defaults_under_legacy_and_a_written_value_is_never_overridden() {
        let told: Vec<_> = SIX.iter().map(|key| number("{}", key)).collect();
        assert_eq!(told, [5_900_000.0, 0.0, 0.0, 5.0, 200_000_000.0, 200_000_000.0]);
        let legacy = [1_048_576.0, 1.1, 1.0, 5.0, 5_242_880.0, 104_857_600.0];
        for text in ["{ max_send_rate_enforcement: 'legacy' }", "{ disable_max_send_rate_enforcement_overrides: true }"]
        {
            assert_eq!(SIX.iter().map(|key| number(text, key)).collect::<Vec<_>>(), legacy, "{text}");
        }
        for key in SIX {
            for (rate, value) in [("unlimited", 2048.0), ("5 MB/s", 4096.0), ("legacy", 8192.0)] {
                let text = format!("{{ max_send_rate_enforcement: '{rate}', {key}: {value} }}");
                assert_eq!(number(&text, key), value, "{text}");
            }
        }
    }
}
