//! `agent start`.

use std::path::PathBuf;

use crate::config::load::DEFAULT_FILE;

/// What `agent start` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration
    #[arg(short = 'c', long = "config-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config_file: PathBuf,

    /// Stay in the foreground and log to the terminal too; Ctrl-C ends the agent
    #[arg(long)]
    pub no_fork: bool,
}

impl Args {
    /// Why the agent cannot be started like this, for the person who asked for it.
    pub fn refusal(&self) -> Option<&'static str> {
        const BACKGROUND: &str = "the agent cannot put itself into the background yet: \
            use `agent start --no-fork`, for example from a systemd unit";
        (!self.no_fork).then_some(BACKGROUND)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Start {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_background_is_refused_and_the_way_out_is_named() {
        let args = Start::try_parse_from(["start"]).unwrap().args;
        assert_eq!(args.config_file, PathBuf::from("/etc/scalyr-agent-2/agent.json"));
        assert!(args.refusal().unwrap().contains("--no-fork"));
        assert_eq!(Start::try_parse_from(["start", "--no-fork"]).unwrap().args.refusal(), None);
    }
}
