//! Rust's standard library, which every program holds a part of.
//!
//! The toolchain brings `COPYRIGHT-library.html`, which tells the crates of others in the standard library, for all
//! targets at once, with their texts; those for this target are the ones that are compiled beside it. A toolchain of
//! a distribution may come without that file: then the standard texts of the licences are taken.

use std::fs;
use std::path::Path;

use super::texts::{Text, tidy};
use super::{Build, CratesError, file_error, output};

/// The standard library.
#[derive(Clone, Debug)]
pub(crate) struct Rust {
    /// `1.95.0`.
    pub(crate) version: String,
    /// The commit of rust-lang/rust, if the compiler tells it.
    pub(crate) commit: Option<String>,
    /// Texts of its own terms that the toolchain brings: `Apache-2.0.txt`.
    pub(crate) texts: Vec<Text>,
    /// The crates of others in it, sorted by name.
    pub(crate) crates: Vec<OfStd>,
}

/// A crate in the standard library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfStd {
    pub(crate) name: String,
    /// If the toolchain tells it.
    pub(crate) version: Option<String>,
    /// The SPDX expression; none if it is not known here.
    pub(crate) licence: Option<String>,
    pub(crate) texts: Vec<Text>,
}

/// The terms of the standard library itself: its own, of the tables of Unicode, and of parts of LLVM and musl that
/// compiler-builtins was made from.
pub(crate) const LICENCE: &str = "(MIT OR Apache-2.0) AND Unicode-3.0 AND Apache-2.0 WITH LLVM-exception";

/// Crates beside the standard library that are Rust's own.
const OWN: [&str; 12] = [
    "alloc",
    "compiler_builtins",
    "core",
    "panic_unwind",
    "rustc_std_workspace_alloc",
    "rustc_std_workspace_core",
    "rustc_std_workspace_std",
    "std",
    "std_detect",
    "sysroot",
    "unwind",
    "profiler_builtins",
];
/// Crates beside the standard library that a program which is no test and no macro does not hold.
const NOT_LINKED: [&str; 5] = ["getopts", "panic_abort", "proc_macro", "rustc_literal_escaper", "test"];
/// Those that `COPYRIGHT-library.html` leaves out.
const LICENCES: [(&str, &str); 10] = [
    ("addr2line", "Apache-2.0 OR MIT"),
    ("adler2", "0BSD OR MIT OR Apache-2.0"),
    ("cfg_if", "MIT OR Apache-2.0"),
    ("gimli", "MIT OR Apache-2.0"),
    ("hashbrown", "MIT OR Apache-2.0"),
    ("libc", "MIT OR Apache-2.0"),
    ("memchr", "Unlicense OR MIT"),
    ("miniz_oxide", "MIT OR Zlib OR Apache-2.0"),
    ("object", "Apache-2.0 OR MIT"),
    ("rustc_demangle", "MIT OR Apache-2.0"),
];
/// Texts of the toolchain that are about [`LICENCE`].
const TEXTS: [&str; 4] = ["Apache-2.0.txt", "LLVM-exception.txt", "MIT.txt", "Unicode-3.0.txt"];

pub(super) fn read(build: &Build<'_>) -> Result<Rust, CratesError> {
    let told = output(build.root, "rustc", &["-vV"])?;
    let value = |key: &str| told.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned());
    let version = value("release:")
        .ok_or_else(|| CratesError::Strange { call: "rustc -vV".to_owned(), why: "no `release:`".to_owned() })?;
    let commit = value("commit-hash:").filter(|commit| commit != "unknown");
    let sysroot = output(build.root, "rustc", &["--print", "sysroot"])?;
    let sysroot = Path::new(sysroot.trim_end());
    let documents = sysroot.join("share/doc/rust");
    let target = build.target.split_once('.').map_or(build.target, |(triple, _)| triple);
    let told = match fs::read_to_string(documents.join("COPYRIGHT-library.html")) {
        Ok(html) => told_crates(&html),
        Err(_) => Vec::new(),
    };
    let names = compiled(&sysroot.join("lib/rustlib").join(target).join("lib"))?;
    let crates = names.into_iter().map(|name| describe(name, &told)).collect();
    let texts = TEXTS.iter().filter_map(|name| {
        let content = tidy(&fs::read_to_string(documents.join("licenses").join(name)).ok()?);
        Some(Text { path: (*name).to_owned(), content })
    });
    Ok(Rust { version, commit, texts: texts.collect(), crates })
}

