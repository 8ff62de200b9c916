//! Reads the files: texts → one object of values. The main file, then the fragments, each with its variables replaced;
//! all of them merged, and verified only then, so that no value depends on the order of the files.

mod files;
mod fragments;
mod merge;
mod permissions;
mod seen;
mod variables;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::keys::{self, Key, Variable};
use super::report::{Report, Severity};
use super::sources::Sources;
use files::Text;
use fragments::Limits;
pub use seen::Seen;

/// Where the packages put the main file.
pub const DEFAULT_FILE: &str = "/etc/scalyr-agent-2/agent.json";

/// The keys that act here, and nowhere else.
#[cfg(test)]
pub(super) const READ_HERE: [&str; 2] = ["config_directory", "import_vars"];

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
    /// The values of all files and of the environment, without members that are null.
    pub values: Map<String, Value>,
    /// Problems of the files, and where the values stand. When one is fatal, the values are those of the texts that
    /// could be read.
    pub report: Report,
    /// What was read, to tell later whether it is still the same.
    pub seen: Seen,
    /// Whether a text is missing from the values, so that what is absent may stand there.
    pub(super) is_partial: bool,
    /// The environment variable that holds a key, if one is set.
    pub(super) key_variable: Option<String>,
}

/// Never the values: the key is among them.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("file", &self.file).field("report", &self.report).finish_non_exhaustive()
    }
}

impl Loaded {
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
    let file = std::path::absolute(request.file).unwrap_or_else(|_| request.file.to_owned());
    let mut seen = Seen::default();
    let main = Text::read(&file, Some(request.named_by), request.environment, &mut seen);
    // A file that is not there belongs to no fragments.
    let (fragments, of_folders) = if main.was_read() {
        fragments::read(&file, &main, request, Limits::OF_AGENT, &mut seen)
    } else {
        Default::default()
    };
    let texts = std::iter::once(main).chain(fragments).collect();
    assemble(file, texts, of_folders, seen, request.environment)
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
    let merge::Merged { values, homes } = merge::merge(&mut texts);
    let sources: Vec<_> = texts.iter().map(Text::source).collect();
    let imported: Vec<String> = texts.iter_mut().flat_map(|text| std::mem::take(&mut text.imported)).collect();
    let sources_with = |homes| {
        let values = imported.iter().filter_map(|name| Some((name.as_str(), environment.get(name)?)));
        Arc::new(Sources::of(sources.clone(), homes).mask(values))
    };
    let mut report = Report::of_sources(sources_with(homes.clone()));
    for text in texts {
        report.merge(text.report);
    }
    report.merge(of_folders);
    let key_variable = warn_of_environment(environment, &mut report);
    // What the environment adds to `values` has its home in `homes` only from here on.
    report.relocate(sources_with(homes));
    Loaded { file, values, report, seen, is_partial, key_variable }
}

/// Names each variable that would have set a key; gives the name of the one that would have set `api_key`.
fn warn_of_environment(environment: &Environment, report: &mut Report) -> Option<String> {
    let mut key_variable = None;
    let mut of_environment = Report::new("environment");
    for key in keys::GLOBAL.iter().filter(|key| key.name != "config_directory") {
        if let Some(name) = variable_names(key).into_iter().find(|name| environment.get(name).is_some()) {
            of_environment
                .warn(&name, format!("is not honoured yet; write `{}` into the configuration file", key.name));
            if key.name == "api_key" {
                key_variable = Some(name);
            }
        }
    }
    report.merge(of_environment);
    key_variable
}

/// The spellings of a key's variable, the one that wins first.
fn variable_names(key: &Key) -> Vec<String> {
    let of = |upper: String| [upper.to_ascii_lowercase(), upper];
    let names = match key.variable {
        Variable::None => return Vec::new(),
        Variable::Named(name) => vec![of(name.to_owned())],
        Variable::ByName => {
            let of_name = |name: &str| of(format!("SCALYR_{}", name.to_ascii_uppercase()));
            [Some(key.name), key.alias].into_iter().flatten().map(of_name).collect()
        }
    };
    names.into_iter().flat_map(|[lower, upper]| [upper, lower]).collect()
}
