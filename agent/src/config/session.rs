//! The upload session: key, server, compression and pacing.

use std::time::Duration;

use serde_json::{Map, Value};

use super::keys::COMPRESSIONS;
use super::load::Loaded;
use super::plan::{ApiKey, Compression, Pacing, SessionPlan};
use super::report::Report;
use super::server;
use super::settings::Settings;
use super::value;
use crate::ledger::WorkerId;

/// The worker that `api_key` and `scalyr_server` belong to.
pub(super) const DEFAULT_WORKER: &str = "default";
/// What the stock configuration has in place of a key.
const PLACEHOLDER: &str = "REPLACE_THIS";
const DEFLATE_LEVEL: u8 = 6;

/// The session of the default worker; `None` when it has no usable key or server, which is fatal.
pub(super) fn plan(
    settings: &Settings<'_>,
    server_attributes: &Map<String, Value>,
    loaded: &Loaded,
    report: &mut Report,
) -> Option<SessionPlan> {
    let api_key = api_key(settings, loaded, report);
    let server = server(settings, report);
    let compression = compression(settings, report);
    let pacing = pacing(settings, report);
    Some(SessionPlan {
        worker: WorkerId(DEFAULT_WORKER.to_owned()),
        api_key: api_key?,
        server: server?,
        server_attributes: server_attributes.clone(),
        verify_server_certificate: settings.boolean("verify_server_certificate"),
        ca_cert_path: settings
            .text("ca_cert_path")
            .filter(|path| !path.is_empty())
            .map(|path| loaded.directory().join(path)),
        request_deadline: seconds(settings, "request_deadline"),
        compression,
        pacing,
    })
}

/// A duration whose range the table of keys bounds.
pub(super) fn seconds(settings: &Settings<'_>, name: &'static str) -> Duration {
    Duration::try_from_secs_f64(settings.float(name).unwrap_or(0.0)).unwrap_or_default()
}

fn api_key(settings: &Settings<'_>, loaded: &Loaded, report: &mut Report) -> Option<ApiKey> {
    const WHERE: &str = "set it to a \"Log Write Access\" key of your account";
    let elsewhere = loaded.key_variable.as_deref().map_or(String::new(), |name| {
        format!(" ({name} is set, but the environment is not read yet: write the key into the file)")
    });
    let problem = match settings.text("api_key").map(str::trim) {
        // It may stand in the text that could not be read.
        None if settings.is_bad("api_key") || loaded.is_partial => return None,
        None => format!("is missing: {WHERE}{elsewhere}"),
        Some("") => format!("is empty: {WHERE}{elsewhere}"),
        Some(PLACEHOLDER) => format!("is still the placeholder {PLACEHOLDER}: {WHERE}{elsewhere}"),
        Some(key) if key.chars().any(char::is_control) => "holds a line break or another control character".to_owned(),
        Some(key) => return Some(ApiKey::new(key)),
    };
    report.fail("api_key", problem);
    None
}

/// An address that cannot be used is fatal: no other server may get the data in its place.
fn server(settings: &Settings<'_>, report: &mut Report) -> Option<String> {
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
            report.fail("scalyr_server", format!("{message}, for example https://agent.scalyr.com"));
            None
        }
    }
}

fn compression(settings: &Settings<'_>, report: &mut Report) -> Compression {
    let level = settings.integer("compression_level");
    match settings.text("compression_type").unwrap_or_default() {
        "deflate" => Compression::Deflate(deflate_level(level, report)),
        "none" => {
            report.warn("compression_type", "is none: about ten times as much is sent as with deflate");
            Compression::None
        }
        not_built @ ("bz2" | "lz4" | "zstandard") => {
            report.warn("compression_type", format!("{not_built} is not built yet; deflate is used"));
            Compression::Deflate(DEFLATE_LEVEL)
        }
        other => {
            let known = COMPRESSIONS;
            let meant = known.iter().find(|name| name.eq_ignore_ascii_case(other));
            let hint = meant.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
            let shown = value::shown(&other.into());
            let message = format!("{shown} is none of {}{hint}; deflate is used", known.join(", "));
            report.refuse("compression_type", message);
            Compression::Deflate(DEFLATE_LEVEL)
        }
    }
}

