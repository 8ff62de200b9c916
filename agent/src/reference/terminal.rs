//! Monitors for a person at a terminal. Colours are always in the text; whoever prints it takes them out where they are
//! not wanted.

use std::fmt::Write as _;

use anstyle::Style;
use scalyr_monitor::registry::Registration;

use super::catalogue::{categories, extra_fields, field_list, unit};
use super::fact::Fact;
use super::layout::{COMFORTABLE, columns, cut, wrap};
use super::{example, is_builtin, origin, words};
use crate::config::keys::MONITOR_ENTRY;

const HEADING: Style = Style::new().bold().underline();
const NAME: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Names that are longer stand on a line of their own.
const WIDEST_NAME: usize = 28;

/// A line for each monitor. `width` is that of the terminal; without one no line is cut.
pub fn all(registrations: &[&Registration], width: Option<usize>) -> String {
    let mut out = String::new();
    let name_width = widest(registrations.iter().map(|registration| registration.name));
    let groups = [("Builtin", true), ("Local", false)];
    for (heading, builtin) in groups {
        let group: Vec<_> =
            registrations.iter().copied().filter(|registration| is_builtin(registration) == builtin).collect();
        if group.is_empty() {
            continue;
        }
        _ = writeln!(out, "{HEADING}{heading}{HEADING:#}");
        let origins: Vec<String> = group.iter().map(|registration| origin(registration)).collect();
        let origin_width = if builtin { 0 } else { widest(origins.iter().map(String::as_str)) + 2 };
        for (registration, origin) in group.iter().zip(&origins) {
            let origin = if builtin { "" } else { origin };
            let before = 2 + name_width + 2 + origin_width;
            let told = words::first_sentence(registration.doc);
            let told = width.map_or(told.clone(), |width| cut(&told, width.saturating_sub(before).max(20)));
            let name = registration.name;
            _ = writeln!(out, "  {NAME}{name:name_width$}{NAME:#}  {DIM}{origin:origin_width$}{DIM:#}{told}");
        }
        out.push('\n');
    }
    if registrations.is_empty() {
        out.push_str("No monitor is linked into this agent.\n\n");
    }
    let hint = "`agent monitors NAME` says what can be configured and what is measured; `agent --run-monitor NAME` tries \
                one out.";
    for line in wrap(hint, width.unwrap_or(COMFORTABLE)) {
        _ = writeln!(out, "{line}");
    }
    out
}

fn widest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(columns).max().unwrap_or_default()
}

/// Everything about one monitor.
pub fn one(registration: &Registration, width: Option<usize>) -> String {
    let width = width.unwrap_or(COMFORTABLE).min(COMFORTABLE);
    let mut page = Page { out: String::new(), width };
    let Registration { name, doc, .. } = registration;
    _ = writeln!(page.out, "{NAME}{name}{NAME:#} {DIM}({}){DIM:#}\n", origin(registration));
    for paragraph in doc.split("\n\n") {
        page.paragraph(paragraph);
    }
    page.heading("Configuration");
    _ = writeln!(page.out, "  monitors: [ {} ]\n", example(registration));
    if let Some(module) = registration.module.filter(|module| module != name) {
        page.paragraph(&format!("`module` may also be the one of the Python agent, \"{module}\"."));
    }
    if registration.enabled_by_default {
        page.paragraph("The agent runs it without an entry of `monitors`.");
    }
    options(registration, &mut page);
    events(registration, &mut page);
    metrics(registration, &mut page);
    framework_keys(&mut page);
    page.out
}

