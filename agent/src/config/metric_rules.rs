//! `metric_name_blacklist` and `calculate_rate_metric_names`, of the whole configuration and of one entry → the rules
//! of an instance (`monitor-framework.md` sections 11 and 12). What cannot act is named; nothing here refuses an entry.

use std::time::Duration;

use scalyr_monitor::registry::{Registration, Registry};
use scalyr_monitor::rules::{MetricRules, name_in_log};
use serde_json::{Map, Value};

use super::keys::nearest_name;
use super::module_names::{found_by_spelling, is_known_to_python_only, short_name};
use super::report::{Kind, Report};
use super::settings::Settings;
use super::value::shown;

/// The key, in the whole configuration and in an entry.
pub(super) const RATE_NAMES: &str = "calculate_rate_metric_names";
const BLACKLIST: &str = "metric_name_blacklist";

/// The rates of the whole configuration; each acts on the monitors that it names.
#[derive(Clone, Debug)]
pub(super) struct RateEntries {
    entries: Vec<RateEntry>,
    clean_up: Option<Duration>,
}

/// One entry of a list.
#[derive(Clone, Debug)]
struct RateEntry {
    /// Where it stands.
    path: String,
    /// The short name of a module.
    module: String,
    metric: String,
    /// An extra field and its value.
    filter: Option<(String, String)>,
}

/// The monitor of an entry.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// As the entry's lines show it.
    pub(super) short_name: &'a str,
    pub(super) registration: &'static Registration,
}

impl RateEntries {
    /// Those of the whole configuration.
    pub(super) fn of_agent(settings: &Settings<'_>, report: &mut Report) -> Self {
        let seconds = settings.count("metric_functions_cleanup_interval");
        Self {
            entries: parse(&settings.texts(RATE_NAMES), None, |index| format!("{RATE_NAMES}[{index}]"), report),
            clean_up: (seconds > 0).then(|| Duration::from_secs(seconds)),
        }
    }

    /// Names the entries that do nothing with any of the entries of `monitors`. A monitor that could run here and does
    /// not is no mistake: many hosts share one configuration.
    pub(super) fn warn_of_unknown(
        &self,
        monitors: &[(&str, Option<&'static Registration>)],
        registry: &Registry,
        report: &mut Report,
    ) {
        for entry in &self.entries {
            let named = monitors.iter().find(|(short_name, _)| *short_name == entry.module);
            if let Some(&(short_name, Some(registration))) = named {
                warn_of_metric(entry, Target { short_name, registration }, &entry.path, report);
            }
            let module = entry.module.as_str();
            if let (None, Some(found)) = (named, found_by_spelling(module, registry)) {
                let name = found.name;
                let message = format!("{module:?} is the monitor `{name}`, and so written it has no effect");
                let problem = report.warn(&entry.path, message).kind(Kind::Reference);
                problem.hint(format!("write `{name}:{}`", entry.metric));
                continue;
            }
            if named.is_some() || registry.find(module).is_some() || is_known_to_python_only(module) {
                continue;
            }
            let known = || monitors.iter().map(|(name, _)| *name).chain(registry.iter().map(|monitor| monitor.name));
            let near = known().find(|known| *known == short_name(module)).or_else(|| nearest_name(module, known()));
            let near = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
            let message = format!("there is no monitor `{module}`, so this has no effect");
            report.warn(&entry.path, message).kind(Kind::Reference).hint(near);
        }
    }
}

/// The rules of one instance. `at` gives the path of a key of its entry.
pub(super) fn metric_rules(
    settings: &Settings<'_>,
    entry: &Map<String, Value>,
    of_agent: &RateEntries,
    target: Target<'_>,
    at: impl Fn(&str) -> String,
    report: &mut Report,
) -> MetricRules {
    let element = |key: &str, index: usize| match entry.get(key) {
        Some(Value::Array(_)) => at(&format!("{key}[{index}]")),
        _ => at(key),
    };
    let blacklist = settings.texts(BLACKLIST);
    for (index, name) in blacklist.iter().enumerate() {
        warn_of_blacklisted(name, target, element(BLACKLIST, index), report);
    }
    let own = parse(&settings.texts(RATE_NAMES), Some(target.short_name), |index| element(RATE_NAMES, index), report);
    for entry in &own {
        warn_of_own(entry, target, &blacklist, report);
    }
    let rates = of_agent.entries.iter().chain(&own).filter(|entry| entry.module == target.short_name);
    let rules = MetricRules::default().blacklist(blacklist).clean_up(of_agent.clean_up);
    rates.fold(rules, |rules, RateEntry { metric, filter, .. }| {
        rules.rate(metric, filter.as_ref().map(|(field, value)| (field.as_str(), value.as_str())))
    })
}

/// The entries of a list. One that is not of the form is named and left out.
fn parse(texts: &[String], owner: Option<&str>, at: impl Fn(usize) -> String, report: &mut Report) -> Vec<RateEntry> {
    let mut entries = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match parse_one(text, at(index)) {
            Ok(entry) => entries.push(entry),
            Err(found) => {
                let message = format!(
                    "{} {found}; an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`. It has no \
                     effect",
                    shown(&Value::from(text.as_str())),
                );
                report.warn(at(index), message).hint(meant(text, owner));
            }
        }
    }
    entries
}

/// What the entry may have been meant to be, where that is known.
fn meant(text: &str, owner: Option<&str>) -> String {
    let owner = owner.filter(|_| !text.contains(':'));
    owner.map_or(String::new(), |owner| format!("did you mean `{owner}:{text}`?"))
}

fn parse_one(text: &str, path: String) -> Result<RateEntry, &'static str> {
    let (module, rest) = text.split_once(':').ok_or("has no colon")?;
    let (metric, filter) = match rest.split_once(':') {
        Some((metric, filter)) => (metric, Some(filter.split_once('=').ok_or("has a filter without `=`")?)),
        None => (rest, None),
    };
    let filter = filter.map(|(field, value)| (field.trim().to_owned(), value.to_owned()));
    let (module, metric) = (module.trim().to_owned(), metric.trim().to_owned());
    match (&filter, module.is_empty(), metric.is_empty()) {
        (_, true, _) => Err("names no monitor before its colon"),
        (_, _, true) => Err("names no metric behind its colon"),
        (Some((field, _)), ..) if field.is_empty() => Err("has a filter without the name of a field"),
        _ => Ok(RateEntry { path, module, metric, filter }),
    }
}

