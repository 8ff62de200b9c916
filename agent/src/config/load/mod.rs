//! Reads the files: texts → one object of values. The main file, then the fragments, each with its variables replaced;
//! all of them merged, and verified only then, so that no value depends on the order of the files.

mod files;
mod fragments;
mod merge;
mod permissions;
mod seen;
mod unread;
mod variables;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::environment;
use super::report::{Report, Severity};
use super::secrets;
use super::sources::Sources;
use files::Text;
use fragments::Limits;
pub use seen::{Proposed, Seen};

/// Where the packages put the main file.
pub const DEFAULT_FILE: &str = "/etc/scalyr-agent-2/agent.json";

/// The key that counts in the main file only: the folder of the fragments is known before they are read.
const FOLDER: &str = "config_directory";

/// The keys that act here, and nowhere else.
#[cfg(test)]
pub(super) const READ_HERE: [&str; 3] = ["api_key_file", "config_directory", "import_vars"];

/// What is to be read.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The main file.
    pub file: &'a Path,
    /// The option of the command line that names it, for its problems: `-c`, `-a`.
    pub named_by: &'a str,
    /// `--extra-config-dir`: a second folder of fragments, relative to the folder of the main file.
    pub extra_directory: Option<&'a Path>,
    /// The environment, for the keys of the top level.
    pub environment: &'a Environment,
}

/// The values of a configuration, with what was odd about the files.
#[derive(Clone)]
pub struct Loaded {
    /// The main file, absolute.
    pub file: PathBuf,
    /// The folder of its fragments, whether or not there is one; not that of `--extra-config-dir`.
    pub folder: PathBuf,
    /// The values of all files and of the environment, without members that are null.
    pub values: Map<String, Value>,
    /// Problems of the files, and where the values stand. When one is fatal, the values are those of the texts that
    /// could be read.
    pub report: Report,
    /// What was read, to tell later whether it is still the same.
    pub seen: Seen,
    /// Whether a text is missing from the values, so that what is absent may stand there.
    pub(super) is_partial: bool,
    /// Whether the report says why there is no key.
    pub(super) is_key_told: bool,
}

/// Never the values: the key is among them.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("file", &self.file).field("report", &self.report).finish_non_exhaustive()
    }
}

impl Loaded {
    /// A configuration that says nothing.
    pub(super) fn nothing() -> Self {
        let (file, report) = (PathBuf::from(DEFAULT_FILE), Report::new(DEFAULT_FILE));
        let (values, seen) = (Map::new(), Seen::default());
        let folder = file.with_file_name("agent.d");
        Self { file, folder, values, report, seen, is_partial: false, is_key_told: false }
    }

    /// A report for further problems: it knows the texts and the place of each value in them.
    pub(super) fn blank_report(&self) -> Report {
        self.report.of_same_text()
    }

    /// The directory that relative paths of the configuration start from.
    pub(super) fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }
}

/// Reads the configuration that is asked for, as far as it can be read; what cannot is a fatal problem of the report.
/// Each file is read, also when another one is broken.
pub fn load(request: &Request<'_>) -> Loaded {
    load_proposed(request, &Proposed::default())
}

/// The same, with some files as they are proposed and not as they are.
pub fn load_proposed(request: &Request<'_>, proposed: &Proposed) -> Loaded {
    let file = std::path::absolute(request.file).unwrap_or_else(|_| request.file.to_owned());
    let mut seen = Seen::proposing(proposed.clone());
    let main = Text::read(&file, Some(request.named_by), request.environment, &mut seen);
    // A file that is not there belongs to no fragments.
    let folder = fragments::folder(&file, &main, request);
    let (fragments, of_folders) = if main.was_read() {
        fragments::read(&file, &main, request, Limits::OF_AGENT, &mut seen)
    } else {
        Default::default()
    };
    let texts = std::iter::once(main).chain(fragments).collect();
    let mut loaded = assemble(file, texts, of_folders, seen, request.environment);
    loaded.folder = folder;
    if !(loaded.is_partial && loaded.values.is_empty()) {
        secrets::resolve(&mut loaded, request.environment);
    }
    loaded
}

/// The configuration that a text holds, as if it were that of the main file `file`; reads no file.
///
/// # Errors
/// A fatal problem: bad syntax, or no object.
pub fn from_text(text: &str, file: PathBuf, environment: &Environment) -> Result<Loaded, Report> {
    let main = Text::parse(file.display().to_string(), text.to_owned(), environment);
    let loaded = assemble(file, vec![main], Report::default(), Seen::default(), environment);
    if loaded.report.worst() == Some(Severity::Fatal) { Err(loaded.report) } else { Ok(loaded) }
}

/// Makes one configuration of all texts, the main file first.
fn assemble(file: PathBuf, mut texts: Vec<Text>, of_folders: Report, seen: Seen, environment: &Environment) -> Loaded {
    let is_partial = texts.iter().any(|text| text.is_partial) || of_folders.worst() == Some(Severity::Fatal);
    let merge::Merged { mut values, mut homes } = merge::merge(&mut texts);
    // It was said where the fragment was read that it has no effect there.
    if homes.remove(FOLDER).is_some() {
        values.shift_remove(FOLDER);
    }
    let sources: Vec<_> = texts.iter().map(Text::source).collect();
    let imported: Vec<String> = texts.iter_mut().flat_map(|text| std::mem::take(&mut text.imported)).collect();
    let imported = imported.iter().filter_map(|name| Some((name.as_str(), environment.get(name)?)));
    let mut report = Report::of_sources(Arc::new(Sources::of(sources, homes).mask(imported)));
    for text in texts {
        report.merge(text.report);
    }
    report.merge(of_folders);
    // Where nothing could be read, there is nothing to add to.
    if !(is_partial && values.is_empty()) {
        environment::apply(&mut values, environment, &mut report);
    }
    let folder = PathBuf::new();
    Loaded { file, folder, values, report, seen, is_partial, is_key_told: false }
}
