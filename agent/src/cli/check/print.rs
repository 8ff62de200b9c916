//! `--print`: the configuration in effect for a person. Colours are in it; whoever prints it takes them out where they
//! are not wanted.

use std::fmt::Write as _;

use anstyle::Style;
use serde_json::Value;

use super::Checked;
use super::entries::Entries;
use super::parts::{self, Parts};
use crate::cli::problems::SecretNames;
use crate::config::effective::{EffectiveOption, MASKED};
use crate::config::origin::Origin;
use crate::config::plan::{LogPlan, MonitorPlan, Plan};
use crate::config::report::on_one_line as harmless;

const HEADING: Style = Style::new().bold().underline();
const NAME: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Names and values that are longer push what is behind them to the right.
const WIDEST: (usize, usize) = (46, 40);

/// A line of a table: name, value, origin.
struct Row {
    name: String,
    value: String,
    origin: String,
    is_default: bool,
}

impl Row {
    fn new(name: impl Into<String>, value: String, origin: &Origin) -> Self {
        Self { name: name.into(), value, origin: origin.to_string(), is_default: matches!(origin, Origin::Default) }
    }
}

/// Options that were given, then the defaults; logs, monitors, sessions.
pub(super) fn of(checked: &Checked<'_>) -> String {
    let names = SecretNames::known();
    let entries = Entries::of(checked);
    let plan = checked.draft.plan();
    let mut out = String::new();
    options(checked, &mut out);
    logs(plan, &entries, &names, &mut out);
    monitors(plan, &entries, &names, &mut out);
    sessions(plan, &mut out);
    out
}

fn options(checked: &Checked<'_>, out: &mut String) {
    let is_default = |option: &&EffectiveOption| matches!(option.origin, Origin::Default);
    let (defaults, given): (Vec<_>, Vec<_>) = checked.draft.options.iter().partition(is_default);
    let rows = |options: Vec<&EffectiveOption>| -> Vec<Row> {
        options.into_iter().flat_map(|option| option_rows(option, checked)).collect()
    };
    let (given, defaults) = (rows(given), rows(defaults));
    for (heading, rows) in [("Options", given), ("Defaults", defaults)] {
        if !rows.is_empty() {
            _ = writeln!(out, "{HEADING}{heading}{HEADING:#}");
            table(&rows, "  ", out);
            out.push('\n');
        }
    }
}

/// An option; below one whose members come from several places, each of these.
fn option_rows(option: &EffectiveOption, checked: &Checked<'_>) -> Vec<Row> {
    let parts = parts::of(option, checked);
    let value = option.value.as_ref().map_or("-".to_owned(), in_short);
    let mut head = Row { origin: parts::whole(option, parts.as_ref()), ..Row::new(option.name, value, &option.origin) };
    // The only default that depends on another value.
    if let Some(session) = checked.draft.plan().sessions.first()
        && (option.name, head.is_default) == ("compression_level", true)
    {
        head.origin = format!("default of {}", session.compression.name());
    }
    match parts {
        Some(Parts::Members(members)) => {
            let value =
                |name: &str| option.value.as_ref().and_then(|value| value.get(name)).map_or(String::new(), shown);
            let member =
                |(name, origin): &(String, Origin)| Row::new(format!("  {}", harmless(name)), value(name), origin);
            let count = match members.len() {
                1 => "1 member".to_owned(),
                count => format!("{count} members"),
            };
            std::iter::once(Row { value: count, ..head }).chain(members.iter().map(member)).collect()
        }
        _ => vec![head],
    }
}

