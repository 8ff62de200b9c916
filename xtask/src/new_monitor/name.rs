//! The name of a new monitor: what it may be, and how it is spelled in a crate, in a configuration and in Rust.

use crate::taken::{Taken, plain};

/// Longer ones make log lines and file names hard to read.
const LONGEST: usize = 50;

/// Words of Rust, of today and reserved, that a name must not be.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates that come with the compiler.
const STD_CRATES: &[&str] = &["alloc", "core", "proc_macro", "std", "test"];

/// What stands between the words of a name.
const SEPARATORS: [char; 2] = ['-', '_'];

/// Types that the template, or what Rust and the prelude bring in, uses already.
const USED_TYPES: &[&str] = &[
    "Box",
    "Clock",
    "Clone",
    "Context",
    "Copy",
    "Debug",
    "Declared",
    "Default",
    "Drop",
    "Emission",
    "Err",
    "Error",
    "Fields",
    "Fn",
    "Harness",
    "Level",
    "LogConfig",
    "LogFiles",
    "Logger",
    "Metric",
    "MetricValue",
    "Monitor",
    "None",
    "Ok",
    "Option",
    "Reading",
    "Result",
    "Run",
    "Sample",
    "Secret",
    "Send",
    "Some",
    "Stop",
    "String",
    "Sync",
    "Timestamp",
    "Vec",
];

/// The spellings of one name.
#[derive(Debug, PartialEq)]
pub(super) struct Name {
    /// Of the crate and its folder, as it was given: `rain-gauge`.
    pub(super) krate: String,
    /// Of the monitor, as configurations write it: `rain_gauge`.
    pub(super) monitor: String,
    /// Of the struct: `RainGauge`.
    pub(super) structure: String,
}

impl Name {
    pub(super) fn new(given: &str) -> Self {
        let mut structure: String = given.split(['-', '_']).map(capitalized).collect();
        if USED_TYPES.contains(&structure.as_str()) {
            structure.push_str("Monitor");
        }
        Self { krate: given.to_owned(), monitor: given.replace('-', "_"), structure }
    }

