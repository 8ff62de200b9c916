//! Where a value of the configuration comes from.

use std::fmt;

use super::report::{Position, write_on_one_line};

/// Where a value comes from, as `agent check --print` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file: its path, and where in it, if it is one of values.
    File {
        /// The path of the file.
        file: String,
        /// Line and column of the value.
        position: Option<Position>,
    },
    /// An environment variable, by its name.
    Variable(String),
    /// Nobody gave it.
    Default,
}

/// `FILE:LINE`, `env:NAME` or `default`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, position } => {
                write_on_one_line(f, file)?;
                position.map_or(Ok(()), |position| write!(f, ":{}", position.line))
            }
            Self::Variable(name) => write!(f, "env:{name}"),
            Self::Default => f.write_str("default"),
        }
    }
}
