//! Which configuration is in use, how it stands to the one on disk, and what the environment says.

use std::fmt::{self, Write as _};

use super::super::{ConfigurationSnapshot, ConfigurationState, Snapshot};
use super::{heading, moment, on_one_line};

pub(super) fn write(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    heading(out, "Agent configuration:")?;
    let configuration = &snapshot.configuration;
    files(out, configuration)?;
    let status = match configuration.state {
        ConfigurationState::Good => "Good (files parsed successfully)",
        ConfigurationState::NewerAndInvalid => "Bad (could not parse, using last good version)",
    };
    writeln!(out, "{:<23}{status}", "Status:")?;
    writeln!(out, "{:<23}{}", "Last checked:", moment(configuration.last_checked))?;
    writeln!(out, "{:<23}{}", "Last changed observed:", moment(configuration.found.unwrap_or(configuration.loaded)))?;
    if configuration.state == ConfigurationState::NewerAndInvalid {
        let error = configuration.problems.join("; ");
        writeln!(out, "{:<23}{}", "Parsing error:", on_one_line(&error))?;
        let (found, loaded) = (configuration.found.unwrap_or(snapshot.now), configuration.loaded);
        // One problem alone stands in the line above.
        let several = if configuration.problems.len() > 1 { configuration.problems.as_slice() } else { &[] };
        let end = if several.is_empty() { "." } else { ":" };
        writeln!(out, "  The one on disk is newer and invalid, found at {}{end}", moment(found))?;
        several.iter().try_for_each(|problem| indented(out, problem))?;
        writeln!(out, "  That of {} stays in use.", moment(loaded))?;
    }
    let refused = snapshot.refused.iter().map(|refused| &refused.why);
    let mut odd = snapshot.config_problems.iter().chain(refused).peekable();
    if odd.peek().is_some() {
        let count = snapshot.refused_values + snapshot.refused.len();
        writeln!(out, "  What is odd about the one in use, with {count} refused:")?;
        odd.try_for_each(|problem| indented(out, problem))?;
    }
    writeln!(out, "\nEnvironment variables:\n")?;
    for variable in &snapshot.environment {
        // A name may be longer than the column.
        writeln!(out, "{:<22} {}", format!("{}:", variable.name), variable.value)?;
    }
    writeln!(out, "\n")
}

fn files(out: &mut String, ConfigurationSnapshot { file, fragments, .. }: &ConfigurationSnapshot) -> fmt::Result {
    if fragments.is_empty() {
        return writeln!(out, "{:<23}{}", "Configuration file:", file.display());
    }
    writeln!(out, "Configuration files:")?;
    let mut files = std::iter::once(file).chain(fragments);
    files.try_for_each(|file| writeln!(out, "{:<23}{}", "", file.display()))
}

fn indented(out: &mut String, problem: &str) -> fmt::Result {
    writeln!(out, "    {}", problem.replace('\n', "\n    "))
}
