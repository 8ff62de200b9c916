//! Names of values that are shown nowhere.

pub(crate) mod loose;

use std::collections::BTreeSet;

use scalyr_monitor::registry::Registry;
use serde_json::Value;

use crate::order;

use super::effective::MASKED;
use super::keys;

/// What the name of a secret has in it.
const PARTS: [&str; 10] =
    ["key", "token", "password", "passwd", "passphrase", "secret", "credential", "authorization", "community", "salt"];
/// What a name ends with that has such a part, and is no secret.
const HARMLESS: [&str; 8] = ["_file", "_path", "_paths", "_url", "_var", "_interval", "_count", "_id"];
/// Names that are recognised also when they are misspelt, with the number of slips.
const MISSPELT: [(&str, usize); 4] = [("api_key", 2), ("password", 2), ("token", 1), ("secret", 1)];

/// Knows which names are those of secrets.
pub(crate) struct SecretNames {
    /// Those that are declared.
    declared: BTreeSet<String>,
}

impl SecretNames {
    /// The secret keys of the agent and of all monitors that are linked into it.
    pub(crate) fn known() -> Self {
        // Without a registry no command comes as far as this.
        Registry::linked().map_or_else(|_| Self::of(None), |registry| Self::of(Some(&registry)))
    }

    /// The same with the monitors of this registry.
    pub(crate) fn of(registry: Option<&Registry>) -> Self {
        let tables = [keys::GLOBAL, keys::WORKER_ENTRY, keys::LOG_ENTRY, keys::REDACTION_RULE, keys::MONITOR_ENTRY];
        let own = tables.into_iter().flatten().filter(|key| key.secret).flat_map(|key| [Some(key.name), key.alias]);
        let mut declared: BTreeSet<String> = order::tree(own.flatten().map(str::to_lowercase));
        for option in registry.into_iter().flat_map(Registry::iter).flat_map(|monitor| monitor.options()) {
            if option.secret {
                declared.extend(option.aliases.iter().copied().chain([option.key]).map(str::to_lowercase));
            }
        }
        Self { declared }
    }

    /// Whether a key of this name may hold a secret: declared as one, or it looks like one.
    pub(crate) fn holds_secret(&self, name: &str) -> bool {
        // Longer ones are no names.
        if name.len() > 100 {
            return false;
        }
        let name = name.to_lowercase();
        // A name with an escape in it is not read here.
        name.contains('\\')
            || self.declared.contains(&name)
            || PARTS.iter().any(|part| name.contains(part)) && !HARMLESS.iter().any(|end| name.ends_with(end))
            || is_misspelt(&name)
            || name.split(['_', '-', '.']).any(is_misspelt_word)
    }

    /// The value of this name as it may be shown: texts that are secret, and those of secret members, are masked, and so
    /// are user and password of a URL.
    pub(crate) fn masked(&self, name: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if self.holds_secret(name) && !text.is_empty() => MASKED.into(),
            Value::String(text) => self.masked_text(text).into(),
            Value::Number(_) if self.holds_secret(name) => MASKED.into(),
            Value::Array(items) => items.iter().map(|item| self.masked(name, item)).collect(),
            Value::Object(members) => {
                let inner = |key: &String| if self.holds_secret(name) { name.to_owned() } else { key.clone() };
                members.iter().map(|(key, value)| (key.clone(), self.masked(&inner(key), value))).collect()
            }
            other => other.clone(),
        }
    }

    /// A text without the secrets that can be recognised in it: passwords of addresses, parameters of a query.
    pub(crate) fn masked_text(&self, text: &str) -> String {
        let mut secrets = Vec::new();
        loose::secrets(text, 0, self, &mut secrets);
        // One may be found twice, or lie within another one.
        order::by_key(&mut secrets, |secret| secret.start);
        let (mut masked, mut shown) = (String::with_capacity(text.len()), 0);
        for secret in secrets {
            if secret.start >= shown {
                masked.push_str(text.get(shown..secret.start).unwrap_or_default());
                masked.push_str("****");
            }
            shown = shown.max(secret.end);
        }
        masked.push_str(text.get(shown..).unwrap_or_default());
        masked
    }
}

fn is_misspelt(name: &str) -> bool {
    MISSPELT.iter().any(|(known, slips)| {
        name.len().abs_diff(known.len()) <= *slips && strsim::damerau_levenshtein(name, known) <= *slips
    })
}

/// Whether a part of a longer name is a misspelt `password`. The other words are too short: `secret` would be in `sector`.
fn is_misspelt_word(word: &str) -> bool {
    word.len().abs_diff("password".len()) <= 2 && strsim::damerau_levenshtein(word, "password") <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_found_twice_is_masked_once_and_what_follows_it_stays() {
        let names = SecretNames { declared: BTreeSet::new() };
        for (text, expected) in [
            ("http://me:hush@proxy:3128", "http://****@proxy:3128"),
            ("http://hush@proxy:3128/a", "http://****@proxy:3128/a"),
            ("me:hush@proxy:3128", "****@proxy:3128"),
            ("http://me:hu@sh@proxy and http://me:hush@other", "http://****@proxy and http://****@other"),
            ("password=me:hush@proxy; x", "**** x"),
            ("token: hush, ü=http://é:ß@h", "token: ****, ü=http://****@h"),
            ("nothing of that kind", "nothing of that kind"),
        ] {
            assert_eq!(names.masked_text(text), expected);
        }
    }

    #[test]
    fn names_of_secrets_are_known_also_when_they_are_misspelt() {
        let names = SecretNames { declared: BTreeSet::from(["url".to_owned()]) };
        for secret in [
            "api_key",
            "apikey",
            "api_kye",
            "API_KEE",
            "access-token",
            "passwd",
            "pasword",
            "databse_pasword",
            "db-passwrod",
            "URL",
            "a\\u005f",
        ] {
            assert!(names.holds_secret(secret), "{secret}");
        }
        for other in ["path", "api_key_file", "logs", "module", "ca_cert_path", "id", "k8s_token_re_read_interval"] {
            assert!(!names.holds_secret(other), "{other}");
        }
    }
}
