//! What goes wrong in a monitor, told so that its reader knows of what.

use std::fmt;

/// What went wrong in a monitor, for the person who reads the agent log: say what was found and what to do.
///
/// Any error converts with `?`; [`Error::new`] makes one from a text.
pub struct Error(Box<dyn std::error::Error + Send + Sync>);

/// The result of a monitor's own functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// The text with that of each cause behind it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Says of an error what it was about: those of the system and of the standard library name neither the file nor the
/// text that they could not read.
///
/// ```
/// # use scalyr_monitor::prelude::*;
/// # use std::path::Path;
/// fn read_level(path: &Path) -> Result<f64> {
///     let text = std::fs::read_to_string(path).about(path.display())?;
///     text.trim().parse().about(format_args!("{}: {:?} is no level", path.display(), text.trim()))
/// }
/// let error = read_level(Path::new("/nowhere/level")).unwrap_err().to_string();
/// assert!(error.starts_with("/nowhere/level: No such file or directory"));
/// ```
pub trait About<T> {
    /// Puts this, and a colon, before the text of the error.
    ///
    /// # Errors
    /// When there was one.
    fn about(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> About<T> for std::result::Result<T, E> {
    fn about(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::new(format!("{what}: {}", error.into())))
    }
}
