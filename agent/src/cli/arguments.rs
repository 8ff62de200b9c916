//! The order of arguments: options may stand before the command, as the Python agent allows it.

use std::ffi::OsString;

/// Moves the command in front of the options that stand before it: `agent -c FILE start` → `agent start -c FILE`.
/// The second part tells whether there is a command at all.
///
/// Which options are followed by a value is asked of the commands' own declarations.
pub(super) fn command_first(
    arguments: impl IntoIterator<Item = OsString>,
    commands: &clap::Command,
) -> (Vec<OsString>, bool) {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
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

fn is_option(text: &str) -> bool {
    text.len() > 1 && text.starts_with('-')
}

fn is_followed_by_value(option: &str, commands: &clap::Command) -> bool {
    let takes_value = |wanted: &dyn Fn(&clap::Arg) -> bool| {
        commands
            .get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .any(|argument| wanted(argument) && argument.get_action().takes_values())
    };
    match option.strip_prefix("--") {
        Some(long) => {
            !long.contains('=')
                && takes_value(&|argument| {
                    argument.get_long_and_visible_aliases().is_some_and(|names| names.contains(&long))
                })
        }
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

    use super::super::{start, status};
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
    }

    fn ordered(line: &str) -> (String, bool) {
        let arguments = line.split(' ').map(OsString::from);
        let (arguments, found) = command_first(arguments, &Cli::command());
        (arguments.join(" ".as_ref()).into_string().unwrap(), found)
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
        ] {
            assert_eq!(ordered(given), (expected.to_owned(), true));
        }
    }

    #[test]
    fn without_a_command_nothing_is_moved() {
        for line in ["agent", "agent --help", "agent -c FILE", "agent --no-fork -- start"] {
            assert_eq!(ordered(line), (line.to_owned(), false));
        }
    }
}
