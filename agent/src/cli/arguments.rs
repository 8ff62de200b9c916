//! The Python agent has one flat list of options, any of which may stand before or behind any command. Here each command
//! has its own: options are moved behind the command, and those that it has no use for are left out.
//!
//! All of it is asked of the commands' own declarations: a command that declares an option gets it.

use std::ffi::OsString;

/// An option that the Python agent took with every command.
struct Old {
    short: Option<char>,
    longs: &'static [&'static str],
    takes_value: bool,
    /// What whoever gave it to a command without use for it may have expected; none where it is harmless.
    instead: Option<&'static str>,
}

const STATUS_ONLY: &str = "it acts with `status` only";

/// `cli-and-service.md` section 2.
const OLD: &[Old] = &[
    Old { short: Some('c'), longs: &["config-file"], takes_value: true, instead: None },
    Old { short: None, longs: &["extra-config-dir"], takes_value: true, instead: None },
    Old { short: Some('q'), longs: &["quiet"], takes_value: false, instead: None },
    Old { short: Some('v'), longs: &["verbose"], takes_value: false, instead: Some(STATUS_ONLY) },
    Old { short: Some('H'), longs: &["health_check", "health-check"], takes_value: false, instead: Some(STATUS_ONLY) },
    Old { short: None, longs: &["format"], takes_value: true, instead: Some(STATUS_ONLY) },
    Old {
        short: None,
        longs: &["debug"],
        takes_value: false,
        instead: Some("it acts with `status` only; what the agent logs is `debug_level` of its configuration"),
    },
    Old { short: None, longs: &["stats-capture-interval"], takes_value: true, instead: Some(STATUS_ONLY) },
    Old { short: None, longs: &["no-fork"], takes_value: false, instead: None },
    Old { short: None, longs: &["no-check-remote-server"], takes_value: false, instead: None },
    Old {
        short: Some('p'),
        longs: &["pid-file"],
        takes_value: true,
        instead: Some("the pid file of an agent is always agent.pid in `agent_log_path` of its configuration"),
    },
    Old { short: None, longs: &["no-change-user"], takes_value: false, instead: None },
];

/// The commands that the Python agent has, and took all of these options with.
const OLD_COMMANDS: [&str; 6] = ["start", "stop", "restart", "condrestart", "status", "version"];

/// Writes the options of the Python agent in full: it took each of them also by the beginning of its name, as long as no other
/// one begins so. One that is not of it, or could be several, stays as it is.
pub(super) fn in_full(mut arguments: Vec<OsString>, commands: &clap::Command) -> Vec<OsString> {
    let mut has_command = false;
    let mut index = 1;
    while let Some(argument) = arguments.get_mut(index) {
        index += 1;
        let Some(text) = argument.to_str().map(str::to_owned) else { continue };
        if text == "--" || !is_option(&text) && !has_command && !OLD_COMMANDS.contains(&text.as_str()) {
            break;
        }
        if !is_option(&text) {
            has_command = true;
            continue;
        }
        let full = text.strip_prefix("--").and_then(|option| {
            let (begin, value) = option.split_at(option.find('=').unwrap_or(option.len()));
            Some(format!("--{}{value}", full_name(begin, commands)?))
        });
        let text = full.unwrap_or(text);
        index += usize::from(is_followed_by_value(&text, commands));
        *argument = text.into();
    }
    arguments
}

/// The only option of the Python agent that begins so; none when it is one in full, here or there.
fn full_name(begin: &str, commands: &clap::Command) -> Option<&'static str> {
    let is_whole =
        commands.get_subcommands().flat_map(clap::Command::get_arguments).any(|argument| is_named(argument, begin));
    let mut found =
        OLD.iter().flat_map(|old| old.longs.first()).chain(&["help"]).filter(|name| name.starts_with(begin));
    match (found.next(), found.next()) {
        (Some(name), None) if !is_whole && !begin.is_empty() => Some(name),
        _ => None,
    }
}

/// Moves the command in front of the options that stand before it: `agent -c FILE start` → `agent start -c FILE`.
/// The second part tells whether there is a command at all.
pub(super) fn command_first(mut arguments: Vec<OsString>, commands: &clap::Command) -> (Vec<OsString>, bool) {
    let mut index = 1;
    while let Some(argument) = arguments.get(index) {
        let text = argument.to_string_lossy();
        if text == "--" {
            return (arguments, false);
        }
        if !is_option(&text) {
            arguments[1..=index].rotate_right(1);
            return (arguments, true);
        }
        index += if is_followed_by_value(&text, commands) { 2 } else { 1 };
    }
    (arguments, false)
}

