//! Monitors that refuse to initialise, as problems of the configuration.

use scalyr_monitor::registry::Problem;
use serde_json::Value;

use super::build::Draft;
use super::load::Loaded;
use super::report::Report;

impl Draft {
    /// Takes note that the monitor of this origin refuses to initialise, and leaves it out of the plan.
    pub(crate) fn refuse_monitor(&mut self, loaded: &Loaded, origin: &str, problems: &[Problem]) {
        let monitors = &mut self.plan.monitors;
        let Some(at) = monitors.iter().position(|monitor| monitor.origin == origin) else { return };
        let monitor = monitors.remove(at);
        let (name, report) = (monitor.name(), &mut self.report);
        let entry = entry_path(loaded, report, origin);
        let known = report.problems().len();
        for problem in problems {
            let within = |path: &str| if path.is_empty() { entry.clone() } else { format!("{entry}.{path}") };
            let is_option = |path: &str| monitor.entry.contains_key(path.split(['[', '.']).next().unwrap_or(path));
            // An error of `initialize` is a text; most begin with the option that they are about.
            let told = match problem.message.split_once(": ").filter(|_| problem.path.is_empty()) {
                Some((path, message)) if is_option(path) => report.refuse(within(path), message),
                _ => report.refuse(within(&problem.path), &problem.message),
            };
            told.kind(problem.kind.into()).hint(&problem.hint);
        }
        report.conclude_each(known, &format!("{name} does not run"));
        report.refuse_monitor(&name, known);
        if monitor.stop_agent_on_failure {
            let message = format!("is set, and {name} is refused");
            let problem = report.fail(format!("{entry}.stop_agent_on_failure"), message);
            problem.hint("mend it, or set `stop_agent_on_failure: false`");
        }
        report.mask();
    }
}

/// Where the entry stands that messages call `origin`; the origin itself when nobody wrote it.
fn entry_path(loaded: &Loaded, report: &Report, origin: &str) -> String {
    let entries = loaded.values.get("monitors").and_then(Value::as_array).map_or(0, Vec::len);
    let stands = |index: &usize| report.sources().entry_name("monitors", *index) == origin;
    (0..entries).find(stands).map_or_else(|| origin.to_owned(), |index| format!("monitors[{index}]"))
}
