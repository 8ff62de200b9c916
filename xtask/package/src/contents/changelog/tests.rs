//! The list of changes, from the text to the changelogs.

use std::fs;
use std::process::Command;

use expect_test::expect;

use super::*;

const TEXT: &str = "\
# Changelog

- What stands above the first version is no change.

## [Unreleased]

## [0.2.0] - 2026-12-24

A word before.

### Added

- A monitor for rain, whose description is so long that it goes on in the next line of the file, and in the next one
  of the changelog, too.
- `check` tells more.

### Removed
- The option `--frob`.

## [0.1.0] - 2026-11-23

- First.
";

fn version(upstream: &str, release: &str) -> Version {
    Version { upstream: upstream.to_owned(), release: release.to_owned() }
}

fn problem(text: &str, upstream: &str) -> String {
    read(text, &version(upstream, "1"), 0).expect_err("it is refused").to_string()
}

#[test]
fn versions_days_and_sentences_are_read_newest_first() {
    let changes = read(TEXT, &version("0.2.0", "1"), 5).expect("read");
    let brief: Vec<_> =
        changes.iter().map(|change| (change.version.as_str(), change.time, change.lines.len())).collect();
    assert_eq!(brief, [("0.2.0", 1_798_070_400, 3), ("0.1.0", 1_795_392_000, 1)]);
    assert!(changes[0].lines[0].ends_with("the next line of the file, and in the next one of the changelog, too."));
    assert_eq!(changes[0].lines[2], "Removed: The option `--frob`.");
}

#[test]
fn what_is_unreleased_is_of_the_packaged_version_and_of_its_time() {
    let text = TEXT.replace("## [Unreleased]\n", "## [Unreleased]\n\n- New.\n");
    let changes = read(&text, &version("0.3.0~rc.1", "1"), 77).expect("read");
    assert_eq!((changes[0].version.as_str(), changes[0].time, changes.len()), ("0.3.0~rc.1", 77, 3));

    let changes = read("## [0.1.0] - Unreleased\n- First.\n", &version("0.1.0", "1"), 77).expect("read");
    assert_eq!((changes[0].version.as_str(), changes[0].time), ("0.1.0", 77));
}

#[test]
fn a_version_that_nothing_is_told_of_is_refused_with_what_to_write() {
    let said = problem(TEXT, "0.3.0");
    assert!(said.contains("0.2.0 first") && said.contains("0.3.0") && said.contains("## [Unreleased]"), "{said}");
    assert!(problem("# Changelog\n", "0.3.0").contains("it tells of nothing"));
}

#[test]
fn a_heading_that_is_no_version_is_refused_with_its_line() {
    for (heading, part) in [
        ("## 0.2.0 - 2026-12-24", "is not `[VERSION] - YEAR-MONTH-DAY`"),
        ("## [0.2.0]", "is not `[VERSION] - YEAR-MONTH-DAY`"),
        ("## [0.2.0] - 2026-13-24", "\"2026-13-24\" is not a day"),
        ("## [0.2.0] - 1960-01-01", "before 1970"),
        ("## [Unreleased] - soon", "not `[Unreleased]`"),
    ] {
        let said = problem(&format!("# Changelog\n\n{heading}\n- x\n"), "0.2.0");
        assert!(said.starts_with("CHANGELOG.md:3: ") && said.contains(part), "{said}");
    }
}

#[test]
fn debian_gets_its_own_form() {
    let version = version("0.2.0", "1.local1");
    let changes = read(TEXT, &version, 0).expect("read");
    expect![[r#"
        acme-agent (0.2.0-1.local1) unstable; urgency=medium

          * A monitor for rain, whose description is so long that it goes on in the next
            line of the file, and in the next one of the changelog, too.
          * `check` tells more.
          * Removed: The option `--frob`.

         -- Scalyr agent maintainers <maintainers@users.noreply.github.com>  Thu, 24 Dec 2026 00:00:00 +0000

        acme-agent (0.1.0-1) unstable; urgency=medium

          * First.

         -- Scalyr agent maintainers <maintainers@users.noreply.github.com>  Mon, 23 Nov 2026 00:00:00 +0000
    "#]]
    .assert_eq(&of_debian("acme-agent", &version, &changes));
}

#[test]
fn the_tools_of_debian_read_it() {
    let version = version("0.2.0", "1");
    let changes = read(TEXT, &version, 0).expect("read");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("changelog");
    fs::write(&file, of_debian("acme-agent", &version, &changes)).expect("written");
    let mut command = Command::new("dpkg-parsechangelog");
    let output = command.args(["--all", "-l"]).arg(&file).output().expect("needed: apt-get install dpkg-dev");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{err}");
    for part in ["Source: acme-agent\n", "Version: 0.2.0-1\n", "Timestamp: 1798070400\n", "acme-agent (0.1.0-1)"] {
        assert!(out.contains(part), "{part}: {out}");
    }
}
