//! `--import-config`: the configuration of an archive takes the place of this one, all of it or nothing.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::files::{self, Change};
use super::{Host, Terminal, configuration, is_stdio, problems, running};
use crate::config::load::Proposed;
use crate::config::{Report, Severity};
use crate::order;

/// No configuration has more files.
const MOST_FILES: usize = 10_000;
/// Or more bytes, unpacked; what the loader reads, and the heads of the files.
const MOST_BYTES: u64 = 80 << 20;

/// Puts the configuration of the archive at `path` in the place of this one.
///
/// # Errors
/// Why nothing was changed.
pub(super) fn read(path: &Path, host: &Host, terminal: &mut Terminal<'_>, said: &mut String) -> Result<(), String> {
    let (members, skipped) = if is_stdio(Some(path)) {
        if terminal.input_is_terminal {
            return Err(
                "--import-config - reads the archive from standard input, which is a terminal; redirect it".to_owned()
            );
        }
        members(terminal.input)
    } else {
        File::open(path).map_err(|error| error.to_string()).and_then(|mut file| members(&mut file))
    }
    .map_err(|why| format!("--import-config {}: {why}; nothing was changed", path.display()))?;
    let new = New::of(members, host)
        .map_err(|why| format!("--import-config {}: {why}; nothing was changed", path.display()))?;
    new.judge(host, said)?;
    let deleted = new.take_place(host)?;
    for name in skipped {
        *said += &format!("{} of the archive is left out: a fragment is a file *.json.\n", name.display());
    }
    *said += &format!("{} and {} fragments were imported.\n", host.file.display(), new.fragments);
    for path in deleted {
        *said += &format!("{} was deleted: the archive does not have it.\n", path.display());
    }
    *said += &running::notice(host.draft(&host.load(&Proposed::default())).plan());
    Ok(())
}

/// The files of an archive by their paths, and what is none of a configuration.
type Members = (BTreeMap<PathBuf, Vec<u8>>, Vec<PathBuf>);

