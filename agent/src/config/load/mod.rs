//! Reads the main file: text → values. Fragments and the environment are not read yet, and said so by name.

mod seen;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::keys::{self, Key, Variable};
use super::report::{Kind, Place, Problem, Report, Severity};
use super::syntax;
use seen::Seen;

/// Where the packages put the main file.
pub const DEFAULT_FILE: &str = "/etc/scalyr-agent-2/agent.json";

/// So many fragments are named; more are counted.
const NAMED_FRAGMENTS: usize = 100;

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
pub fn load(request: &Request<'_>) -> Loaded {
    let Request { file, named_by, environment, .. } = *request;
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let mut loaded = match read_text(&file, named_by) {
        Ok(text) => parse(&text, file, environment),
        Err(problem) => {
            let mut report = Report::new(file.display().to_string());
            report.push(problem);
            Loaded { file, values: Map::new(), report, seen: Seen::default(), is_partial: true, key_variable: None }
        }
    };
    if !loaded.is_partial {
        warn_of_fragments(&mut loaded);
    }
    loaded
}

/// The configuration that a text holds, as if it were that of the main file `file`; reads no file.
///
/// # Errors
/// A fatal problem: bad syntax, or no object.
pub fn from_text(text: &str, file: PathBuf, environment: &Environment) -> Result<Loaded, Report> {
    let loaded = parse(text, file, environment);
    if loaded.report.worst() == Some(Severity::Fatal) { Err(loaded.report) } else { Ok(loaded) }
}

fn parse(text: &str, file: PathBuf, environment: &Environment) -> Loaded {
    let mut report = Report::new(file.display().to_string());
    let values = syntax::parse_object(text, &mut report).map_err(|problem| _ = report.push(problem));
    let is_partial = values.is_err();
    let key_variable = warn_of_environment(environment, &mut report);
    Loaded { file, values: values.unwrap_or_default(), report, seen: Seen::default(), is_partial, key_variable }
}

fn read_text(file: &Path, option: &str) -> Result<String, Problem> {
    let fatal = |position, message| Problem {
        severity: Severity::Fatal,
        place: Place { source: file.display().to_string(), path: String::new(), position },
        kind: Kind::File,
        message,
        hint: String::new(),
    };
    let bytes = read_bytes(file).map_err(|error| fatal(None, unreadable(&error, option)))?;
    if bytes.len() > syntax::MAX_BYTES {
        return Err(fatal(None, format!("is larger than {} MiB; is this the right file?", syntax::MAX_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let position = syntax::position_of(&String::from_utf8_lossy(valid), valid.len());
        fatal(Some(position), "is not UTF-8 text from here on; save the file as UTF-8".to_owned())
    })
}

fn read_bytes(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(syntax::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: &io::Error, option: &str) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no such file; name the configuration with {option} FILE"),
        io::ErrorKind::PermissionDenied => {
            "this user may not read the file; run the agent as the owner of the file, or as root".to_owned()
        }
        io::ErrorKind::IsADirectory => format!("is a directory; name the file in it with {option} FILE"),
        _ => format!("cannot be read: {error}"),
    }
}

/// Names each fragment, since its settings are missing from the plan.
fn warn_of_fragments(loaded: &mut Loaded) {
    let directory = loaded.values.get("config_directory").and_then(Value::as_str).unwrap_or("agent.d");
    let directory = loaded.directory().join(directory);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            loaded.report.warn("config_directory", format!("{} cannot be read: {error}", directory.display()));
            return;
        }
    };
    let mut fragments: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.as_os_str().as_encoded_bytes().ends_with(b".json") && path.is_file())
        .collect();
    fragments.sort();
    let more = fragments.len().saturating_sub(NAMED_FRAGMENTS);
    for fragment in fragments.iter().take(NAMED_FRAGMENTS) {
        let message = format!("{} is not read yet; move its content into the main file", fragment.display());
        loaded.report.warn("", message);
    }
    if more > 0 {
        loaded.report.warn("", format!("{more} more files in {} are not read yet", directory.display()));
    }
}

/// Names each variable that would have set a key; gives the name of the one that would have set `api_key`.
fn warn_of_environment(environment: &Environment, report: &mut Report) -> Option<String> {
    let mut key_variable = None;
    let mut of_environment = Report::new("environment");
    for key in keys::GLOBAL {
        if let Some(name) = variable_names(key).into_iter().find(|name| environment.get(name).is_some()) {
            of_environment
                .warn(&name, format!("is not honoured yet; write `{}` into the configuration file", key.name));
            if key.name == "api_key" {
                key_variable = Some(name);
            }
        }
    }
    if environment.get("SCALYR_EXTRA_CONFIG_DIR").is_some() {
        of_environment.warn("SCALYR_EXTRA_CONFIG_DIR", "is not honoured yet: its files are not read");
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
