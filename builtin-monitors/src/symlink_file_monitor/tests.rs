use std::fs;
use std::path::PathBuf;

use scalyr_monitor::testing::{Harness, json};

use super::*;

fn harness(folder: &Path, pattern: &str, format: &str, count: usize) -> Harness<SymlinkFileMonitor> {
    Harness::from_config(json!({
        "input_path_glob": folder.join(pattern),
        "symlink_file_name_format": format,
        "symlinks_count": count,
    }))
}

/// All links below a folder, as `NAME -> TARGET`.
fn links(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| {
        let target = fs::read_link(&path).ok()?;
        Some(format!("{} -> {}", path.file_name()?.display(), target.display()))
    };
    let mut links: Vec<_> = entries.filter_map(of).collect();
    links.sort();
    links
}

#[test]
fn each_file_gets_its_links_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("om_1.log"), "a line\n").unwrap();
    let mut monitor = harness(folder.path(), "om_*.log", "worker-{index}-{file_name}", 2);
    let taken = monitor.sample();
    assert!(taken.lines().is_empty() && taken.error().is_none());
    let made = ["worker-0-om_1.log -> om_1.log", "worker-1-om_1.log -> om_1.log"];
    assert_eq!(links(folder.path()), made);
    assert_eq!(fs::read_to_string(folder.path().join("worker-1-om_1.log")).unwrap(), "a line\n");
    monitor.sample();
    assert_eq!(links(folder.path()), made);
}

#[test]
fn a_wide_pattern_does_not_link_the_links() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), "").unwrap();
    // One that the Python agent made.
    symlink(folder.path().join("a.log"), folder.path().join("w-1-a.log")).unwrap();
    // Links of others are files like any other.
    symlink("/etc/hostname", folder.path().join("b.log")).unwrap();
    for _ in 0..3 {
        let taken = harness(folder.path(), "*", "w-{index}-{file_name}", 1).sample();
        assert!(taken.diagnostics().iter().all(|told| told.to_string().contains("Links made: 2")), "{taken}");
    }
    let names: Vec<_> = links(folder.path()).iter().map(|link| link.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["b.log", "w-0-a.log", "w-0-b.log", "w-1-a.log"]);
}

#[test]
fn a_pattern_that_matches_nothing_is_told_once_until_it_matches() {
    let folder = tempfile::tempdir().unwrap();
    let mut monitor = harness(folder.path(), "*.log", "{file_name}.{index}", 1);
    let mut told = || monitor.sample().diagnostics().iter().map(ToString::to_string).collect::<String>();
    let nothing = told();
    assert!(nothing.contains("No file matches `input_path_glob`"), "{nothing}");
    assert_eq!(told(), "");
    fs::write(folder.path().join("a.log"), "").unwrap();
    let made = told();
    assert!(made.contains("Links made: 1; since the start 1"), "{made}");
    assert_eq!(told(), "");
}

#[test]
fn a_link_that_leads_nowhere_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), "").unwrap();
    symlink("gone", folder.path().join("w-a.log")).unwrap();
    let taken = harness(folder.path(), "a.log", "w-{file_name}", 1).sample();
    assert!(taken.error().is_none() && taken.diagnostics().is_empty());
    assert_eq!(links(folder.path()), ["w-a.log -> gone"]);
}

#[test]
fn directories_of_any_depth_are_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("one/two");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("a.log"), "").unwrap();
    harness(folder.path(), "**/*.log", "{file_name}.{index:02d}", 1).sample();
    assert_eq!(links(&deep), ["a.log.00 -> a.log"]);
}

#[test]
fn a_file_system_that_refuses_links_is_told_once_with_what_to_do() {
    // Nobody may make anything there, root included.
    let mut monitor = Harness::<SymlinkFileMonitor>::from_config(
        json!({ "input_path_glob": "/proc/meminfo", "symlink_file_name_format": "{file_name}-{index}" }),
    );
    let told = monitor.sample().diagnostics()[0].to_string();
    assert!(told.contains("cannot make the link /proc/meminfo-0: "), "{told}");
    assert!(monitor.sample().diagnostics().is_empty());
}

#[test]
fn names_that_are_too_long_are_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), "").unwrap();
    let told = harness(folder.path(), "*.log", &format!("{}{{index}}", "x".repeat(300)), 1).sample();
    assert!(told.diagnostics()[0].to_string().ends_with("make `symlink_file_name_format` shorter"), "{told}");
}

#[test]
fn what_is_wrong_with_the_options_is_told_with_what_to_do() {
    let problems = |entry: serde_json::Value| {
        let monitor = Harness::<SymlinkFileMonitor>::from_config(entry);
        monitor.problems().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        problems(json!({ "symlinks_count": 11 })),
        [
            "input_path_glob: required, but not given",
            "symlink_file_name_format: required, but not given",
            "symlinks_count: 11 is above the maximum 10",
        ]
    );
    let with = |pattern: &str, format: &str| {
        problems(json!({ "input_path_glob": pattern, "symlink_file_name_format": format }))
    };
    assert_eq!(with("x/*", "{index}"), ["input_path_glob: must be an absolute path; it begins with `/`"]);
    assert!(
        with("/x/[", "{index}")[0].starts_with("input_path_glob: `[`: Pattern syntax error"),
        "{:?}",
        with("/x/[", "{index}")
    );
    assert!(with("/x/*", "{indx}")[0].starts_with("symlink_file_name_format: `{indx}` is not known"));
}

#[test]
fn a_count_without_an_index_is_warned_of() {
    let monitor = harness(Path::new("/nowhere"), "*", "w-{file_name}", 3);
    assert!(monitor.problems().is_empty());
    assert!(monitor.diagnostics()[0].to_string().contains("has no `{index}`"));
}
