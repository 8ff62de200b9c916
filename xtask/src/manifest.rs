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
    /// Whether it says `[lints] workspace = true` and no workspace defines lints.
    pub(crate) lints_from_nowhere: bool,
}

/// Where a monitor crate takes `scalyr-monitor` from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ApiDependency {
    /// `scalyr-monitor = "0.1"`, with the version that it asks for.
    Registry(String),
    /// A folder, absolute unless the manifest was given by a relative path.
    Path(PathBuf),
    /// The address of a repository.
    Git(String),
    /// `scalyr-monitor.workspace = true`, and no workspace defines it.
    Nowhere,
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
            lints_from_nowhere: table(manifest, "lints").is_some_and(|lints| lints.contains_key("workspace"))
                && in_workspace_above(folder, |workspace, _| table(workspace, "lints").map(|_| ())).is_none(),
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
    dependencies.iter().find_map(|(key, value)| dependency_on_api(key.get_ref(), value.get_ref(), folder))
}

/// What the dependency `key` of the manifest in `folder` is, if it is one on the API.
fn dependency_on_api(key: &str, value: &DeValue<'_>, folder: &Path) -> Option<ApiDependency> {
    let detail = value.as_table();
    if detail.is_some_and(|detail| detail.contains_key("workspace")) {
        let inherited = in_workspace_above(folder, |workspace, root| {
            let value = table(workspace, "dependencies")?.get(key)?;
            Some(dependency_on_api(key, value.get_ref(), root))
        });
        return inherited.unwrap_or_else(|| (key == API).then_some(ApiDependency::Nowhere));
    }
    if detail.and_then(|detail| text_at(detail, "package")).unwrap_or(key) != API {
        return None;
    }
    let version = detail.map_or_else(|| value.as_str(), |detail| text_at(detail, "version"));
    let (path, git) = detail.map_or((None, None), |detail| (text_at(detail, "path"), text_at(detail, "git")));
    Some(match (path, git) {
        (Some(path), _) => ApiDependency::Path(folder.join(path)),
        (None, Some(git)) => ApiDependency::Git(git.to_owned()),
        (None, None) => ApiDependency::Registry(version.unwrap_or_default().to_owned()),
    })
}

/// Whether a crate of `version` will do for `requirement`, if that is a plain one: `0.1`, `^0.1.0`. None for any other,
/// which is left to cargo.
pub(crate) fn fits(requirement: &str, version: &str) -> Option<bool> {
    let numbers = |text: &str| text.split('.').map(|part| part.trim().parse().ok()).collect::<Option<Vec<u64>>>();
    let wanted = numbers(requirement.trim().trim_start_matches('^'))?;
    let given = numbers(version)?;
    // All up to the first number that is not 0 must be the same; from there on more will do.
    let fixed = wanted.iter().position(|number| *number != 0).unwrap_or(wanted.len().saturating_sub(1));
    let same = given.iter().zip(&wanted).take(fixed + 1).all(|(given, wanted)| given == wanted);
    Some(same && given >= wanted)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_held_against_what_is_asked_for() {
        for wanted in ["0.1", "0.1.0", "^0.1", "0"] {
            assert_eq!(fits(wanted, "0.1.0"), Some(true), "{wanted}");
        }
        for wanted in ["0.2", "0.1.1", "1", "7", "0.0"] {
            assert_eq!(fits(wanted, "0.1.0"), Some(false), "{wanted}");
        }
        assert_eq!(
            (fits("1.2", "1.4.0"), fits("1.2", "2.0.0"), fits("0.1.2", "0.2.0")),
            (Some(true), Some(false), Some(false))
        );
        for cargos in ["", "*", "=0.1.0", ">=0.1, <0.3", "~0.1", "0.1.0-alpha"] {
            assert_eq!(fits(cargos, "0.1.0"), None, "{cargos}");
        }
    }
}
