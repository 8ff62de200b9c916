//! The monitors that are linked into this binary, and how one is built from its configuration entry.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde_json::{Map, Value};

use crate::config::{DeclaredOption, OptionDecl, Reader};
use crate::metric::{DeclaredMetric, LogFieldDecl, MetricDecl};
use crate::monitor::Monitor;
use crate::nearest;
pub use crate::problem::{Problem, ProblemKind, Severity};

/// The environment, captured once at the edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// From pairs of name and value.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of a variable. An empty one counts as set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names of all variables, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// What an entry is read with, apart from itself.
#[derive(Clone, Copy, Debug)]
pub struct BuildContext<'e> {
    /// Where options that are declared for it may come from.
    pub environment: &'e Environment,
    /// `allow_http_monitors` of the agent: whether URLs of monitors may be plain http. Otherwise the options that are
    /// marked `no_http` are brought to https.
    pub allow_http: bool,
}

/// Plain http is allowed, as it is by default.
impl<'e> From<&'e Environment> for BuildContext<'e> {
    fn from(environment: &'e Environment) -> Self {
        Self { environment, allow_http: true }
    }
}

/// A monitor that was built from its entry.
pub struct Built {
    /// The instance, not yet initialised.
    pub monitor: Box<dyn Monitor>,
    /// What is odd about the entry.
    pub warnings: Vec<Problem>,
}

/// A monitor that registered itself at link time; made by `#[scalyr_monitor]`.
pub struct Registration {
    /// The short name: `coin`.
    pub name: &'static str,
    /// The dotted module name of existing configurations, for example
    /// `scalyr_agent.builtin_monitors.linux_system_metrics`.
    pub module: Option<&'static str>,
    /// The crate it comes from.
    pub krate: &'static str,
    /// That crate's version.
    pub version: &'static str,
    /// The doc comment: what it does, for the reference.
    pub doc: &'static str,
    /// The options, in the order of declaration; see [`Registration::options`].
    #[doc(hidden)]
    pub declared_options: &'static [DeclaredOption],
    /// The metrics, in the order of declaration; see [`Registration::metrics`].
    #[doc(hidden)]
    pub declared_metrics: &'static [DeclaredMetric],
    /// The fields of the whole lines that it writes, for the reference.
    pub log_fields: &'static [LogFieldDecl],
    /// Whether the agent runs it when no entry of `monitors` names it.
    pub enabled_by_default: bool,
    /// Reads all options and makes an instance; `None` after a problem.
    #[doc(hidden)]
    pub construct: fn(&mut Reader<'_>) -> Option<Box<dyn Monitor>>,
}

inventory::collect!(Registration);

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registration({} of {} {})", self.name, self.krate, self.version)
    }
}

impl Registration {
    /// Builds an instance from its configuration entry: reads every option, and reports all problems at once. Called
    /// again to build the instance anew after a panic.
    ///
    /// # Errors
    /// All problems of the entry, at least one of them [`Severity::Refused`].
    pub fn build<'e>(
        &self,
        entry: &'e Map<String, Value>,
        context: impl Into<BuildContext<'e>>,
    ) -> Result<Built, Vec<Problem>> {
        let mut reader = Reader::new(entry, context);
        let monitor = (self.construct)(&mut reader);
        reader.warn_of_unknown_keys(&DeclaredOption::all(self.declared_options));
        let problems = reader.into_problems();
        match monitor {
            Some(monitor) => Ok(Built { monitor, warnings: problems }),
            None => Err(problems),
        }
    }

    /// The options, in the order of declaration.
    pub fn options(&self) -> Vec<OptionDecl> {
        DeclaredOption::all(self.declared_options).into_iter().map(|option| option.describe()).collect()
    }

    /// The metrics, in the order of declaration.
    pub fn metrics(&self) -> Vec<&'static MetricDecl> {
        DeclaredMetric::all(self.declared_metrics)
    }
}

/// A type that `#[scalyr_monitor]` made a monitor of.
pub trait Declared {
    /// Its registration.
    fn registration() -> &'static Registration;
}

/// All linked monitors, sorted by name, and an index of their names.
#[derive(Debug)]
pub struct Registry {
    sorted: Vec<&'static Registration>,
    /// By each [`index_key`] of its names.
    index: HashMap<Cow<'static, str>, &'static Registration>,
}

impl Registry {
    /// The monitors linked into this binary.
    ///
    /// # Errors
    /// One sentence for each name that two crates register, naming both.
    pub fn linked() -> Result<Self, Vec<String>> {
        Self::of(inventory::iter::<Registration>)
    }

