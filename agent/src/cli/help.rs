//! Help that teaches: the commands in groups, texts that fit the terminal, examples under the name that was called.

use clap::Command;

/// The commands by what they are for. One that is in no group would not be shown: a test looks.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Run", &["start", "stop", "restart", "condrestart"]),
    ("Look", &["status", "version"]),
    ("Configure", &["check", "config", "monitors", "schema"]),
    ("Develop and try", &["demo", "receive", "completions", "man"]),
];

/// The list of commands fits a terminal of the usual width; clap wraps the rest by itself.
const COLUMNS: usize = 80;

const EXAMPLES: &str = "\
Examples:
  agent check                    what is wrong with the configuration
  agent start --no-fork          run in the foreground; Ctrl-C ends it
  agent status -v                all about the agent that runs
  agent status -H                is it healthy? The exit status says so, too
  agent --run-monitor coin       try out one monitor, without an agent

`agent COMMAND --help` has examples of each command. Options may
stand before or behind the command; those of the Python agent are understood.";

/// The declarations as they are shown and read: `name` is what usage and examples call the program.
pub(super) fn with_help(command: Command, name: &'static str) -> Command {
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}Options:\n{{options}}\n\n{}",
        groups(&command),
        called(EXAMPLES, name)
    );
    command
        .name(name)
        .bin_name(name)
        .args_override_self(true)
        .help_template(template)
        .mut_subcommands(|subcommand| with_examples(subcommand, name))
}

/// The declarations of one command as those of a program of its own, called `name`.
pub(super) fn alone(command: &Command, subcommand: &str, name: &'static str) -> Option<Command> {
    let found = command.find_subcommand(subcommand)?.clone();
    let before = format!("  {} {subcommand} ", command.get_name());
    let shown = |text: &clap::builder::StyledStr| text.to_string().replace(&before, &format!("  {name} "));
    let (short, long) = (found.get_after_help().map(shown), found.get_after_long_help().map(shown));
    let found = short.into_iter().fold(found, Command::after_help);
    let found = long.into_iter().fold(found, Command::after_long_help);
    let version = env!("CARGO_PKG_VERSION");
    Some(found.name(name).bin_name(name).version(version).disable_version_flag(true))
}

/// Each command with a line, by groups.
fn groups(command: &Command) -> String {
    let width = command.get_subcommands().map(|subcommand| subcommand.get_name().len()).max().unwrap_or_default();
    let mut text = String::new();
    for (heading, names) in GROUPS {
        let there = names.iter().filter_map(|name| command.find_subcommand(name)).filter(|found| !found.is_hide_set());
        let lines: String = there
            .map(|found| {
                let about = found.get_about().map(ToString::to_string).unwrap_or_default();
                // What stands between braces is a part of a template.
                let about = wrapped(&about.replace(['{', '}'], ""), COLUMNS - width - 4);
                let indent = format!("\n{}", " ".repeat(width + 4));
                format!("  {:width$}  {}\n", found.get_name(), about.join(&indent))
            })
            .collect();
        text.push_str(&format!("{heading}:\n{lines}\n"));
    }
    text
}

/// The words of a text in lines of so many columns.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.len() + 1 + word.len() <= columns) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn with_examples(command: Command, name: &str) -> Command {
    let shown = |text: &clap::builder::StyledStr| called(&filled(&text.to_string()), name);
    let (short, long) = (command.get_after_help().map(shown), command.get_after_long_help().map(shown));
    let command = short.into_iter().fold(command, Command::after_help);
    long.into_iter().fold(command, Command::after_long_help)
}

/// Paragraphs are one line each, so that they are wrapped where the terminal ends; what is indented, or a heading above
/// it, stays as it is.
fn filled(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let goes_on = !out.is_empty() && !out.ends_with('\n');
        match line {
            "" => out.push_str(if goes_on { "\n\n" } else { "\n" }),
            _ if line.starts_with(' ') => {
                out.push_str(if goes_on { "\n" } else { "" });
                out.push_str(&format!("{line}\n"));
            }
            _ => {
                out.push_str(if goes_on { " " } else { "" });
                out.push_str(line);
            }
        }
    }
    out.trim_end().to_owned()
}

