//! The configuration in effect: for each key of the top level its value and where that comes from.

use scalyr_monitor::config::DeclaredOption;
use scalyr_monitor::registry::{Registration, Registry};
use serde_json::{Map, Value};

use super::keys::{self, Key, Kind};
use super::load::Loaded;
use super::masking::SecretNames;
use super::module_names::module_text;
use super::origin::Origin;
use super::plan::{Plan, SessionPlan};
use super::report::{Report, Severity};
use super::session::{self, DEFAULT_WORKER};
use super::settings::Settings;

/// What is shown in the place of a secret.
pub const MASKED: &str = "********** MASKED **********";

/// A key of the top level, with the value in effect.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveOption {
    /// Its name.
    pub name: &'static str,
    /// Its value after conversion, [`MASKED`] when it is secret; `None` when nobody gave it and it has no default.
    pub value: Option<Value>,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Every key of the top level in the order of the table, with the value that acts: what the user gave, unless it was
/// refused, else the default.
pub(super) fn options(
    settings: &Settings<'_>,
    loaded: &Loaded,
    plan: &Plan,
    registry: &Registry,
    report: &Report,
) -> Vec<EffectiveOption> {
    let session = plan.sessions.iter().find(|session| *session.id.worker.0 == *DEFAULT_WORKER);
    let names = SecretNames::of(Some(registry));
    let option = |key: &'static Key| {
        let given = given(key, settings, loaded, report);
        let origin = given.as_ref().map_or(Origin::Default, |(_, origin)| origin.clone());
        let given = given.map(|(value, _)| value);
        let planned = of_plan(key.name, plan, session);
        // A way or a level of compression that cannot be used is only warned of.
        let is_replaced = key.name.starts_with("compression_") && planned.is_some() && planned != given;
        let origin = if is_replaced { Origin::Default } else { origin };
        let value = planned.or(given).or_else(|| default(key, settings));
        EffectiveOption { name: key.name, value: value.map(|value| masked(key, value, registry, &names)), origin }
    };
    keys::GLOBAL.iter().map(option).collect()
}

/// The value that the user gave, and nothing refused.
fn given(key: &Key, settings: &Settings<'_>, loaded: &Loaded, report: &Report) -> Option<(Value, Origin)> {
    let value = settings.given(key.name)?;
    let path = match key.alias {
        Some(alias) if !loaded.values.contains_key(key.name) => alias,
        _ => key.name,
    };
    let place = report.sources().value(path);
    let is_refused = report.problems().iter().any(|it| it.severity > Severity::Warning && it.place == place);
    (!is_refused).then(|| (value, report.sources().origin(path)))
}

/// What the plan has made of a value: folders that are absolute, an address with https, a word that is known.
fn of_plan(name: &str, plan: &Plan, session: Option<&SessionPlan>) -> Option<Value> {
    match name {
        "agent_log_path" => Some(plan.log_path.display().to_string().into()),
        "agent_data_path" => Some(plan.data_path.display().to_string().into()),
        "server_attributes" => Some(Value::Object(plan.server_attributes.clone())),
        "scalyr_server" => Some(session?.server.as_str().into()),
        "compression_type" => Some(session?.compression.name().into()),
        "compression_level" => Some(session?.compression.level().into()),
        _ => None,
    }
}

/// The default: that of the table, unless it depends on another value.
fn default(key: &Key, settings: &Settings<'_>) -> Option<Value> {
    match (key.name, key.kind) {
        ("internal_parse_max_line_size", _) => settings.integer("read_page_size").map(Value::from),
        _ if key.when_given && (key.unless_legacy.is_none() || session::defaults_of_unlimited(settings)) => None,
        (_, Kind::Object) => Some(Value::Object(Map::new())),
        (_, Kind::Objects) => Some(Value::Array(Vec::new())),
        _ => session::unless_legacy(settings, key.name).map(Value::from).or_else(|| key.default()),
    }
}

/// The value as it may be shown.
fn masked(key: &Key, value: Value, registry: &Registry, names: &SecretNames) -> Value {
    match (key.name, value) {
        (_, value) if key.secret => mask(value),
        ("http_proxy" | "https_proxy", Value::String(proxy)) => mask_user(&proxy).into(),
        ("monitors", Value::Array(entries)) => {
            entries.into_iter().map(|entry| masked_monitor(entry, registry, names)).collect()
        }
        ("import_vars", Value::Array(variables)) => variables.into_iter().map(masked_variable).collect(),
        // An element that is no object is a key that was written without its worker.
        ("workers", Value::Array(workers)) => {
            let worker = |worker: Value| if worker.is_object() { within(worker, names, &[]) } else { mask(worker) };
            workers.into_iter().map(worker).collect()
        }
        (_, value) => within(value, names, &[]),
    }
}

fn mask(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) if text.is_empty() => Value::String(text),
        _ => MASKED.into(),
    }
}

/// An entry of `monitors`: what its monitor declares as secret is, and what sounds like it.
fn masked_monitor(entry: Value, registry: &Registry, names: &SecretNames) -> Value {
    let module = entry.get("module").and_then(module_text);
    let secrets = module.and_then(|module| registry.find(&module)).map(secret_options).unwrap_or_default();
    within(entry, names, &secrets)
}

/// The names of the secret options of a monitor, older ones among them.
fn secret_options(registration: &'static Registration) -> Vec<&'static str> {
    let options = DeclaredOption::all(registration.declared_options).into_iter();
    let secrets = options.filter(|option| option.describe().secret);
    secrets.flat_map(|option| std::iter::once(option.key()).chain(option.aliases().iter().copied())).collect()
}

/// An element of `import_vars`: the text that stands in for a variable may be a key, whatever that is called.
fn masked_variable(mut element: Value) -> Value {
    if let Some(default) = element.get_mut("default") {
        *default = mask(default.take());
    }
    element
}

/// Masks members by their names, at any depth, and what is secret in addresses. `secrets` are names, too.
fn within(value: Value, names: &SecretNames, secrets: &[&str]) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let is_secret = !value.is_boolean() && (secrets.contains(&name.as_str()) || names.holds_secret(&name));
                let value = if is_secret { mask(value) } else { within(value, names, secrets) };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| within(item, names, secrets)).collect(),
        Value::String(text) if text.contains("://") => names.masked_text(&mask_user(&text)).into(),
        Value::String(text) => names.masked_text(&text).into(),
        other => other,
    }
}

/// An address without its password: `https://user:…@host`. A user without a password is masked, too: it may be a token.
fn mask_user(address: &str) -> String {
    let start = address.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = address.split_at(start);
    // A password may hold a slash that nobody has encoded.
    let Some((user, host)) = rest.rsplit_once('@') else { return address.to_owned() };
    match user.split_once(':') {
        Some((user, _)) => format!("{scheme}{user}:{MASKED}@{host}"),
        None => format!("{scheme}{MASKED}@{host}"),
    }
}