    /// A registry of these.
    ///
    /// # Errors
    /// One sentence for each name that two of them share, naming both.
    pub fn of(registrations: impl IntoIterator<Item = &'static Registration>) -> Result<Self, Vec<String>> {
        let mut sorted: Vec<_> = registrations.into_iter().collect();
        // The linker promises no order.
        sorted.sort_by_key(|registration| (registration.name, registration.krate));
        let mut index = HashMap::with_capacity(2 * sorted.len());
        let mut clashes = Vec::new();
        for (at, registration) in sorted.iter().enumerate() {
            for name in registration.names() {
                match index.entry(index_key(name)) {
                    Entry::Vacant(free) => _ = free.insert(at),
                    // A name and a module of one monitor that differ by a hyphen are no harm.
                    Entry::Occupied(taken) if *taken.get() == at => {}
                    Entry::Occupied(taken) => {
                        clashes.extend(sorted.get(*taken.get()).map(|first| clash(first, registration, name)))
                    }
                }
            }
        }
        if !clashes.is_empty() {
            return Err(clashes);
        }
        let index = index.into_iter().filter_map(|(name, at)| Some((name, *sorted.get(at)?))).collect();
        Ok(Self { sorted, index })
    }

    /// Finds a monitor by its short name or by the dotted module name of existing configurations; `-` and `_` count as
    /// the same.
    pub fn find(&self, module: &str) -> Option<&'static Registration> {
        match module.contains('-') {
            true => self.index.get(module.replace('-', "_").as_str()),
            false => self.index.get(module),
        }
        .copied()
    }

    /// The names most like `module`, best first, for a did-you-mean; at most three.
    pub fn nearest(&self, module: &str) -> Vec<&'static str> {
        let last = module.rsplit('.').next().unwrap_or(module);
        let mut scored: Vec<(f64, &'static str)> =
            self.sorted.iter().map(|known| (known.likeness(module, last), known.name)).collect();
        scored.retain(|(score, _)| *score >= nearest::ALIKE);
        scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        scored.into_iter().take(3).map(|(_, name)| name).collect()
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Registration> + '_ {
        self.sorted.iter().copied()
    }
}

impl Registration {
    /// How much a wrong module name, and its last part, are like this monitor's names.
    fn likeness(&self, module: &str, last: &str) -> f64 {
        let short = nearest::likeness(last, self.name);
        self.module.map_or(short, |known| short.max(nearest::likeness(module, known)))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.module.filter(|module| *module != self.name))
    }
}