/// Where else than at the begin of an example a text calls the program by its name.
const MENTIONS: [&str; 8] = [
    "`agent ",
    "`man agent`",
    "(agent ",
    "&& agent ",
    "bash_completion.d/agent",
    "site-functions/_agent",
    "completions/agent.fish",
    "man1/agent.1",
];

/// The text with the name that the program was called by; what stands behind examples keeps its column if it can.
fn called(text: &str, name: &str) -> String {
    let text = MENTIONS.iter().fold(text.to_owned(), |text, mention| {
        let (before, behind) = mention.split_once("agent").unwrap_or((mention, ""));
        text.replace(mention, &format!("{before}{name}{behind}"))
    });
    let line = |line: &str| {
        let Some(rest) = line.strip_prefix("  agent ") else { return line.to_owned() };
        let longer = name.len().saturating_sub("agent".len());
        let (example, told) = rest.split_once("  ").map_or((rest, None), |(example, told)| (example, Some(told)));
        match told {
            None => format!("  {name} {example}"),
            Some(told) => {
                let blanks = told.len() - told.trim_start().len() + 2;
                format!("  {name} {example}{}{}", " ".repeat(blanks.saturating_sub(longer).max(2)), told.trim_start())
            }
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::*;

    fn helps(name: &'static str) -> Vec<(String, String)> {
        let mut command = with_help(Cli::command(), name).term_width(80);
        command.build();
        let top = ("agent".to_owned(), command.render_long_help().to_string());
        let of = |found: &mut Command| (found.get_name().to_owned(), found.render_long_help().to_string());
        std::iter::once(top).chain(command.get_subcommands_mut().map(of)).collect()
    }

    #[test]
    fn every_command_is_in_a_group_of_the_help() {
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            assert!(grouped.contains(&command.get_name()), "{} is in no group", command.get_name());
        }
    }

    #[test]
    fn help_fits_80_columns() {
        for name in ["agent", "scalyr-agent-2"] {
            for (command, text) in helps(name) {
                for line in text.lines() {
                    assert!(line.chars().count() <= 80, "{command}: {line}");
                }
            }
        }
    }

    #[test]
    fn every_command_that_takes_arguments_shows_an_example_under_the_name_that_was_called() {
        for name in ["agent", "scalyr-agent-2"] {
            for (command, text) in helps(name) {
                let is_plain = ["version", "help", "man"].contains(&command.as_str());
                let begin = if command == "agent" { format!("  {name} ") } else { format!("  {name} {command}") };
                assert!(is_plain || text.contains(&begin), "{command}: {text}");
                // The name of the package's folder is another thing.
                let other = if name == "agent" { "  scalyr-agent-2 " } else { "  agent " };
                assert!(!text.contains(other), "{command}: {text}");
                for mention in MENTIONS.iter().filter(|_| name != "agent") {
                    assert!(!text.contains(mention), "{command}: {text}");
                }
            }
        }
    }

    #[test]
    fn what_helps_mention_is_mentioned_somewhere() {
        let all: String = helps("agent").into_iter().map(|(_, text)| text).collect();
        let words = all.split_whitespace().collect::<Vec<_>>().join(" ");
        for mention in MENTIONS {
            assert!(words.contains(mention.trim()), "{mention}");
        }
    }

    #[test]
    fn paragraphs_are_filled_and_examples_are_not() {
        assert_eq!(filled("one\ntwo\n\nExamples:\n  a\n  b"), "one two\n\nExamples:\n  a\n  b");
        assert_eq!(
            called("  agent x    told\n  agent y", "scalyr-agent-2"),
            "  scalyr-agent-2 x  told\n  scalyr-agent-2 y"
        );
    }
}
