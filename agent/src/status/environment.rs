//! The variables of the environment that concern the agent.

use scalyr_monitor::registry::{Environment, Registry};
use serde::Serialize;
use serde_json::Value;

use crate::config::masking::SecretNames;
use crate::config::plan::Hidden;

/// What stands in the place of the api key.
const REDACTED: &str = "<Redacted>";
/// What stands in the place of a value that is empty, or not set.
const MISSING: &str = "<Missing>";
/// Shown first, whether they are set or not.
const ALWAYS: [&str; 2] = ["SCALYR_API_KEY", "SCALYR_SERVER"];
/// Shown although its name does not begin as the others do.
const WITHOUT_PREFIX: &str = "K8S_EVENT_DISABLE";

/// A variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentVariable {
    /// Its name.
    pub name: String,
    /// Its value; `<Redacted>` for the api key and whatever else looks like a secret, `<Missing>` when it is empty.
    pub value: String,
}

/// Those that concern the agent: the api key and the server always, then all others whose name begins with `SCALYR`,
/// by their names (`cli-and-service.md` section 7). No secret is among their values.
pub fn variables(environment: &Environment, hidden: Option<&Hidden>) -> Vec<EnvironmentVariable> {
    let registry = Registry::linked().ok();
    let names = SecretNames::of(registry.as_ref());
    let is_ours = |name: &&str| {
        let begins = name.get(..6).is_some_and(|begin| begin.eq_ignore_ascii_case("scalyr"));
        (begins || *name == WITHOUT_PREFIX) && !ALWAYS.contains(name)
    };
    let mut others: Vec<&str> = environment.names().filter(is_ours).collect();
    others.sort_unstable();
    let shown = |name: &str| {
        let value = match environment.get(name).unwrap_or_default() {
            "" => MISSING.to_owned(),
            _ if names.holds_secret(name) => REDACTED.to_owned(),
            value => match names.masked(name, &Value::from(value)) {
                Value::String(masked) => hidden.map_or(masked.clone(), |hidden| hidden.masked(&masked)),
                _ => REDACTED.to_owned(),
            },
        };
        EnvironmentVariable { name: name.to_owned(), value: value.replace(['\n', '\r'], " ") }
    };
    ALWAYS.into_iter().chain(others).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_the_server_come_first_and_no_secret_is_shown() {
        let pairs = [
            ("SCALYR_API_KEY", "0123456789"),
            ("scalyr_max_line_size", "100"),
            ("SCALYR_HTTPS_PROXY", "http://me:hush@proxy:3128"),
            ("SCALYR_K8S_SERVICE_TOKEN", "hush"),
            ("SCALYR_EMPTY", ""),
            ("K8S_EVENT_DISABLE", "true"),
            ("PATH", "/bin"),
        ];
        let environment = Environment::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let shown: Vec<String> =
            variables(&environment, None).into_iter().map(|it| format!("{}={}", it.name, it.value)).collect();
        assert_eq!(
            shown,
            [
                "SCALYR_API_KEY=<Redacted>",
                "SCALYR_SERVER=<Missing>",
                "K8S_EVENT_DISABLE=true",
                "SCALYR_EMPTY=<Missing>",
                "SCALYR_HTTPS_PROXY=http://****@proxy:3128",
                "SCALYR_K8S_SERVICE_TOKEN=<Redacted>",
                "scalyr_max_line_size=100",
            ]
        );
    }
}
