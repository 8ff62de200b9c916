//! `agent man`: the manual page, made of the same declarations as the help.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

use super::FAILURE;
use super::monitors::print;

/// `agent man` takes no options.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agent man | man -l -                              read it
  agent man > /usr/local/share/man/man8/agent.8     so that `man agent` finds it")]
pub struct Args {}

/// Prints the manual page of the commands `declared`.
pub fn run(_: &Args, declared: Command, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match page(declared) {
        Ok(text) => print(&text, out, err),
        Err(error) => {
            _ = writeln!(err, "the manual page cannot be made: {error}");
            FAILURE
        }
    }
}

/// The page: one for all commands, for whoever searches in it.
fn page(mut declared: Command) -> io::Result<String> {
    declared.build();
    let name = declared.get_name().to_owned();
    let about = declared.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = String::new();
    let version = declared.get_version().unwrap_or_default();
    // Writing to a string cannot fail.
    _ = writeln!(text, ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '");
    _ = writeln!(text, ".TH {} 8 \"\" \"{name} {version}\" \"System Administration\"", name.to_uppercase());
    _ = writeln!(text, ".SH NAME\n{} \\- {}", escaped(&name), escaped(about.trim_end_matches('.')));
    _ = writeln!(text, ".SH SYNOPSIS\n.B {}\n.I COMMAND\n[OPTIONS]\n.br", escaped(&name));
    _ = writeln!(text, ".B {} \\-\\-run\\-monitor\n.I MODULE\n[OPTIONS]", escaped(&name));
    _ = writeln!(text, ".SH DESCRIPTION\n{}.", escaped(about.trim_end_matches('.')));
    _ = writeln!(text, "Options may stand before or behind the command; those of the Python agent are understood.");
    // Long words such as paths would tear holes into lines that are filled to their ends.
    text.push_str(".SH COMMANDS\n.ad l\n");
    for command in declared.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        text.push_str(&section(&name, command)?);
    }
    let see = "agent(8) is one program: links named scalyr-agent-2 and scalyr-agent-2-config lead to it.";
    _ = writeln!(text, ".SH NOTES\n{}", escaped(see));
    _ = writeln!(text, ".SH FILES\n.TP\n.I /etc/scalyr\\-agent\\-2/agent.json\nThe configuration.");
    _ = writeln!(text, ".TP\n.I /var/log/scalyr\\-agent\\-2\nThe agent's own log, metric logs and pid file.");
    _ = writeln!(text, ".TP\n.I /var/lib/scalyr\\-agent\\-2\nPositions in log files, and the status socket.");
    Ok(text)
}

/// One command: what it is for, its options, its examples.
fn section(program: &str, command: &Command) -> io::Result<String> {
    let name = command.get_name();
    let mut text = format!(".SS {}\n", escaped(&format!("{program} {name}")));
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    for paragraph in about.split("\n\n") {
        _ = writeln!(text, "{}\n.PP", escaped(paragraph));
    }
    if command.get_arguments().any(|argument| !argument.is_hide_set() && argument.get_id() != "help") {
        let mut options = Vec::new();
        let shown = command.clone().disable_help_flag(true).mut_args(|argument| match argument.get_id() == "help" {
            true => argument.hide(true),
            false => argument,
        });
        Man::new(shown).render_options_section(&mut options)?;
        // The options of one command of many are no section of the page.
        let options = String::from_utf8_lossy(&options).into_owned();
        text.extend(options.lines().filter(|line| *line != ".SH OPTIONS").map(|line| format!("{line}\n")));
        text.push_str(".PP\n");
    }
    let notes = command.get_after_long_help().or_else(|| command.get_after_help());
    let notes = notes.map(ToString::to_string).unwrap_or_default();
    let mut as_it_is = false;
    for line in notes.lines() {
        let is_example = line.starts_with("  ");
        if is_example != as_it_is {
            text.push_str(if is_example { ".nf\n" } else { ".fi\n" });
            as_it_is = is_example;
        }
        match line {
            "" => text.push_str(".PP\n"),
            line => _ = writeln!(text, "{}", escaped(line)),
        }
    }
    text.push_str(if as_it_is { ".fi\n" } else { "" });
    Ok(text)
}

/// A text as troff prints it.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    let guard = |line: &str| if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() };
    text.lines().map(guard).collect::<Vec<_>>().join("\n")
}
