//! `CHANGELOG.md` (<https://keepachangelog.com>), read for the changelogs of the packages.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{ContentsError, Sources, document, gz};
use crate::package::{Change, MAINTAINER, Version};
use crate::tree::{Role, Tree};

/// Where the changes are told.
pub(super) const FILE: &str = "CHANGELOG.md";
/// The columns of a changelog of Debian.
const COLUMNS: usize = 80;

/// The entries of the text, newest first. `## [0.1.0] - 2026-11-23` begins one, each `- ` below it is a change;
/// `## [Unreleased]` is the version that is packaged, at `source_date`, and so is `unreleased` in place of a day.
///
/// # Errors
/// A heading that is none of these, and when the first entry is not about `version`.
pub(super) fn read(text: &str, version: &Version, source_date: u32) -> Result<Vec<Change>, ContentsError> {
    let mut changes: Vec<Change> = Vec::new();
    let mut section = String::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |problem: String| ContentsError::Changelog { line: Some(number), problem };
        if let Some(heading) = line.strip_prefix("## ") {
            let (name, time) = entry(heading, source_date).map_err(wrong)?;
            let name = name.unwrap_or_else(|| version.upstream.clone());
            changes.push(Change { version: name, time, lines: Vec::new() });
            (section, goes_on) = (String::new(), false);
            continue;
        }
        let Some(change) = changes.last_mut() else { continue };
        if let Some(heading) = line.strip_prefix("### ") {
            (section, goes_on) = (heading.trim().to_owned(), false);
        } else if let Some(sentence) = line.strip_prefix("- ") {
            // What is new is most of it; of anything else the word tells what became of it.
            let prefix = if matches!(section.as_str(), "" | "Added") { String::new() } else { format!("{section}: ") };
            change.lines.push(format!("{prefix}{}", sentence.trim()));
            goes_on = true;
        } else if goes_on && line.starts_with("  ") && !line.trim().is_empty() {
            let last = change.lines.last_mut().into_iter();
            last.for_each(|last| _ = write!(last, " {}", line.trim()));
        } else {
            goes_on = false;
        }
    }
    changes.retain(|change| !change.lines.is_empty());
    match changes.first().map(|change| change.version.replace('-', "~")) {
        Some(newest) if newest == version.upstream => Ok(changes),
        newest => {
            let newest = newest.map_or("nothing".to_owned(), |newest| format!("{newest} first"));
            let problem = format!(
                "it tells of {newest}, and the package is of {}; write what is new in it under `## [Unreleased]`, a \
                 line `- …` each",
                version.upstream
            );
            Err(ContentsError::Changelog { line: None, problem })
        }
    }
}

/// What a heading says: the version, none for `[Unreleased]`, and its time.
fn entry(heading: &str, source_date: u32) -> Result<(Option<String>, u32), String> {
    let form = || format!("{heading:?} is not `[VERSION] - YEAR-MONTH-DAY`, and not `[Unreleased]`");
    let (name, rest) = heading.trim().strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(form)?;
    if name.eq_ignore_ascii_case("unreleased") {
        return if rest.is_empty() { Ok((None, source_date)) } else { Err(form()) };
    }
    let day = rest.strip_prefix(" - ").ok_or_else(form)?.trim();
    if day.eq_ignore_ascii_case("unreleased") {
        return Ok((Some(name.to_owned()), source_date));
    }
    let date: Date = day.parse().map_err(|error| format!("{day:?} is not a day: {error}"))?;
    let seconds = date.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?.timestamp().as_second();
    let seconds = u32::try_from(seconds).map_err(|_| format!("{day:?} is before 1970 or after 2106"))?;
    Ok((Some(name.to_owned()), seconds))
}

/// Adds the file as it is, and what Debian makes of it: the version has a release, so the package is no native one
/// (policy 12.7).
pub(super) fn install(tree: &mut Tree, sources: &Sources<'_>, changes: &[Change]) -> Result<(), ContentsError> {
    let folder = format!("usr/share/doc/{}", sources.name);
    let own = document(sources.root, FILE)?;
    let debian = of_debian(sources.name, sources.version, changes);
    tree.file(&format!("{folder}/changelog.gz"), 0o644, Role::Documentation, gz::packed(&own));
    tree.file(&format!("{folder}/changelog.Debian.gz"), 0o644, Role::Documentation, gz::packed(&debian));
    Ok(())
}

/// As `deb-changelog(5)` has it. The newest entry is that of this package; of older ones the release was the first.
fn of_debian(name: &str, version: &Version, changes: &[Change]) -> String {
    let mut text = String::new();
    for (index, change) in changes.iter().enumerate() {
        let release = if index == 0 { &version.release } else { "1" };
        let upstream = change.version.replace('-', "~");
        // Writing to a string cannot fail.
        _ = writeln!(text, "{name} ({upstream}-{release}) unstable; urgency=medium\n");
        for sentence in &change.lines {
            for (place, line) in wrapped(sentence, COLUMNS - 4).iter().enumerate() {
                _ = writeln!(text, "  {} {line}", if place == 0 { '*' } else { ' ' });
            }
        }
        let time = Timestamp::from_second(i64::from(change.time)).unwrap_or_default();
        _ = writeln!(text, "\n -- {MAINTAINER}  {}\n", time.strftime("%a, %d %b %Y %H:%M:%S +0000"));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The words in lines of so many columns.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= columns) {
            Some(line) => _ = write!(line, " {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
