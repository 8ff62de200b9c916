//! The commands that pages show, for tests that hold the pages to what the agent understands.

#![allow(dead_code, reason = "each page uses its own part of this")]

use std::ffi::OsString;
use std::process::{Command, Output};

use scalyr_agent::cli::run_monitor;

/// The agent, run with these arguments to its end.
pub(crate) fn agent(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_agent")).args(arguments).output().unwrap()
}

/// Why the agent does not understand what it is given; nothing of it is done.
pub(crate) fn misunderstood(arguments: &[String]) -> Option<String> {
    let words: Vec<OsString> = std::iter::once("agent".into()).chain(arguments.iter().map(Into::into)).collect();
    if run_monitor::is_asked_for(&words) {
        return run_monitor::parse(words).err().map(|error| error.to_string());
    }
    // A wrong option is told before the help is shown.
    let output = agent(&[arguments, &["--help".to_owned()]].concat());
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What the agent is given by each command of a text in Markdown: on the lines of its shell blocks, behind the `$ ` of what
/// was typed in its text blocks, and between back-quotes.
pub(crate) fn of_agent(page: &str) -> Vec<Vec<String>> {
    let mut lines: Vec<&str> = Vec::new();
    let mut language = None;
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), language) {
            (Some(_), Some(_)) => language = None,
            (Some(begun), None) => language = Some(begun),
            (None, Some("sh")) => lines.push(line),
            (None, Some("text")) => lines.extend(line.strip_prefix("$ ")),
            (None, Some(_)) => {}
            (None, None) => lines.extend(line.split('`').skip(1).step_by(2)),
        }
    }
    // Words in capitals stand for commands and options.
    let is_real = |words: &Vec<String>| !words.iter().any(|word| word == "COMMAND" || word.starts_with("OPTION"));
    let parts = lines.into_iter().flat_map(parts);
    parts.filter_map(|words| arguments_of_agent(&words)).filter(is_real).collect()
}

/// The words of each command on a line, without comments and what is done with the output.
fn parts(line: &str) -> Vec<Vec<String>> {
    let (mut parts, mut words, mut word, mut quote) = (Vec::new(), Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '#') if word.is_empty() => break,
            (None, ' ' | ';' | '|' | '&' | '>' | '<' | '(' | ')') => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                if c != ' ' {
                    parts.push(std::mem::take(&mut words));
                }
            }
            (_, c) => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    parts.push(words);
    parts
}

/// What the agent is given by a command, if that is one of it.
fn arguments_of_agent(command: &[String]) -> Option<Vec<String>> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let arguments = match words.as_slice() {
        ["cargo", "run", "--", rest @ ..] | ["cargo", "run", "--release", "--", rest @ ..] => rest,
        ["agent" | "scalyr-agent-2", rest @ ..] => rest,
        [program, rest @ ..] if program.ends_with("/agent") => rest,
        _ => return None,
    };
    // A name alone is that of the program.
    (!arguments.is_empty()).then(|| arguments.iter().map(|argument| (*argument).to_owned()).collect())
}
