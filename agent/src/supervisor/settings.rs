//! The settings that the agent log shows: at start those that matter for copying and sending, at a reload those that
//! changed (`configuration.md` section 9).

use scalyr_monitor::Logger;
use scalyr_monitor::one_line::push_on_one_line;
use serde_json::Value;

use crate::config::effective::{EffectiveOption, MASKED};
use crate::config::plan::SessionPlan;

/// What is shown at start.
const SHOWN: &[&str] = &[
    "verify_server_certificate",
    "ca_cert_path",
    "compression_type",
    "compression_level",
    "pipeline_threshold",
    "max_send_rate_enforcement",
    "disable_max_send_rate_enforcement_overrides",
    "min_allowed_request_size",
    "max_allowed_request_size",
    "min_request_spacing_interval",
    "max_request_spacing_interval",
    "read_page_size",
    "max_line_size",
    "internal_parse_max_line_size",
    "line_completion_wait_time",
    "max_log_offset_size",
    "max_existing_log_offset_size",
    "default_sessions_per_worker",
    "default_worker_session_status_message_interval",
];

/// Shows the settings that the agent starts with.
pub(super) fn show(logger: &Logger, options: &[EffectiveOption], sessions: &[SessionPlan]) {
    logger.info("Configuration settings");
    let shown = SHOWN.iter().filter_map(|name| options.iter().find(|option| option.name == *name));
    shown.for_each(|option| show_one(logger, option));
    for SessionPlan { id, server, .. } in sessions {
        logger.info(format_args!("\tsession {id}: server {server}, api_key {MASKED}"));
    }
}

/// Shows the settings that are others than before. Those with entries or attributes are left out: what changed of them
/// is told by what is restarted, and secrets may be among them.
pub(super) fn show_changed(logger: &Logger, before: &[EffectiveOption], now: &[EffectiveOption]) {
    let was = |option: &EffectiveOption| before.iter().find(|other| other.name == option.name);
    let is_changed = |option: &&EffectiveOption| was(option).is_none_or(|was| was.value != option.value);
    let is_simple = |option: &&EffectiveOption| {
        let of = |value: Option<&Value>| !value.is_some_and(|value| value.is_array() || value.is_object());
        of(option.value.as_ref()) && of(was(option).and_then(|was| was.value.as_ref()))
    };
    let mut changed = now.iter().filter(is_changed).filter(is_simple).peekable();
    if changed.peek().is_some() {
        logger.info("Configuration settings that changed");
        changed.for_each(|option| show_one(logger, option));
    }
}

fn show_one(logger: &Logger, EffectiveOption { name, value, origin }: &EffectiveOption) {
    let mut shown = String::new();
    match value {
        Some(Value::String(text)) => push_on_one_line(&mut shown, text),
        Some(value) => shown = value.to_string(),
        None => shown.push_str("none"),
    }
    logger.info(format_args!("\t{name}: {shown} ({origin})"));
}
