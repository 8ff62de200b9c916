//! `docs/configuration.md`: every key of the configuration.

use std::fmt::Write as _;

use super::fact::Fact;
use super::markdown::{Table, code, default_of};
use crate::config::keys::{
    Effect, GLOBAL, JOURNALD_LOG_ENTRY, K8S_LOG_ENTRY, Key, Kind, LINE_GROUPER, LOG_ENTRY, MONITOR_ENTRY,
    REDACTION_RULE, RENAMING, SAMPLING_RULE, SECTIONS, Variable, WORKER_ENTRY,
};

const BEGIN: &str = "\
# Configuration

Every key of `agent.json`, by default `/etc/scalyr-agent-2/agent.json`, and of the fragments beside it.
[configuring.md](configuring.md) tells how they are written and put together, and what a running agent does about a change.
`agent schema` prints all of this as a JSON Schema, with which an editor completes keys and underlines mistakes.

Where a number or a bool belongs, its text is taken as well: `\"5\"`, `\"yes\"`. A `null` counts as not given. A key that is
not known is warned about, and an error in `agent check`.

Below, \"Acts in\" is the part of the agent that a key is for: the reading of the configuration, monitors, the agent's own
logs, the files that are copied, their lines, the upload, the stored positions, status, start and stop of the process.

";

const ENVIRONMENT: &str = "\
Keys at the top level can also be given by the environment, as `SCALYR_` and the name in upper case, unless it is said
otherwise below; the file wins, and a variable that says something else is warned about. Of a list, blanks and commas
separate the elements.

`api_key` must be given in one of these places, or in a file of its own. Of several, the first of these counts: `api_key` in
a file, `api_key_file` in a file, `SCALYR_API_KEY`, `SCALYR_API_KEY_FILE`, the systemd credential `scalyr_api_key`
(`LoadCredential=` of the unit). Since it cannot tell which, the schema does not demand the key.

";

/// The tables of entries, with what stands above each.
const ENTRIES: [(&str, &str, &[Key]); 9] = [
    ("Entries of `logs`", "Which files are copied, and how.", LOG_ENTRY),
    (
        "Entries of `journald_logs`",
        "As those of `logs`, with these keys in place of `path`. A `journald_monitor` copies them.",
        JOURNALD_LOG_ENTRY,
    ),
    (
        "Entries of `k8s_logs`",
        "As those of `logs`, with these keys in place of `path`. Not copied yet: each entry is refused.",
        K8S_LOG_ENTRY,
    ),
    ("Elements of `lineGroupers`", "Each has a `start` and exactly one of the others.", LINE_GROUPER),
    ("Elements of `sampling_rules`", "The first rule that matches a line counts.", SAMPLING_RULE),
    ("Elements of `redaction_rules`", "All of them are applied to each line, in their order.", REDACTION_RULE),
    ("`rename_logfile` as an object", "It needs both.", RENAMING),
    (
        "Entries of `workers`",
        "The entry `default` uploads what names no other; it is there without being written.",
        WORKER_ENTRY,
    ),
    (
        "Keys of every monitor",
        "What the agent itself reads of an entry of `monitors`; all other keys are options of the [monitor](monitors/README.md).",
        MONITOR_ENTRY,
    ),
];

/// The whole page.
pub fn page() -> String {
    let mut out = BEGIN.to_owned();
    out.push_str(ENVIRONMENT);
    for (number, (first, heading)) in SECTIONS.iter().enumerate() {
        let end = SECTIONS.get(number + 1).map(|(next, _)| *next);
        let keys = GLOBAL
            .iter()
            .skip_while(|key| key.name != *first)
            .take_while(|key| Some(key.name) != end)
            .filter(|key| !is_obsolete(key));
        let keys: Vec<&Key> = keys.collect();
        if !keys.is_empty() {
            _ = writeln!(out, "## {heading}\n");
            write_table(&keys, true, &mut out);
        }
    }
    for (heading, text, table) in ENTRIES {
        _ = writeln!(out, "## {heading}\n\n{text}\n");
        write_table(&table.iter().collect::<Vec<_>>(), false, &mut out);
    }
    write_obsolete(&mut out);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn is_obsolete(key: &Key) -> bool {
    matches!(key.effect, Effect::Obsolete(_))
}

fn write_table(keys: &[&Key], top_level: bool, out: &mut String) {
    let mut table = Table::new(&["Key", "Type", "Default", "Allowed", "Acts in", "Description"]);
    for key in keys {
        let mut fact = Fact::of_key(key);
        if top_level {
            fact.notes.extend(environment(key));
        }
        fact.notes.extend(key.effect.note().map(|note| emphasised(&note)));
        let allowed = fact.bounds.as_deref().unwrap_or_default();
        table.row(&[&code(fact.name), &fact.kind, &default_of(&fact), allowed, key.stage.word(), &fact.told()]);
    }
    table.write(out);
}

/// What differs from the rule above the tables. That a list of objects has no variable goes without saying.
fn environment(key: &Key) -> Option<String> {
    match key.variable {
        Variable::ByName => None,
        Variable::Named(name) => Some(format!("Environment: {}.", code(name))),
        Variable::None if matches!(key.kind, Kind::Objects | Kind::Any) => None,
        Variable::None => Some("Not from the environment.".to_owned()),
    }
}

/// `Not honoured yet: …` with its first words in bold.
fn emphasised(note: &str) -> String {
    match note.split_once(':') {
        Some((what, why)) => format!("**{what}**:{why}"),
        None => format!("**{}**.", note.trim_end_matches('.')),
    }
}

fn write_obsolete(out: &mut String) {
    out.push_str("## Keys without effect\n\nKnown from the Python agent, accepted, and warned about.\n\n");
    let mut table = Table::new(&["Key", "What it did", "Why it does nothing"]);
    for key in GLOBAL {
        if let Effect::Obsolete(why) = key.effect {
            table.row(&[&code(key.name), key.doc, why]);
        }
    }
    table.write(out);
}
