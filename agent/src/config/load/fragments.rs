//! Which further files belong to the configuration, and in which order (`configuration.md` section 1).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::report::{Kind, Problem, Report};
use super::super::sources::ENVIRONMENT;
use super::super::{keys, value};
use super::Request;
use super::files::Text;
use super::seen::{Entry, EntryKind, Seen};

/// How much is read; a folder of more is another one than was meant.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// So many fragments.
    files: usize,
    /// So many bytes all files may have together.
    bytes: usize,
}

impl Limits {
    pub(super) const OF_AGENT: Self = Self { files: 10_000, bytes: 64 << 20 };
}

const KEY: &str = super::FOLDER;
const VARIABLE: &str = "SCALYR_CONFIG_DIRECTORY";
const EXTRA_OPTION: &str = "--extra-config-dir";
const EXTRA_VARIABLE: &str = "SCALYR_EXTRA_CONFIG_DIR";

/// A folder of fragments.
struct Folder {
    path: PathBuf,
    /// What is wrong with it, at `named_at`: where it was named.
    report: Report,
    named_at: &'static str,
    /// Whether the user named it, so that it should be there.
    is_named: bool,
}

/// Reads the fragments that belong to the main file `file`, whose text is `main`. What is wrong with the folders, not with
/// the files in them, is in the report.
pub(super) fn read(
    file: &Path,
    main: &Text,
    request: &Request<'_>,
    limits: Limits,
    seen: &mut Seen,
) -> (Vec<Text>, Report) {
    let base = file.parent().unwrap_or(Path::new("/"));
    let folders = [Some(normal_folder(base, main, request)), extra_folder(base, request)];
    let main_file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut reading = Reading {
        main_file,
        folders: Vec::new(),
        texts: Vec::new(),
        bytes: main.bytes,
        request,
        limits,
        seen,
        is_over: false,
    };
    let mut all = Report::default();
    for mut folder in folders.into_iter().flatten() {
        reading.read_folder(&mut folder);
        all.merge(folder.report);
    }
    (reading.texts, all)
}

/// The folder of the fragments of a main file.
pub(super) fn folder(file: &Path, main: &Text, request: &Request<'_>) -> PathBuf {
    normal_folder(file.parent().unwrap_or(Path::new("/")), main, request).path
}

/// The file's folder, else the one of the environment, else the default.
fn normal_folder(base: &Path, main: &Text, request: &Request<'_>) -> Folder {
    let default = keys::GLOBAL.iter().find(|key| key.name == KEY).and_then(keys::Key::default);
    let default = default.as_ref().and_then(Value::as_str).unwrap_or("agent.d");
    let of_environment = || {
        let names = [VARIABLE.to_owned(), VARIABLE.to_ascii_lowercase()];
        names.iter().find_map(|name| Some(request.environment.get(name)?.to_owned()))
    };
    let (name, mut report, named_at) = match main.values.as_ref().and_then(|values| values.get(KEY)) {
        // A value that is no text is refused where all types are checked.
        Some(value) => (value::text(value).ok().map(|text| text.value), main.report.of_same_text(), KEY),
        None => match of_environment() {
            Some(name) => (Some(name), Report::new(ENVIRONMENT), VARIABLE),
            None => (None, main.report.of_same_text(), KEY),
        },
    };
    if name.as_deref() == Some("") {
        report.warn(named_at, format!("is empty; {default} is used")).hint("leave it out, or name a folder");
    }
    let name = name.filter(|name| !name.is_empty());
    let path = base.join(name.as_deref().unwrap_or(default));
    Folder { path, report, named_at, is_named: name.is_some() }
}

fn extra_folder(base: &Path, request: &Request<'_>) -> Option<Folder> {
    let of_environment = || Some(Path::new(request.environment.get(EXTRA_VARIABLE)?));
    let (name, report, named_at) = match request.extra_directory {
        Some(name) => (name, Report::new(EXTRA_OPTION), ""),
        None => (of_environment()?, Report::new(ENVIRONMENT), EXTRA_VARIABLE),
    };
    let is_empty = name.as_os_str().is_empty();
    (!is_empty).then(|| Folder { path: base.join(name), report, named_at, is_named: true })
}

impl Folder {
    fn warn(&mut self, message: String) -> &mut Problem {
        self.report.warn(self.named_at, message).kind(Kind::File)
    }

    fn fail(&mut self, message: String) -> &mut Problem {
        self.report.fail(self.named_at, message).kind(Kind::File)
    }

    /// A folder that nobody named need not be there.
    fn tell_unreadable(&mut self, error: &io::Error) {
        let path = self.path.display();
        match error.kind() {
            io::ErrorKind::NotFound if !self.is_named => {}
            io::ErrorKind::NotFound => {
                let message = format!("there is no folder {path}; no fragments are read from there");
                self.warn(message).hint("create it, or correct the name");
            }
            io::ErrorKind::PermissionDenied => {
                let message = format!("this user may not list the folder {path}; no fragments are read from there");
                self.warn(message).hint("run the agent as the owner of the main file, or as root");
            }
            io::ErrorKind::NotADirectory => {
                let message = format!("{path} is not a folder; no fragments are read from there");
                self.warn(message).hint("name the folder that holds the fragments");
            }
            _ => {
                let message = format!("the folder {path} cannot be listed: {error}; no fragments are read from there");
                self.warn(message);
            }
        }
    }
}

