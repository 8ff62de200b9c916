//! Monitor crates that live outside the checkout: `cargo xtask link --from`, and what builds and runs them.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod repository;

use std::fs;
use std::path::Path;

use repository::Repository;

const FROM_REGISTRY: &str = "scalyr-monitor = \"0.1\"";

/// The files that git would see.
fn tracked(repository: &Repository) -> Vec<(String, String)> {
    let root = repository.root();
    let ignored =
        |path: &str| path.starts_with("linked/") || path == "local-monitors/outside.toml" || path.starts_with("my/");
    let files = repository.files().into_iter();
    let files = files.map(|(path, text)| (path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text));
    files.filter(|(path, _)| !ignored(path)).collect()
}

/// A repository `agent` and, beside it, the crates of somebody else.
fn repository_beside(test: &str) -> Repository {
    // The checkout is one folder deeper, so that what lies beside it is this test's own too.
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    if beside.exists() {
        fs::remove_dir_all(beside).unwrap();
    }
    Repository::with_program(&format!("{test}/agent"))
}

#[test]
fn a_crate_from_outside_runs_in_the_agent_and_no_tracked_file_changes() {
    let repository = repository_beside("outside_runs");
    repository.put_monitor("../my/snow", "snow", FROM_REGISTRY);
    let before = tracked(&repository);

    let told = repository.told(&["link", "--from", "../my/snow"]);
    assert!(told.starts_with("link    snow 0.2.0 from ../my/snow\n"), "{told}");
    assert!(told.contains("cargo agent --run-monitor snow"), "{told}");

    let told = repository.told(&["agent", "--run-monitor", "snow", "-v"]);
    for line in ["linked: snow\n", "linked: coin\n", "arguments: [\"--run-monitor\", \"snow\", \"-v\"]\n"] {
        assert!(told.contains(line), "{told}");
    }
    assert_eq!(tracked(&repository), before);
    repository.told(&["build", "--locked", "--offline"]);
    assert!(repository.root().join("target/debug/agent").is_file(), "one folder for all that is built");

    let plain = repository.cargo(&["run", "--locked", "--offline"]);
    let (told, warned) = (String::from_utf8(plain.stdout).unwrap(), String::from_utf8(plain.stderr).unwrap());
    assert!(told.contains("linked: coin\n") && !told.contains("linked: snow\n"), "{told}");
    assert!(
        warned.contains("not in this build: ../my/snow, linked from outside; build with `cargo xtask build`"),
        "{warned}"
    );

    let list = repository.told(&["link", "--list"]);
    let columns: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        columns,
        [
            ["folder", "crate", "version", "monitors", "from"],
            ["local-monitors/coin", "coin", "0.2.0", "coin", "here"],
            ["../my/snow", "snow", "0.2.0", "snow", "outside"],
        ]
    );

    let told = repository.told(&["remove", "snow"]);
    assert_eq!(told, "unlinked ../my/snow; the folder itself was left alone\n");
    let told = repository.told(&["agent"]);
    assert!(told.contains("linked: coin\n") && !told.contains("linked: snow\n"), "{told}");
    assert_eq!(tracked(&repository), before);
    assert!(!repository.root().join("linked").exists() && repository.root().join("../my/snow/src/lib.rs").is_file());
}