/// Names what keeps an entry of a monitor's own list from acting.
fn warn_of_own(entry: &RateEntry, target: Target<'_>, blacklist: &[String], report: &mut Report) {
    let own = target.short_name;
    if entry.module != own {
        let message =
            format!("is for the monitor `{}`, but stands in an entry of `{own}`, where it has no effect", entry.module);
        let problem = report.warn(&entry.path, message).kind(Kind::Reference);
        problem.hint(format!(
            "write `{own}:{}`, or put it into the `{RATE_NAMES}` of the whole configuration",
            entry.metric
        ));
    } else if blacklist.contains(&entry.metric) {
        let message = format!("`{}` is in `{BLACKLIST}` too: of such a metric no rate is written either", entry.metric);
        report.warn(&entry.path, message).kind(Kind::Conflict);
    } else {
        warn_of_metric(entry, target, &entry.path, report);
    }
}

/// Names a metric, or a field of it, that the monitor does not declare; a metric only when another one is near, since
/// monitors may emit names that they do not know beforehand.
fn warn_of_metric(entry: &RateEntry, target: Target<'_>, path: &str, report: &mut Report) {
    let name = name_in_log(&entry.metric).map_or(entry.metric.clone(), |written| written.into_owned());
    let metrics = target.registration.metrics();
    let declared: Vec<_> = metrics.iter().filter(|metric| metric.name == name).collect();
    if declared.is_empty() {
        warn_of_near(&name, target, path, report);
        return;
    }
    let Some((field, _)) = &entry.filter else { return };
    let field = name_in_log(field).map_or(field.clone(), |written| written.into_owned());
    let fields = || {
        let constants = declared.iter().flat_map(|metric| metric.constants.iter().map(|(name, _)| *name));
        declared.iter().flat_map(|metric| metric.fields.iter().copied()).chain(constants)
    };
    if fields().any(|known| known == field) {
        return;
    }
    let known: Vec<_> = fields().map(|field| format!("`{field}`")).collect();
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    let message = format!("the metric `{name}` has no extra field `{field}`, so this has no effect; {known}");
    report.warn(path, message).kind(Kind::Reference);
}

fn warn_of_blacklisted(name: &str, target: Target<'_>, path: String, report: &mut Report) {
    match name_in_log(name) {
        Some(written) => {
            let name = shown(&Value::from(name));
            let message = format!("{name} never stands in the log, where it is `{written}`; it has no effect");
            report.warn(path, message).kind(Kind::Reference).hint(format!("write `{written}`"));
        }
        None => warn_of_near(name, target, &path, report),
    }
}

fn warn_of_near(name: &str, target: Target<'_>, path: &str, report: &mut Report) {
    let metrics = target.registration.metrics();
    let is_known = |name: &str| metrics.iter().any(|metric| metric.name == name);
    if is_known(name) || name.strip_suffix("_rate").is_some_and(is_known) {
        return;
    }
    if let Some(near) = nearest_name(name, metrics.iter().map(|metric| metric.name)) {
        let monitor = target.short_name;
        let problem = report.warn(path, format!("`{monitor}` declares no metric `{name}`")).kind(Kind::Reference);
        problem.hint(format!("did you mean `{near}`?"));
    }
}