/// The crates of others that are compiled for the target: `libmemchr-ea71fa85f6699d6b.rlib`.
fn compiled(folder: &Path) -> Result<Vec<String>, CratesError> {
    let missing = |error| file_error(folder, format!("{error}; is the target installed? `rustup target add TARGET`"));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(missing)? {
        let file = entry.map_err(missing)?.file_name().to_string_lossy().into_owned();
        let name = file.strip_prefix("lib").and_then(|name| name.strip_suffix(".rlib"));
        let name = name.and_then(|name| name.rsplit_once('-')).map(|(name, _)| name);
        if let Some(name) = name.filter(|name| !OWN.contains(name) && !NOT_LINKED.contains(name)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn describe(name: String, told: &[OfStd]) -> OfStd {
    if let Some(told) = told.iter().find(|told| told.name.replace('-', "_") == name) {
        return told.clone();
    }
    let licence = LICENCES.iter().find(|(known, _)| *known == name).map(|(_, licence)| (*licence).to_owned());
    OfStd { name, version: None, licence, texts: Vec::new() }
}

/// The crates in `COPYRIGHT-library.html`: `<h3>📦 libc-0.2.178</h3>`, `<p><b>License:</b> MIT</p>`, and for each text
/// `<summary><code>LICENSE-MIT</code></summary> <pre>…</pre>`.
fn told_crates(html: &str) -> Vec<OfStd> {
    let between = |text: &str, begin: &str, end: &str| {
        text.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).map(|(text, _)| plain(text))
    };
    let chapters = html.split("<h3>").skip(1);
    let crates = chapters.filter_map(|chapter| {
        let title = plain(chapter.split_once("</h3>")?.0);
        let title = title.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        // The name ends before the first `-` with a digit behind it.
        let end = title.match_indices('-').map(|(at, _)| at);
        let mut end = end.filter(|at| title.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit));
        let (name, version) = title.split_at(end.next()?);
        let texts = chapter.split("<summary>").skip(1).filter_map(|part| {
            Some(Text { path: between(part, "<code>", "</code>")?, content: tidy(&between(part, "<pre>", "</pre>")?) })
        });
        Some(OfStd {
            name: name.to_owned(),
            version: version.strip_prefix('-').map(str::to_owned),
            licence: between(chapter, "<b>License:</b>", "</p>").map(|licence| licence.trim().to_owned()),
            texts: texts.collect(),
        })
    });
    crates.collect()
}

/// Text of HTML: with the characters that it writes in other ways.
fn plain(html: &str) -> String {
    let text = html.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">");
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&#38;", "&").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_read_from_the_page_that_the_toolchain_brings() {
        let html = "<h1>R</h1>\n<h3>📦 wasi-0.11.1+wasi-snapshot-preview1</h3>\n<p><b>License:</b> MIT OR Apache-2.0</p>\n\
                    <details><summary><code>LICENSE-MIT</code></summary><pre>\n\nThe &#34;Software&#34; &#60;x&#62;\n\n</pre>\
                    </details>\n<h3>📦 r-efi-5.3.0</h3>\n<p><b>License:</b> MIT</p>\n";
        let text = Text { path: "LICENSE-MIT".to_owned(), content: "The \"Software\" <x>".to_owned() };
        let krate = |name: &str, version: &str, licence: &str, texts: Vec<Text>| OfStd {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            licence: Some(licence.to_owned()),
            texts,
        };
        let wasi = krate("wasi", "0.11.1+wasi-snapshot-preview1", "MIT OR Apache-2.0", vec![text]);
        assert_eq!(told_crates(html), [wasi, krate("r-efi", "5.3.0", "MIT", vec![])]);
    }
}