/// What a name is looked up by: `rain-gauge` and `rain_gauge` are one.
fn index_key(name: &'static str) -> Cow<'static, str> {
    if name.contains('-') { name.replace('-', "_").into() } else { name.into() }
}

/// A sentence for a name of the second registration that the first one has as well.
fn clash(first: &Registration, second: &Registration, name: &str) -> String {
    let key = |name: &str| name.replace('-', "_");
    let other = first.names().find(|other| key(other) == key(name)).unwrap_or(name);
    let crates = format!("`{}` {} and `{}` {}", first.krate, first.version, second.krate, second.version);
    match (first.krate == second.krate, other == name) {
        (true, true) => {
            format!("The crate `{}` registers the monitor name `{name}` twice; rename one of the two.", first.krate)
        }
        (false, true) => format!(
            "Two crates register the monitor name `{name}`: {crates}; rename one monitor, or link only one of the crates."
        ),
        (true, false) => format!(
            "The crate `{}` registers the monitor names `{other}` and `{name}`, which differ by `-` and `_` only; rename \
             one of the two.",
            first.krate
        ),
        (false, false) => format!(
            "Two crates register the monitor names `{other}` and `{name}`, which differ by `-` and `_` only: {crates}; \
             rename one monitor, or link only one of the crates."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn registration(name: &'static str, module: Option<&'static str>, krate: &'static str) -> Registration {
        Registration {
            name,
            module,
            krate,
            version: "1.0.0",
            doc: "",
            declared_options: &[],
            declared_metrics: &[],
            log_fields: &[],
            enabled_by_default: false,
            construct: |_| None,
        }
    }

    static COIN: Registration = registration("coin", None, "coin");
    static OTHER_COIN: Registration = registration("coin", None, "my-coins");
    static HOST: Registration = registration("linux_system_metrics", Some("builtin.linux_system_metrics"), "builtin");
    static PROCESS: Registration =
        registration("linux_process_metrics", Some("builtin.linux_process_metrics"), "builtin");
    static MIMIC: Registration = registration("builtin.linux_system_metrics", None, "builtin");

    #[test]
    fn monitors_are_sorted_and_found_by_either_name() {
        let registry = Registry::of([&HOST, &COIN]).unwrap();
        assert_eq!(registry.iter().map(|monitor| monitor.name).collect::<Vec<_>>(), ["coin", "linux_system_metrics"]);
        assert_eq!(registry.find("linux_system_metrics").unwrap().krate, "builtin");
        assert_eq!(registry.find("builtin.linux_system_metrics").unwrap().krate, "builtin");
        assert!(registry.find("somewhere.linux_system_metrics").is_none());
        assert!(registry.find("").is_none());
    }

    // monitor-framework.md, sharp edge 17
    #[test]
    fn a_name_that_two_crates_register_is_refused_and_both_are_named() {
        let refused = |all: &[&'static Registration]| Registry::of(all.iter().copied()).err().unwrap();
        let twice = "Two crates register the monitor name `coin`: `coin` 1.0.0 and `my-coins` 1.0.0; rename one monitor, \
                     or link only one of the crates.";
        assert_eq!(refused(&[&OTHER_COIN, &HOST, &COIN]), [twice]);
        let mimic = "The crate `builtin` registers the monitor name `builtin.linux_system_metrics` twice; rename one of \
                     the two.";
        assert_eq!(refused(&[&OTHER_COIN, &HOST, &COIN, &MIMIC]), [twice, mimic]);
    }

    #[test]
    fn a_hyphen_and_an_underscore_are_the_same_in_a_name() {
        static GAUGE: Registration = registration("rain-gauge", Some("my.rain_gauge"), "rain-gauge");
        static SNAKE: Registration = registration("rain_gauge", None, "weather");
        static OWN: Registration = registration("snow_depth", Some("snow-depth"), "snow");
        let registry = Registry::of([&GAUGE, &HOST, &OWN]).unwrap();
        for name in ["rain-gauge", "rain_gauge", "my.rain_gauge", "my.rain-gauge"] {
            assert_eq!(registry.find(name).unwrap().name, "rain-gauge", "{name}");
        }
        assert_eq!(registry.find("linux-system-metrics").unwrap().name, "linux_system_metrics");
        assert_eq!(registry.find("snow-depth").unwrap().name, "snow_depth");
        assert_eq!(
            Registry::of([&SNAKE, &GAUGE]).err().unwrap(),
            ["Two crates register the monitor names `rain-gauge` and `rain_gauge`, which differ by `-` and `_` only: \
              `rain-gauge` 1.0.0 and `weather` 1.0.0; rename one monitor, or link only one of the crates."]
        );
    }

    /// Generated registrations; they live as long as the test's process.
    fn generated(count: usize) -> Vec<&'static Registration> {
        let leaked = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        (0..count)
            .map(|at| {
                let made = registration(
                    leaked(format!("gauge-{at}")),
                    Some(leaked(format!("my.gauges.gauge_{at}"))),
                    "gauges",
                );
                &*Box::leak(Box::new(made))
            })
            .collect()
    }

    #[test]
    fn a_thousand_monitors_are_found_through_the_index() {
        let mut all = generated(1000);
        let registry = Registry::of(all.iter().copied()).unwrap();
        // Every name leads to its monitor by itself: nothing is searched.
        assert_eq!(registry.index.len(), 2000);
        for (at, made) in all.iter().enumerate() {
            for name in [format!("gauge-{at}"), format!("gauge_{at}"), format!("my.gauges.gauge-{at}")] {
                assert!(std::ptr::eq(registry.find(&name).unwrap(), *made), "{name}");
            }
        }
        assert!(registry.find("gauge-1000").is_none());

        static TWIN: Registration = registration("gauge_500", None, "twins");
        all.push(&TWIN);
        let clashes = Registry::of(all).err().unwrap();
        assert_eq!(clashes.len(), 1, "{clashes:?}");
        assert!(clashes[0].contains("`gauge-500` and `gauge_500`"), "{clashes:?}");
    }

    #[test]
    fn the_nearest_names_come_first() {
        let registry = Registry::of([&HOST, &PROCESS, &COIN]).unwrap();
        assert_eq!(registry.nearest("cion"), ["coin"]);
        assert_eq!(registry.nearest("random_coin_test"), ["coin"]);
        assert_eq!(registry.nearest("scalyr.linux_sytem_metrics"), ["linux_system_metrics", "linux_process_metrics"]);
        assert_eq!(registry.nearest("xyz"), [] as [&str; 0]);
        assert_eq!(registry.nearest(""), [] as [&str; 0]);
    }
}
