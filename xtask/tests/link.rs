//! `cargo xtask link` as a process, on small repositories with real crates, judged by cargo itself.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod repository;

use std::fs;
use std::path::Path;
use std::process::Command;

use repository::{LIBRARY, MANIFEST, Repository};

#[test]
fn new_folders_are_linked_sorted_and_a_second_run_has_nothing_to_do() {
    let repository = Repository::new("new_folders");
    repository.add_crate("weather", "weather");
    repository.add_crate("my-queue", "company-queue-monitor");

    let told = repository.link();
    let queue = "local_my_queue = { package = \"company-queue-monitor\", path = \"my-queue\" }";
    let weather = "local_weather = { package = \"weather\", path = \"weather\" }";
    assert!(told.contains(&format!("link    {queue}\nlink    {weather}\n")), "{told}");
    assert!(told.contains("linked now: my-queue, weather\nnext: `cargo build`"), "{told}");
    let marker = "# >>> xtask: local monitors (written by `cargo xtask link`)\n";
    assert_eq!(
        repository.text("local-monitors/Cargo.toml"),
        MANIFEST.replace(marker, &format!("{marker}{queue}\n{weather}\n"))
    );
    assert!(
        repository.text("local-monitors/lib.rs").contains("use local_my_queue as _;\nuse local_weather as _;\n// <<<")
    );
    repository.builds().unwrap();

    assert_eq!(repository.link(), "nothing to do; linked: my-queue, weather\n");
}

#[test]
fn a_deleted_folder_is_unlinked_although_the_workspace_no_longer_loads() {
    let repository = Repository::new("deleted_folder");
    repository.add_crate("kept", "kept");
    repository.add_crate("old", "old");
    repository.link();
    repository.delete("old");
    // Cargo ends before any check of ours: the pages quote what it says, beside the cure.
    let told = repository.builds().unwrap_err();
    for message in ["failed to load manifest for workspace member", "failed to load manifest for dependency `old`"] {
        assert!(told.contains(message), "{told}");
        for page in ["docs/writing-a-monitor.md", "local-monitors/README.md"] {
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page)).unwrap();
            assert!(text.contains(&message.replace("old", "coin")), "{page} does not quote: {message}");
        }
    }

    let told = repository.link();
    let gone = "unlink  local_old = { package = \"old\", path = \"old\" } (no such folder with a Cargo.toml)";
    assert!(told.contains(gone), "{told}");
    repository.builds().unwrap();
    assert!(!repository.text("local-monitors/lib.rs").contains("local_old"));
}

#[test]
fn without_any_local_monitor_the_aggregator_is_empty_and_builds() {
    let repository = Repository::new("no_monitor");
    assert_eq!(repository.link(), "nothing to do; linked: no local monitor\n");
    repository.add_crate("only", "only");
    repository.link();
    repository.delete("only");
    repository.link();
    assert_eq!(repository.text("local-monitors/Cargo.toml"), MANIFEST);
    assert_eq!(repository.text("local-monitors/lib.rs"), LIBRARY);
    repository.builds().unwrap();
}

