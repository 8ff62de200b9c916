//! The lock file of the generated workspace: the tracked one, and what the crates from outside need beside it.
//!
//! The tracked `Cargo.lock` is never written. Its packages are taken over as they are, and again whenever it changed;
//! packages that only the outside crates need keep the version they were once locked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::outside::put;

/// The copy of the tracked lock file that was taken over last.
const TAKEN_OVER: &str = "linked/tracked.lock";
const OWN: &str = "linked/Cargo.lock";

/// A `[[package]]` of a lock file.
#[derive(Debug, PartialEq)]
pub(super) struct Locked<'t> {
    pub(super) name: &'t str,
    pub(super) version: &'t str,
    /// The registry or repository; none for a crate from a folder.
    pub(super) source: Option<&'t str>,
    /// The whole entry.
    text: &'t str,
}

impl Locked<'_> {
    /// What two versions that cannot stand in for each other differ in: `serde 1`, `rand 0.9`.
    fn line(&self) -> (&str, &str) {
        let mut end = self.version.len();
        let mut dots = self.version.match_indices('.').map(|(at, _)| at);
        for part in self.version.split('.') {
            if let Some(dot) = dots.next() {
                end = dot;
            }
            if part != "0" {
                break;
            }
            end = self.version.len();
        }
        (self.name, &self.version[..end])
    }
}

/// The head of a lock file and its packages.
pub(super) fn packages(text: &str) -> (&str, Vec<Locked<'_>>) {
    const BEGIN: &str = "[[package]]\n";
    let mut parts = text.split(BEGIN);
    let head = parts.next().unwrap_or_default();
    let packages = parts.filter_map(|part| {
        // `[[patch.unused]]` may follow the last one.
        let text = part.split("\n[").next().unwrap_or(part).trim_end();
        let value = |key: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        Some(Locked { name: value("name")?, version: value("version")?, source: value("source"), text })
    });
    (head, packages.collect())
}

/// The tracked lock file with those packages of `own` that `before`, the tracked file of last time, did not have.
fn merge(tracked: &str, before: &str, own: &str) -> String {
    let (head, current) = packages(tracked);
    let known: BTreeSet<_> = packages(before).1.iter().map(|package| (package.name, package.version)).collect();
    let lines: BTreeSet<_> = current.iter().map(Locked::line).collect();
    let (_, own) = packages(own);
    let extra = own.iter().filter(|package| {
        package.source.is_some()
            && !known.contains(&(package.name, package.version))
            && !lines.contains(&package.line())
    });
    let mut text = head.to_owned();
    let all: Vec<&str> = current.iter().chain(extra).map(|package| package.text).collect();
    text.push_str(&all.iter().map(|package| format!("[[package]]\n{package}\n")).collect::<Vec<_>>().join("\n"));
    text
}

/// Whether the tracked lock file changed since it was taken over, or never was.
pub(super) fn is_outdated(root: &Path) -> bool {
    let read = |file: &str| fs::read(root.join(file)).ok();
    read(OWN).is_none() || read(TAKEN_OVER).is_none() || read(TAKEN_OVER) != read("Cargo.lock")
}

/// Takes the tracked lock file over.
pub(super) fn take_over(root: &Path) -> Result<(), String> {
    let read = |file: &str| match fs::read_to_string(root.join(file)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{file}: {error}")),
    };
    // A repository without a lock file gets one from cargo.
    let Some(tracked) = read("Cargo.lock")? else { return Ok(()) };
    let own = match (read(OWN)?, read(TAKEN_OVER)?) {
        (Some(own), Some(before)) => merge(&tracked, &before, &own),
        _ => tracked.clone(),
    };
    put(root, OWN, &own)?;
    put(root, TAKEN_OVER, &tracked)
}

/// What is wrong with the resolved lock file, and what is worth telling.
pub(super) fn examine(root: &Path) -> Result<Vec<String>, String> {
    let own = fs::read_to_string(root.join(OWN)).map_err(|error| format!("{OWN}: {error}"))?;
    let tracked = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    compare(&packages(&own).1, &packages(&tracked).1)
}

