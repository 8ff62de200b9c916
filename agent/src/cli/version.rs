//! `agent version`.

use std::io::{self, Write as _};

/// `agent version` takes no options.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the version. Reads no configuration.
pub fn run(_: &Args) -> u8 {
    // A reader that has gone away has seen enough.
    _ = writeln!(io::stdout(), "{}", text());
    super::SUCCESS
}

/// The line that scripts look for (`cli-and-service.md` section 1).
fn text() -> String {
    format!("The Scalyr Agent 2 version is {}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_the_python_agent() {
        assert!(text().starts_with("The Scalyr Agent 2 version is "));
    }
}