fn deflate_level(level: Option<i64>, report: &mut Report) -> u8 {
    match level {
        None => DEFLATE_LEVEL,
        Some(level @ 1..=9) => u8::try_from(level).unwrap_or(DEFLATE_LEVEL),
        Some(level) => {
            let message =
                format!("{level} is outside 1 to 9, the levels of deflate; the default {DEFLATE_LEVEL} is used");
            report.warn("compression_level", message);
            DEFLATE_LEVEL
        }
    }
}

/// Whether keys that the user did not set have the defaults of `unlimited` instead of those of `legacy`.
///
/// The Python agent puts the former also in place of what the user wrote; here a written value is respected.
pub(super) fn defaults_of_unlimited(settings: &Settings<'_>) -> bool {
    let enforced = settings.text("max_send_rate_enforcement").unwrap_or_default();
    let legacy = enforced.trim().eq_ignore_ascii_case("legacy");
    !legacy && !settings.boolean("disable_max_send_rate_enforcement_overrides")
}

/// The user's value, else the table's default: that of `legacy`, or the one that holds otherwise.
pub(super) fn bytes(settings: &Settings<'_>, name: &'static str) -> u64 {
    unless_legacy(settings, name).map_or_else(|| settings.count(name), u64::from)
}

/// The default of a key that the user did not set, where it is another one than that of `legacy`.
fn unless_legacy(settings: &Settings<'_>, name: &'static str) -> Option<u32> {
    let default = settings.key(name)?.unless_legacy?;
    (!settings.is_given(name) && defaults_of_unlimited(settings)).then_some(default)
}

fn pacing(settings: &Settings<'_>, report: &mut Report) -> Pacing {
    check_send_rate(settings, report);
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let factor = |name| settings.float(name).unwrap_or(1.0);
    let min_spacing = match unless_legacy(settings, "min_request_spacing_interval") {
        Some(default) => Duration::from_secs(default.into()),
        None => seconds(settings, "min_request_spacing_interval"),
    };
    let mut pacing = Pacing {
        max_request_size: size(bytes(settings, "max_allowed_request_size")),
        min_spacing,
        max_spacing: seconds(settings, "max_request_spacing_interval"),
        max_error_spacing: seconds(settings, "max_error_request_spacing_interval"),
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
        report.warn("max_request_spacing_interval", message);
        pacing.max_spacing = pacing.min_spacing;
    }
    let longest_line = settings.count("max_line_size");
    if size(longest_line) > pacing.max_request_size {
        let message = format!(
            "{} is less than max_line_size, {longest_line}: lines that fit in no request are dropped",
            pacing.max_request_size
        );
        report.warn("max_allowed_request_size", message);
    }
    pacing
}

fn check_send_rate(settings: &Settings<'_>, report: &mut Report) {
    let text = settings.text("max_send_rate_enforcement").unwrap_or_default().trim();
    if ["unlimited", "legacy"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return;
    }
    let key = "max_send_rate_enforcement";
    match is_rate(text) {
        true => report.warn(key, format!("{text:?} is not honoured yet: there is no limit")),
        false => report.refuse(
            key,
            format!("{text:?} is no rate; write unlimited, legacy, or a rate such as \"5 MB/s\" (B for bytes, not b); there is no limit"),
        ),
    };
}

/// Number, optional K, M, G or T with an optional i, `B`, `/`, and one of s, m, h, d, w.
fn is_rate(text: &str) -> bool {
    let Some((amount, time)) = text.split_once('/') else { return false };
    let unit = amount.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-' || c == '+');
    let number = &amount[..amount.len() - unit.len()];
    let unit = unit.trim();
    let prefix = unit.strip_suffix('B').map(str::to_ascii_lowercase);
    let known = ["", "k", "m", "g", "t", "ki", "mi", "gi", "ti"];
    number.parse::<f64>().is_ok()
        && prefix.is_some_and(|prefix| known.contains(&prefix.as_str()))
        && time.trim().to_ascii_lowercase().starts_with(['s', 'm', 'h', 'd', 'w'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_from_other_texts() {
        for rate in ["5 MB/s", "1.5 KiB/h", "10 GB/w", "100B/second", "7kb/s".replace('b', "B").as_str(), "1 TiB / d"] {
            assert!(is_rate(rate), "{rate}");
        }
        for other in ["5 Mb/s", "fast", "", "5", "MB/s", "5 XB/s", "5 MB/y", "1.2.3 B/s"] {
            assert!(!is_rate(other), "{other}");
        }
    }
}
