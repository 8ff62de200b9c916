//! What a package says of itself, for both formats.

use crate::package::{Monitor, Package};

/// Where one reads more.
pub(crate) const HOMEPAGE: &str = "https://www.scalyr.com/help/scalyr-agent-2";
/// The licence of the whole, as SPDX writes it.
pub(crate) const LICENCE: &str = "Apache-2.0";
/// The widest line of a description.
const WIDTH: usize = 76;

/// The line that lists of packages show.
pub(crate) fn summary(package: &Package) -> String {
    let local = package.monitors.iter().filter(|monitor| monitor.is_of_user()).count();
    match local {
        0 => "ships logs and metrics to DataSet (Scalyr)".to_owned(),
        1 => "ships logs and metrics to DataSet (Scalyr), with 1 local monitor".to_owned(),
        _ => format!("ships logs and metrics to DataSet (Scalyr), with {local} local monitors"),
    }
}

/// The lines below it. One that begins with spaces is not to be filled up by the next; an empty one separates.
pub(crate) fn lines(package: &Package) -> Vec<String> {
    let mut lines = wrap(
        "",
        "Copies log files and the samples of its monitors to DataSet (Scalyr). It takes the place of the agent that is \
         written in Python, with its configuration, its checkpoints and its logs, and is one program that needs no \
         interpreter.",
    );
    let (local, builtin): (Vec<_>, Vec<_>) = package.monitors.iter().partition(|monitor| monitor.is_local);
    let (examples, local): (Vec<_>, Vec<_>) = local.into_iter().partition(|monitor| monitor.is_example);
    for (what, monitors) in [("Built-in monitors", builtin), ("Examples of monitors", examples)] {
        if !monitors.is_empty() {
            let names: Vec<_> = monitors.iter().map(|monitor| monitor.name.as_str()).collect();
            lines.push(String::new());
            lines.extend(wrap("", &format!("{what}: {}.", names.join(", "))));
        }
    }
    if !local.is_empty() {
        lines.push(String::new());
        lines.push("Local monitors, which only this build of the agent has:".to_owned());
        lines.extend(local.into_iter().flat_map(item));
    }
    lines
}

/// A local monitor with its crate, as an item of a list.
fn item(monitor: &Monitor) -> Vec<String> {
    let Monitor { name, krate, version, summary, .. } = monitor;
    let text = format!("{name} (crate {krate} {version}): {summary}");
    let mut lines = wrap("   ", &text);
    if let Some(first) = lines.first_mut() {
        first.replace_range(..3, " * ");
    }
    lines
}

/// `text` in lines of at most [`WIDTH`], each behind `indent`; a longer word has a line of its own.
fn wrap(indent: &str, text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}
