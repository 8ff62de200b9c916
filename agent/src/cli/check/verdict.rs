//! The last line of a check.

use std::collections::BTreeSet;

use super::Checked;
use crate::config::Position;
use crate::config::report::on_one_line;

/// How many errors and warnings there are in how many files; or that all is well, and what would be done.
pub(super) fn of(checked: &Checked<'_>) -> String {
    let (errors, warnings) = checked.counts();
    let found = [(errors, "error"), (warnings, "warning")];
    let found: Vec<String> = found.iter().filter(|(count, _)| *count > 0).map(|(n, what)| counted(*n, what)).collect();
    let found = found.join(" and ");
    let file = on_one_line(&checked.loaded.file.to_string_lossy());
    if errors > 0 {
        return format!("{file}: {found}{}.\n", files(checked));
    }
    let with = if warnings > 0 { format!(", with {found}") } else { String::new() };
    let refusing: BTreeSet<&str> = checked
        .asked
        .iter()
        .flatten()
        .filter(|asked| !asked.is_accepted())
        .map(|asked| asked.server.as_str())
        .collect();
    if !refusing.is_empty() {
        let servers: Vec<String> = refusing.into_iter().map(on_one_line).collect();
        return format!("{file} has no errors{with}, but nothing can be uploaded to {} now.\n", servers.join(", "));
    }
    format!("{file} is well{with}: {}\n", would_do(checked))
}

/// When there are several.
fn files(checked: &Checked<'_>) -> String {
    let problems = checked.report().problems().iter();
    let has_place = |position: Option<Position>| position.is_some();
    let files: BTreeSet<&str> = problems
        .filter(|problem| has_place(problem.place.position) || problem.place.source.starts_with('/'))
        .map(|problem| problem.place.source.as_str())
        .collect();
    if files.len() > 1 { format!(" in {} files", files.len()) } else { String::new() }
}

fn would_do(checked: &Checked<'_>) -> String {
    let plan = checked.draft.plan();
    let running = plan.monitors.iter().filter(|monitor| !monitor.disabled).count();
    let servers: BTreeSet<&str> = plan.sessions.iter().map(|session| session.server.as_str()).collect();
    let servers: Vec<&str> = servers.into_iter().collect();
    format!(
        "it copies {} and runs {}, and sends to {}.",
        entries(plan.logs.len()),
        counted(running, "monitor"),
        servers.join(", ")
    )
}

fn entries(count: usize) -> String {
    if count == 1 { "what 1 entry of logs names".to_owned() } else { format!("what {count} entries of logs name") }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
