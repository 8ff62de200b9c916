//! The configuration in effect: for each key of the top level its value and where that comes from.

use scalyr_monitor::config::DeclaredOption;
use scalyr_monitor::registry::{Registration, Registry};
use serde_json::{Map, Value};

use super::keys::{self, Key, Kind};
use super::load::Loaded;
use super::module_names::module_text;
use super::origin::Origin;
use super::plan::{Compression, Plan, SessionPlan};
use super::report::{Report, Severity};
use super::session::{self, DEFAULT_WORKER};
use super::settings::Settings;

/// What is shown in the place of a secret.
pub const MASKED: &str = "********** MASKED **********";

/// Parts of the names of values that are nobody else's business.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "private_key", "hash_salt"];
/// Ends of the names of values that only say where a secret is.
const ENDS_OF_PATHS: [&str; 4] = ["_file", "_path", "_url", "_var"];

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
    let session = plan.sessions.iter().find(|session| session.worker.0 == DEFAULT_WORKER);
    let option = |key: &'static Key| {
        let given = given(key, settings, loaded, report);
        let origin = given.as_ref().map_or(Origin::Default, |(_, origin)| origin.clone());
        let given = given.map(|(value, _)| value);
        let planned = of_plan(key.name, plan, session);
        // A way or a level of compression that cannot be used is only warned of.
        let is_replaced = key.name.starts_with("compression_") && planned.is_some() && planned != given;
        let origin = if is_replaced { Origin::Default } else { origin };
        let value = planned.or(given).or_else(|| default(key, settings));
        EffectiveOption { name: key.name, value: value.map(|value| masked(key, value, registry)), origin }
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
        "compression_type" => Some(compression(session?).0.into()),
        "compression_level" => Some(compression(session?).1.into()),
        _ => None,
    }
}

/// Name and level.
fn compression(session: &SessionPlan) -> (&'static str, u8) {
    match session.compression {
        Compression::None => ("none", 0),
        Compression::Deflate(level) => ("deflate", level),
    }
}

/// The default: that of the table, unless it depends on another value.
fn default(key: &Key, settings: &Settings<'_>) -> Option<Value> {
    match (key.name, key.kind) {
        ("internal_parse_max_line_size", _) => settings.integer("read_page_size").map(Value::from),
        (_, Kind::Object) => Some(Value::Object(Map::new())),
        (_, Kind::Objects) => Some(Value::Array(Vec::new())),
        _ => session::unless_legacy(settings, key.name).map(Value::from).or_else(|| key.default()),
    }
}

/// The value as it may be shown.
fn masked(key: &Key, value: Value, registry: &Registry) -> Value {
    match (key.name, value) {
        (_, value) if key.secret => mask(value),
        ("http_proxy" | "https_proxy", Value::String(proxy)) => mask_user(&proxy).into(),
        ("monitors", Value::Array(entries)) => {
            entries.into_iter().map(|entry| masked_monitor(entry, registry)).collect()
        }
        ("import_vars", Value::Array(variables)) => variables.into_iter().map(masked_variable).collect(),
        (_, value @ (Value::Array(_) | Value::Object(_))) => masked_within(value, &sounds_secret),
        (_, value) => masked_within(value, &|_| false),
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
fn masked_monitor(entry: Value, registry: &Registry) -> Value {
    let module = entry.get("module").and_then(module_text);
    let secrets = module.and_then(|module| registry.find(&module)).map(secret_options).unwrap_or_default();
    masked_within(entry, &|name| secrets.contains(&name) || sounds_secret(name))
}

/// The names of the secret options of a monitor, older ones among them.
fn secret_options(registration: &'static Registration) -> Vec<&'static str> {
    let options = DeclaredOption::all(registration.declared_options).into_iter();
    let secrets = options.filter(|option| option.describe().secret);
    secrets.flat_map(|option| std::iter::once(option.key()).chain(option.aliases().iter().copied())).collect()
}

/// An element of `import_vars`; the text that stands in for a secret variable is one too.
fn masked_variable(element: Value) -> Value {
    let is_secret = element.get("var").and_then(Value::as_str).is_some_and(sounds_secret);
    masked_within(element, &|name| is_secret && name == "default")
}

/// Masks members by their names, at any depth, and passwords in addresses.
fn masked_within(value: Value, is_secret: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = if is_secret(&name) { mask(value) } else { masked_within(value, is_secret) };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| masked_within(item, is_secret)).collect(),
        Value::String(text) if text.contains("://") => mask_user(&text).into(),
        other => other,
    }
}

/// Whether a value of this name is most likely a secret.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word)) && !ENDS_OF_PATHS.iter().any(|end| name.ends_with(end))
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
