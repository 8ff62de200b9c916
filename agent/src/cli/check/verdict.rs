//! What a check comes to: its last line for a person, a word for a script.

use std::collections::BTreeSet;

use super::Checked;
use crate::config::report::on_one_line;
use crate::config::{Kind, Position, Severity};

/// One of four words, for the scripts of packages and others: what an agent would do with the configuration.
pub(super) fn word(checked: &Checked<'_>) -> &'static str {
    let mut fatal = checked.report().problems().iter().filter(|problem| problem.severity == Severity::Fatal).peekable();
    if fatal.peek().is_none() {
        return if checked.is_ok() { "well" } else { "starts" };
    }
    // At the top level, of a worker, of a variable.
    let is_key = |path: &str| path.to_ascii_lowercase().ends_with("api_key");
    if fatal.all(|problem| problem.kind == Kind::Missing && is_key(&problem.place.path)) { "no-key" } else { "broken" }
}

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
