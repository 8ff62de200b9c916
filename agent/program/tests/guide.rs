//! `docs/writing-a-monitor.md` says what is so: its commands are understood, its outputs are real, its configurations
//! are good. That its Rust compiles is seen by the doc tests of `scalyr-agent`, that the commands of `cargo xtask` are
//! understood by the tests of `xtask`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;

use {builtin_monitors as _, local_monitors as _};

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use commands::{agent, misunderstood};
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::{Surroundings, build};
use scalyr_monitor::registry::{Environment, Registry};

const GUIDE: &str = "docs/writing-a-monitor.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// A code block: its language, where it begins, and its text.
#[derive(Debug)]
struct Block {
    language: String,
    line: usize,
    text: String,
}

fn blocks() -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (number, line) in (1..).zip(read(GUIDE).lines()) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), line: number, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last block of {GUIDE} is not closed");
    blocks
}

fn blocks_in(language: &str) -> Vec<Block> {
    let blocks: Vec<Block> = blocks().into_iter().filter(|block| block.language == language).collect();
    assert!(!blocks.is_empty(), "{GUIDE} has no blocks of {language}");
    blocks
}

/// The words of each command of a block, as a shell has them.
fn commands(block: &Block) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    for c in block.text.replace("&& ", "\n").chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' | '\n' if !quoted => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                if c == '\n' && !words.is_empty() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            c => word.push(c),
        }
    }
    assert!(!quoted, "{GUIDE}:{}: a quote is not closed", block.line);
    commands
}

/// What the agent is given by a command, without what the shell does with its output.
fn arguments_of_agent(command: &[String]) -> Option<Vec<String>> {
    let words: Vec<&str> = command.iter().map(String::as_str).take_while(|word| *word != ">").collect();
    let arguments = match words.as_slice() {
        ["cargo", "run", "--", rest @ ..] | ["cargo", "run", "--release", "--", rest @ ..] => rest,
        ["cargo", "agent", rest @ ..] => rest,
        [program, rest @ ..] if program.ends_with("/agent") => rest,
        _ => return None,
    };
    Some(arguments.iter().map(|argument| (*argument).to_owned()).collect())
}

#[test]
fn the_agent_understands_each_command_that_it_is_given() {
    let mut seen = 0;
    for block in blocks_in("sh") {
        for command in commands(&block) {
            let Some(arguments) = arguments_of_agent(&command) else {
                let is_known = ["cargo", "git", "cd"].contains(&command[0].as_str());
                assert!(is_known, "{GUIDE}:{}: what is {command:?}?", block.line);
                continue;
            };
            seen += 1;
            let why = misunderstood(&arguments);
            assert!(why.is_none(), "{GUIDE}:{}: {command:?}: {}", block.line, why.unwrap());
        }
    }
    assert!(seen >= 8, "only {seen} commands were found");
}

/// A text without what differs from one run to the next: numbers and times.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if masked.ends_with('#') => {}
            '0'..='9' => masked.push('#'),
            '.' if masked.ends_with('#') => {}
            c => masked.push(c),
        }
    }
    masked
}

#[test]
fn what_a_command_prints_stands_below_it() {
    let mut seen = 0;
    for pair in blocks().windows(2).filter(|pair| pair[0].language == "sh" && pair[1].language == "text") {
        let runs: Vec<_> = commands(&pair[0])
            .into_iter()
            .filter(|command| command.starts_with(&["cargo".to_owned(), "run".to_owned()]))
            .filter(|command| !command.contains(&">".to_owned()))
            .filter_map(|command| arguments_of_agent(&command))
            .collect();
        if runs.is_empty() {
            continue;
        }
        seen += 1;
        let printed: Vec<u8> = runs
            .iter()
            .flat_map(|arguments| {
                let output = agent(arguments);
                [output.stdout, output.stderr].concat()
            })
            .collect();
        let printed = String::from_utf8(printed).unwrap();
        assert_eq!(masked(&printed), masked(&pair[1].text), "{GUIDE}:{}: {runs:?}\n{printed}", pair[1].line);
    }
    assert!(seen >= 3, "only {seen} outputs were found");
}

#[test]
fn the_agent_takes_its_configurations() {
    let registry = Registry::linked().unwrap();
    let environment = Arc::new(Environment::default());
    for block in blocks_in("js") {
        let text = block.text.replacen('{', "{ api_key: \"key\",", 1);
        let loaded = from_text(&text, PathBuf::from(GUIDE), &environment);
        let loaded = loaded.unwrap_or_else(|report| panic!("line {}: {:?}", block.line, report.problems()));
        let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
        let (Ok((_, report)) | Err(report)) = build(&loaded, &surroundings);
        let problems: Vec<String> = report.problems().iter().map(ToString::to_string).collect();
        let of_monitors: Vec<_> = problems.iter().filter(|problem| problem.contains("monitors[")).collect();
        assert!(of_monitors.is_empty(), "line {}: {of_monitors:?}", block.line);
    }
}

/// The messages that it quotes are those of the macros: each is judged by a case of `monitor-macros/tests/ui`.
#[test]
fn the_compiler_says_what_is_quoted() {
    // Names and numbers differ.
    let shape = |text: &str| {
        let odd = masked(text);
        odd.split('`').step_by(2).collect::<Vec<_>>().join("`")
    };
    let folder = root().join("monitor-macros/tests/ui");
    let cases: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            fs::read_to_string(entry.unwrap().path()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .filter_map(|line| Some(shape(line.split_once("//~ ERROR")?.1.split_once("): ")?.1)))
        .collect();
    let blocks = blocks_in("text");
    let quoted: Vec<&str> =
        blocks.iter().flat_map(|block| block.text.lines()).filter_map(|line| line.strip_prefix("error: ")).collect();
    assert!(quoted.len() >= 3, "{quoted:?}");
    for message in quoted {
        assert!(cases.contains(&shape(message)), "no case of monitor-macros/tests/ui says: {message}");
    }
}

#[test]
fn the_coin_is_the_one_that_is_shipped() {
    let shipped = read("local-monitors/coin/src/lib.rs");
    let (begin, end) = (shipped.find("use ").unwrap(), shipped.find("#[cfg(test)]").unwrap());
    let shipped = shipped[begin..end].trim_end();
    assert!(blocks_in("rust").iter().any(|block| block.text.trim_end() == shipped), "copy it into {GUIDE}:\n{shipped}");
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn its_links_lead_somewhere() {
    for page in
        [GUIDE, "README.md", "CONTRIBUTING.md", "local-monitors/README.md", "docs/operating.md", "docs/migration.md"]
    {
        let path = root().join(page);
        let text = read(page);
        let mut links: Vec<&str> = Vec::new();
        for part in text.split("](").skip(1) {
            links.push(part.split(')').next().unwrap());
        }
        for link in links.iter().filter(|link| !link.starts_with("http")) {
            let (file, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{page}: {link}");
            if !wanted.is_empty() {
                let target = fs::read_to_string(target).unwrap();
                let headings = target.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
                let anchors: Vec<String> = headings.map(anchor).collect();
                assert!(anchors.contains(&wanted.to_owned()), "{page}: {link}: {anchors:?}");
            }
        }
    }
    // The agent refers to it.
    assert!(read(GUIDE).contains("\n## From a Python monitor\n"));
}