/// Leaves out the options of the Python agent that its command, the first of the arguments, does not declare. The second
/// part warns of those where that may surprise, a line each.
pub(super) fn without_unused(arguments: Vec<OsString>, commands: &clap::Command) -> (Vec<OsString>, Vec<String>) {
    let name = arguments.get(1).and_then(|argument| argument.to_str()).unwrap_or_default();
    let Some(command) = commands.find_subcommand(name).filter(|_| OLD_COMMANDS.contains(&name)) else {
        return (arguments, Vec::new());
    };
    let mut sieve = Sieve { command, kept: Vec::new(), warnings: Vec::new() };
    let mut rest = arguments.iter().cloned();
    sieve.kept.extend(rest.by_ref().take(2));
    while let Some(argument) = rest.next() {
        let has_next_as_value = match argument.to_str() {
            Some("--") => {
                sieve.kept.push(argument);
                sieve.kept.extend(rest.by_ref());
                break;
            }
            Some(text) if text.starts_with("--") => sieve.long(text),
            Some(text) if is_option(text) => sieve.letters(text),
            _ => {
                sieve.kept.push(argument);
                None
            }
        };
        match has_next_as_value {
            Some(Use::Kept) => sieve.kept.extend(rest.next()),
            Some(Use::LeftOut) => _ = rest.next(),
            None => {}
        }
    }
    (sieve.kept, sieve.warnings)
}

/// What becomes of the value behind an option.
enum Use {
    Kept,
    LeftOut,
}

struct Sieve<'c> {
    command: &'c clap::Command,
    kept: Vec<OsString>,
    warnings: Vec<String>,
}

impl Sieve<'_> {
    /// `--option` or `--option=value`; whether the argument behind it is its value.
    fn long(&mut self, text: &str) -> Option<Use> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let name = name.trim_start_matches('-');
        if let Some(declared) = self.command.get_arguments().find(|argument| is_named(argument, name)) {
            self.kept.push(text.into());
            return (declared.get_action().takes_values() && value.is_none()).then_some(Use::Kept);
        }
        let Some(old) = OLD.iter().find(|old| old.longs.contains(&name)) else {
            // It is nobody's: told of where the arguments are read.
            self.kept.push(text.into());
            return None;
        };
        self.leave_out(old, &format!("--{name}"));
        (old.takes_value && value.is_none()).then_some(Use::LeftOut)
    }

    /// `-q`, `-qv`, `-cFILE`, `-qc FILE`; whether the argument behind it is a value.
    fn letters(&mut self, text: &str) -> Option<Use> {
        let mut kept = String::from("-");
        let mut next = None;
        for (at, letter) in text[1..].char_indices() {
            let value = &text[1 + at + letter.len_utf8()..];
            let declared = self.command.get_arguments().find(|argument| argument.get_short() == Some(letter));
            let old = OLD.iter().find(|old| old.short == Some(letter));
            let takes_value = match (declared, old) {
                (None, Some(old)) => {
                    self.leave_out(old, &format!("-{letter}"));
                    if old.takes_value && value.is_empty() {
                        next = Some(Use::LeftOut);
                    }
                    old.takes_value
                }
                (declared, _) => {
                    let takes_value = declared.is_some_and(|declared| declared.get_action().takes_values());
                    kept.push(letter);
                    if takes_value {
                        kept.push_str(value);
                        next = value.is_empty().then_some(Use::Kept);
                    }
                    takes_value
                }
            };
            if takes_value {
                break;
            }
        }
        if kept.len() > 1 {
            self.kept.push(kept.into());
        }
        next
    }

    fn leave_out(&mut self, old: &Old, given: &str) {
        let command = self.command.get_name();
        // Whoever asks for the version has no other expectation.
        if let Some(instead) = old.instead.filter(|_| command != "version") {
            self.warnings.push(format!("warning: {given} has no effect on `{command}`: {instead}"));
        }
    }
}

fn is_option(text: &str) -> bool {
    text.len() > 1 && text.starts_with('-')
}

fn is_named(argument: &clap::Arg, long: &str) -> bool {
    argument.get_long() == Some(long) || argument.get_all_aliases().is_some_and(|names| names.contains(&long))
}

