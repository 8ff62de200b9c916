//! `agent check`: all that is wrong with a configuration, and what it means; starts nothing.

mod entries;
mod json;
mod parts;
mod print;
#[cfg(test)]
mod tests;
mod verdict;

use std::io::Write;
use std::sync::Arc;

use clap::ValueEnum;
use scalyr_monitor::registry::{Environment, Registry};
use scalyr_monitor::{Clock, Stop};

use super::FAILURE;
use super::connect::{self, Asked};
use super::monitors::{pretty, print};
use super::options::ConfigurationArgs;
use super::problems::{self, Form, Wording};
use crate::config::{self, Draft, Loaded, Report, Severity, Surroundings};
use crate::monitors::rehearsal::rehearse;

/// What `agent check` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A key that nobody reads, and a value that the Python agent read differently, are errors here and warnings when the agent
runs. Nothing is started or written, and without --connect nothing is sent. Exit status: 0 without errors, 1 with errors,
2 for a wrong command line.

Examples:
  agent check                                the configuration of the package
  agent check -c agent.json --print          all values in effect, and where each comes from
  agent check -c agent.json --connect        ask the servers too, with an empty upload
  agent check --format json | jq .problems   for a program: docs/checking.md describes the object
  agent check --format verdict               one word: \"well\"; \"starts\" when it has errors, and an agent runs without
                                             what they are about; \"no-key\" when all it lacks is a key; else \"broken\"")]
pub struct Args {
    /// Which configuration.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,

    /// Show the configuration in effect: each value and where it comes from, logs, monitors; secrets are masked
    #[arg(long)]
    pub print: bool,

    /// How the result is printed; json holds what --print shows, too
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Ask each server whether it takes uploads with this key
    #[arg(long)]
    pub connect: bool,
}

/// How the result of a check is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person: problems to stderr, everything else to stdout
    Text,
    /// For a program: one object, to stdout
    Json,
    /// For a script: one word, to stdout: well, starts, no-key or broken
    Verdict,
}

/// What was found.
struct Checked<'e> {
    loaded: Loaded,
    draft: Draft,
    environment: &'e Environment,
    /// What the servers said, if they were asked.
    asked: Option<Vec<Asked>>,
}

impl Checked<'_> {
    /// Whether there is nothing to be told but why the configuration cannot be read.
    fn is_unread(&self) -> bool {
        self.loaded.values.is_empty() && self.loaded.report.worst() == Some(Severity::Fatal)
    }

    fn report(&self) -> &Report {
        if self.is_unread() { &self.loaded.report } else { &self.draft.report }
    }

    /// How many errors and how many warnings there are.
    fn counts(&self) -> (usize, usize) {
        let problems = self.report().problems();
        let errors = problems.iter().filter(|problem| Wording::Check.is_error(problem)).count();
        (errors, problems.len() - errors)
    }

    fn is_ok(&self) -> bool {
        self.counts().0 == 0 && self.asked.iter().flatten().all(Asked::is_accepted)
    }
}

/// Checks the configuration. Ends with 0, or with 1 when it has errors or a server does not take uploads.
pub fn run(args: &Args, environment: &Arc<Environment>, clock: &Clock, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let registry = match Registry::linked() {
        Ok(registry) => registry,
        Err(clashes) => {
            _ = writeln!(err, "{}", clashes.join("\n"));
            return FAILURE;
        }
    };
    check(args, &registry, environment, clock, Form::of_stderr(), out, err)
}

fn check(
    args: &Args,
    registry: &Registry,
    environment: &Arc<Environment>,
    clock: &Clock,
    form: Form,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let request = config::Request {
        file: &args.configuration.config_file,
        named_by: "-c",
        extra_directory: args.configuration.extra_config_dir.as_deref(),
        environment,
    };
    let mut loaded = config::load(&request);
    loaded.tell_of_unread_files();
    let host_name = super::surroundings::host_name();
    let mut draft = config::draft(&loaded, &Surroundings { registry, environment, host_name: &host_name });
    rehearse(&mut draft, &loaded, clock);
    let asked = args.connect.then(|| connect::ask(&draft.plan().sessions, clock, &Stop::new()));
    let checked = Checked { loaded, draft, environment, asked };
    let printed = match args.format {
        Format::Json => print(&json::escaped(&pretty(&json::of(&checked))), out, err),
        Format::Verdict => print(&format!("{}\n", verdict::word(&checked)), out, err),
        Format::Text => tell(&checked, args, form, out, err),
    };
    if checked.is_ok() { printed } else { FAILURE }
}

/// The problems last, where they are seen.
fn tell(checked: &Checked<'_>, args: &Args, form: Form, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut text = String::new();
    if args.print && !checked.is_unread() {
        text.push_str(&print::of(checked));
    }
    for asked in checked.asked.iter().flatten() {
        text += &(asked.sentence() + "\n");
    }
    if checked.asked.as_ref().is_some_and(Vec::is_empty) {
        text.push_str("no server is asked: the configuration has no key that could be tried\n");
    }
    let printed = print(&text, out, err);
    // Nowhere is left to tell it when this fails.
    _ = err.write_all(problems::text(checked.report(), Wording::Check, form).as_bytes());
    let verdict = verdict::of(checked);
    if checked.is_ok() {
        return print(&verdict, out, err).max(printed);
    }
    _ = err.write_all(verdict.as_bytes());
    printed
}
