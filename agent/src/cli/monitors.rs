//! `agent monitors`: the monitors of this binary, and what each declares.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use scalyr_monitor::registry::{Environment, Registration, Registry};
use serde_json::Value;

use super::configuration::Source;
use super::problems::{self, Form, Wording};
use super::{FAILURE, SUCCESS};
use crate::config::load::DEFAULT_FILE;
use crate::config::{Severity, Whereabouts, why_not_built};
use crate::{reference, schema};

/// What `agent monitors` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agent monitors                             the monitors of this agent, a line each
  agent monitors coin                        options, metrics and fields of one
  agent monitors coin --format json          the same for a program
  agent monitors coin --format schema        a JSON Schema of its entry in `monitors`
  agent monitors --configured                those that the configuration of the package names, or runs unnamed")]
pub struct Args {
    /// The monitor, by its short name or by the `module` of existing configurations; without it all are listed
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Only those that come with every agent
    #[arg(long, conflicts_with = "name")]
    pub builtin: bool,

    /// Only those that a configuration names, and those that run with it unnamed: a line each, sorted, once each
    ///
    /// By the name that they have here, or as the configuration writes it when there is none of that name. An entry that is
    /// disabled or refused counts, too. Exit status 1 when the configuration cannot be read.
    #[arg(long, conflicts_with_all = ["name", "builtin", "format"])]
    pub configured: bool,

    /// The configuration of --configured; /etc/scalyr-agent-2/agent.json unless given
    #[arg(short = 'c', long, value_name = "FILE", requires = "configured")]
    pub config_file: Option<PathBuf>,
}

/// How monitors are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Text,
    /// For a program: everything that is declared
    Json,
    /// A page of the reference
    Markdown,
    /// JSON Schema (draft 2020-12) of an entry of `monitors`
    Schema,
}

/// Prints the list, or one monitor; exit 1 when there is none of that name. Reads a configuration only with `--configured`.
pub fn run(args: &Args, environment: &Arc<Environment>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    if args.configured {
        let file = args.config_file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        return print_configured(file, environment, out, err);
    }
    print_declared(|registry| text(args, registry, terminal_width()), out, err)
}

/// The scripts of packages read this, and ask whether a new package has them all.
fn print_configured(file: &Path, environment: &Arc<Environment>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let source = match Source::new(file, None, environment) {
        Ok(source) => source,
        Err(clashes) => {
            _ = writeln!(err, "{clashes}");
            return FAILURE;
        }
    };
    let loaded = source.load();
    // Only whether the files can be read: which monitors they name does not depend on anything else that is wrong.
    let (_, report) = Whereabouts::of(&loaded);
    if report.worst() == Some(Severity::Fatal) {
        _ = err.write_all(problems::text(&report, Wording::Daemon, Form::of_stderr()).as_bytes());
        return FAILURE;
    }
    let lines = source.configured_monitors(&loaded).into_iter().map(|name| name + "\n");
    print(&lines.collect::<String>(), out, err)
}

/// Prints what the linked monitors declare, or why that cannot be said.
pub(super) fn print_declared(
    declared: impl FnOnce(&Registry) -> Result<String, String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let registry = Registry::linked().map_err(|clashes| clashes.join("\n"));
    match registry.and_then(|registry| declared(&registry)) {
        Ok(text) => print(&text, out, err),
        Err(reason) => {
            _ = writeln!(err, "{reason}");
            FAILURE
        }
    }
}

/// Writes the text. A reader that has gone away (`| head`) has seen enough.
pub(super) fn print(text: &str, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            _ = writeln!(err, "standard output cannot be written: {error}");
            FAILURE
        }
        _ => SUCCESS,
    }
}

/// What is printed; colours are in it. `width` is that of the terminal, if there is one.
///
/// # Errors
/// There is no monitor of that name: which ones are like it.
pub fn text(args: &Args, registry: &Registry, width: Option<usize>) -> Result<String, String> {
    let Some(name) = &args.name else {
        let all: Vec<_> =
            registry.iter().filter(|registration| !args.builtin || reference::is_builtin(registration)).collect();
        return Ok(match args.format {
            Format::Text => reference::text_of_all(&all, width),
            Format::Json => pretty(&reference::json_of_all(all)),
            Format::Markdown => reference::markdown_index(all),
            Format::Schema => pretty(&schema::any_entry(registry)),
        });
    };
    let registration = find(name, registry).ok_or_else(|| unknown(name, registry))?;
    Ok(match args.format {
        Format::Text => reference::text_of(registration, width),
        Format::Json => pretty(&reference::json_of(registration)),
        Format::Markdown => reference::markdown_page(registration),
        Format::Schema => pretty(&schema::entry(registration)),
    })
}

pub(super) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A monitor by any of its names; also by that of its crate's folder, which has dashes: `rain-gauge` for `rain_gauge`.
fn find(name: &str, registry: &Registry) -> Option<&'static Registration> {
    let underscored = name.replace('-', "_").to_lowercase();
    registry.find(name).or_else(|| {
        registry.iter().find(|registration| registration.name.replace('-', "_").eq_ignore_ascii_case(&underscored))
    })
}

fn unknown(name: &str, registry: &Registry) -> String {
    if let Some((why, hint)) = why_not_built(name) {
        return if hint.is_empty() { why } else { format!("{why}; {hint}") };
    }
    let near = registry.nearest(name);
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match near.as_slice() {
        [] => "`agent monitors` lists those that it has".to_owned(),
        near => format!("did you mean {}?", quoted(near)),
    };
    format!("{name:?} is no monitor of this agent; {hint}")
}

/// The width of the terminal that stdout is.
fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
    // A terminal that does not know its width says 0.
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}
