//! The options of an entry, read by the monitor that they belong to.

use scalyr_monitor::config::{DeclaredOption, DescribeOption};
use scalyr_monitor::registry::{self, BuildContext, Registration};
use serde_json::{Map, Value};

use super::super::report::Report;
use super::super::value;
use super::place::EntryPlace;
use crate::monitors::panic_place;

/// Builds the monitor and lets go of it, so that all problems of its options are in the report.
pub(super) fn builds(
    registration: &'static Registration,
    entry: &Map<String, Value>,
    place: &EntryPlace,
    context: BuildContext<'_>,
    report: &mut Report,
) -> bool {
    let reasons = report.problems().len();
    let (built, problems) = match panic_place::watch(|| registration.build(entry, context)) {
        Ok(Ok(built)) => {
            // Its drop may be code of its own: it must not take the agent, or `status`, with it.
            if let Err(panic) = panic_place::watch(|| drop(built.monitor)) {
                report.warn(place.of(""), format!("the monitor {} {panic} when it was dropped", registration.name));
            }
            (true, built.warnings)
        }
        Ok(Err(problems)) => (false, problems),
        Err(panic) => {
            report.refuse(place.of(""), format!("the monitor {} {panic} while it read this entry", registration.name));
            return false;
        }
    };
    let options = DeclaredOption::all(registration.declared_options);
    for problem in problems {
        tell(&problem, place.of(&problem.path), entry, &options, report);
    }
    if !built && report.problems().len() == reasons {
        report.refuse(place.of(""), format!("the monitor {} refuses this entry", registration.name));
    }
    built
}

/// A problem of an option as one of the configuration.
fn tell(
    problem: &registry::Problem,
    path: String,
    entry: &Map<String, Value>,
    options: &[&dyn DescribeOption],
    report: &mut Report,
) {
    let is_option = options.iter().any(|option| option.key() == problem.path);
    let is_member = entry.keys().any(|key| value::member_path("", key) == problem.path);
    // What is wrong with a member that is no option, or is one by an older name, is its name.
    let told = if problem.severity == registry::Severity::Warning && !is_option && is_member {
        report.warn_of_key(path, &problem.message)
    } else {
        report.add(problem.severity.into(), path, &problem.message)
    };
    told.kind(problem.kind.into()).hint(&problem.hint);
}
