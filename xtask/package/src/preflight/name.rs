//! How a package may be called, so that both dpkg and rpm take it.

use std::fmt;
use std::str::FromStr;

use crate::package::{NAME, REPLACED};

/// The name of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

/// What stands behind the release, after a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suffix(String);

impl FromStr for Name {
    type Err = String;

    /// Debian policy 5.6.1 is the stricter one: lower case letters, digits, `+`, `-` and `.`, two at least.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let proposal: String = text
            .to_lowercase()
            .chars()
            .map(|c| if plain(c) || "+-.".contains(c) { c } else { '-' })
            .skip_while(|c| !plain(*c))
            .collect();
        if REPLACED.contains(&text) {
            return Err(format!(
                "`{text}` is the Python agent's package, whose version is the greater one, so its next upgrade would \
                 replace yours; without `--name` it is `{NAME}`, or choose one like `acme-agent`"
            ));
        }
        if text == proposal && text.len() >= 2 {
            return Ok(Self(text.to_owned()));
        }
        let hint = if proposal.len() >= 2 { format!("; `{proposal}` would do") } else { String::new() };
        Err(format!(
            "for dpkg a name is two or more lower case letters, digits, `+`, `-` and `.`, a letter or digit first{hint}"
        ))
    }
}

impl FromStr for Suffix {
    type Err = String;

    /// Debian policy 5.6.12 and rpm allow more, but `-` ends the version, `~` makes a release older and `_` is not
    /// Debian's.
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '+';
        let proposal: String = text.chars().map(|c| if allowed(c) { c } else { '.' }).collect();
        let proposal = proposal.trim_matches(['.', '+']);
        if !text.is_empty() && text == proposal {
            return Ok(Self(text.to_owned()));
        }
        let hint = if proposal.is_empty() { String::new() } else { format!("; `{proposal}` would do") };
        Err(format!("dpkg and rpm both take letters, digits, `.` and `+`, a letter or digit at begin and end{hint}"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_dpkg_would_refuse_is_answered_with_one_that_it_takes() {
        assert_eq!("acme-agent".parse(), Ok(Name("acme-agent".to_owned())));
        assert_eq!(NAME.parse(), Ok(Name(NAME.to_owned())));
        for (name, proposal) in
            [("Acme_Agent", "`acme-agent` would do"), ("-acme", "`acme` would do"), ("ac me/2", "`ac-me-2` would do")]
        {
            let problem = name.parse::<Name>().unwrap_err();
            assert!(problem.contains(proposal), "{problem}");
        }
        for name in ["", "a", "-"] {
            assert!(name.parse::<Name>().unwrap_err().ends_with("a letter or digit first"), "{name}");
        }
    }

    #[test]
    fn the_name_of_the_python_agent_is_not_taken() {
        for name in REPLACED {
            assert!(name.parse::<Name>().unwrap_err().contains("the Python agent's package"));
        }
    }

    #[test]
    fn a_suffix_that_would_change_what_is_newer_is_refused() {
        assert_eq!("acme3".parse(), Ok(Suffix("acme3".to_owned())));
        assert_eq!("el9.4+b1".parse(), Ok(Suffix("el9.4+b1".to_owned())));
        for (suffix, proposal) in
            [("~acme", "`acme` would do"), ("acme_3", "`acme.3` would do"), ("a-b.", "`a.b` would do")]
        {
            let problem = suffix.parse::<Suffix>().unwrap_err();
            assert!(problem.contains(proposal), "{problem}");
        }
        assert!("".parse::<Suffix>().is_err() && "~".parse::<Suffix>().is_err());
    }
}
