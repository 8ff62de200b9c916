//! Monitor crates that live outside this checkout, in a repository of their own: `cargo xtask link --from DIR`.
//!
//! Which ones are linked is recorded in a file that git ignores; no tracked file changes, so `git pull` never
//! conflicts and nobody has to keep a fork. How they get into the program is in [`workspace`](super::workspace).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use toml::de::DeTable;

use super::found::{MonitorCrate, crates_within, members, namesakes};
use super::workspace;
use crate::manifest::{self, API, ApiDependency, Manifest};
use crate::taken::{self, Taken, plain};

/// The record, beside the local monitors, where the guard in `local-monitors/build.rs` sees it.
pub(super) const RECORD: &str = "local-monitors/outside.toml";

/// What a search for crates outside found.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) found: Vec<MonitorCrate>,
    /// Crates that were passed over, with the reason.
    pub(super) notes: Vec<String>,
}

/// The recorded folders, as they are written there: relative to the root, or absolute.
pub(crate) fn recorded(root: &Path) -> Result<Vec<String>, String> {
    let text = match fs::read_to_string(root.join(RECORD)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{RECORD}: {error}")),
    };
    let wrong = |what: &str| {
        format!("{RECORD}: {what}; delete the file and link the crates again with `cargo xtask link --from DIR`")
    };
    let record = DeTable::parse(&text).map_err(|error| wrong(error.message()))?;
    let crates = record.get_ref().get("crates").and_then(|crates| crates.get_ref().as_array());
    let crates = crates.ok_or_else(|| wrong("has no list `crates`"))?;
    let folder = |entry: &toml::Spanned<toml::de::DeValue<'_>>| entry.get_ref().as_str().map(str::to_owned);
    crates.iter().map(|entry| folder(entry).ok_or_else(|| wrong("an entry of `crates` is no text"))).collect()
}

/// Records these folders, or with none takes the record away.
pub(super) fn record(root: &Path, folders: &[String]) -> Result<(), String> {
    if folders.is_empty() {
        return match fs::remove_file(root.join(RECORD)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{RECORD}: {error}")),
            _ => Ok(()),
        };
    }
    let mut text = "# Monitor crates from outside this checkout, written by `cargo xtask link --from DIR`.\n\
                    # Git ignores this file. `cargo xtask remove NAME` takes one out.\ncrates = [\n"
        .to_owned();
    for folder in folders {
        text.push_str(&format!("    {},\n", quoted(folder)));
    }
    text.push_str("]\n");
    put(root, RECORD, &text)
}

