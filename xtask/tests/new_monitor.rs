//! `cargo xtask new-monitor` and `cargo xtask remove` as processes.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod repository;

use std::fs;
use std::path::Path;
use std::process::Command;

use repository::Repository;

/// Copies what the workspace is made of; cargo's and git's own folders stay behind.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_file() && name != ".git" {
            fs::copy(&path, to.join(&name)).unwrap();
        } else if path.is_dir() && name != "target" && name != ".git" && name != "xtask" && name != "linked" {
            copy(&path, &to.join(&name));
        }
    }
}

#[test]
fn a_new_monitor_compiles_without_a_warning_and_passes_its_test_in_the_real_workspace() {
    let repository = Repository::new("scaffold");
    fs::remove_dir_all(repository.root()).unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), repository.root());
    let _ = fs::remove_file(repository.root().join("local-monitors/outside.toml"));

    let told = repository.told(&["new-monitor", "rain-gauge-of-the-test"]);
    assert!(
        told.starts_with("made    local-monitors/rain-gauge-of-the-test: Cargo.toml, README.md, src/lib.rs"),
        "{told}"
    );
    assert!(
        told.contains("called `rain_gauge_of_the_test`") && told.contains("cargo test -p rain-gauge-of-the-test\n")
    );

    assert!(told.contains("--run-monitor rain_gauge_of_the_test -s 1"), "{told}");
    assert!(told.ends_with("also enters the crate in Cargo.lock; commit that with the files above.\n"), "{told}");

    let manifest = repository.root().join("local-monitors/rain-gauge-of-the-test/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    assert!(!manifest.contains("example"), "a monitor of somebody's own counts in the package's version: {manifest}");

    let longest = "a-name-as-long-as-one-can-be-which-must-fit-as-wel";
    repository.told(&["new-monitor", longest]);
    for folder in ["rain-gauge-of-the-test", longest] {
        let library = repository.root().join("local-monitors").join(folder).join("src/lib.rs");
        let mut rustfmt = Command::new("rustfmt");
        rustfmt.args(["--check", "--edition=2024", "--config-path"]).arg(repository.root()).arg(library);
        let formatted = rustfmt.output().unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stdout));
    }
    repository.told(&["remove", longest, "--force"]);

    let target = repository.root().join("../scaffold-target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--tests", "-p", "rain-gauge-of-the-test"]).current_dir(repository.root());
    let output = cargo.env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", "-D warnings").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("test tests::a_step_above_the_limit_is_refused ... ok"), "{told}");
}

#[test]
fn a_new_monitor_in_a_repository_of_its_own_is_linked_and_passes_its_tests_there() {
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffold_outside");
    let _ = fs::remove_dir_all(&beside);
    let repository = Repository::new("scaffold_outside/agent");
    fs::remove_dir_all(repository.root()).unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), repository.root());
    let _ = fs::remove_file(repository.root().join("local-monitors/outside.toml"));

    // Linking asks for the manifests of all dependencies, also of those that no build here needs.
    assert!(repository.cargo(&["fetch"]).status.success());
    let told = repository.told(&["new-monitor", "snow-depth", "--in", "../my/monitors"]);
    for line in [
        "made    ../my/monitors/snow-depth: Cargo.toml, README.md, src/lib.rs, src/tests.rs\n",
        "made    ../my/monitors/.cargo/config.toml\nmade    ../my/monitors/Cargo.toml\n",
        "link    snow-depth 0.1.0 from ../my/monitors/snow-depth\nno tracked file was changed.",
        "  cargo agent --run-monitor snow_depth -s 1 --samples 1\n",
        "  (cd ../my/monitors && cargo test -p snow-depth)\n",
    ] {
        assert!(told.contains(line), "{line:?} is missing in:\n{told}");
    }
    assert!(!told.contains("members"), "{told}");
    let told = repository.told(&["new-monitor", "hail", "--in", "../my/monitors"]);
    assert!(told.contains("add \"hail\" to `members` in ../my/monitors/Cargo.toml, or cargo refuses"), "{told}");
    repository
        .put("../my/monitors/Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"hail\", \"snow-depth\"]\n");

    let home = beside.join("my/monitors");
    // What is built is what the other test builds.
    fs::copy(repository.root().join("Cargo.lock"), home.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--tests", "--offline", "-p", "snow-depth"]).current_dir(&home);
    cargo.env("CARGO_TARGET_DIR", beside.join("../scaffold-target")).env("RUSTFLAGS", "-D warnings");
    let output = cargo.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("test tests::a_step_above_the_limit_is_refused ... ok"), "{told}");
}

