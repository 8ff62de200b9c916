//! Keys of the top level that environment variables give: file > environment > default, always (`configuration.md`
//! section 5).

use std::collections::BTreeSet;

use scalyr_monitor::config::Number;
use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Map, Value};

use crate::order;

use super::keys::{self, Key, Kind, Variable};
use super::report::{self, Position, Problem, Report, Severity};
use super::settings::{self, Scope};
use super::sources::{ENVIRONMENT, Home};
use super::syntax;
use super::value::{self, Misfit, Reading};

/// What the name of every variable of the agent begins with.
const PREFIX: &str = "SCALYR_";
/// Variables that give no key of the top level, and are read all the same.
const OTHERS: [&str; 1] = ["SCALYR_EXTRA_CONFIG_DIR"];
/// The list of which only commas separate the elements: blanks may be in its paths.
const COMMAS_ONLY: &str = "memory_profiler_ignore_path_globs";

/// Adds what variables give and no file does, after all files have been merged. A variable whose value differs from
/// that of the file is warned about; it counts in no case.
pub(super) fn apply(values: &mut Map<String, Value>, environment: &Environment, report: &mut Report) {
    let mut of_environment = Report::new(ENVIRONMENT);
    let mut homes = Vec::new();
    for key in keys::GLOBAL {
        let Some((name, text)) = variable(key, environment) else { continue };
        if let Some((path, given)) = given_by_file(values, key) {
            let read = read(key, &name, text, &mut Report::default());
            if !read.is_ok_and(|read| settings::are_alike(key, given, &read.value)) {
                let message =
                    format!("given here and, differently, by the environment variable {name}, which is ignored");
                let hint = format!("remove one of the two: the file always wins over {name}");
                report.warn(path, message).kind(report::Kind::Conflict).hint(hint);
            }
            continue;
        }
        match read(key, &name, text, &mut of_environment) {
            Ok(Reading { value, note }) => {
                if let Some(note) = note {
                    of_environment.warn(&name, note).kind(report::Kind::Conversion);
                }
                values.insert(key.name.to_owned(), value);
                homes.push((key.name.to_owned(), Home::Variable(name)));
            }
            Err(misfit) => _ = settings::tell_misfit(key, &name, misfit, Scope::Global, &mut of_environment),
        }
    }
    report.sources_mut().add_homes(homes);
    report.merge(of_environment);
}

/// The variable that gives a key, with its value. An empty one counts as set.
pub(super) fn variable<'e>(key: &Key, environment: &'e Environment) -> Option<(String, &'e str)> {
    names(key).into_iter().find_map(|name| environment.get(&name).map(|text| (name, text)))
}

/// The spellings of a key's variable, the one that wins first: upper case, lower case, then those of its older name.
pub(super) fn names(key: &Key) -> Vec<String> {
    let upper: Vec<String> = match key.variable {
        Variable::None => Vec::new(),
        Variable::Named(name) => vec![name.to_owned()],
        Variable::ByName => [Some(key.name), key.alias].into_iter().flatten().map(by_name).collect(),
    };
    upper.into_iter().flat_map(both_cases).collect()
}

/// `SCALYR_` and the name in upper case.
fn by_name(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

fn both_cases(upper: String) -> [String; 2] {
    let lower = upper.to_ascii_lowercase();
    [upper, lower]
}

/// The value that a file gives to a key, and what it calls it.
fn given_by_file<'v>(values: &'v Map<String, Value>, key: &Key) -> Option<(&'static str, &'v Value)> {
    let names = [Some(key.name), key.alias].into_iter().flatten();
    names.filter_map(|name| Some((name, values.get(name)?))).find(|(_, value)| !value.is_null())
}

/// The text of the variable `name` as the value that a file would give.
fn read(key: &Key, name: &str, text: &str, report: &mut Report) -> Result<Reading<Value>, Misfit> {
    match key.kind {
        Kind::Boolean(_) => Ok(value::boolean_of_variable(text)?.map(Value::from)),
        Kind::Integer(_) => Ok(value::integer_of_variable(text)?.map(Value::from)),
        Kind::Float(_) => Ok(value::float(&text.into())?.map(|number| Number::Float(number).to_value())),
        Kind::Text(_) => Ok(Reading::plain(text.into())),
        Kind::Texts(_) | Kind::TextsOrText => {
            let blanks_separate = key.name != COMMAS_ONLY;
            let separates = |c: char| c == ',' || blanks_separate && c.is_whitespace();
            Ok(Reading::plain(value::texts_in(text, separates).into()))
        }
        Kind::Object | Kind::Objects | Kind::Any => read_object(name, text, report),
    }
}