/// A text of TOML.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a file below the root unless it has this text already, so that cargo sees no change where there is none.
pub(super) fn put(root: &Path, file: &str, text: &str) -> Result<(), String> {
    let path = root.join(file);
    if fs::read_to_string(&path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    written.map_err(|error| format!("{file}: {error}"))
}

/// The recorded crates; a sentence for each that can no longer be linked.
pub(super) fn read_recorded(root: &Path) -> (Vec<MonitorCrate>, Vec<String>) {
    let folders = match recorded(root) {
        Ok(folders) => folders,
        Err(problem) => return (Vec::new(), vec![problem]),
    };
    let (mut crates, mut problems) = (Vec::new(), Vec::new());
    for place in folders {
        let path = root.join(&place);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !path.join("Cargo.toml").is_file() {
            problems.push(format!(
                "{place}: is linked from outside, and no longer holds a Cargo.toml; bring the folder back, or run \
                 `cargo xtask remove {name}` (and `cargo xtask link --from DIR` if it has moved)"
            ));
            continue;
        }
        match fs::canonicalize(&path).map_err(|error| format!("{place}: {error}")).and_then(|path| read(&path, place)) {
            Ok(monitor) => crates.push(monitor),
            Err(problem) => problems.push(problem),
        }
    }
    (crates, problems)
}

fn read(path: &Path, place: String) -> Result<MonitorCrate, String> {
    let folder = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    MonitorCrate::read(path, folder, place).map(|(monitor, _)| monitor)
}

/// The monitor crates in `given`: one crate, or a folder of crates.
pub(super) fn search(root: &Path, given: &str) -> Result<Search, Vec<String>> {
    let one = |problem: String| vec![problem];
    let path = fs::canonicalize(given).map_err(|error| one(format!("--from {given}: {error}")))?;
    let mut search = Search::default();
    if path.to_str().is_none() {
        return Err(one(format!(
            "--from {given}: the path is not UTF-8, which Cargo.toml cannot hold; rename the folder"
        )));
    }
    if path.starts_with(root) {
        return Err(one(format!(
            "--from {given}: lies inside this checkout; what is in local-monitors/ is linked by `cargo xtask link`"
        )));
    }
    let place = |path: &Path| if Path::new(given).is_absolute() { told(path) } else { relative(root, path) };
    if path.join("Cargo.toml").is_file() {
        let manifest =
            Manifest::read(&path).map_err(|problem| one(format!("{}/Cargo.toml: {problem}", place(&path))))?;
        if manifest.package.is_some() || !manifest.is_workspace {
            let monitor = read(&path, place(&path)).map_err(one)?;
            search.found.push(monitor);
            return Ok(search);
        }
    }
    let mut problems = Vec::new();
    for name in crates_within(&path) {
        let path = path.join(name);
        match read(&path, place(&path)) {
            Ok(monitor) if monitor.api.is_none() => {
                search
                    .notes
                    .push(format!("note: {} does not depend on {API}, so it is no monitor crate", monitor.place));
            }
            Ok(monitor) => search.found.push(monitor),
            Err(problem) => problems.push(problem),
        }
    }
    if search.found.is_empty() && problems.is_empty() {
        problems.push(format!(
            "--from {given}: neither it nor a folder right inside it is a crate that depends on {API}; name the folder \
             that holds the crate's Cargo.toml"
        ));
    }
    if problems.is_empty() { Ok(search) } else { Err(problems) }
}

fn told(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// `path` as seen from `root`, both absolute: `../my-monitors/snow`.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let shared = root.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = root.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(path.components().skip(shared)).collect();
    told(&relative)
}

/// What keeps the crates from outside from being linked beside each other and beside the local ones.
pub(super) fn problems(root: &Path, local: &[MonitorCrate], outside: &[MonitorCrate]) -> Vec<String> {
    let mut problems: Vec<String> = outside.iter().filter_map(|monitor| wrong_api(root, monitor)).collect();
    problems.extend(outside.iter().filter(|monitor| monitor.lints_from_nowhere).map(|monitor| {
        format!(
            "{}/Cargo.toml: takes its lints from a workspace (`[lints]`, `workspace = true`), and no workspace it belongs to \
             has any; delete the two lines",
            monitor.place
        )
    }));
    problems.extend(namesakes(outside, &members(root).unwrap_or_default()));
    let mut crates: BTreeMap<String, Taken> = BTreeMap::new();
    let mut monitors: BTreeMap<String, Taken> = BTreeMap::new();
    for builtin in taken::builtin_monitors(root) {
        monitors.insert(plain(&builtin.name), builtin);
    }
    for (at, monitor) in local.iter().chain(outside).enumerate() {
        let (own, its_monitors) = taken::of_crate(monitor);
        // Clashes of local crates among themselves are the agent's and cargo's to tell, as without any from outside.
        let from_outside = at >= local.len();
        if let Some(other) = crates.get(&plain(&own.name)).filter(|_| from_outside) {
            problems.push(format!(
                "{} and {} have one name (`{}` and `{}`); rename one in its Cargo.toml, or link only one",
                other.by, own.by, other.name, own.name
            ));
        }
        crates.entry(plain(&own.name)).or_insert(own);
        for its in its_monitors {
            if let Some(other) = monitors.get(&plain(&its.name)).filter(|other| from_outside && other.by != its.by) {
                problems.push(format!(
                    "{} and {} have one name (`{}` and `{}`); rename one, or link only one",
                    other.by, its.by, other.name, its.name
                ));
            }
            monitors.entry(plain(&its.name)).or_insert(its);
        }
    }
    problems
}

/// A dependency on another `scalyr-monitor` than this checkout's, with which a monitor would never be found.
fn wrong_api(root: &Path, monitor: &MonitorCrate) -> Option<String> {
    let own = root.join(workspace::API_FOLDER);
    let real = |path: &Path| fs::canonicalize(path).ok();
    let place = &monitor.place;
    let cure = format!("write `{API} = \"0.1\"` there: linking puts this checkout's in its place");
    match &monitor.api {
        None => Some(format!("{place}/Cargo.toml: does not depend on {API}, so it can hold no monitor; {cure}")),
        Some(ApiDependency::Path(path)) if real(path) != real(&own) => Some(format!(
            "{place}/Cargo.toml: takes {API} from {}, which is not this checkout's ({}), and monitors made with another \
             one would be missing in the agent; {cure}",
            path.display(),
            own.display()
        )),
        // Cargo tells crates from folders by their paths as they are written.
        Some(ApiDependency::Path(path)) if real(path) != Some(without_dots(path)) => Some(format!(
            "{place}/Cargo.toml: takes {API} from {}, which is this checkout's by way of a symbolic link, and cargo would \
             take that for another crate; {cure}",
            path.display()
        )),
        Some(ApiDependency::Nowhere) => Some(format!(
            "{place}/Cargo.toml: says `{API}.workspace = true`, and no workspace it belongs to defines `{API}` under \
             [workspace.dependencies]; {cure}"
        )),
        Some(ApiDependency::Registry(wanted)) => {
            let own = Manifest::read(&own).ok()?.version?;
            (manifest::fits(wanted, &own) == Some(false))
                .then(|| format!("{place}/Cargo.toml: needs {API} {wanted}, and this checkout has {own}; {cure}"))
        }
        Some(_) => None,
    }
}

/// An absolute path as cargo understands it: `..` takes back the folder before it, whatever that is.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_as_seen_from_the_root() {
        let from_root = |path: &str| relative(Path::new("/a/agent"), Path::new(path));
        assert_eq!(from_root("/a/my/snow"), "../my/snow");
        assert_eq!(from_root("/b"), "../../b");
    }
}
