//! `agent completions`: what a shell needs to complete commands and options.

use std::io::Write;

use clap_complete::Shell;

use super::invocation::Invocation;
use super::monitors::print;

/// What `agent completions` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A package puts the result where the shell looks for it by itself.

Examples:
  source <(agent completions bash)
  agent completions bash > /etc/bash_completion.d/agent
  agent completions zsh > /usr/local/share/zsh/site-functions/_agent
  agent completions fish > ~/.config/fish/completions/agent.fish")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Kind,

    /// The program whose commands and options are completed; the name that this one is called by unless given
    #[arg(value_name = "PROGRAM")]
    pub program: Option<Invocation>,
}

/// A shell whose completion can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// fish
    Fish,
}

/// Prints the completion for the commands `declared`, under their name.
pub fn run(args: &Args, mut declared: clap::Command, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let shell = match args.shell {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
    };
    let name = declared.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut declared, name, &mut text);
    print(&String::from_utf8_lossy(&text), out, err)
}