fn members(input: &mut dyn Read) -> Result<Members, String> {
    let unpacked = MultiGzDecoder::new(input).take(MOST_BYTES + 1);
    let mut archive = Archive::new(unpacked);
    let (mut files, mut skipped) = (BTreeMap::new(), Vec::new());
    let broken = |error: io::Error| format!("cannot be read as a gzipped tar file: {error}");
    let mut bytes = 0;
    for (number, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        if number == MOST_FILES {
            return Err(format!("holds more than {MOST_FILES} files; is this the right archive?"));
        }
        let raw = entry.path_bytes().into_owned();
        let shown = String::from_utf8_lossy(&raw).escape_debug().to_string();
        let path =
            relative(&raw).ok_or_else(|| format!("the path {shown} leads out of the folder of the configuration"))?;
        match entry.header().entry_type() {
            EntryType::Directory => continue,
            EntryType::Regular => {}
            EntryType::Link | EntryType::Symlink => return Err(format!("{shown} is a link; only files are imported")),
            _ => return Err(format!("{shown} is no file; only files are imported")),
        }
        bytes = entry.size().saturating_add(bytes);
        if bytes > MOST_BYTES {
            return Err(format!("holds more than {} MiB; is this the right archive?", MOST_BYTES >> 20));
        }
        if path.extension().is_none_or(|ending| ending != "json") || path.components().count() > 2 {
            skipped.push(path);
            continue;
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(broken)?;
        if files.insert(path, text).is_some() {
            return Err(format!("holds {shown} twice"));
        }
    }
    Ok((files, skipped))
}

/// The path of a member below the folder of the configuration; `None` when it leads elsewhere.
fn relative(raw: &[u8]) -> Option<PathBuf> {
    let text = std::str::from_utf8(raw).ok().filter(|text| !text.contains(char::is_control))?;
    let mut path = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}

/// The configuration that is to be.
struct New {
    proposed: Proposed,
    folder: PathBuf,
    fragments: usize,
}

impl New {
    fn of(mut members: BTreeMap<PathBuf, Vec<u8>>, host: &Host) -> Result<Self, String> {
        let base = host.file.parent().unwrap_or(Path::new("/"));
        let at_top: Vec<PathBuf> = members.keys().filter(|path| path.components().count() == 1).cloned().collect();
        let own = host.file.file_name().map(PathBuf::from).unwrap_or_default();
        let main = match at_top.as_slice() {
            [] => return Err("holds no main file, such as agent.json".to_owned()),
            [only] => only.clone(),
            several if several.contains(&own) => {
                let other = several.iter().find(|path| **path != own).cloned().unwrap_or_default();
                return Err(format!(
                    "holds {} beside {}, and only one main file can be",
                    other.display(),
                    own.display()
                ));
            }
            _ => return Err("holds several files that could be the main one".to_owned()),
        };
        let text = members.remove(&main).unwrap_or_default();
        let mut proposed = Proposed::default();
        proposed.put(host.file.clone(), text);
        let folder = host.load(&proposed).folder;
        let fragments = members.len();
        for (path, text) in members {
            let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
            if base.join(parent).components().ne(folder.components()) {
                return Err(format!(
                    "holds {}, but its configuration has its fragments in {}",
                    path.display(),
                    folder.display()
                ));
            }
            proposed.put(folder.join(name), text);
        }
        let is_other_folder = host.load(&Proposed::default()).folder != folder;
        let known: Vec<PathBuf> = proposed.files().map(|(path, _)| path.to_owned()).collect();
        let main = fs::canonicalize(&host.file).unwrap_or_else(|_| host.file.clone());
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_fragment = path.extension().is_some_and(|ending| ending == "json") && path.is_file();
            let is_main = fs::canonicalize(&path).is_ok_and(|path| path == main);
            if is_fragment && !is_main && !known.contains(&path) {
                // A folder that only the archive names is perhaps none of fragments.
                if is_other_folder {
                    return Err(format!(
                        "its configuration has its fragments in {}, where this one has none, and there is {} that the archive \
                         does not have; move it away, or set config_directory to another folder",
                        folder.display(),
                        path.display()
                    ));
                }
                proposed.remove(path);
            }
        }
        Ok(Self { proposed, folder, fragments })
    }

    /// Whether an agent could run with it; what else is to be said of it is printed.
    fn judge(&self, host: &Host, said: &mut String) -> Result<(), String> {
        let report: Report = host.draft(&host.load(&self.proposed)).report;
        if report.worst() == Some(Severity::Fatal) {
            let text = configuration::text(&report);
            return Err(format!(
                "{text}No agent could run with the configuration of the archive; nothing was changed."
            ));
        }
        *said += &problems::text(&report, problems::Wording::Daemon, problems::Form::of_stderr());
        Ok(())
    }

    /// Writes it; gives what was deleted.
    fn take_place(&self, host: &Host) -> Result<Vec<PathBuf>, String> {
        let failed = |path: &Path, error: io::Error| format!("{}: {error}; nothing was changed", path.display());
        let (mut changes, mut deleted) = (Vec::new(), Vec::new());
        for (path, text) in self.proposed.files() {
            let before = files::read(path).map_err(|error| failed(path, error))?;
            if text.is_none() {
                deleted.push(path.to_owned());
            }
            changes.push(Change { path: path.to_owned(), before, text: text.map(<[u8]>::to_vec) });
        }
        // What goes goes last.
        order::by_key(&mut changes, |change| change.text.is_none());
        let is_made = self.fragments > 0 && !self.folder.exists();
        if is_made {
            make_folder(&self.folder, &host.file).map_err(|error| failed(&self.folder, error))?;
        }
        let replaced = files::replace(changes, &host.file);
        if replaced.is_err() && is_made {
            _ = fs::remove_dir(&self.folder);
        }
        replaced.map(|()| deleted)
    }
}

/// A folder of fragments as the packages have it, owned as the main file.
fn make_folder(path: &Path, like: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o751).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o751))?;
    match fs::metadata(like) {
        Ok(like) => std::os::unix::fs::chown(path, Some(like.uid()), Some(like.gid())),
        Err(_) => Ok(()),
    }
}
