//! `agent demo`.

/// What `agent demo` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// End by itself after so many seconds; without it, Ctrl-C ends the demo
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: Option<u64>,
}