    /// The template with its name replaced by this one.
    pub(super) fn fill(&self, template: &str) -> String {
        // Each spelling by something that no other contains, since a name may hold a spelling of the template.
        let marked =
            template.replace("rain-gauge", "\u{1}").replace("rain_gauge", "\u{2}").replace("RainGauge", "\u{3}");
        marked.replace('\u{1}', &self.krate).replace('\u{2}', &self.monitor).replace('\u{3}', &self.structure)
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// Everything that is wrong with a name: a sentence each, with its cure.
pub(super) fn problems(given: &str, taken: &[Taken]) -> Vec<String> {
    let mut problems = Vec::new();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let rule = if !given.starts_with(|c: char| c.is_ascii_lowercase()) || !given.chars().all(fits) {
        Some("a small letter from a to z, then small letters, digits, `-` and `_`")
    } else if plain(given).contains("__") {
        // Rust warns of such a crate's name.
        Some("between two words stands one `-` or `_`")
    } else if given.ends_with(SEPARATORS) {
        Some("it ends in a letter or a digit")
    } else {
        None
    };
    if let Some(rule) = rule {
        let cure = suggestion(given).map_or_else(String::new, |name| format!("; try `{name}`"));
        problems.push(format!("`{given}` cannot name a monitor: {rule}{cure}"));
    }
    if given.chars().count() > LONGEST {
        problems.push(format!("`{given}` is {} characters long; {LONGEST} are allowed", given.chars().count()));
    }
    let plain_name = plain(given);
    if KEYWORDS.contains(&plain_name.as_str()) {
        problems.push(format!("`{given}` is a word of Rust; say more, for example `{given}-monitor`"));
    }
    if STD_CRATES.contains(&plain_name.as_str()) {
        problems.push(format!("`{given}` is a crate that comes with Rust; say more, for example `{given}-monitor`"));
    }
    if plain_name == "target" {
        let what = "is where cargo builds, which git ignores";
        problems.push(format!("`{given}` {what}; say more, for example `{given}-monitor`"));
    }
    let owners: Vec<&Taken> = taken.iter().filter(|other| plain(&other.name) == plain_name).collect();
    if !owners.is_empty() {
        let mut told: Vec<String> = owners.iter().map(|owner| owner.told_beside(given)).collect();
        told.dedup();
        problems.push(format!("`{given}` is taken by {}; choose another name", told.join(", by ")));
    }
    problems
}

/// The nearest name that is allowed, if there is anything to go by.
fn suggestion(given: &str) -> Option<String> {
    let mut name = String::new();
    let mut before = None;
    for c in given.chars() {
        let begins_word = c.is_ascii_uppercase() && before.is_some_and(|before: char| before.is_ascii_lowercase());
        let fitting = if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
        if begins_word {
            name.push('-');
        }
        if !(SEPARATORS.contains(&fitting) && name.ends_with(SEPARATORS)) {
            name.push(fitting);
        }
        before = Some(c);
    }
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase()).trim_end_matches(SEPARATORS);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_three_spellings() {
        let spelled = |given: &str| {
            let Name { krate, monitor, structure } = Name::new(given);
            [krate, monitor, structure]
        };
        assert_eq!(spelled("rain-gauge"), ["rain-gauge", "rain_gauge", "RainGauge"]);
        assert_eq!(spelled("rain_gauge2"), ["rain_gauge2", "rain_gauge2", "RainGauge2"]);
        assert_eq!(spelled("sample"), ["sample", "sample", "SampleMonitor"]);
        assert_eq!(spelled("a--b-"), ["a--b-", "a__b_", "AB"]);
    }

    #[test]
    fn a_name_that_holds_one_of_the_template_is_not_replaced_again() {
        assert_eq!(
            Name::new("my-rain_gauge").fill("rain-gauge rain_gauge RainGauge"),
            "my-rain_gauge my_rain_gauge MyRainGauge"
        );
    }

    #[test]
    fn everything_that_is_wrong_with_a_name_is_told_with_its_cure() {
        let taken = [
            Taken { name: "coin".to_owned(), by: "the crate local-monitors/coin".to_owned() },
            Taken { name: "coin".to_owned(), by: "a monitor of local-monitors/coin".to_owned() },
            Taken { name: "rain_gauge".to_owned(), by: "a monitor of builtin-monitors".to_owned() },
        ];
        let told = |given: &str| problems(given, &taken);
        assert_eq!(told("snow"), [] as [&str; 0]);
        assert_eq!(
            told("coin"),
            [
                "`coin` is taken by the crate local-monitors/coin, by a monitor of local-monitors/coin; choose another name"
            ]
        );
        assert_eq!(
            told("Rain-Gauge"),
            [
                "`Rain-Gauge` cannot name a monitor: a small letter from a to z, then small letters, digits, `-` and `_`; try \
             `rain-gauge`",
                "`Rain-Gauge` is taken by a monitor of builtin-monitors (`rain_gauge`: `-`, `_` and capital letters make no \
             difference); choose another name",
            ]
        );
        for (given, told_of) in [
            ("RainGauge", "try `rain-gauge`"),
            ("2nd snow!", "try `nd-snow`"),
            ("", "cannot name a monitor"),
            ("../evil", "try `evil`"),
            ("--force", "try `force`"),
            ("schn\u{ee}e", "cannot name"),
            ("match", "`match` is a word of Rust; say more, for example `match-monitor`"),
            ("proc-macro", "comes with Rust"),
            ("RAIN-GAUGE", "try `rain-gauge`"),
            ("CPUTemp", "try `cputemp`"),
            ("a--b", "`a--b` cannot name a monitor: between two words stands one `-` or `_`; try `a-b`"),
            ("a_-b", "try `a_b`"),
            ("rain-", "`rain-` cannot name a monitor: it ends in a letter or a digit; try `rain`"),
            ("target", "`target` is where cargo builds, which git ignores; say more, for example `target-monitor`"),
        ] {
            assert!(told(given).concat().contains(told_of), "{given}: {:?}", told(given));
        }
        assert!(told(&"x".repeat(51)).concat().contains("51 characters long; 50 are allowed"));
    }
}
