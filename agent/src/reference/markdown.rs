//! The pages of `docs/monitors/`, laid out as those of the Python agent, with types, defaults and bounds.

use std::fmt::Write as _;

use scalyr_monitor::metric::MetricDecl;
use scalyr_monitor::registry::Registration;

use super::catalogue::{categories, extra_fields, field_list, unit};
use super::fact::Fact;
use super::{example, is_builtin, origin, words};

/// A table of which columns are left out that would be empty.
pub(super) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; its cells may hold anything.
    pub(super) fn row(&mut self, cells: &[&str]) {
        self.rows.push(cells.iter().map(|cell| escaped(cell)).collect());
    }

    /// Appends the table and an empty line.
    pub(super) fn write(&self, out: &mut String) {
        let used = |column: &usize| self.rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty()));
        let columns: Vec<usize> = (0..self.headings.len()).filter(used).collect();
        let line = |cell: &dyn Fn(usize) -> String| {
            columns.iter().fold("|".to_owned(), |line, column| line + " " + &cell(*column) + " |") + "\n"
        };
        out.push_str(&line(&|column| self.headings[column].to_owned()));
        out.push_str(&line(&|_| "---".to_owned()));
        for row in &self.rows {
            out.push_str(&line(&|column| row.get(column).cloned().unwrap_or_default()));
        }
        out.push('\n');
    }
}

/// A text that ends neither its cell nor its row.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut is_escaped = false;
    for c in words::on_one_line(text).chars() {
        if c == '|' && !is_escaped {
            out.push('\\');
        }
        is_escaped = c == '\\' && !is_escaped;
        out.push(c);
    }
    out
}

/// A text in the type of code.
pub(super) fn code(text: &str) -> String {
    let Some(longest) = text.split(|c| c != '`').map(str::len).max().filter(|longest| *longest > 0) else {
        return format!("`{text}`");
    };
    // Between more backticks than it holds in a row.
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

/// All monitors of the list, each with a link to its page.
pub fn index<'r>(registrations: impl IntoIterator<Item = &'r Registration>) -> String {
    let mut table = Table::new(&["Monitor", "From", "What it does"]);
    for registration in registrations {
        let link = format!("[{name}]({name}.md)", name = registration.name);
        let origin = if is_builtin(registration) { String::new() } else { origin(registration) };
        table.row(&[&link, &origin, &words::first_sentence(registration.doc)]);
    }
    let mut out = "# Monitors\n\n".to_owned();
    table.write(&mut out);
    out.push_str(
        "A monitor runs when an entry of `monitors` in `agent.json` names it as its `module`. The other keys of the \
         entry are the monitor's own options, and the [keys of every monitor](../configuration.md#keys-of-every-monitor).\
         \n\n`agent monitors` lists the monitors of the agent that you have, `agent monitors NAME` tells what is behind \
         these links, and `agent --run-monitor NAME` tries one out on the terminal.\n",
    );
    out
}

