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
