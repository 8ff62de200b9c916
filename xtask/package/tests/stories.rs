//! What keeps packages from being made, and how it is told.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

#[path = "repository/mod.rs"]
mod repository;

use std::process::Command;

use repository::Repository;

#[test]
fn changes_that_are_not_committed_are_named_and_nothing_is_built() {
    let repository = Repository::new();
    repository.put("agent/src/main.rs", "fn main() { println!(\"changed\"); }\n");
    repository.put("agent/src/new.rs", "\n");
    // A monitor of one's own and what linking it writes are told by the suffix, and notes are nobody's business.
    repository.put("local-monitors/coin/src/lib.rs", "pub const NAME: &str = \"coin\"; // changed\n");
    repository.put("notes.txt", "\n");
    let told = repository.refused(&["--deb"]);
    assert!(told.contains("changes that are not committed: agent/src/main.rs, agent/src/new.rs; "), "{told}");
    assert!(told.contains("for a try `--allow-dirty`"), "{told}");
    assert!(!repository.root().join("target").exists());
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let repository = Repository::new();
    repository.put(".gitignore", "target/\nlinked/\n");
    let told = repository.refused(&["--agent", "no/agent", "--sign", "no.key"]);
    for problem in [
        "what kind of package? `--deb`, `--rpm` and `--tarball` choose, also together",
        "changes that are not committed: .gitignore;",
        "--agent no/agent: No such file or directory",
    ] {
        assert!(told.contains(problem), "{problem}: {told}");
    }
    assert_eq!(told.contains("`--sign` needs the feature `sign`"), !cfg!(feature = "sign"), "{told}");
}

