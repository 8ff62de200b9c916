//! The crates of this very checkout, and some made up, for the tests of what is written from them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::*;

/// The checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// What the agent of this checkout is made of; read once.
pub(crate) fn of_checkout() -> &'static Crates {
    static CRATES: OnceLock<Crates> = OnceLock::new();
    CRATES.get_or_init(|| {
        let root = root();
        let manifest = root.join("Cargo.toml");
        let target = "x86_64-unknown-linux-gnu";
        Crates::read(&Build { root: &root, manifest: &manifest, target, is_static: false }).unwrap()
    })
}

/// A crate of crates.io on these terms.
pub(crate) fn made_up(name: &str, licence: Option<&str>) -> Crate {
    Crate {
        name: name.to_owned(),
        version: "1.2.3".to_owned(),
        description: None,
        licence: licence.map(str::to_owned),
        authors: vec!["Jane Doe <jane@example.com>".to_owned()],
        repository: Some(format!("https://example.com/{name}")),
        origin: Origin::CratesIo,
        is_macro: false,
        checksum: Some("ab".repeat(32)),
        texts: Vec::new(),
        left_out: Vec::new(),
        bundled: Vec::new(),
        needs: Vec::new(),
    }
}

/// A program of these crates alone.
pub(crate) fn with(list: Vec<Crate>) -> Crates {
    let rust = Rust { version: "1.95.0".to_owned(), commit: None, texts: Vec::new(), crates: Vec::new() };
    Crates { list, rust, c_library: None }
}

fn named(name: &str) -> Option<&'static Crate> {
    of_checkout().list.iter().find(|krate| krate.name == name)
}

#[test]
fn the_crates_are_those_that_are_linked() {
    for name in ["rustls", "zstd-sys", "scalyr-agent", "coin", "serde_derive"] {
        assert!(named(name).is_some(), "{name} is linked");
    }
    // Needed by tests, by build scripts, and by macros.
    for name in ["proptest", "jsonschema", "cc", "syn", "quote"] {
        assert!(named(name).is_none(), "{name} is not linked");
    }
    assert!(named("serde_derive").unwrap().is_macro);
    let rust: Vec<&str> = of_checkout().rust.crates.iter().map(|krate| krate.name.as_str()).collect();
    assert!(rust.contains(&"hashbrown") && !rust.contains(&"getopts"), "{rust:?}");
}

#[test]
fn ours_are_told_from_those_of_others() {
    for name in ["agent", "scalyr-agent", "monitor-macros", "local-monitors", "coin", "gauges"] {
        assert_eq!(named(name).unwrap().origin, Origin::Project, "{name}");
    }
    for krate in of_checkout().of_others() {
        assert_eq!(krate.origin, Origin::CratesIo, "{}", krate.name);
        assert!(krate.checksum.as_ref().is_some_and(|sum| sum.len() == 64), "{}", krate.name);
    }
}

#[test]
fn every_crate_that_compiles_c_says_whose_it_is() {
    let arguments = "tree --locked -p agent -e normal,build --target x86_64-unknown-linux-gnu --invert cc --depth 1 \
                     --prefix none --format {p}";
    let printed = output(&root(), "cargo", &arguments.split_whitespace().collect::<Vec<_>>()).unwrap();
    let names: Vec<&str> = printed.lines().filter_map(|line| line.split_once(' ')).map(|(name, _)| name).collect();
    assert!(names.contains(&"cc") && names.contains(&"zstd-sys"), "{printed}");
    for name in names.into_iter().filter(|name| *name != "cc") {
        assert!(bundled::is_known(name), "{name} compiles C: name what it holds in crates/bundled.rs");
    }
}

#[test]
fn versions_of_bundled_libraries_are_found() {
    for (krate, library) in [("zstd-sys", "zstd"), ("lz4-sys", "lz4"), ("libdeflate-sys", "libdeflate")] {
        let bundled = &named(krate).unwrap().bundled;
        let version = bundled.iter().find(|one| one.name == library).unwrap().version.clone().unwrap();
        assert!(version.split('.').count() >= 2 && version.starts_with(|c: char| c.is_ascii_digit()), "{version}");
    }
}
