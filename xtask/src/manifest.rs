//! What this program wants to know of a crate's `Cargo.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// The crate that every monitor crate depends on.
pub(crate) const API: &str = "scalyr-monitor";

/// The parts of a manifest that matter here.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// `name` under `[package]`; none in the manifest of a mere workspace.
    pub(crate) package: Option<String>,
    /// `version` under `[package]`, also where it is inherited.
    pub(crate) version: Option<String>,
    /// The library's file, relative to the manifest.
    pub(crate) library: String,
    /// Whether it has a `[workspace]` table.
    pub(crate) is_workspace: bool,
    /// `members` under `[workspace]`.
    pub(crate) members: Vec<String>,
    /// How it depends on [`API`].
    pub(crate) api: Option<ApiDependency>,
}

/// Where a monitor crate takes `scalyr-monitor` from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ApiDependency {
    /// `scalyr-monitor = "0.1"`.
    Registry,
    /// A folder, absolute unless the manifest was given by a relative path.
    Path(PathBuf),
    /// The address of a repository.
    Git(String),
}

impl Manifest {
    /// Reads `Cargo.toml` in `folder`. The error is what is wrong, without the file's name.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(folder.join("Cargo.toml")).map_err(|error| error.to_string())?;
        let manifest = DeTable::parse(&text).map_err(|error| error.message().to_owned())?;
        let manifest = manifest.get_ref();
        let package = table(manifest, "package");
        let version = package.and_then(|package| package.get("version")).map(|version| version.get_ref());
        let library = table(manifest, "lib").and_then(|lib| text_at(lib, "path"));
        Ok(Self {
            package: package.and_then(|package| text_at(package, "name")).map(str::to_owned),
            version: match version {
                Some(DeValue::String(version)) => Some(version.to_string()),
                Some(_) => inherited(folder, "version"),
                None => None,
            },
            library: library.unwrap_or("src/lib.rs").to_owned(),
            is_workspace: manifest.contains_key("workspace"),
            members: table(manifest, "workspace").map(members).unwrap_or_default(),
            api: table(manifest, "dependencies").and_then(|dependencies| api(dependencies, folder)),
        })
    }

    /// The version, for people.
    pub(crate) fn version_told(&self) -> &str {
        self.version.as_deref().unwrap_or("without a version")
    }
}

fn table<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

fn text_at<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

fn members(workspace: &DeTable<'_>) -> Vec<String> {
    let members = workspace.get("members").and_then(|members| members.get_ref().as_array());
    members.into_iter().flatten().filter_map(|member| member.get_ref().as_str()).map(str::to_owned).collect()
}

/// The dependency on the API among these, of the manifest in `folder`.
fn api(dependencies: &DeTable<'_>, folder: &Path) -> Option<ApiDependency> {
    dependencies.iter().find_map(|(key, value)| {
        let value = value.get_ref();
        let detail = value.as_table();
        let package = detail.and_then(|detail| text_at(detail, "package")).unwrap_or(key.get_ref());
        if package != API {
            return None;
        }
        let Some(detail) = detail else { return Some(ApiDependency::Registry) };
        if detail.contains_key("workspace") {
            return in_workspace_above(folder, |workspace, root| api(table(workspace, "dependencies")?, root));
        }
        Some(match (text_at(detail, "path"), text_at(detail, "git")) {
            (Some(path), _) => ApiDependency::Path(folder.join(path)),
            (None, Some(git)) => ApiDependency::Git(git.to_owned()),
            (None, None) => ApiDependency::Registry,
        })
    })
}

/// What `[workspace.package]` in `folder` or above it says for `key`.
pub(crate) fn inherited(folder: &Path, key: &str) -> Option<String> {
    in_workspace_above(folder, |workspace, _| {
        table(workspace, "package").and_then(|package| text_at(package, key)).map(str::to_owned)
    })
}

/// Asks the nearest `[workspace]` in `folder` or above it.
fn in_workspace_above<T>(folder: &Path, ask: impl Fn(&DeTable<'_>, &Path) -> Option<T>) -> Option<T> {
    folder.ancestors().find_map(|folder| {
        let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let manifest = DeTable::parse(&text).ok()?;
        // The nearest one decides, whether it has an answer or not.
        Some(ask(table(manifest.get_ref(), "workspace")?, folder))
    })?
}
