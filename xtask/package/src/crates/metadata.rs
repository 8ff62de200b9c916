//! What `cargo metadata` and Cargo.lock tell of each package.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::graph::Node;
use super::{Build, Crate, CratesError, Origin, bundled, file_error, output, texts};

/// The packages that cargo knows, of which not all are part of the program.
pub(super) struct Metadata {
    root: PathBuf,
    packages: HashMap<(String, String), Package>,
    checksums: HashMap<(String, String), String>,
}

#[derive(Deserialize)]
struct Printed {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    description: Option<String>,
    license: Option<String>,
    authors: Vec<String>,
    repository: Option<String>,
    homepage: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
    /// `[package.metadata]`, whatever its user put there.
    metadata: serde_json::Value,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

pub(super) fn read(build: &Build<'_>) -> Result<Metadata, CratesError> {
    let manifest = build.manifest.to_string_lossy();
    let arguments = ["metadata", "--locked", "--format-version=1", "--manifest-path", &manifest];
    let text = output(build.root, "cargo", &arguments)?;
    let printed: Printed = serde_json::from_str(&text)
        .map_err(|error| CratesError::Strange { call: "cargo metadata".to_owned(), why: error.to_string() })?;
    let path = printed.workspace_root.join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(|error| file_error(&path, error))?;
    let lock: Lock = toml::from_str(&lock).map_err(|error| file_error(&path, error))?;
    let checksums =
        lock.package.into_iter().filter_map(|locked| Some(((locked.name, locked.version), locked.checksum?))).collect();
    let packages =
        printed.packages.into_iter().map(|package| ((package.name.clone(), package.version.clone()), package));
    let root = build.root.canonicalize().map_err(|error| file_error(build.root, error))?;
    Ok(Metadata { root, packages: packages.collect(), checksums })
}

impl Metadata {
    /// Where the crate is made that is asked about.
    pub(super) fn knows(&self, name: &str, version: &str) -> bool {
        self.packages.contains_key(&(name.to_owned(), version.to_owned()))
    }

    /// All that is told of one crate, but for what it depends on.
    pub(super) fn describe(&self, node: &Node) -> Result<Crate, CratesError> {
        let key = (node.name.clone(), node.version.clone());
        let Some(package) = self.packages.get(&key) else {
            let why = format!("`cargo metadata` knows no {} {}", node.name, node.version);
            return Err(CratesError::Strange { call: "cargo tree".to_owned(), why });
        };
        let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
        let origin = self.origin(package, folder);
        let (left_out, bundled) = bundled::of(&package.name, &package.version, folder)?;
        let mut found = if origin == Origin::Project { Vec::new() } else { texts::find(folder)? };
        found.retain(|text| left_out.iter().all(|(path, _)| *path != text.path));
        Ok(Crate {
            name: package.name.clone(),
            version: package.version.clone(),
            description: package.description.clone(),
            licence: package.license.clone(),
            authors: package.authors.clone(),
            repository: package.repository.clone().or_else(|| package.homepage.clone()),
            origin,
            is_macro: node.is_macro,
            checksum: self.checksums.get(&key).cloned(),
            texts: found,
            left_out,
            bundled,
            needs: Vec::new(),
        })
    }

    /// A crate in a folder is ours if it is in the checkout, unless it is a monitor that is not one of our examples.
    fn origin(&self, package: &Package, folder: &Path) -> Origin {
        const CRATES_IO: [&str; 2] =
            ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];
        match &package.source {
            Some(source) if CRATES_IO.contains(&source.as_str()) => Origin::CratesIo,
            Some(source) => Origin::Elsewhere(source.clone()),
            None => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
                let monitors = self.root.join("local-monitors");
                let example = package.metadata.pointer("/scalyr-agent/example").and_then(serde_json::Value::as_bool);
                let is_ours = folder.starts_with(&self.root)
                    && (folder == monitors || !folder.starts_with(&monitors) || example == Some(true));
                if is_ours { Origin::Project } else { Origin::User }
            }
        }
    }
}