fn is_followed_by_value(option: &str, commands: &clap::Command) -> bool {
    let takes_value = |wanted: &dyn Fn(&clap::Arg) -> bool| {
        commands
            .get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .any(|argument| wanted(argument) && argument.get_action().takes_values())
    };
    match option.strip_prefix("--") {
        Some(long) => !long.contains('=') && takes_value(&|argument| is_named(argument, long)),
        None => {
            // Of `-vcFILE` the value begins behind the first letter that takes one.
            let letters = option.trim_start_matches('-');
            let taking = letters
                .char_indices()
                .find(|(_, letter)| takes_value(&|argument| argument.get_short() == Some(*letter)));
            taking.is_some_and(|(at, letter)| at + letter.len_utf8() == letters.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::{start, status, version};
    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(subcommand)]
        _command: Command,
    }

    #[derive(clap::Subcommand)]
    enum Command {
        Start(start::Args),
        Status(status::Args),
        Version(version::Args),
    }

    fn arguments(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn line(arguments: &[OsString]) -> String {
        arguments.join(" ".as_ref()).into_string().unwrap()
    }

    fn ordered(given: &str) -> (String, bool) {
        let (arguments, found) = command_first(arguments(given), &Cli::command());
        (line(&arguments), found)
    }

    #[test]
    fn options_may_stand_before_the_command() {
        for (given, expected) in [
            ("agent -c FILE start --no-fork", "agent start -c FILE --no-fork"),
            ("agent start --no-fork -c FILE", "agent start --no-fork -c FILE"),
            ("agent --no-fork --config-file FILE start", "agent start --no-fork --config-file FILE"),
            ("agent --config-file=FILE start", "agent start --config-file=FILE"),
            ("agent -cFILE start", "agent start -cFILE"),
            ("agent -vc FILE status --format json", "agent status -vc FILE --format json"),
            ("agent --format json -v status", "agent status --format json -v"),
            ("agent -h start", "agent start -h"),
            ("agent --no-fork sart", "agent sart --no-fork"),
            ("agent --stats-capture-interval 2 -p start status", "agent status --stats-capture-interval 2 -p start"),
        ] {
            assert_eq!(ordered(given), (expected.to_owned(), true));
        }
    }

    #[test]
    fn the_beginning_of_an_option_is_enough_where_it_was_and_as_long_as_it_is_the_only_one() {
        let commands = Cli::command();
        for (given, expected) in [
            ("agent --no-f --conf FILE start", "agent --no-fork --config-file FILE start"),
            (
                "agent start --no-chec --no-change -c --no-f",
                "agent start --no-check-remote-server --no-change-user -c --no-f",
            ),
            ("agent status --verb --heal --form=json", "agent status --verbose --health_check --format=json"),
            // It could be several, is whole, or was none of the Python agent.
            (
                "agent status --no- --he --health-check --debug --wat",
                "agent status --no- --he --health-check --debug --wat",
            ),
            ("agent check --conf FILE", "agent check --conf FILE"),
            ("agent start -- --no-f", "agent start -- --no-f"),
            ("agent -- --no-f", "agent -- --no-f"),
            ("agent", "agent"),
        ] {
            assert_eq!(line(&in_full(arguments(given), &commands)), expected);
        }
        assert_eq!(in_full(Vec::new(), &commands), Vec::<OsString>::new());
    }

    #[test]
    fn without_a_command_nothing_is_moved() {
        for line in ["agent", "agent --help", "agent -c FILE", "agent --no-fork -- start"] {
            assert_eq!(ordered(line), (line.to_owned(), false));
        }
    }

    #[test]
    fn old_options_that_a_command_has_no_use_for_are_left_out_and_told_of_where_that_hides_a_mistake() {
        let commands = Cli::command();
        let sieved = |given: &str| {
            let (arguments, warnings) = without_unused(arguments(given), &commands);
            let told: Vec<_> = warnings.iter().map(|text| text.split(' ').nth(1).unwrap_or_default()).collect();
            (line(&arguments), told.join(" "))
        };
        for (given, expected, told) in [
            ("agent start --no-fork -c FILE", "agent start --no-fork -c FILE", ""),
            ("agent start -Hv --format json -c FILE", "agent start -c FILE", "-H -v --format"),
            ("agent start -vcFILE -pagent.pid", "agent start -cFILE -pagent.pid", "-v"),
            ("agent start -vp FILE --pid-file=FILE --debug", "agent start -p FILE --pid-file=FILE", "-v --debug"),
            ("agent start -vc FILE", "agent start -c FILE", "-v"),
            ("agent status --no-fork -qvc FILE --no-change-user", "agent status -vc FILE", ""),
            ("agent version -qvHc FILE --format xml -p PID", "agent version", ""),
            ("agent status --frob -z -v -- -q", "agent status --frob -z -v -- -q", ""),
            ("agent check -q", "agent check -q", ""),
            ("agent", "agent", ""),
        ] {
            assert_eq!(sieved(given), (expected.to_owned(), told.to_owned()), "{given}");
        }
        let (_, warnings) = without_unused(arguments("agent start --debug"), &commands);
        assert!(warnings[0].contains("no effect on `start`") && warnings[0].contains("debug_level"), "{warnings:?}");
    }
}