fn compare(own: &[Locked<'_>], tracked: &[Locked<'_>]) -> Result<Vec<String>, String> {
    let api: Vec<_> = own.iter().filter(|package| package.name == crate::manifest::API).collect();
    if let Some(stray) = api.iter().rfind(|package| package.source.is_some() || api.len() > 1) {
        return Err(format!(
            "the crates from outside bring a second `{}` ({}, from {}), and monitors that register with that one would be \
             missing in the agent; let them all depend on `{0} = \"{}\"`, which linking replaces by this checkout's",
            stray.name,
            stray.version,
            stray.source.unwrap_or("a folder"),
            api.iter().find(|package| package.source.is_none()).map_or("0.1", |package| package.version),
        ));
    }
    let has = |packages: &[Locked<'_>], name, version| packages.iter().any(|p| (p.name, p.version) == (name, version));
    let notes = tracked.iter().filter(|package| !has(own, package.name, package.version)).filter_map(|package| {
        let instead = own.iter().find(|other| other.line() == package.line())?;
        Some(format!(
            "note: the crates from outside need {} {} where Cargo.lock has {}",
            package.name, instead.version, package.version
        ))
    });
    Ok(notes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str, bool)]) -> String {
        let entry = |(name, version, registry): &(&str, &str, bool)| {
            let source = if *registry { "source = \"registry+x\"\n" } else { "" };
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}")
        };
        format!("# head\nversion = 4\n\n{}", packages.iter().map(entry).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn what_only_the_outside_crates_need_stays_when_the_tracked_file_changes() {
        let before = lock(&[("agent", "0.1.0", false), ("old", "1.0.0", true), ("serde", "1.0.1", true)]);
        let own = lock(&[
            ("agent", "0.1.0", false),
            ("flake", "2.0.0", true),
            ("new", "1.1.0", true),
            ("old", "1.0.0", true),
            ("serde", "1.0.1", true),
            ("snow", "0.1.0", false),
        ]);
        let tracked = lock(&[("agent", "0.2.0", false), ("new", "1.5.0", true), ("serde", "1.0.2", true)]);
        let merged = lock(&[
            ("agent", "0.2.0", false),
            ("new", "1.5.0", true),
            ("serde", "1.0.2", true),
            ("flake", "2.0.0", true),
        ]);
        assert_eq!(merge(&tracked, &before, &own), merged);
        assert_eq!(merge(&before, &before, &before), before);
    }

    #[test]
    fn versions_that_can_stand_in_for_each_other_are_told_by_their_first_number_that_is_not_0() {
        let line = |version| Locked { name: "a", version, source: None, text: "" }.line().1.to_owned();
        assert_eq!([line("1.2.3"), line("0.9.1"), line("0.0.4"), line("0.0.0")], ["1", "0.9", "0.0.4", "0.0.0"]);
    }

    #[test]
    fn a_second_api_is_refused_and_a_version_that_had_to_change_is_told() {
        let tracked = lock(&[("a", "1.0.0", true), ("b", "1.0.0", true), ("scalyr-monitor", "0.1.0", false)]);
        let own = lock(&[("a", "1.1.0", true), ("scalyr-monitor", "0.1.0", false)]);
        let compared = |own: &str| compare(&packages(own).1, &packages(&tracked).1);
        assert_eq!(compared(&own).unwrap(), ["note: the crates from outside need a 1.1.0 where Cargo.lock has 1.0.0"]);
        let stranger = lock(&[("scalyr-monitor", "0.1.0", false), ("scalyr-monitor", "0.2.0", true)]);
        let problem = compared(&stranger).unwrap_err();
        assert!(
            problem.starts_with("the crates from outside bring a second `scalyr-monitor` (0.2.0, from registry+x)")
        );
        assert!(problem.contains("depend on `scalyr-monitor = \"0.1.0\"`"), "{problem}");
    }

    #[test]
    fn unused_patches_are_no_packages() {
        let text = format!("{}\n[[patch.unused]]\nname = \"b\"\nversion = \"1.0.0\"\n", lock(&[("a", "1.0.0", true)]));
        let (head, packages) = packages(&text);
        assert_eq!(head, "# head\nversion = 4\n\n");
        assert_eq!(packages.len(), 1);
        assert!(packages[0].text.ends_with("source = \"registry+x\""), "{packages:?}");
    }
}
