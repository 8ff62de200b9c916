//! `agent schema`: what may stand in `agent.json`.

use std::io::Write;

use clap::ValueEnum;
use scalyr_monitor::registry::Registry;

use super::monitors::{pretty, print_declared};
use crate::{reference, schema};

/// What `agent schema` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agent schema > agent.schema.json           then, in the settings.json of VS Code:
      \"json.schemas\": [ { \"fileMatch\": [\"agent.json\"], \"url\": \"./agent.schema.json\" } ]
  agent schema --format markdown             all keys as a page to read")]
pub struct Args {
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub format: Format,
}

/// How the keys are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON Schema (draft 2020-12)
    Json,
    /// A page of the reference
    Markdown,
}

/// Prints the schema. Reads no configuration.
pub fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let text = |registry: &Registry| match args.format {
        Format::Json => pretty(&schema::of_agent_json(registry)),
        Format::Markdown => reference::configuration_page(),
    };
    print_declared(|registry| Ok(text(registry)), out, err)
}
