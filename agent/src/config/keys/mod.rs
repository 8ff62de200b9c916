//! Every known key, listed once: what it says, its type, default and range, and in which part of the agent it acts, and
//! whether it does yet (`configuration.md` section 8). The reader, the reference and the JSON Schema are made of these tables.

/// A table of keys, each with its doc comment, which is the text of the reference.
macro_rules! keys {
    // Not `$key:expr`: an expression may begin with a doc comment, too.
    ($($(#[doc = $line:literal])+ $key:ident $(:: $new:ident)? ($($of:tt)*) $(. $call:ident ($($with:tt)*))*),* $(,)?) => {
        &[$($key $(:: $new)? ($($of)*) $(. $call ($($with)*))* .doc(concat!($($line),+))),*]
    };
}

mod global;
mod log_entry;
mod monitor_entry;

use scalyr_monitor::config::Number;
use serde_json::Value;

pub(super) use global::COMPRESSIONS;
pub use global::{GLOBAL, SECTIONS, WORKER_ENTRY};
pub(super) use log_entry::{JOURNALD_LOG, K8S_LOG};
pub use log_entry::{
    JOURNALD_LOG_ENTRY, K8S_LOG_ENTRY, LINE_GROUPER, LOG_ENTRY, REDACTION_RULE, RENAMING, SAMPLING_RULE,
};
pub use monitor_entry::MONITOR_ENTRY;

/// A key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it says, in a sentence or two, with the unit of a number.
    pub doc: &'static str,
    /// An older name that is still read.
    pub alias: Option<&'static str>,
    /// Its type and default.
    pub kind: Kind,
    /// The least and the greatest value of a number.
    pub range: Option<(f64, f64)>,
    /// The words that a text is one of; without any, it may be any text.
    pub words: &'static [&'static str],
    /// The default unless `max_send_rate_enforcement` is `legacy`, where there is one of its own.
    pub unless_legacy: Option<u32>,
    /// Whether it acts only when it is given, except where `legacy` brings the default of the table: a limit that skips
    /// lines.
    pub when_given: bool,
    /// The environment variable that may give it.
    pub variable: Variable,
    /// Where it acts, or will.
    pub stage: Stage,
    /// Whether it acts in this version.
    pub effect: Effect,
    /// Whether nothing can take the place of a bad value, so that it is fatal.
    pub vital: bool,
    /// Whether an entry without it is refused.
    pub required: bool,
    /// Whether its value is shown nowhere.
    pub secret: bool,
}

/// The type of a key, with its default; without one the default is absent or computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// true or false.
    Boolean(bool),
    /// A whole number.
    Integer(Option<i64>),
    /// A number.
    Float(Option<f64>),
    /// A text.
    Text(Option<&'static str>),
    /// A list of texts.
    Texts(&'static [&'static str]),
    /// A list of texts, or one text with commas in it.
    TextsOrText,
    /// An object.
    Object,
    /// A list of objects.
    Objects,
    /// Whatever stands there; whoever reads it checks it.
    Any,
}

/// Whether an environment variable may give a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// None.
    None,
    /// `SCALYR_` and the name in upper case; failing that, all of it in lower case.
    ByName,
    /// This one, or its lower case.
    Named(&'static str),
}

/// The part of the agent that a key acts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Where the configuration is read, and read again.
    Configuration,
    /// Monitors and their metric logs.
    Monitors,
    /// `agent.log`, the debug log, rotation.
    OwnLogs,
    /// Finding, following and reading log files.
    Files,
    /// What becomes of what was read: lines, events, what is left out or replaced.
    Lines,
    /// Sessions, requests and their pace.
    Upload,
    /// The stored positions.
    Checkpoint,
    /// What the agent tells about itself.
    Status,
    /// Start and stop.
    Process,
    /// Kubernetes.
    Kubernetes,
    /// Nowhere: it has no effect, or is refused.
    Nowhere,
}

