//! Log files of a monitor: how its metric log is copied, and the files that it registers while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::log_writer::{LogRotation, LogWriter};

/// How a log file is copied: what an entry of `logs` may say, for a monitor's metric log or for a log file that it
/// registers. Checked as such an entry is: what is wrong or not known is named.
///
/// ```
/// use scalyr_monitor::{LogConfig, testing::json};
///
/// let log = LogConfig::new("/var/log/containers/web.log")
///     .parser("accessLog")
///     .attribute("container", "web")
///     .option("exclude", json!(["*.gz"]));
/// assert_eq!(log.attributes["container"], "web");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// The file; a relative path lies below `agent_log_path`. That of a registered file may be a glob, as in `logs`; that
    /// of a metric log is one file, whatever characters it holds.
    pub path: PathBuf,
    /// The parser that the server applies. It wins over a `parser` among the attributes; an empty one leaves them alone.
    pub parser: String,
    /// Attributes of every event of this file: text, numbers and booleans.
    pub attributes: Map<String, Value>,
    /// Whether a metric log that already holds lines at start is copied from its beginning instead of from its end. A
    /// file that is registered at run time is always copied from its beginning.
    pub copy_from_start: bool,
    /// The other keys of an entry of `logs`, by their names there: `exclude`, `redaction_rules`, `sampling_rules`,
    /// `lineGroupers`, `parse_format`, `rename_logfile`, `worker_id`, …
    pub options: Map<String, Value>,
}

impl LogConfig {
    /// The file `path` with the parser of metric logs, `agent-metrics`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            parser: "agent-metrics".to_owned(),
            attributes: Map::new(),
            copy_from_start: false,
            options: Map::new(),
        }
    }

    /// With another parser.
    #[must_use]
    pub fn parser(mut self, parser: impl Into<String>) -> Self {
        self.parser = parser.into();
        self
    }

    /// With an attribute of every event; one of the same name gives way.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// With another key of an entry of `logs`; see [`options`](Self::options).
    #[must_use]
    pub fn option(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.insert(key.into(), value.into());
        self
    }
}

/// When a log file is opened.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Opening {
    /// See [`LogFiles::open`].
    Always,
    /// See [`LogFiles::open_listed`].
    IfListed {
        /// Attributes that win over the entry's.
        first: Map<String, Value>,
    },
}

/// Takes the log files that one monitor instance registers and withdraws; implemented by the agent. What each function
/// is to do is said at [`LogFiles`].
#[doc(hidden)]
pub trait LogRegistry: Send + Sync {
    /// See [`LogFiles::register`].
    ///
    /// # Errors
    /// See there.
    fn register(&self, log: LogConfig) -> Result<()>;

    /// See [`LogFiles::update`].
    ///
    /// # Errors
    /// See there.
    fn update(&self, log: LogConfig) -> Result<()>;

    /// See [`LogFiles::withdraw`] and, with `at_once`, [`LogFiles::withdraw_now`].
    ///
    /// # Errors
    /// See there.
    fn withdraw(&self, path: &Path, at_once: bool) -> Result<()>;

    /// See [`LogFiles::registered`].
    fn registered(&self) -> Vec<PathBuf>;

    /// See [`LogFiles::open`] and [`LogFiles::open_listed`].
    ///
    /// # Errors
    /// See there.
    fn open(&self, log: LogConfig, rotation: LogRotation, how: Opening) -> Result<Option<LogWriter>> {
        let _ = (rotation, how);
        Err(Error::new(format!("there is nobody to write {}", log.path.display())))
    }

    /// See [`LogFiles::remove`].
    ///
    /// # Errors
    /// See there.
    fn remove(&self, path: &Path) -> Result<bool> {
        let _ = path;
        Ok(false)
    }

    /// See [`LogFiles::folder`].
    fn folder(&self) -> PathBuf {
        PathBuf::new()
    }
}

/// A handle to register, change and withdraw log files while the agent runs. Cheap to clone, and callable from every
/// thread.
///
/// Only the instance that registered a path may change it. What it registered stays registered when the instance is
/// built anew after a failure (registering it again is allowed, [`registered`](Self::registered) says what is there); it
/// is withdrawn, after everything was read, when the instance is stopped or removed.
#[derive(Clone)]
pub struct LogFiles(Arc<dyn LogRegistry>);

impl LogFiles {
    /// A handle onto the agent's registry.
    #[doc(hidden)]
    pub fn new(registry: Arc<dyn LogRegistry>) -> Self {
        Self(registry)
    }

    /// A handle that takes every file and copies none, for tests.
    #[doc(hidden)]
    pub fn none() -> Self {
        Self::new(Arc::new(Nowhere))
    }

