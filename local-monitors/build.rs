//! Stops the build when a folder here holds a monitor that is not linked.
//!
//! A crate that nobody names is left out by the linker without a word, and its monitors with it; so a forgotten
//! folder must be an error that says how to mend it.

use std::fs;
use std::path::Path;

#[cfg_attr(test, expect(dead_code, clippy::print_stdout, reason = "how cargo is told; the test calls what is below"))]
fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed={}", here.display());
    match unlinked(here) {
        Ok(folders) => {
            for folder in folders {
                println!(
                    "cargo::error=local-monitors/{folder} holds a monitor crate that is not linked into the agent; run \
                     `cargo xtask link` (or delete the folder)"
                );
            }
        }
        Err(error) => println!("cargo::error=cannot look for monitor crates in {}: {error}", here.display()),
    }
}

/// The folders that hold a crate which the manifest does not depend on, or which `lib.rs` does not use.
fn unlinked(here: &Path) -> std::io::Result<Vec<String>> {
    let manifest = fs::read_to_string(here.join("Cargo.toml"))?;
    let library = fs::read_to_string(here.join("lib.rs"))?;
    let mut folders = Vec::new();
    for entry in fs::read_dir(here)? {
        let entry = entry?;
        let folder = entry.file_name().to_string_lossy().into_owned();
        let is_crate = !folder.starts_with('.') && entry.path().join("Cargo.toml").is_file();
        if is_crate && !is_linked(&folder, &manifest, &library) {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Whether the manifest has `alias = { …, path = "folder" }` and the library `use alias as _;`.
fn is_linked(folder: &str, manifest: &str, library: &str) -> bool {
    let path = format!("path = \"{folder}\"");
    let alias = manifest
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .find(|line| line.contains(&path))
        .and_then(|line| line.split_once('='))
        .map(|(alias, _)| alias.trim().replace('-', "_"));
    alias.is_some_and(|alias| library.lines().any(|line| line.trim() == format!("use {alias} as _;")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_linked_when_the_manifest_and_the_library_name_it() {
        let dependency = "local_my_queue = { package = \"queue\", path = \"my-queue\" }";
        let usage = "use local_my_queue as _;";
        let (no_dependency, no_usage) = (format!("# {dependency}"), format!("// {usage}"));
        let cases = [
            (dependency, usage, true),
            ("", "", false),
            (dependency, "", false),
            ("", usage, false),
            (&no_dependency, usage, false),
            (dependency, &no_usage, false),
        ];
        for (manifest, library, linked) in cases {
            let folder = tempfile::tempdir().unwrap();
            for inner in ["my-queue", "notes", ".git"] {
                fs::create_dir(folder.path().join(inner)).unwrap();
            }
            for (file, text) in [("Cargo.toml", manifest), ("lib.rs", library), ("my-queue/Cargo.toml", "")] {
                fs::write(folder.path().join(file), text).unwrap();
            }
            let expected: &[&str] = if linked { &[] } else { &["my-queue"] };
            assert_eq!(unlinked(folder.path()).unwrap(), expected, "{manifest} {library}");
        }
    }
}