/// The page of one monitor.
pub fn page(registration: &Registration) -> String {
    let mut out = String::new();
    // Further down it may be a heading of a part, or a comment in an example.
    if !registration.doc.trim_start().starts_with("# ") {
        _ = writeln!(out, "# {}\n", title(registration.name));
    }
    _ = writeln!(out, "{}\n", registration.doc.trim());
    if registration.enabled_by_default {
        out.push_str("The agent runs it without an entry of `monitors`.\n\n");
    }
    if !is_builtin(registration) {
        _ = writeln!(out, "From the {}.\n", origin(registration));
    }
    write_options(registration, &mut out);
    write_events(registration, &mut out);
    write_metrics(registration, &mut out);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn title(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    name.split(['_', '-', '.']).map(word).collect::<Vec<_>>().join(" ")
}

fn write_options(registration: &Registration, out: &mut String) {
    out.push_str("<a name=\"options\"></a>\n## Configuration Options\n\n");
    _ = writeln!(out, "```js\nmonitors: [\n  {}\n]\n```\n", example(registration));
    if let Some(module) = registration.module.filter(|module| *module != registration.name) {
        _ = writeln!(out, "The `module` of the Python agent, `{module}`, names this monitor as well.\n");
    }
    let options = registration.options();
    if options.is_empty() {
        out.push_str("It has no options of its own.\n\n");
    } else {
        let mut table = options_table("Property");
        for option in &options {
            add_option(&Fact::of_option(option), &mut table);
        }
        table.write(out);
    }
    out.push_str(
        "Every monitor also takes the [keys that the agent itself reads](../configuration.md#keys-of-every-monitor), such \
         as `id` and `sample_interval`.\n\n",
    );
}

fn options_table(first: &'static str) -> Table {
    Table::new(&[first, "Type", "Default", "Allowed", "Environment", "Description"])
}

/// What an option is when it is not given.
pub(super) fn default_of(fact: &Fact) -> String {
    match (&fact.default, fact.required) {
        (_, true) => "**required**".to_owned(),
        (Some(default), _) => code(default),
        (None, _) => String::new(),
    }
}

fn add_option(fact: &Fact, table: &mut Table) {
    let allowed = fact.bounds.as_deref().unwrap_or_default();
    let env = fact.env.as_deref().map(code).unwrap_or_default();
    table.row(&[&code(fact.name), &fact.kind, &default_of(fact), allowed, &env, &fact.told()]);
}

fn write_events(registration: &Registration, out: &mut String) {
    if registration.log_fields.is_empty() {
        return;
    }
    out.push_str("<a name=\"events\"></a>\n## Event Reference\n\nIn the UI, each event has the fields:\n\n");
    let mut table = Table::new(&["Field", "Description"]);
    for field in registration.log_fields {
        table.row(&[&code(field.name), field.doc]);
    }
    table.write(out);
}

fn write_metrics(registration: &Registration, out: &mut String) {
    let metrics = registration.metrics();
    if metrics.is_empty() {
        return;
    }
    out.push_str("<a name=\"metrics\"></a>\n## Metrics Reference\n\nMetrics recorded by this monitor:\n\n");
    for (category, metrics) in categories(&metrics) {
        if let Some(category) = category {
            _ = writeln!(out, "### {category} Metrics\n");
        }
        let mut table = Table::new(&["Metric", "Type", "Fields", "Unit", "Description"]);
        for metric in metrics {
            table.row(&[&code(metric.name), metric.kind, &fields(metric), &unit(metric), metric.doc]);
        }
        table.write(out);
    }
    let fields = extra_fields(&metrics);
    if !fields.is_empty() {
        out.push_str("### Extra fields\n\n");
        let mut table = Table::new(&["Field", "Description"]);
        for (name, doc) in fields {
            table.row(&[&code(name), doc]);
        }
        table.write(out);
    }
}

fn fields(metric: &MetricDecl) -> String {
    field_list(metric).iter().map(|field| code(field)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_ended_by_nothing_that_it_holds() {
        assert_eq!(escaped("a | b\n\nc `d|e`"), "a \\| b c `d\\|e`");
        // What is escaped already would begin a new cell with one more backslash.
        assert_eq!(escaped(r"a \| b"), r"a \| b");
        assert_eq!(escaped(r"a \\| b"), r"a \\\| b");
    }

    #[test]
    fn a_page_has_its_title_whatever_stands_further_down() {
        let snow = |doc| {
            page(&Registration {
                name: "snow_depth",
                module: None,
                krate: "snow",
                version: "1.0.0",
                doc,
                declared_options: &[],
                declared_metrics: &[],
                log_fields: &[],
                enabled_by_default: false,
                construct: |_| None,
            })
        };
        for doc in ["Measures snow.\n\n# Examples\n\nNone.", "Measures snow.\n\n```sh\n# as root\nmodprobe snow\n```"] {
            let page = snow(doc);
            assert!(page.starts_with("# Snow Depth\n\nMeasures snow.\n"), "{page}");
        }
        let page = snow("# Snow\n\nMeasures snow.");
        assert!(page.starts_with("# Snow\n\nMeasures snow.\n"), "{page}");
    }

    #[test]
    fn code_stands_between_more_backticks_than_it_holds() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code(""), "``");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("``a``"), "``` ``a`` ```");
    }
}
