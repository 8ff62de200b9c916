//! `docs/operating.md` says what is so, and README.md: the agent understands what they have it told, and each sharp edge of
//! the Python agent has a test that is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod weaknesses;

use {builtin_monitors as _, local_monitors as _};

use std::fs;

use commands::{misunderstood, of_agent};

#[test]
fn every_sharp_edge_of_command_line_and_service_has_a_test_that_is_there() {
    let without = weaknesses::check_filled("docs/operating.md", "## What was sharp about the Python agent", (24, 4));
    assert!(without.is_empty(), "{without:?} have no test");
}

#[test]
fn the_agent_understands_each_command_of_the_guides_for_operators() {
    for (page, least) in [("README.md", 12), ("docs/operating.md", 14), ("docs/migration.md", 1)] {
        let commands = of_agent(&fs::read_to_string(weaknesses::root().join(page)).unwrap());
        assert!(commands.len() >= least, "{page}: only {commands:?} were found");
        for command in commands {
            let why = misunderstood(&command);
            assert!(why.is_none(), "{page}: agent {}: {}", command.join(" "), why.unwrap());
        }
    }
}

#[test]
fn every_command_stands_in_the_table_of_the_guide_and_of_the_readme() {
    let help = commands::agent(&["--help".to_owned()]);
    let help = String::from_utf8(help.stdout).unwrap();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
    let all: Vec<&str> =
        lines.map(|(name, _)| name).filter(|name| !name.is_empty() && name.chars().all(char::is_lowercase)).collect();
    assert!(all.len() >= 14, "{help}");
    for page in ["README.md", "docs/operating.md"] {
        let text = fs::read_to_string(weaknesses::root().join(page)).unwrap();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
        for name in &all {
            let mut first = rows.iter().filter_map(|row| row.split(" | ").next());
            let stands =
                first.any(|first| first.contains(&format!("`{name}`")) || first.contains(&format!("`{name} ")));
            assert!(stands, "{page}: {name} is in no row of the table of commands");
        }
    }
}
