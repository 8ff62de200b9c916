//! The tarball, for a host without dpkg and rpm: a folder that the agent runs in, wherever it is unpacked.
//!
//! It has the layout of the Python agent's tarball (`cli-and-service.md` section 11): `config`, `log` and `data` beside
//! the program, not the paths of a package. A fragment of the configuration says so; nothing in it is absolute.

use std::io;

use flate2::{Compression, GzBuilder};

use crate::archive::Archive;
use crate::formats::Format;
use crate::package::Package;
use crate::soundness;
use crate::tree::{Kind, Role, Tree};

/// The folders and files of the table, and what they are called in the tarball; the first that fits counts. What fits
/// none is for packages only: the service, and the other folder in which the program is found there.
const PLACES: [(&str, &str); 8] = [
    ("usr/sbin", "bin"),
    ("etc/scalyr-agent-2", "config"),
    ("var/log/scalyr-agent-2", "log"),
    ("var/lib/scalyr-agent-2", "data"),
    ("usr/share/scalyr-agent-2/VERSION", "VERSION"),
    ("usr/share/scalyr-agent-2/bin", ""),
    ("usr/share/scalyr-agent-2", "share"),
    ("usr/share", "share"),
];
/// Has the agent keep its logs and checkpoints beside the configuration; the paths are relative to that file.
const PATHS: &str = r#"// Where the agent of this folder writes: beside its configuration, wherever the folder is moved to.
{
  "agent_log_path": "../log",
  "agent_data_path": "../data"
}
"#;
const INSTALL: &str = include_str!("INSTALL");

/// The name of the only folder at the top.
fn folder(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// Writes the tarball; the same bytes for the same package.
///
/// # Errors
/// When something in the package cannot be said in a tarball, or has no place in this one.
pub(crate) fn write(package: &Package) -> io::Result<Vec<u8>> {
    soundness::check(package)?;
    let compressor = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut archive = Archive::new(compressor, package.source_date);
    let top = folder(package);
    archive.folder(&top, 0o755)?;
    let tree = layout(package)?;
    for (path, entry) in soundness::with_parents(&tree) {
        archive.add(&format!("{top}/{path}"), entry)?;
    }
    archive.finish()?.finish()
}

/// The table of the tarball, made of that of the package.
fn layout(package: &Package) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for (path, entry) in package.tree.entries() {
        let Some(place) = place(path) else { continue };
        match &entry.kind {
            Kind::Folder => tree.folder(&place, entry.mode),
            Kind::File(content) => tree.file(&place, entry.mode, entry.role, content.as_slice()),
            Kind::Link(target) => tree.link(&place, target),
        }
    }
    tree.file("INSTALL", 0o644, Role::Documentation, install(package));
    tree.file("config/agent.d/paths.json", 0o640, Role::Config, PATHS);
    check_links(&tree)?;
    Ok(tree)
}

/// Where an entry of the package is in the tarball; none if it is for packages only.
fn place(path: &str) -> Option<String> {
    PLACES.iter().find_map(|(from, to)| {
        let rest = path.strip_prefix(from)?;
        let is_below = rest.is_empty() || rest.starts_with('/');
        is_below.then(|| if to.is_empty() { None } else { Some(format!("{to}{rest}")) })
    })?
}

/// Whether each link leads to something in the tarball: it may be unpacked anywhere.
fn check_links(tree: &Tree) -> io::Result<()> {
    let all = soundness::with_parents(tree);
    for (path, entry) in &all {
        if let Kind::Link(target) = &entry.kind
            && !destination(path, target).is_some_and(|path| all.contains_key(path.as_str()))
        {
            let text = format!("{path}: the link to {target} leads to nothing that is in the tarball");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
    }
    Ok(())
}

/// The path that the link `path` leads to; none when that is outside.
fn destination(path: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<_> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            "." | "" => {}
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn install(package: &Package) -> String {
    INSTALL.replace("@VERSION@", &package.version.to_string()).replace("@FILE@", &Format::Tarball.file_name(package))
}
