//! Packages to install: all that the real ones have, with the agent of this checkout.

use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::root::run;
use crate::contents::tests::{agent, monitors, table, version};
use crate::package::{Architecture, NAME, Needs, Package};
use crate::scripts::{self, DebScripts, RpmScripts};
use crate::tree::{Kind, Tree};
use crate::{deb, rpm};

const PROGRAM: &str = "usr/sbin/scalyr-agent-2";
const INIT: &str = "etc/init.d/scalyr-agent-2";
pub(super) const CONFIG: &str = "etc/scalyr-agent-2/agent.json";
/// They are installed at once, by the machine that wrote them.
const LEVEL: u32 = 0;

/// The package of this checkout, with this release. It needs nothing, as nothing else is installed in the roots.
pub(super) fn packaged(release: &str) -> Package {
    static TREE: OnceLock<Tree> = OnceLock::new();
    let tree = TREE.get_or_init(|| {
        let tree = with(&table().0, PROGRAM, &stripped());
        with(&tree, INIT, scripts::INIT.as_bytes())
    });
    let mut version = version();
    version.release = release.to_owned();
    Package {
        name: NAME.to_owned(),
        version,
        architecture: if cfg!(target_arch = "aarch64") { Architecture::Aarch64 } else { Architecture::X86_64 },
        monitors: monitors(),
        needs: Needs::default(),
        source_date: 1_700_000_000,
        tree: tree.clone(),
        changes: Vec::new(),
    }
}

/// One without this monitor, by what its scripts say.
pub(super) fn lacking(monitor: &str, release: &str) -> Package {
    let mut package = packaged(release);
    package.monitors.retain(|known| known.name != monitor);
    package
}

/// One that brings this as its configuration.
pub(super) fn bringing(configuration: &str, release: &str) -> Package {
    let package = packaged(release);
    Package { tree: with(&package.tree, CONFIG, configuration.as_bytes()), ..package }
}

/// One of another name.
pub(super) fn named(name: &str, release: &str) -> Package {
    Package { name: name.to_owned(), ..packaged(release) }
}

/// The table with another content of a file.
fn with(tree: &Tree, changed: &str, content: &[u8]) -> Tree {
    assert!(tree.get(changed).is_some(), "{changed}");
    let mut copy = Tree::default();
    for (path, entry) in tree.entries() {
        match &entry.kind {
            Kind::File(_) if path == changed => copy.file(path, entry.mode, entry.role, content),
            Kind::File(content) => copy.file(path, entry.mode, entry.role, content.clone()),
            Kind::Folder => copy.folder(path, entry.mode),
            Kind::Link(target) => copy.link(path, target),
        }
    }
    copy
}

/// The agent of this checkout, without what debuggers need.
fn stripped() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent");
    run(Command::new("strip").arg("-o").arg(&path).arg(agent())).well();
    std::fs::read(path).unwrap()
}

type Written<S> = Mutex<Vec<(String, S, Vec<u8>)>>;

/// The package as a .deb. Many stories begin with the same.
pub(super) fn as_deb(package: &Package) -> Vec<u8> {
    static WRITTEN: Written<DebScripts> = Mutex::new(Vec::new());
    once(&WRITTEN, package, scripts::for_deb(package), |scripts| deb::write_at(LEVEL, package, scripts).unwrap())
}

/// The package as an .rpm.
pub(super) fn as_rpm(package: &Package) -> Vec<u8> {
    static WRITTEN: Written<RpmScripts> = Mutex::new(Vec::new());
    once(&WRITTEN, package, scripts::for_rpm(package), |scripts| rpm::write_at(LEVEL, package, scripts).unwrap())
}

/// What was written of the same package before, or what is written now: two are the same when version, scripts and
/// configuration are.
fn once<S: PartialEq>(
    written: &Written<S>,
    package: &Package,
    scripts: S,
    write: impl FnOnce(&S) -> Vec<u8>,
) -> Vec<u8> {
    let key = format!("{} {} {:?}", package.name, package.version, package.tree.get(CONFIG));
    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((.., bytes)) = written.iter().find(|(known, of, _)| *known == key && *of == scripts) {
        return bytes.clone();
    }
    let bytes = write(&scripts);
    written.push((key, scripts, bytes.clone()));
    bytes
}
