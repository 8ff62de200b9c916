//! `agent man`: the manual page, made of the same declarations as the help.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

use super::FAILURE;
use super::invocation::Invocation;
use super::monitors::print;

/// The section of the manual that the pages are made for.
const SECTION: u8 = 1;

/// What `agent man` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agent man | man -l -                              read it
  agent man > /usr/local/share/man/man1/agent.1     so that `man agent` finds it")]
pub struct Args {
    /// The program whose page it is; the name that this one is called by unless given
    #[arg(value_name = "PROGRAM")]
    pub program: Option<Invocation>,
}

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
    let about = about.trim_end_matches('.');
    let version = declared.get_version().unwrap_or_default();
    let mut text = String::new();
    // Writing to a string cannot fail.
    _ = writeln!(text, ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '");
    _ = writeln!(text, ".TH {} {SECTION} \"\" \"{name} {version}\" \"Scalyr agent\"", name.to_uppercase());
    _ = writeln!(text, ".SH NAME\n{} \\- {}", escaped(&name), escaped(about));
    match declared.has_subcommands() {
        true => text.push_str(&all_commands(&name, about, &declared)?),
        false => text.push_str(&one_command(&name, &declared)?),
    }
    _ = writeln!(text, ".SH FILES\n.TP\n.I /etc/scalyr\\-agent\\-2/agent.json\nThe configuration.");
    _ = writeln!(text, ".TP\n.I /etc/scalyr\\-agent\\-2/agent.d/*.json\nFurther parts of it.");
    _ = writeln!(text, ".TP\n.I /var/log/scalyr\\-agent\\-2\nThe agent's own log, metric logs and pid file.");
    _ = writeln!(text, ".TP\n.I /var/lib/scalyr\\-agent\\-2\nPositions in log files, and the status socket.");
    Ok(text)
}

/// What the page of a program with commands has between its name and its files.
fn all_commands(name: &str, about: &str, declared: &Command) -> io::Result<String> {
    let shown = escaped(name);
    let mut text = format!(".SH SYNOPSIS\n.B {shown}\n.I COMMAND\n[OPTIONS]\n.br\n");
    _ = writeln!(text, ".B {shown} \\-\\-run\\-monitor\n.I MODULE\n[OPTIONS]");
    _ = writeln!(text, ".SH DESCRIPTION\n{}.", escaped(about));
    _ = writeln!(text, "Options may stand before or behind the command; those of the Python agent are understood.");
    // Long words such as paths would tear holes into lines that are filled to their ends.
    text.push_str(".SH COMMANDS\n.ad l\n");
    for command in declared.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        let title = escaped(&format!("{name} {}", command.get_name()));
        _ = write!(text, ".SS {title}\n{}", described(command)?);
    }
    let see = match name {
        "agent" => {
            format!("agent({SECTION}) is one program: links named scalyr-agent-2 and scalyr-agent-2-config lead to it.")
        }
        _ => format!("scalyr-agent-2-config({SECTION}) is the same program: its options are those of `{name} config`."),
    };
    _ = writeln!(text, ".SH NOTES\n{}", escaped(&see));
    Ok(text)
}

/// The same of a program that is one command.
fn one_command(name: &str, declared: &Command) -> io::Result<String> {
    let mut text = format!(".SH SYNOPSIS\n.B {}\n[OPTIONS]\n.SH DESCRIPTION\n.ad l\n", escaped(name));
    text.push_str(&described(declared)?);
    let see =
        format!("This is the command `config` of the agent, as a program of its own: see scalyr-agent-2({SECTION}).");
    _ = writeln!(text, ".SH NOTES\n{}", escaped(&see));
    Ok(text)
}

/// One command: what it is for, its options, its examples.
fn described(command: &Command) -> io::Result<String> {
    let mut text = String::new();
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