impl Stage {
    /// A word or two for the reference.
    pub fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Monitors => "monitors",
            Self::OwnLogs => "own logs",
            Self::Files => "files",
            Self::Lines => "lines",
            Self::Upload => "upload",
            Self::Checkpoint => "positions",
            Self::Status => "status",
            Self::Process => "process",
            Self::Kubernetes => "Kubernetes",
            Self::Nowhere => "",
        }
    }
}

/// Whether a key acts in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is honoured.
    Honoured,
    /// It is not honoured yet; the text says what happens instead.
    NotYet(&'static str),
    /// It never will be, and nothing is lost; the text says why.
    Obsolete(&'static str),
    /// Running without it would do harm; the text says why.
    Refused(&'static str),
}

/// A hundred years, as the runner of monitors has it: no timer of the agent overflows within it.
const MAX_SECONDS: f64 = 3_153_600_000.0;
/// More bytes than any disk has, far from the end of any counter.
const MAX_BYTES: f64 = 1e18;
/// Shorter intervals would keep a processor busy with sampling alone.
pub const MIN_SAMPLE_INTERVAL: f64 = 0.1;

impl Effect {
    /// A sentence for the reference about a key that does not act.
    pub fn note(self) -> Option<String> {
        match self {
            Self::Honoured => None,
            Self::NotYet(instead) => Some(format!("Not honoured yet: {instead}.")),
            Self::Obsolete(why) => Some(format!("Has no effect: {why}.")),
            Self::Refused(why) => Some(format!("Refused: {why}.")),
        }
    }
}

impl Key {
    /// The default of the table, as a user would write it.
    pub fn default(&self) -> Option<Value> {
        match self.kind {
            Kind::Boolean(default) => Some(default.into()),
            Kind::Integer(default) => default.map(Value::from),
            Kind::Float(default) => default.map(|default| Number::Float(default).to_value()),
            Kind::Text(default) => default.map(Value::from),
            Kind::Texts(default) => Some(default.iter().copied().collect()),
            Kind::TextsOrText | Kind::Object | Kind::Objects | Kind::Any => None,
        }
    }

    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            doc: "",
            alias: None,
            kind,
            range: None,
            words: &[],
            unless_legacy: None,
            when_given: false,
            variable: Variable::ByName,
            stage: Stage::Nowhere,
            effect: Effect::Honoured,
            vital: false,
            required: false,
            secret: false,
        }
    }

    /// Takes the lines of its doc comment, as they stand in the source.
    const fn doc(mut self, lines: &'static str) -> Self {
        self.doc = lines.trim_ascii();
        self
    }

    const fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn range(mut self, min: f64, max: f64) -> Self {
        self.range = Some((min, max));
        self
    }

    const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    const fn unless_legacy(mut self, default: u32) -> Self {
        self.unless_legacy = Some(default);
        self
    }

    const fn when_given(mut self) -> Self {
        self.when_given = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn only_in_file(mut self) -> Self {
        self.variable = Variable::None;
        self
    }

    const fn by_variable(mut self, variable: &'static str) -> Self {
        self.variable = Variable::Named(variable);
        self
    }

    const fn vital(mut self) -> Self {
        self.vital = true;
        self
    }

    const fn not_yet(mut self, instead: &'static str) -> Self {
        self.effect = Effect::NotYet(instead);
        self
    }

    const fn obsolete(mut self, why: &'static str) -> Self {
        self.stage = Stage::Nowhere;
        self.effect = Effect::Obsolete(why);
        self
    }

    const fn refused(mut self, why: &'static str) -> Self {
        self.effect = Effect::Refused(why);
        self
    }
}

const fn flag(name: &'static str, default: bool) -> Key {
    Key::new(name, Kind::Boolean(default))
}

const fn integer(name: &'static str, default: i64) -> Key {
    Key::new(name, Kind::Integer(Some(default)))
}

const fn bytes(name: &'static str, default: i64) -> Key {
    integer(name, default).range(0.0, MAX_BYTES)
}

const fn float(name: &'static str, default: f64) -> Key {
    Key::new(name, Kind::Float(Some(default)))
}

const fn seconds(name: &'static str, default: f64) -> Key {
    float(name, default).range(0.0, MAX_SECONDS)
}

const fn text(name: &'static str, default: &'static str) -> Key {
    Key::new(name, Kind::Text(Some(default)))
}

const fn texts(name: &'static str, default: &'static [&'static str]) -> Key {
    Key::new(name, Kind::Texts(default))
}

/// A text without a default, or with one that is computed.
const fn open_text(name: &'static str) -> Key {
    Key::new(name, Kind::Text(None))
}

/// The key that was most likely meant by `name`, if one is near.
pub fn nearest(name: &str, keys: &[Key]) -> Option<&'static str> {
    nearest_name(name, keys.iter().map(|key| key.name))
}

/// The one of `names` that was most likely meant by `name`, if one is near.
pub(super) fn nearest_name<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let given = name.to_lowercase();
    let length = name.chars().count();
    let allowed = (length / 3).max(1);
    names
        .into_iter()
        // The distance is never below this, and takes much longer to find.
        .filter(|known| known.chars().count().abs_diff(length) <= allowed)
        .map(|known| (strsim::damerau_levenshtein(&given, &known.to_lowercase()), known))
        .min()
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TABLES: [&[Key]; 10] = [
        GLOBAL,
        WORKER_ENTRY,
        LOG_ENTRY,
        JOURNALD_LOG_ENTRY,
        K8S_LOG_ENTRY,
        LINE_GROUPER,
        SAMPLING_RULE,
        REDACTION_RULE,
        RENAMING,
        MONITOR_ENTRY,
    ];

    #[test]
    fn each_key_says_in_a_sentence_what_it_is_for() {
        for key in TABLES.iter().copied().flatten() {
            assert!(key.doc.len() > 10 && key.doc.ends_with('.') && !key.doc.contains('\n'), "{}", key.name);
        }
    }

    #[test]
    fn the_headings_of_the_reference_stand_above_keys_in_their_order() {
        let places: Vec<_> =
            SECTIONS.iter().map(|(first, _)| GLOBAL.iter().position(|key| key.name == *first)).collect();
        assert!(places.is_sorted() && places.first() == Some(&Some(0)), "{places:?}");
    }

    #[test]
    fn the_keys_that_no_option_may_take_are_those_that_the_agent_reads() {
        let read: BTreeSet<_> = MONITOR_ENTRY.iter().map(|key| key.name).collect();
        assert_eq!(read, BTreeSet::from(scalyr_monitor::config::FRAMEWORK_KEYS));
    }

    #[test]
    fn each_key_acts_somewhere_or_says_why_it_does_not() {
        for key in TABLES.iter().copied().flatten() {
            let acts = !matches!(key.effect, Effect::Obsolete(_)) && key.name != "use_unsafe_debugging";
            assert_eq!(key.stage != Stage::Nowhere, acts, "{}", key.name);
            if let Effect::NotYet(text) | Effect::Obsolete(text) | Effect::Refused(text) = key.effect {
                assert!(text.len() > 10, "{}", key.name);
            }
        }
    }

    #[test]
    fn each_key_is_listed_once() {
        for table in TABLES {
            let names: Vec<_> = table.iter().flat_map(|key| [Some(key.name), key.alias]).flatten().collect();
            let distinct: BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len());
        }
    }

    #[test]
    fn each_default_lies_in_its_range() {
        for key in TABLES.iter().copied().flatten() {
            #[expect(clippy::cast_precision_loss, reason = "defaults are small")]
            let default = match key.kind {
                Kind::Integer(default) => default.map(|number| number as f64),
                Kind::Float(default) => default,
                _ => None,
            };
            if let (Some(default), Some((min, max))) = (default, key.range) {
                assert!((min..=max).contains(&default), "{}", key.name);
            }
        }
    }

    // configuration.md, sharp edge 5
    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        assert_eq!(nearest("api_kye", GLOBAL), Some("api_key"));
        assert_eq!(nearest("API_KEY", GLOBAL), Some("api_key"));
        assert_eq!(nearest("linegroupers", LOG_ENTRY), Some("lineGroupers"));
        assert_eq!(nearest("colour", GLOBAL), None);
        assert_eq!(nearest("", GLOBAL), None);
    }
}