#[test]
fn several_add_up_a_path_to_this_checkout_works_as_well_and_a_missing_folder_is_told_with_its_cure() {
    let repository = repository_beside("outside_several");
    repository.put_monitor("../my/snow", "snow", FROM_REGISTRY);
    repository.put_monitor(
        "../my/hail-stones",
        "hail",
        "scalyr-monitor = { path = \"../../agent/agent/monitor-api\" }",
    );
    repository.put("../my/words/Cargo.toml", "[package]\nname = \"words\"\n");
    repository.put("../my/words/src/lib.rs", "");
    repository.put_monitor("../fog", "fog", "api = { package = \"scalyr-monitor\", version = \"0.1\" }");

    repository.told(&["link", "--from", "../my/snow"]);
    let told = repository.told(&["link", "--from", "../my", "--from=../fog"]);
    for line in [
        "note: ../my/words does not depend on scalyr-monitor, so it is no monitor crate\n",
        "link    hail 0.2.0 from ../my/hail-stones\n",
        "already linked: ../my/snow\n",
        "link    fog 0.2.0 from ../fog\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let told = repository.told(&["agent", "--", "--release"]);
    assert!(["snow", "hail", "fog"].iter().all(|name| told.contains(&format!("linked: {name}\n"))), "{told}");
    assert!(told.contains("arguments: [\"--release\"]"), "{told}");

    fs::remove_dir_all(repository.root().join("../my/hail-stones")).unwrap();
    let missing = "../my/hail-stones: is linked from outside, and no longer holds a Cargo.toml; bring the folder back, or \
                   run `cargo xtask remove hail-stones`";
    for command in [&["agent"][..], &["build"], &["link"], &["link", "--list"]] {
        let told = repository.refused(command);
        assert!(told.contains(missing), "{command:?}: {told}");
    }
    repository.told(&["remove", "hail-stones"]);
    let told = repository.told(&["agent"]);
    assert!(told.contains("linked: snow\n") && !told.contains("linked: hail\n"), "{told}");
}

#[test]
fn what_cannot_be_linked_from_outside_is_refused_all_at_once() {
    let repository = repository_beside("outside_refused");
    repository.put_monitor("../my/a", "coin", FROM_REGISTRY);
    repository.put_monitor("../my/b", "builtin-monitors", FROM_REGISTRY);
    repository.put_monitor("../my/c", "rain-gauge", "");
    repository.put_monitor("../my/d", "snow", "scalyr-monitor = { path = \".\" }");
    repository.put("../my/e/Cargo.toml", "[package]\n");
    repository.put("../empty/readme", "");
    repository.put("builtin-monitors/src/snow.rs", "#[scalyr_monitor(name = \"Snow\")] struct Snow;");
    let froms =
        ["../my/a", "../my/b", "../my/c", "../my/d", "../my/e", "../empty", "../nowhere", "local-monitors/coin"];
    let args: Vec<&str> = ["link"].into_iter().chain(froms.into_iter().flat_map(|from| ["--from", from])).collect();
    let told = repository.refused(&args);
    for problem in [
        "the crate local-monitors/coin and the crate ../my/a have one name (`coin` and `coin`)",
        "a monitor of local-monitors/coin and a monitor of ../my/a have one name (`coin` and `coin`)",
        "../my/b/Cargo.toml: is named `builtin-monitors`, as builtin-monitors/Cargo.toml is",
        "../my/c/Cargo.toml: does not depend on scalyr-monitor, so it can hold no monitor; write `scalyr-monitor = \"0.1\"`",
        "../my/d/Cargo.toml: takes scalyr-monitor from ",
        "a monitor of builtin-monitors and a monitor of ../my/d have one name (`Snow` and `snow`)",
        "../my/e/Cargo.toml: has no `name` under [package]",
        "--from ../empty: neither it nor a folder right inside it is a crate that depends on scalyr-monitor",
        "--from ../nowhere: No such file or directory",
        "--from local-monitors/coin: lies inside this checkout",
        "nothing was changed",
    ] {
        assert!(told.contains(problem), "{problem:?} is missing in:\n{told}");
    }

    // What only cargo finds out leaves nothing behind either.
    repository.put_monitor("../late", "late", "scalyr-monitor = \"=7.0.0\"");
    let told = repository.refused(&["link", "--from", "../late"]);
    assert_eq!(told.matches("required by package `late v0.2.0").count(), 1, "{told}");
    assert!(told.contains("cargo could not resolve the dependencies of the crates from outside"), "{told}");
}

#[test]
fn a_crate_that_asks_for_another_version_of_the_api_is_told_so_before_cargo_is_asked() {
    let repository = repository_beside("outside_version");
    repository.put_monitor("../late", "late", "scalyr-monitor = \"0.2\"");
    let refused = "cargo xtask link: ../late/Cargo.toml: needs scalyr-monitor 0.2, and this checkout has 0.1.0; write \
                   `scalyr-monitor = \"0.1\"` there: linking puts this checkout's in its place\n\
                   cargo xtask link: nothing was changed\n";
    assert_eq!(repository.refused(&["link", "--from", "../late"]), refused);
}

#[test]
fn what_is_wrong_with_a_crate_that_is_linked_already_is_told_once() {
    let repository = repository_beside("outside_once");
    repository.put_monitor("../late", "late", FROM_REGISTRY);
    repository.told(&["link", "--from", "../late"]);
    assert!(
        repository.told(&["link", "--check"]).ends_with(
            "nothing to do; linked: coin\nlinked from outside: ../late; they are in what `cargo agent` runs\n"
        )
    );
    fs::remove_file(repository.root().join("../late/src/lib.rs")).unwrap();
    let told = repository.refused(&["link", "--from", "../late"]);
    assert_eq!(told.matches("../late: has no src/lib.rs").count(), 1, "{told}");

    repository.put_monitor("../late", "late", "scalyr-monitor = \"=7.0.0\"");
    let output = repository.xtask(&["link", "--from", "../late"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(told.matches("required by package `late v0.2.0").count(), 1, "{told}");
}

#[test]
fn a_crate_that_inherits_the_api_is_linked_if_its_own_workspace_has_it_and_else_told_what_to_write() {
    let repository = repository_beside("outside_inherits");
    // Else the workspace of xtask, below whose target/ this is, would be the one that it belongs to.
    repository.put("../Cargo.toml", "[workspace]\n");
    repository.put_monitor("../my/snow", "snow", "scalyr-monitor.workspace = true\n\n[lints]\nworkspace = true");
    let refused = "cargo xtask link: ../my/snow/Cargo.toml: says `scalyr-monitor.workspace = true`, and no workspace it \
                   belongs to defines `scalyr-monitor` under [workspace.dependencies]; write `scalyr-monitor = \"0.1\"` \
                   there: linking puts this checkout's in its place\n\
                   cargo xtask link: ../my/snow/Cargo.toml: takes its lints from a workspace (`[lints]`, `workspace = true`), \
                   and no workspace it belongs to has any; delete the two lines\n\
                   cargo xtask link: nothing was changed\n";
    for from in ["../my", "../my/snow"] {
        assert_eq!(repository.refused(&["link", "--from", from]), refused);
    }
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"snow\"]\n\n[workspace.lints.rust]\nunsafe_code = \"warn\"\n\n\
                     [workspace.dependencies]\nscalyr-monitor = ";
    for api in ["\"0.1\"", "{ path = \"../agent/agent/monitor-api\" }"] {
        repository.put("../my/Cargo.toml", &format!("{workspace}{api}\n"));
        let told = repository.told(&["link", "--from", "../my"]);
        assert!(told.starts_with("link    snow 0.2.0 from ../my/snow\n"), "{told}");
        assert!(repository.told(&["agent"]).contains("linked: snow\n"));
        repository.told(&["remove", "snow"]);
    }
}

#[test]
fn a_lock_file_that_changed_with_git_pull_is_taken_over_but_not_under_locked() {
    let repository = repository_beside("outside_lock");
    repository.put_monitor("../snow", "snow", FROM_REGISTRY);
    repository.told(&["link", "--from", "../snow"]);
    repository.told(&["build", "--locked"]);

    // As if somebody else had added a monitor.
    repository.put_monitor("local-monitors/hail", "hail", "scalyr-monitor.workspace = true");
    repository.link();
    assert!(repository.cargo(&["metadata", "--offline", "--format-version=1"]).status.success());
    let told = repository.refused(&["build", "--locked"]);
    assert!(told.contains("Cargo.lock changed since the crates from outside were linked"), "{told}");
    assert!(told.contains("run `cargo xtask link` first"), "{told}");

    let tracked = repository.text("Cargo.lock");
    let told = repository.link();
    assert!(told.contains("linked from outside: ../snow; they are in what `cargo agent` runs\n"), "{told}");
    repository.told(&["build", "--locked"]);
    let own = repository.text("linked/Cargo.lock");
    assert!(own.contains("name = \"hail\"") && own.contains("name = \"snow\""), "{own}");
    assert_eq!(repository.text("Cargo.lock"), tracked);
    assert!(repository.told(&["agent"]).contains("linked: hail\n"));
}

#[test]
fn a_monitor_that_reaches_this_checkout_through_a_symbolic_link_is_told_what_cargo_would_make_of_it() {
    let repository = repository_beside("outside_by_link");
    std::os::unix::fs::symlink(repository.root(), repository.root().join("../checkout")).unwrap();
    repository.put_monitor("../my/hail", "hail", "scalyr-monitor = { path = \"../../agent/agent/monitor-api\" }");
    repository.put_monitor("../my/snow", "snow", "scalyr-monitor = { path = \"../../checkout/agent/monitor-api\" }");
    let told = repository.xtask(&["link", "--from", "../my/snow"]);
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.starts_with("cargo xtask link: ../my/snow/Cargo.toml: takes scalyr-monitor from "), "{told}");
    assert!(told.contains("by way of a symbolic link, and cargo would take that for another crate"), "{told}");
    assert!(told.contains("write `scalyr-monitor = \"0.1\"` there"), "{told}");
    repository.told(&["link", "--from", "../my/hail"]);
}

#[test]
fn a_folder_that_was_deleted_while_it_was_linked_is_told_of_by_what_builds() {
    let repository = Repository::with_program("deleted_then_run");
    repository.delete("coin");
    for command in ["agent", "build"] {
        let told = repository.refused(&[command]);
        let gone = "local-monitors/ links `local_coin = { package = \"coin\", path = \"coin\" }`, and there is no such folder; \
                    run `cargo xtask link`\n";
        assert_eq!(told, format!("cargo xtask {command}: {gone}"));
    }
    repository.link();
    repository.told(&["build", "--offline"]);
}
