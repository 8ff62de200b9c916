//! `--export-config`: the main file and its fragments as a gzipped tar file, with paths from the folder of the main file.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::order;

use super::files::write_private;
use super::{Host, Terminal, is_stdio};

/// Writes the archive.
///
/// # Errors
/// Why there is none.
pub(super) fn write(path: &Path, host: &Host, terminal: &mut Terminal<'_>, said: &mut String) -> Result<(), String> {
    let loaded = host.readable()?;
    let base = loaded.file.parent().unwrap_or(Path::new("/"));
    let mut files = vec![(loaded.file.file_name().unwrap_or_default().to_owned().into(), loaded.file.clone())];
    if loaded.folder.is_dir() {
        let folder = loaded.folder.strip_prefix(base).map_err(|_| {
            format!(
                "--export-config: the fragments lie in {}, outside of {}, and an archive has paths from there; move them there, \
                 or keep the two by other means",
                loaded.folder.display(),
                base.display()
            )
        })?;
        let failed = |error| format!("--export-config: {}: {error}", loaded.folder.display());
        let mut entries =
            fs::read_dir(&loaded.folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        order::by_key(&mut entries, fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            if Path::new(&name).extension() == Some(OsStr::new("json")) && entry.path().is_file() {
                files.push((folder.join(name), entry.path()));
            } else {
                *said += &format!("{} is left out: a fragment is a file *.json.\n", entry.path().display());
            }
        }
    }
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, path) in &files {
        let failed = |error: std::io::Error| format!("--export-config: {}: {error}", path.display());
        let bytes = fs::read(path).map_err(failed)?;
        let metadata = fs::metadata(path).map_err(failed)?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(metadata.mode() & 0o777);
        header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes.as_slice()).map_err(failed)?;
    }
    let packed = archive.into_inner().and_then(GzEncoder::finish);
    let packed = packed.map_err(|error| format!("--export-config: {error}"))?;
    let where_to = if is_stdio(Some(path)) {
        let written = terminal.out.write_all(&packed).and_then(|()| terminal.out.flush());
        written.map_err(|error| format!("--export-config: standard output: {error}"))?;
        "standard output".to_owned()
    } else {
        write_private(path, &packed).map_err(|why| format!("--export-config: {why}"))?;
        path.display().to_string()
    };
    *said += &format!(
        "{} and {} fragments were exported to {where_to}; the api key is in it, so keep it from others.\n",
        loaded.file.display(),
        files.len() - 1
    );
    Ok(())
}
