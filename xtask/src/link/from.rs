//! `cargo xtask link --from DIR`: links crates from outside the checkout beside those that already are.

use std::fmt::Write as _;
use std::path::Path;

use super::found::{MonitorCrate, find_monitors};
use super::{Resolve, outside, outside_problems, refuse, regenerate};
use crate::taken;

/// Links the crates in these folders, which are outside the checkout, beside those that already are.
pub(crate) fn run(root: &Path, folders: &[String]) -> bool {
    match link_from(root, folders) {
        Ok(text) => {
            print!("{text}");
            true
        }
        Err(problems) => refuse(&problems),
    }
}

/// The same; what is to be told of it, or what keeps it from being done.
pub(crate) fn link_from(root: &Path, folders: &[String]) -> Result<String, Vec<String>> {
    let one = |problem: String| vec![problem];
    let (local, _) = find_monitors(root)?;
    let before = outside::recorded(root).map_err(one)?;
    let (mut outside, mut problems) = outside::read_recorded(root);
    let (mut record, mut text, mut added) = (before.clone(), String::new(), Vec::new());
    for given in folders {
        let search = match outside::search(root, given) {
            Ok(search) => search,
            Err(found) => {
                problems.extend(found);
                continue;
            }
        };
        search.notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
        for monitor in search.found {
            if outside.iter().any(|known| known.path == monitor.path) {
                let _ = writeln!(text, "already linked: {}", monitor.place);
                continue;
            }
            let MonitorCrate { place, package, version, .. } = &monitor;
            let _ = writeln!(text, "link    {package} {version} from {place}");
            record.push(place.clone());
            added.push(monitor.clone());
            outside.push(monitor);
        }
    }
    problems.extend(outside_problems(root, &local, &outside));
    if !problems.is_empty() {
        return Err(problems);
    }
    outside::record(root, &record).map_err(one)?;
    if let Err(problem) = regenerate(root, &outside, Resolve::default()) {
        outside.retain(|monitor| !added.contains(monitor));
        // The lock file that was resolved before is still right for these, and if not, the next run says so.
        let restored = outside::record(root, &before).and_then(|()| regenerate(root, &outside, Resolve::default()));
        return Err([Some(problem), restored.err()].into_iter().flatten().collect());
    }
    text.push_str(&next(&added));
    Ok(text)
}

/// What to type after crates from outside were linked.
fn next(added: &[MonitorCrate]) -> String {
    let Some(first) = added.first() else { return "nothing to do\n".to_owned() };
    let monitors = taken::monitors_in(&first.path, &first.place);
    let short = monitors.iter().map(|monitor| monitor.name.as_str()).find(|name| !name.contains('.'));
    let name = short.unwrap_or("NAME");
    format!(
        "no tracked file was changed. Instead of `cargo run --` and `cargo build`, which know nothing of these crates:\n\
         \x20 cargo agent --run-monitor {name} -s 1 --samples 1\n\
         \x20 cargo xtask build --release\n"
    )
}