    /// Copies this file from now on: from its beginning, or, when it was copied before and its position is still known,
    /// from there. A file that does not exist yet is copied when it appears. For a path that this instance has
    /// registered already it is the same as [`update`](Self::update).
    ///
    /// A file that an entry of the configuration copies already goes on being copied as that entry says.
    ///
    /// # Errors
    /// With everything that is wrong with the entry, and when another monitor has registered the path or the agent
    /// cannot take another file; the text says why. Nothing is changed then.
    pub fn register(&self, log: LogConfig) -> Result<()> {
        self.0.register(log)
    }

    /// Copies a registered file with other settings from now on. Nothing is lost or sent twice by it: lines that were
    /// read before keep their attributes.
    ///
    /// # Errors
    /// As [`register`](Self::register), and when the path is not registered.
    pub fn update(&self, log: LogConfig) -> Result<()> {
        self.0.update(log)
    }

    /// Stops copying this file once everything that it holds now was copied. Its position is kept for at least 15
    /// minutes: a file that is registered again goes on where it was. A path that nobody has registered is no error.
    ///
    /// # Errors
    /// When another monitor has registered the path; the text names it.
    pub fn withdraw(&self, path: impl AsRef<Path>) -> Result<()> {
        self.0.withdraw(path.as_ref(), false)
    }

    /// Stops copying this file at once: what was not read yet is left where it is. Its position is kept as by
    /// [`withdraw`](Self::withdraw). It also cuts short a `withdraw` of this monitor that is still reading the file.
    ///
    /// # Errors
    /// As [`withdraw`](Self::withdraw).
    pub fn withdraw_now(&self, path: impl AsRef<Path>) -> Result<()> {
        self.0.withdraw(path.as_ref(), true)
    }

    /// The paths that this instance has registered and not withdrawn, absolute and sorted; for one that was built anew
    /// after a failure and has to find out what it registered before.
    pub fn registered(&self) -> Vec<PathBuf> {
        self.0.registered()
    }

    /// Opens a log file that this monitor writes itself, of whole lines, and lets the agent copy it as
    /// [`register`](Self::register) does. For text that comes as it is, from a network or a pipe; metrics go by
    /// [`Sample`](crate::Sample). Whoever opens the same path, in this monitor or another one, writes to the same file, which is
    /// copied as the first of them says until the last one has withdrawn it; a warning tells where they differ.
    ///
    /// # Errors
    /// As [`register`](Self::register), when the file is one of the agent's own, and when it cannot be opened.
    pub fn open(&self, log: LogConfig, rotation: LogRotation) -> Result<LogWriter> {
        let path = log.path.clone();
        let opened = self.0.open(log, rotation, Opening::Always)?;
        opened.ok_or_else(|| Error::new(format!("the log file {} cannot be opened", path.display())))
    }

    /// The same, only if an entry of `logs` in the agent's configuration matches the path; `None` when there is none. The
    /// file is copied as that entry says. Of its attributes, `first` win over the entry's, and the entry's, its parser among
    /// them, over the `log`'s.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_listed(
        &self,
        log: LogConfig,
        first: Map<String, Value>,
        rotation: LogRotation,
    ) -> Result<Option<LogWriter>> {
        self.0.open(log, rotation, Opening::IfListed { first })
    }

    /// Removes a file that was written by [`open_listed`](Self::open_listed), or an older one of it (`NAME.1`), once all
    /// that it holds is uploaded; false when that is not so yet.
    ///
    /// # Errors
    /// When it is not such a file, and when it cannot be removed.
    pub fn remove(&self, path: impl AsRef<Path>) -> Result<bool> {
        self.0.remove(path.as_ref())
    }

    /// `agent_log_path`: relative paths of log files lie below it.
    pub fn folder(&self) -> PathBuf {
        self.0.folder()
    }
}

/// The file that an older one was rotated from, as its name says: `f.log` of `f.log.12`; any other path is its own. The
/// name of a newest file may end in a number as well, as that of a host does.
#[doc(hidden)]
pub fn rotated_from(path: &Path) -> PathBuf {
    let is_number = |text: &str| !text.is_empty() && text.len() < 6 && text.bytes().all(|digit| digit.is_ascii_digit());
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(number) if is_number(number) => path.with_extension(""),
        _ => path.to_owned(),
    }
}

struct Nowhere;

impl LogRegistry for Nowhere {
    fn register(&self, _: LogConfig) -> Result<()> {
        Ok(())
    }

    fn update(&self, _: LogConfig) -> Result<()> {
        Ok(())
    }

    fn withdraw(&self, _: &Path, _: bool) -> Result<()> {
        Ok(())
    }

    fn registered(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}