/// A page that grows, and its width.
struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn heading(&mut self, text: &str) {
        _ = writeln!(self.out, "{HEADING}{text}{HEADING:#}");
    }

    /// Wrapped anew, unless its lines are those of a list, a table or an example.
    fn paragraph(&mut self, text: &str) {
        let kept = ["- ", "* ", "| ", "```", "    ", "1. "];
        if text.lines().any(|line| kept.iter().any(|begin| line.starts_with(begin))) {
            _ = writeln!(self.out, "{text}\n");
            return;
        }
        for line in wrap(text, self.width) {
            self.out.push_str(&line);
            self.out.push('\n');
        }
        self.out.push('\n');
    }

    /// Names on the left, what is to be said about each on the right; an empty line behind the last.
    fn list(&mut self, items: &[Item]) {
        let column = items.iter().map(|item| columns(&item.name)).max().unwrap_or_default().min(WIDEST_NAME);
        let indent = " ".repeat(column + 4);
        for item in items {
            let Item { name, facts, text } = item;
            let room = self.width.saturating_sub(indent.len());
            let facts = wrap(facts, room).into_iter().map(|line| format!("{DIM}{line}{DIM:#}"));
            let mut lines = facts.chain(wrap(text, room));
            if columns(name) > column {
                _ = writeln!(self.out, "  {NAME}{name}{NAME:#}");
            } else {
                let first = lines.next().unwrap_or_default();
                _ = writeln!(self.out, "  {NAME}{name:column$}{NAME:#}  {first}");
            }
            for line in lines {
                _ = writeln!(self.out, "{indent}{line}");
            }
        }
        self.out.push('\n');
    }
}

struct Item {
    name: String,
    /// What is shown dimmed, in front of the text.
    facts: String,
    text: String,
}

fn options(registration: &Registration, page: &mut Page) {
    page.heading("Options");
    let options = registration.options();
    if options.is_empty() {
        page.out.push_str("  none of its own\n\n");
        return;
    }
    let items: Vec<Item> = options.iter().map(|option| item(&Fact::of_option(option))).collect();
    page.list(&items);
}

/// `a number, 0 to 10, default 0.5`, and what it is for.
fn item(fact: &Fact) -> Item {
    let mut facts = vec![fact.kind.clone()];
    facts.extend(fact.bounds.clone());
    if fact.required {
        facts.push("required".to_owned());
    }
    facts.extend(fact.default.as_ref().map(|default| format!("default {default}")));
    facts.extend(fact.env.as_ref().map(|name| format!("environment {name}")));
    Item { name: fact.name.to_owned(), facts: facts.join(", "), text: fact.told() }
}

fn events(registration: &Registration, page: &mut Page) {
    if registration.log_fields.is_empty() {
        return;
    }
    page.heading("Fields of its lines");
    let items: Vec<Item> = registration
        .log_fields
        .iter()
        .map(|field| Item { name: field.name.to_owned(), facts: String::new(), text: field.doc.to_owned() })
        .collect();
    page.list(&items);
}

fn metrics(registration: &Registration, page: &mut Page) {
    let metrics = registration.metrics();
    for (category, metrics) in categories(&metrics) {
        page.heading(&category.map_or_else(|| "Metrics".to_owned(), |category| format!("{category} metrics")));
        let items: Vec<Item> = metrics
            .into_iter()
            .map(|metric| {
                let fields = field_list(metric);
                let mut facts = vec![metric.kind.to_owned(), unit(metric)];
                facts.retain(|fact| !fact.is_empty());
                let with = if fields.is_empty() { String::new() } else { format!("; with {}", fields.join(", ")) };
                Item { name: metric.name.to_owned(), facts: facts.join(", ") + &with, text: metric.doc.to_owned() }
            })
            .collect();
        page.list(&items);
    }
    let fields = extra_fields(&metrics);
    if !fields.is_empty() {
        page.heading("Extra fields");
        let item =
            |(name, doc): (&str, &str)| Item { name: name.to_owned(), facts: String::new(), text: doc.to_owned() };
        page.list(&fields.into_iter().map(item).collect::<Vec<_>>());
    }
}

/// In short: all of it stands in `docs/configuration.md`.
fn framework_keys(page: &mut Page) {
    let own: Vec<&str> = MONITOR_ENTRY.iter().map(|key| key.name).filter(|name| *name != "module").collect();
    page.heading("Keys of every monitor");
    for line in wrap(&own.join(", "), page.width.saturating_sub(2)) {
        _ = writeln!(page.out, "  {line}");
    }
    page.out.push_str("  `agent schema --format markdown` tells of them.\n");
}