fn logs(plan: &Plan, entries: &Entries<'_>, names: &SecretNames, out: &mut String) {
    if plan.logs.is_empty() {
        return;
    }
    _ = writeln!(out, "{HEADING}Logs{HEADING:#}");
    for log in &plan.logs {
        let LogPlan { path, origin, worker, .. } = log;
        let place = place(origin, &entries.origin(origin));
        _ = writeln!(out, "  {NAME}{}{NAME:#}  {DIM}{place}{DIM:#}", harmless(path));
        let mut facts: Vec<String> = log
            .attributes
            .iter()
            .map(|(key, value)| format!("{}={}", harmless(key), shown(&names.masked(key, value))))
            .collect();
        if log.copy_from_start {
            facts.push("copied from its start".to_owned());
        }
        if *worker.0 != *"default" {
            facts.push(format!("sent by worker {}", harmless(&worker.0)));
        }
        if !log.exclude.is_empty() {
            facts.push(format!("without {}", harmless(&log.exclude.join(", "))));
        }
        if !facts.is_empty() {
            _ = writeln!(out, "    {}", facts.join("  "));
        }
    }
    out.push('\n');
}

fn monitors(plan: &Plan, entries: &Entries<'_>, names: &SecretNames, out: &mut String) {
    if plan.monitors.is_empty() {
        return;
    }
    _ = writeln!(out, "{HEADING}Monitors{HEADING:#}");
    for monitor in &plan.monitors {
        let MonitorPlan { origin, registration, metric_log, disabled, .. } = monitor;
        let place = place(origin, &entries.origin(origin));
        let name = harmless(&monitor.name());
        let disabled = if *disabled { ", disabled" } else { "" };
        _ = writeln!(out, "  {NAME}{name}{NAME:#}  {DIM}{place}{DIM:#}");
        _ = writeln!(
            out,
            "    {} every {} s into {}{disabled}",
            registration.name,
            monitor.sample_interval.as_secs_f64(),
            harmless(&metric_log.to_string_lossy())
        );
        let rows: Vec<Row> = entries
            .options(monitor, names)
            .into_iter()
            .map(|option| Row::new(option.name, option.value.as_ref().map_or("-".to_owned(), shown), &option.origin))
            .collect();
        table(&rows, "    ", out);
    }
    out.push('\n');
}

fn sessions(plan: &Plan, out: &mut String) {
    if plan.sessions.is_empty() {
        return;
    }
    _ = writeln!(out, "{HEADING}Sessions{HEADING:#}");
    let counts = plan.session_counts();
    // The sessions of a worker have all in common.
    for session in plan.sessions.iter().filter(|session| session.id.number == 0) {
        let (worker, server) = (&session.id.worker, harmless(&session.server));
        let count = match counts.get(worker) {
            Some(count @ 2..) => format!("  {count} sessions"),
            _ => String::new(),
        };
        _ = writeln!(out, "  {NAME}{}{NAME:#}  {server}  {DIM}{MASKED}{DIM:#}{count}", harmless(&worker.0));
    }
    out.push('\n');
}

fn table(rows: &[Row], indent: &str, out: &mut String) {
    let widest = |texts: &dyn Fn(&Row) -> &str, most: usize| {
        rows.iter().map(|row| texts(row).chars().count()).filter(|width| *width <= most).max().unwrap_or_default()
    };
    let name_width = widest(&|row| &row.name, WIDEST.0);
    let value_width = widest(&|row| &row.value, WIDEST.1);
    for Row { name, value, origin, is_default } in rows {
        let style = if *is_default { DIM } else { Style::new() };
        _ = writeln!(out, "{indent}{style}{name:name_width$}  {value:value_width$}  {origin}{style:#}");
    }
}

/// `logs[2], /etc/agent.json:7`, or what the agent calls an entry of its own.
fn place(name: &str, origin: &Origin) -> String {
    match origin {
        Origin::Default => harmless(name),
        origin => format!("{}, {origin}", harmless(name)),
    }
}

/// Like [`shown`], but lists of entries, of which the plan tells more, only by their length.
fn in_short(value: &Value) -> String {
    match value.as_array() {
        Some(entries) if entries.first().is_some_and(Value::is_object) => match entries.len() {
            1 => "1 entry".to_owned(),
            count => format!("{count} entries"),
        },
        _ => shown(value),
    }
}

/// As it would be written into a file, on one line.
fn shown(value: &Value) -> String {
    harmless(&value.to_string())
}