#[test]
fn what_cannot_be_made_outside_is_refused_and_leaves_nothing_behind() {
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new_outside_refused");
    let _ = fs::remove_dir_all(&beside);
    let repository = Repository::with_program("new_outside_refused/agent");
    repository.put("../crate/Cargo.toml", "[package]\nname = \"crate\"\n");
    repository.put("../broken/Cargo.toml", "[package\n");
    repository.put("../taken/snow/notes", "");
    for (folder, problem) in [
        (
            "local-monitors/group",
            "--in local-monitors/group: lies inside this checkout; without `--in` the crate is made in",
        ),
        ("../crate", "../crate/Cargo.toml: is a crate and no workspace; name the folder that holds it"),
        ("../broken", "../broken/Cargo.toml: "),
        ("../taken", "../taken/snow is there already; choose another name"),
    ] {
        let told = repository.refused(&["new-monitor", "snow", "--in", folder]);
        assert!(told.contains(problem) && told.ends_with("nothing was written\n"), "{told}");
    }
    assert!(repository.refused(&["new-monitor", "coin", "--in", "../my"]).contains("`coin` is taken by the crate"));

    // What fails when it is linked is taken back, too.
    repository.put("local-monitors/outside.toml", "crates = [\"../gone\"]\n");
    let told = repository.refused(&["new-monitor", "snow", "--in", "../my/monitors"]);
    assert!(told.contains("../gone: is linked from outside, and no longer holds a Cargo.toml"), "{told}");
    assert!(!beside.join("my").exists() && beside.join("taken/snow/notes").exists());
}

#[test]
fn bad_and_taken_names_are_refused_and_nothing_is_written() {
    let repository = Repository::with_program("new_names");
    repository.put("local-monitors/notes/ideas.txt", "later");
    repository.put("builtin-monitors/src/disk.rs", "#[scalyr_monitor(name = \"disk_space\")] struct Disk;");
    for (name, problem) in [
        (
            "Rain",
            "`Rain` cannot name a monitor: a small letter from a to z, then small letters, digits, `-` and `_`; try `rain`",
        ),
        ("../rain", "cannot name a monitor"),
        ("loop", "`loop` is a word of Rust; say more, for example `loop-monitor`"),
        ("core", "`core` is a crate that comes with Rust"),
        ("notes", "`notes` is taken by local-monitors/notes; choose another name"),
        (
            "coin",
            "`coin` is taken by the crate local-monitors/coin, by a monitor of local-monitors/coin; choose another name",
        ),
        (
            "builtin_monitors",
            "`builtin_monitors` is taken by a part of the agent (builtin-monitors) (`builtin-monitors`: `-`,",
        ),
        (
            "disk-space",
            "`disk-space` is taken by a monitor of builtin-monitors (`disk_space`: `-`, `_` and capital letters make",
        ),
    ] {
        let told = repository.refused(&["new-monitor", name]);
        assert!(told.contains(problem) && told.ends_with("nothing was written\n"), "{told}");
    }

    // What would keep it from being linked is told too, before anything is written.
    repository.put("local-monitors/broken/Cargo.toml", "[package\n");
    let told = repository.refused(&["new-monitor", "Coin"]);
    for problem in
        ["cannot name a monitor", "is taken by the crate local-monitors/coin", "local-monitors/broken/Cargo.toml: "]
    {
        assert!(told.contains(problem), "{told}");
    }
}

#[test]
fn what_fails_half_way_leaves_nothing_behind() {
    let repository = Repository::with_program("new_half_way");
    // Where the crate is put together lies something that is not ours.
    repository.put("local-monitors/.new-snow", "");
    let told = repository.refused(&["new-monitor", "snow"]);
    assert!(told.contains("cargo xtask new-monitor: local-monitors/snow: Not a directory"), "{told}");
}

#[test]
fn a_local_monitor_is_deleted_unless_that_would_lose_work() {
    let repository = Repository::with_program("remove");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@b"]).args(args).current_dir(repository.root()).output()
    };
    let has_git = git(&["init", "--quiet"]).is_ok_and(|output| output.status.success());
    repository.told(&["new-monitor", "snow"]);
    let told = repository.refused(&["remove", "snow"]);
    assert!(told.contains("`cargo xtask remove snow --force`"), "{told}");
    if has_git {
        assert!(told.contains("local-monitors/snow holds work that is not committed and would be lost:\n"), "{told}");
        assert!(told.contains("    ?? local-monitors/snow/src/lib.rs\n"), "{told}");
        git(&["add", "."]).unwrap();
        git(&["commit", "--quiet", "--message", "all"]).unwrap();
        repository.put("local-monitors/snow/.gitignore", "secret\n");
        repository.put("local-monitors/snow/secret", "kept nowhere else");
        let told = repository.refused(&["remove", "local-monitors/snow/"]);
        assert!(told.contains("    !! local-monitors/snow/secret\n"), "{told}");
        fs::remove_file(repository.root().join("local-monitors/snow/secret")).unwrap();
        fs::remove_file(repository.root().join("local-monitors/snow/.gitignore")).unwrap();
        repository.put("local-monitors/snow/target/debug/x", "");
        // What a `remove` left behind that was killed.
        repository.put("local-monitors/.removed-snow/src/lib.rs", "");
        assert!(
            repository.told(&["remove", "snow"]).starts_with("unlinked local-monitors/snow and deleted the folder\n")
        );
    } else {
        repository.told(&["remove", "snow", "--force"]);
    }
    assert!(!repository.root().join("local-monitors/snow").exists());
    assert!(!repository.root().join("local-monitors/.removed-snow").exists());
    assert!(!repository.text("local-monitors/Cargo.toml").contains("snow"));
    repository.builds().unwrap();

    let told = repository.refused(&["remove", "snow"]);
    assert!(told.contains("no linked crate is called `snow`; there are local-monitors/coin\n"), "{told}");
}