/// An object in the syntax of the files, whatever is odd about it being told; an empty text is an empty object.
fn read_object(name: &str, text: &str, report: &mut Report) -> Result<Reading<Value>, Misfit> {
    if text.trim().is_empty() {
        return Ok(Reading::plain(Value::Object(Map::new())));
    }
    let mut of_text = Report::new(ENVIRONMENT);
    let parsed = syntax::parse_object(text, &mut of_text);
    let fatal = of_text.problems().iter().find(|problem| problem.severity == Severity::Fatal);
    if let Some(problem) = fatal {
        let at = |at: Position| format!(" (line {}, column {})", at.line, at.column);
        let at = problem.place.position.map_or_else(String::new, at);
        return Err(Misfit { kind: problem.kind, message: format!("{}{at}", problem.text()) });
    }
    let object = parsed.values.unwrap_or_default();
    for Problem { severity, place, kind, message, hint } in of_text.problems() {
        report.add(*severity, name, format!("{}: {message}", place.path)).kind(*kind).hint(hint);
    }
    Ok(Reading::plain(Value::Object(object)))
}

/// Warns of variables that give nothing and were most likely meant to: misspelt ones, ones in mixed case, and those of
/// keys that only a file can give. Others belong to somebody else.
///
/// They make no error even in `agent check`: whoever sets them may not be the one who writes the configuration.
pub(super) fn warn_of_misspelt(environment: &Environment, registry: &Registry, report: &mut Report) {
    let given: BTreeSet<&str> = order::tree(environment.names().filter(|name| has_prefix(name)));
    if given.is_empty() {
        return;
    }
    let known = known_names(registry);
    let mut of_environment = Report::new(ENVIRONMENT);
    for name in given.into_iter().filter(|name| !known.contains(*name)) {
        let upper = name.to_ascii_uppercase();
        let only_in_file = keys::GLOBAL.iter().find(|key| key.variable == Variable::None && by_name(key.name) == upper);
        let problem = if known.contains(&upper) {
            let message = "is not read: its name is neither all in upper case nor all in lower case";
            Some((message.to_owned(), format!("did you mean `{upper}`?")))
        } else if let Some(key) = only_in_file {
            let message = "is not read: no variable can give this key";
            Some((message.to_owned(), format!("write `{}` into the configuration file", key.name)))
        } else {
            nearest(&upper, &known).map(|near| ("is not read".to_owned(), format!("did you mean `{near}`?")))
        };
        if let Some((message, hint)) = problem {
            of_environment.add(Severity::Warning, name, message).kind(report::Kind::Reference).hint(hint);
        }
    }
    report.merge(of_environment);
}

fn has_prefix(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Every variable that something reads, and those that the Python agent read for each entry of `monitors`, which are
/// warned about elsewhere.
fn known_names(registry: &Registry) -> BTreeSet<String> {
    let global = keys::GLOBAL.iter().flat_map(names);
    let framework = keys::MONITOR_ENTRY.iter().map(|key| by_name(key.name));
    let options = registry.iter().flat_map(|registration| registration.options());
    let options = options.flat_map(|option| {
        let keys = std::iter::once(option.key).chain(option.aliases.iter().copied()).map(by_name);
        keys.chain(option.env.map(str::to_owned))
    });
    let others = OTHERS.iter().map(|name| (*name).to_owned());
    let by_case = framework.chain(options).chain(others).flat_map(|name| {
        let upper = name.to_ascii_uppercase();
        [name].into_iter().chain(both_cases(upper))
    });
    global.chain(by_case).collect()
}

/// The known variable that was most likely meant: one or two letters away, for most names look alike.
fn nearest<'k>(upper: &str, known: &'k BTreeSet<String>) -> Option<&'k str> {
    let allowed = if upper.len() - PREFIX.len() < 8 { 1 } else { 2 };
    let candidates =
        known.iter().filter(|name| name.starts_with(PREFIX) && name.len().abs_diff(upper.len()) <= allowed);
    candidates
        .map(|name| (strsim::damerau_levenshtein(upper, name), name.as_str()))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}