struct Reading<'a, 'r> {
    /// The main file, without links on the way to it.
    main_file: PathBuf,
    /// The folders that were read: without links, and as they are called.
    folders: Vec<(PathBuf, PathBuf)>,
    texts: Vec<Text>,
    /// Those of all files so far.
    bytes: usize,
    request: &'a Request<'r>,
    limits: Limits,
    seen: &'a mut Seen,
    /// Whether there are too many bytes.
    is_over: bool,
}

impl Reading<'_, '_> {
    fn read_folder(&mut self, folder: &mut Folder) {
        let real = fs::canonicalize(&folder.path).unwrap_or_else(|_| folder.path.clone());
        if let Some((_, known)) = self.folders.iter().find(|(known, _)| *known == real) {
            let message = format!("{} is {}, which is read already", folder.path.display(), known.display());
            folder.warn(message).kind(Kind::Conflict).hint("leave it out");
            return;
        }
        self.folders.push((real.clone(), folder.path.clone()));
        let entries = match self.seen.list(&folder.path, self.limits.files) {
            Ok(Some(entries)) if self.texts.len() + entries.len() <= self.limits.files => entries,
            Ok(_) => {
                let (path, most) = (folder.path.display(), self.limits.files);
                let message =
                    format!("there are more than {most} files *.json with those in {path}; these are not read");
                folder.fail(message).hint("is this the right folder?");
                return;
            }
            Err(error) => return folder.tell_unreadable(&error),
        };
        for Entry { path, is } in entries {
            match is {
                EntryKind::File if path.file_name().is_some_and(|name| real.join(name) == self.main_file) => {
                    let message = format!("{} is the main file, and is not read once more", path.display());
                    folder.warn(message).kind(Kind::Conflict).hint("keep the fragments in a folder of their own");
                }
                EntryKind::File => self.read_file(&path, folder),
                EntryKind::Unreachable => {
                    self.seen.note_unread(&path);
                    let message =
                        format!("{} leads nowhere, or to where this user may not look; it is not read", path.display());
                    folder.warn(message);
                }
                EntryKind::Other => {}
            }
        }
    }

    fn read_file(&mut self, path: &Path, folder: &mut Folder) {
        if self.is_over {
            self.seen.note_unread(path);
            return;
        }
        let mut text = Text::read(path, None, self.request.environment, self.seen);
        if text.values.as_ref().is_some_and(|values| values.contains_key(KEY)) {
            let message = "has no effect in a fragment: the folder is known before the files in it";
            text.report.warn(KEY, message).hint("write it into the main file");
        }
        self.bytes += text.bytes;
        if self.bytes > self.limits.bytes {
            self.is_over = true;
            let most = self.limits.bytes >> 20;
            let message = format!(
                "all files together are larger than {most} MiB; {} and what follows is not read",
                path.display()
            );
            folder.fail(message).hint("is this the right folder?");
        } else {
            self.texts.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use scalyr_monitor::registry::Environment;

    use super::*;

    /// What is read of four fragments of half a MiB each, and what is said.
    fn read_within(limits: Limits) -> (usize, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("agent.d")).unwrap();
        fs::write(path("agent.json"), "{}").unwrap();
        for name in ["a", "b", "c", "d"] {
            fs::write(path(&format!("agent.d/{name}.json")), format!("{{}}{}", " ".repeat(500_000))).unwrap();
        }
        let (file, environment) = (path("agent.json"), Environment::default());
        let request = Request { file: &file, named_by: "-c", extra_directory: None, environment: &environment };
        let mut seen = Seen::default();
        let main = Text::read(&file, None, &environment, &mut seen);
        let (texts, report) = read(&file, &main, &request, limits, &mut seen);
        (texts.len(), report.to_string().replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn a_folder_of_another_kind_is_not_read_to_its_end() {
        assert_eq!(read_within(Limits { files: 4, bytes: 2 << 20 }), (4, String::new()));
        let (read, told) = read_within(Limits { files: 3, bytes: 2 << 20 });
        assert_eq!(read, 0);
        expect![[r#"
            error: agent.json  config_directory: there are more than 3 files *.json with those in agent.d; these are not read; is this the right folder?
        "#]].assert_eq(&told);
        let (read, told) = read_within(Limits { files: 4, bytes: 1 << 20 });
        assert_eq!(read, 2);
        expect![[r#"
            error: agent.json  config_directory: all files together are larger than 1 MiB; agent.d/c.json and what follows is not read; is this the right folder?
        "#]].assert_eq(&told);
    }
}