#[test]
fn check_fails_while_something_is_to_be_done_and_writes_nothing() {
    let repository = Repository::new("check");
    repository.add_crate("weather", "weather");
    let output = repository.xtask(&["link", "--check"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("would link    local_weather = "), "{told}");
    assert!(told.ends_with("out of date; run `cargo xtask link`\n"), "{told}");
    assert_eq!(repository.text("local-monitors/Cargo.toml"), MANIFEST);

    repository.link();
    assert_eq!(repository.xtask(&["link", "--check"]).status.code(), Some(0));
}

#[test]
fn a_renamed_package_and_a_list_edited_by_hand_are_brought_back() {
    let repository = Repository::new("brought_back");
    repository.add_crate("weather", "weather");
    repository.link();
    repository.add_crate("weather", "weather-monitor");
    assert!(repository.link().contains("update  local_weather = { package = \"weather-monitor\""));

    repository.put("local-monitors/lib.rs", LIBRARY);
    assert!(repository.link().contains("repair  the list in local-monitors/lib.rs"));
    assert!(repository.text("local-monitors/lib.rs").contains("use local_weather as _;"));
    repository.builds().unwrap();
}

#[test]
fn the_order_of_the_use_lines_is_left_to_rustfmt() {
    let repository = Repository::new("order");
    repository.add_crate("node2", "node2");
    repository.add_crate("node10", "node10");
    repository.link();
    let formatted = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(repository.root().join("local-monitors/lib.rs"))
        .status();
    assert!(formatted.unwrap().success());
    let library = repository.text("local-monitors/lib.rs");
    assert!(library.contains("use local_node2 as _;\nuse local_node10 as _;\n"), "{library}");
    assert_eq!(repository.xtask(&["link", "--check"]).status.code(), Some(0));
}

#[test]
fn everything_that_cannot_be_linked_is_named_at_once() {
    let repository = Repository::new("refused");
    repository.add_crate("my-queue", "a");
    repository.add_crate("my_queue", "b");
    repository.add_crate("twin", "c");
    repository.add_crate("other", "c");
    repository.add_crate("caf\u{e9} 1", "d");
    repository.put("local-monitors/broken/Cargo.toml", "[package\n");
    repository.put("local-monitors/nameless/Cargo.toml", "[package]\nversion = \"0.1.0\"\n");
    repository.put("local-monitors/program/Cargo.toml", "[package]\nname = \"program\"\n");
    repository.put("local-monitors/program/src/main.rs", "fn main() {}\n");

    repository.add_crate("agent", "local-monitors");
    repository.put("local-monitors/island/Cargo.toml", "[package]\nname = \"island\"\n[workspace]\n");
    repository.put("local-monitors/island/src/lib.rs", "");
    repository.add_crate("group/inner", "inner");

    let told = repository.refused(&["link"]);
    for problem in [
        "local-monitors/agent/Cargo.toml: is named `local-monitors`, as local-monitors/Cargo.toml is; give",
        "local-monitors/island/Cargo.toml: has a [workspace] of its own",
        "local-monitors/group/inner holds a crate one folder too deep; move it to local-monitors/inner",
        "local-monitors/my-queue and local-monitors/my_queue differ only in `-` and `_`",
        "local-monitors/other and local-monitors/twin are both named `c` in their Cargo.toml",
        "local-monitors/caf\u{e9} 1: the folder's name becomes part of a Rust name",
        "local-monitors/broken/Cargo.toml: ",
        "local-monitors/nameless/Cargo.toml: has no `name` under [package]; add `name = \"nameless\"`",
        "local-monitors/program: has no src/lib.rs; a monitor crate is a library",
        "nothing was changed",
    ] {
        assert!(told.contains(problem), "{problem:?} is missing in:\n{told}");
    }
}

/// A small aggregator with the build script of the real one.
fn repository_with_the_real_guard(test: &str) -> Repository {
    let repository = Repository::new(test);
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../local-monitors");
    repository.put("local-monitors/build.rs", &fs::read_to_string(real.join("build.rs")).unwrap());
    repository.link();
    repository
}

#[test]
fn a_crate_that_was_added_by_hand_and_not_linked_stops_the_build_which_names_the_cure() {
    let repository = repository_with_the_real_guard("guard");
    repository.builds().unwrap();

    repository.add_crate("weather", "weather");
    let told = repository.builds().unwrap_err();
    let problem = "local-monitors/weather holds a monitor crate that is not linked into the agent; run `cargo xtask link` \
                   (or delete the folder)";
    assert!(told.contains(problem), "{told}");

    repository.link();
    repository.builds().unwrap();

    let library = repository.text("local-monitors/lib.rs");
    repository.put("local-monitors/lib.rs", &library.replace("use local_weather", "#[cfg(test)]\nuse local_weather"));
    let told = repository.builds().unwrap_err();
    assert!(told.contains("`#[cfg(test)]` does not belong into the list of monitor crates"), "{told}");
    repository.link();
    repository.builds().unwrap();
}

#[test]
fn a_crate_one_folder_too_deep_stops_the_build() {
    let repository = repository_with_the_real_guard("guard_depth");
    repository.add_crate("group/inner", "inner");
    let told = repository.builds().unwrap_err();
    assert!(told.contains("local-monitors/group/inner holds a crate one folder too deep"), "{told}");
}

#[test]
fn lost_marker_lines_are_asked_for() {
    let repository = Repository::new("markers");
    repository.put("local-monitors/lib.rs", "//! Nothing here.\n");
    repository.put("local-monitors/Cargo.toml", &MANIFEST.replace("# <<< xtask\n", ""));
    let told = repository.refused(&["link"]);
    let begin = "// >>> xtask: local monitors (written by `cargo xtask link`)\n    // <<< xtask\n";
    assert!(told.contains("local-monitors/lib.rs: its list must lie between these two lines") && told.contains(begin));
    assert!(told.contains("local-monitors/Cargo.toml: its list must lie"), "{told}");
}

#[test]
fn a_folder_without_a_manifest_is_told_of_and_a_hidden_one_is_not() {
    let repository = Repository::new("no_manifest");
    repository.put("local-monitors/notes/ideas.txt", "later");
    repository.put("local-monitors/.idea/x", "");
    assert_eq!(
        repository.link(),
        "note: local-monitors/notes holds no Cargo.toml, so it is no monitor crate\nnothing to do; linked: no local monitor\n"
    );
}
