//! Keys that stand in files of their own: `api_key_file`, and the credentials that systemd hands to a service.
//!
//! For the key of the top level the first of these counts: `api_key` in a configuration file, `api_key_file` in one,
//! `SCALYR_API_KEY`, `SCALYR_API_KEY_FILE`, the credential `scalyr_api_key`. For a worker: `api_key` of its entry,
//! `api_key_file` of its entry, the credential `scalyr_api_key.<id>`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::load::Loaded;
use super::origin::Origin;
use super::plan::ApiKey;
use super::report::Kind;
use super::sources::{Home, Source};
use super::value;

/// The key of the top level, and of an entry of `workers`.
const KEY: &str = "api_key";
/// The key that names a file with it.
const KEY_FILE: &str = "api_key_file";
/// The names of the lists of workers.
const WORKERS: [&str; 2] = ["workers", "api_keys"];
/// The longest file, in bytes.
const MAX_BYTES: usize = 4096;
/// The folder of the credentials of a service, set by systemd.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// What to do about a file that cannot be used.
const FILE_HINT: &str = "write the key, and nothing else, into that file, readable by the user of the agent";
/// The name of the credential.
const CREDENTIAL: &str = "scalyr_api_key";

/// Reads the file of a key: at most 4 KiB of UTF-8 text, one line; blanks and line breaks around it are cut off.
///
/// # Errors
/// The path, and what is wrong with the file; never what is in it.
pub(super) fn read_key_file(path: &Path) -> Result<ApiKey, String> {
    let shown = path.display();
    let bytes = read_bytes(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{shown} does not exist"),
        io::ErrorKind::PermissionDenied => format!("{shown} may not be read by this user"),
        _ => format!("{shown} cannot be read: {error}"),
    })?;
    if bytes.len() > MAX_BYTES {
        return Err(format!("{shown} is larger than {MAX_BYTES} bytes; a key is one line of text"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8 text"))?;
    let key = text.trim_start_matches('\u{feff}').trim();
    if key.is_empty() {
        return Err(format!("{shown} is empty"));
    }
    if key.contains(['\n', '\r']) {
        return Err(format!("{shown} holds several lines; a key is one"));
    }
    if key.contains(char::is_control) {
        return Err(format!("{shown} holds control characters"));
    }
    Ok(ApiKey::new(key))
}

/// Nothing but a regular file is opened: a pipe would be waited for.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts keys that stand in files of their own in the place of `api_key`, at the top level and in each entry of
/// `workers`, so that whoever reads the values finds one there. Where a named file cannot be used and nothing else gives
/// the key, that is reported here, and nowhere again: `Loaded::is_key_told`, and an entry with `api_key_file` alone.
pub(super) fn resolve(loaded: &mut Loaded, environment: &Environment) {
    let credentials = environment.get(CREDENTIALS_DIRECTORY).filter(|path| !path.is_empty()).map(PathBuf::from);
    resolve_own(loaded, credentials.as_deref());
    for list in WORKERS {
        resolve_workers(loaded, list, credentials.as_deref());
    }
}

/// Where the key of the top level may come from.
enum Candidate {
    /// `api_key`, which a file or a variable gives.
    Key(Origin),
    /// `api_key_file`, which a file or a variable gives.
    Named(PathBuf, Origin),
    /// The credential of systemd.
    Credential(PathBuf),
}

impl Candidate {
    /// The key that gives it.
    fn key(&self) -> &'static str {
        match self {
            Self::Named(..) => KEY_FILE,
            Self::Key(_) | Self::Credential(_) => KEY,
        }
    }

    /// What it is called in a message about another one.
    fn name(&self) -> String {
        match self {
            Self::Key(Origin::Variable(name)) | Self::Named(_, Origin::Variable(name)) => name.clone(),
            Self::Key(origin) => format!("`{KEY}` ({origin})"),
            Self::Named(_, origin) => format!("`{KEY_FILE}` ({origin})"),
            Self::Credential(path) => format!("the credential {}", path.display()),
        }
    }
}

/// The key of the top level: the first candidate that gives one counts.
fn resolve_own(loaded: &mut Loaded, credentials: Option<&Path>) {
    let mut failures = Vec::new();
    let mut found = None;
    let mut rest = candidates(loaded, credentials).into_iter();
    for candidate in rest.by_ref() {
        let key = match &candidate {
            Candidate::Key(_) => Ok(None),
            Candidate::Named(path, _) => use_file(loaded, candidate.key(), path).map(Some),
            Candidate::Credential(path) => read_credential(loaded, path).map(Some),
        };
        match key {
            Ok(key) => {
                found = Some((candidate, key));
                break;
            }
            Err(message) => failures.push((candidate, message)),
        }
    }
    let Some((used, key)) = found else {
        for (candidate, message) in failures {
            loaded.report.fail(candidate.key(), message).kind(Kind::File).hint(FILE_HINT);
            loaded.is_key_told = true;
        }
        return;
    };
    for (candidate, message) in failures {
        let message = format!("{message}; {} is used", used.name());
        loaded.report.refuse(candidate.key(), message).kind(Kind::File).hint(FILE_HINT);
    }
    // That a credential is there as well is how a service is set up, and that a variable says the same does no harm.
    let is_same = key.as_ref().is_some_and(|key| loaded.values.get(KEY).and_then(Value::as_str) == Some(key.reveal()));
    let ignored = rest.filter(|other| match other {
        Candidate::Key(_) => !is_same,
        Candidate::Named(..) => true,
        Candidate::Credential(_) => false,
    });
    for other in ignored {
        let message = format!("is ignored: {} gives the key", used.name());
        loaded.report.warn(other.key(), message).kind(Kind::Conflict).hint("remove one of the two");
    }
    if let (Some(key), Candidate::Named(path, _) | Candidate::Credential(path)) = (key, used) {
        put_key(loaded, &path, &key);
    }
}

/// What gives a key, in the order in which it counts.
fn candidates(loaded: &Loaded, credentials: Option<&Path>) -> Vec<Candidate> {
    let origin = |key| loaded.report.sources().origin(key);
    let mut candidates = Vec::new();
    if loaded.values.contains_key(KEY) {
        candidates.push(Candidate::Key(origin(KEY)));
    }
    if let Some(path) = loaded.values.get(KEY_FILE).and_then(value::scalar_text) {
        candidates.push(Candidate::Named(loaded.directory().join(path), origin(KEY_FILE)));
    }
    if let [Candidate::Key(Origin::Variable(_)), Candidate::Named(_, Origin::File { .. })] = candidates.as_slice() {
        candidates.reverse();
    }
    // One that was not handed over is no mistake.
    let credential = credentials.map(|folder| folder.join(CREDENTIAL)).filter(|path| path.exists());
    candidates.extend(credential.map(Candidate::Credential));
    candidates
}

/// From now on the key is that of the file.
fn put_key(loaded: &mut Loaded, path: &Path, key: &ApiKey) {
    loaded.values.insert(KEY.to_owned(), key.reveal().into());
    let sources = loaded.report.sources_mut();
    let text = sources.add_text(Source { name: path.display().to_string(), places: None, text: None });
    sources.add_homes([(KEY.to_owned(), Home::Whole(text))]);
}

/// The keys of the workers that give none in their entry.
fn resolve_workers(loaded: &mut Loaded, list: &str, credentials: Option<&Path>) {
    let Some(Value::Array(mut entries)) = loaded.values.get(list).cloned() else { return };
    for (index, entry) in entries.iter_mut().enumerate() {
        let Value::Object(entry) = entry else { continue };
        let path = format!("{list}[{index}].{KEY_FILE}");
        let named = entry.get(KEY_FILE).and_then(value::scalar_text).map(|file| loaded.directory().join(file));
        let is_given = entry.get(KEY).is_some_and(|key| !key.is_null());
        let key = match (named, is_given) {
            (Some(_), true) => {
                let message = format!("is ignored: `{KEY}` of the same entry gives the key");
                loaded.report.warn(path, message).kind(Kind::Conflict).hint("remove one of the two");
                continue;
            }
            (None, true) => continue,
            (Some(file), false) => use_file(loaded, &path, &file),
            (None, false) => match credentials.and_then(|folder| worker_credential(entry, folder)) {
                Some(file) => read_credential(loaded, &file),
                None => continue,
            },
        };
        match key {
            Ok(key) => _ = entry.insert(KEY.to_owned(), key.reveal().into()),
            Err(message) => _ = loaded.report.refuse(path, message).kind(Kind::File).hint(FILE_HINT),
        }
    }
    loaded.values.insert(list.to_owned(), Value::Array(entries));
}

/// The credential of a worker, if there is one. An id that is none is no part of a path either.
fn worker_credential(entry: &Map<String, Value>, folder: &Path) -> Option<PathBuf> {
    let id = entry.get("id").and_then(value::scalar_text)?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_id.then(|| folder.join(format!("{CREDENTIAL}.{id}"))).filter(|path| path.exists())
}

/// Reads a credential; whether others may read it is the business of systemd.
fn read_credential(loaded: &mut Loaded, file: &Path) -> Result<ApiKey, String> {
    note(loaded, file);
    read_key_file(file)
}

/// Remembers the file of a key, so that a new key is noticed. A pipe would be waited for.
fn note(loaded: &mut Loaded, file: &Path) {
    match fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => loaded.seen.note_unread(file),
        _ => loaded.seen.note(file),
    }
}

/// Reads the file that the value at `path` names, and says so when others may read or change it.
fn use_file(loaded: &mut Loaded, path: &str, file: &Path) -> Result<ApiKey, String> {
    note(loaded, file);
    let key = read_key_file(file)?;
    let mode = fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode()) & 0o777;
    let too_much =
        [(0o004, "every user may read it"), (0o002, "every user may change it"), (0o020, "its group may change it")];
    let found: Vec<&str> = too_much.iter().filter(|(bit, _)| mode & bit != 0).map(|(_, what)| *what).collect();
    if !found.is_empty() {
        let message = format!("{} has the permissions {mode:03o}: {}", file.display(), found.join(", and "));
        // What the owner may do with it stays.
        let hint = format!("chmod {:03o} {}", mode & 0o750, file.display());
        loaded.report.warn(path, message).kind(Kind::Permissions).hint(hint);
    }
    Ok(key)
}