#[test]
fn a_local_monitor_that_does_not_compile_is_named_with_its_folder() {
    let repository = Repository::new();
    repository.put("local-monitors/coin/src/lib.rs", "pub const NAME: &str = 1;\n");
    for profile in ["dev", "dist"] {
        let told = repository.refused(&["--deb", "--profile", profile]);
        // What the compiler says of it, and then in one line.
        assert!(told.contains("local-monitors/coin/src/lib.rs:1:24"), "{told}");
        let line = "cargo xtask package: local monitor crate coin (local-monitors/coin) does not compile: mismatched types; \
                    all of it is above\n";
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn a_local_monitor_whose_build_script_fails_is_named() {
    let repository = Repository::new();
    repository.put("local-monitors/coin/build.rs", "fn main() { panic!(\"no libcoin here\"); }\n");
    let told = repository.refused(&["--deb", "--profile", "dev"]);
    assert!(told.contains("no libcoin here"), "{told}");
    let line = "local monitor crate coin (local-monitors/coin) cannot be built: its build script (build.rs) failed";
    assert!(told.contains(line), "{told}");
}

#[test]
fn a_local_monitor_that_wants_a_library_that_is_not_there_is_named() {
    let repository = Repository::new();
    repository.put(
        "local-monitors/coin/src/lib.rs",
        "pub const NAME: &str = \"coin\";\n#[link(name = \"mint2600\")]\nunsafe extern \"C\" {}\n",
    );
    let told = repository.refused(&["--deb", "--profile", "dev"]);
    let line =
        "local monitor crate coin (local-monitors/coin) compiles, and the linker refuses the agent: it misses mint2600";
    assert!(told.contains(line), "{told}");
}

#[test]
fn a_local_monitor_that_uses_a_function_that_is_nowhere_is_named() {
    let repository = Repository::new();
    repository.put(
        "local-monitors/coin/src/lib.rs",
        "pub const NAME: &str = \"coin\";\nunsafe extern \"C\" { fn coin_flip_2600(); }\n\
         #[used]\nstatic FLIP: unsafe extern \"C\" fn() = coin_flip_2600;\n",
    );
    let told = repository.refused(&["--deb", "--profile", "dev"]);
    assert!(told.contains("local monitor crate coin (local-monitors/coin) compiles, and the linker refuses"), "{told}");
    assert!(told.contains("it misses coin_flip_2600"), "{told}");
}

#[test]
fn two_monitors_of_one_name_are_told_by_the_agent_that_has_them() {
    let repository = Repository::new();
    repository.put("local-monitors/lib.rs", "pub const NAMES: &[&str] = &[coin::NAME, \"coin\"];\n");
    let told = repository.refused(&["--deb", "--profile", "dev"]);
    assert!(told.contains("two monitors are called `coin`: one of the crate coin, one of the crate coin2"), "{told}");
}

#[test]
fn a_program_that_is_not_the_agent_of_this_checkout_is_not_packaged() {
    let repository = Repository::new();
    let script = repository.put("target/script", "#!/bin/sh\n");
    let object = repository.put("target/a.c", "int main(void) { return 0; }\n");
    let compiled = Command::new("cc").arg("-c").arg(&object).arg("-o").arg(object.with_extension("o")).status();
    assert!(compiled.unwrap().success());
    for (file, told) in [
        (script.to_str().unwrap(), "script is no program of Linux"),
        ("target/a.o", "target/a.o is an object file, not a program"),
        ("/bin/echo", "/bin/echo is not the agent: asked for its version, it said \"version\""),
        ("/bin/false", "`/bin/false version` failed (exit status: 1)"),
        ("/bin", "--agent /bin: is no file"),
    ] {
        let said = repository.refused(&["--deb", "--agent", file]);
        assert!(said.contains(told), "{file}: {said}");
    }
}

#[test]
fn an_agent_of_another_version_is_not_packaged() {
    let repository = Repository::new();
    let built =
        Command::new(env!("CARGO")).args(["build", "--quiet", "--offline"]).current_dir(repository.root()).status();
    assert!(built.unwrap().success());
    let manifest = std::fs::read_to_string(repository.root().join("agent/Cargo.toml")).unwrap();
    repository.put("agent/Cargo.toml", &manifest.replace("0.1.0", "0.2.0-rc.1"));
    repository.commit("Count up");
    let told = repository.refused(&["--deb", "--agent", "target/debug/agent"]);
    assert!(told.contains("target/debug/agent is of version 0.1.0, and this checkout of 0.2.0-rc.1"), "{told}");
}

#[test]
fn sources_without_git_are_asked_for_their_time() {
    let repository = Repository::new();
    std::fs::remove_dir_all(repository.root().join(".git")).unwrap();
    let told = repository.refused(&["--deb", "--profile", "dev"]);
    assert!(told.contains("this is no checkout with a commit, and SOURCE_DATE_EPOCH is not set"), "{told}");
}

#[test]
fn a_workspace_that_does_not_load_is_told_in_the_words_of_cargo() {
    let repository = Repository::new();
    let manifest = std::fs::read_to_string(repository.root().join("agent/Cargo.toml")).unwrap();
    repository.put("agent/Cargo.toml", &manifest.replace("0.1.0", "one"));
    repository.commit("Spell it out");
    let told = repository.refused(&["--deb"]);
    assert!(told.contains("cargo cannot load the workspace:") && told.contains("version = \"one\""), "{told}");
}

#[test]
fn another_processor_is_refused_with_what_is_missing_for_it() {
    let repository = Repository::new();
    let output =
        Command::new("rustc").args(["--print", "target-libdir", "--target", "aarch64-unknown-linux-gnu"]).output();
    let folder = String::from_utf8(output.unwrap().stdout).unwrap();
    if cfg!(target_arch = "aarch64") || std::path::Path::new(folder.trim()).is_dir() {
        // This machine can: then it builds.
        return;
    }
    let told = repository.refused(&["--deb", "--target", "aarch64-unknown-linux-gnu"]);
    let line = "the toolchain has no standard library for aarch64-unknown-linux-gnu; \
                `rustup target add aarch64-unknown-linux-gnu` installs it";
    assert!(told.contains(line), "{told}");
}

#[test]
fn an_older_glibc_without_zig_says_how_to_get_it() {
    let repository = Repository::new();
    let told = repository.refused(&["--deb", "--glibc", "2.17"]);
    assert!(told.contains("`--glibc` needs zig as the linker") && told.contains("add `--install-zig`"), "{told}");
}

#[test]
fn the_same_sources_in_two_folders_give_the_same_agent() {
    let built = || {
        let repository = Repository::new();
        let library = "pub const NAME: &str = \"coin\";\n\
                       pub fn place() -> &'static str { std::panic::Location::caller().file() }\n\
                       #[used]\npub static FILE: &str = file!();\n";
        repository.put("local-monitors/coin/src/lib.rs", library);
        // This small checkout has none of the documents that a package needs, which is told after the build.
        repository.refused(&["--deb", "--profile", "dist"]);
        (std::fs::read(repository.root().join("target/package/dist/agent")).unwrap(), repository)
    };
    let ((first, one), (second, other)) = (built(), built());
    let has = |text: &str| first.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(first == second, "built in {} and {}", one.root().display(), other.root().display());
    assert!(has("local-monitors/coin/src/lib.rs") && !has(one.root().to_str().unwrap()));
}
