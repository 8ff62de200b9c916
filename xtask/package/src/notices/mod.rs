//! The notices that must go with the program: whose code it holds, on which terms, with the full texts.
//!
//! Not made by cargo-about: that is a program of over a hundred crates to install first, and half of the
//! work would be left; docs/packaging.md says more.

pub(crate) mod allowed;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::crates::{Crate, Crates, Origin, Text, libc, rust};

/// What stands against passing the program on; all of it at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("\n"))]
pub(crate) struct NoticesError {
    /// A paragraph each: the crate, what is wrong with its licence, what to do.
    pub(crate) problems: Vec<String>,
}

/// Writes the notices. The same crates give the same text, and no path of this machine is in it.
pub(crate) fn collect(crates: &Crates) -> Result<String, NoticesError> {
    let mut notices = Notices::default();
    notices.introduce();
    notices.others(crates);
    notices.standard_library(&crates.rust);
    notices.c_library(crates);
    notices.own(crates);
    if notices.problems.is_empty() { Ok(notices.finish()) } else { Err(NoticesError { problems: notices.problems }) }
}

/// The text as it grows.
#[derive(Default)]
struct Notices {
    text: String,
    /// Each text once, with the words in it as its key: texts that differ in white space alone are equal.
    numbers: HashMap<String, usize>,
    /// In the order of their numbers, which begin with 1.
    texts: Vec<String>,
    problems: Vec<String>,
}

/// How far the values are from the left.
const INDENT: usize = 14;

impl Notices {
    fn introduce(&mut self) {
        self.text.push_str(
            "Third-party notices of the Scalyr agent\n\
             =======================================\n\n\
             The agent itself is licensed under the Apache License, Version 2.0; `copyright` beside this file says more.\n\
             Compiled into its program is code of others: crates of Rust, of which some hold libraries in C, and Rust's\n\
             standard library. For each there is told here what it is called, on which terms it is used, where its source\n\
             code is, and by numbers which texts belong to it. Each text stands once, at the end.\n\n\
             Where a licence leaves a choice (`OR`), any of the allowed ones may be chosen.\n",
        );
    }

    fn headline(&mut self, title: &str) {
        let _ = write!(self.text, "\n\n{title}\n{}\n", "-".repeat(title.chars().count()));
    }

    fn value(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.text, "    {key:width$}{value}", width = INDENT - 4);
    }

    /// The texts by their numbers: `1 (LICENSE-MIT), 2 (COPYING)`.
    fn texts<'a>(&mut self, texts: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let mut told = Vec::new();
        for (name, content) in texts {
            let words = content.split_whitespace().collect::<Vec<_>>().join(" ");
            let next = self.texts.len() + 1;
            let number = *self.numbers.entry(words).or_insert(next);
            if number == next {
                self.texts.push(content.to_owned());
            }
            told.push(format!("{number} ({name})"));
        }
        if !told.is_empty() {
            self.value("texts", &told.join(", "));
        }
    }

    fn others(&mut self, crates: &Crates) {
        self.headline("Crates");
        for krate in crates.of_others() {
            let _ = writeln!(self.text, "\n{} {}", krate.name, krate.version);
            if krate.is_macro {
                self.value("what", "a macro: runs in the compiler, and its templates are compiled into the program");
            }
            self.terms(krate);
            for (path, why) in &krate.left_out {
                self.value("left out", &format!("{path}: {why}"));
            }
            for library in &krate.bundled {
                let version = library.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
                let told = format!("{}{version}, {}, {}", library.name, library.licence, library.address);
                self.value("holds", &told);
                if let Err(problem) = allowed::judge(library.licence) {
                    self.problems.push(format!("{} in {} {}: {problem}", library.name, krate.name, krate.version));
                }
            }
        }
    }

    /// Licence, source code, authors and texts of a crate; what is wrong with them is noted.
    fn terms(&mut self, krate: &Crate) {
        let verdict = match &krate.licence {
            Some(licence) => allowed::judge(licence),
            None => Err("its manifest names no SPDX expression as `license`".to_owned()),
        };
        self.value("licence", krate.licence.as_deref().unwrap_or("unknown"));
        self.value("source", &address(krate));
        if let Some(repository) = krate.repository.as_deref().filter(|repository| *repository != address(krate)) {
            self.value("made at", repository);
        }
        if !krate.authors.is_empty() {
            self.value("authors", &krate.authors.join(", "));
        }
        match verdict {
            Ok(expression) if krate.texts.is_empty() => {
                let texts = allowed::standard_texts(&expression);
                self.texts(texts.iter().map(|(name, text)| (*name, *text)));
                self.value("", "(the crate brings no text; these are the standard ones)");
            }
            Ok(_) => self.texts(pairs(&krate.texts)),
            Err(why) => self.problems.push(format!(
                "{} {}: {why}. A package with it must not be passed on as it is. Use another crate, or one of its features \
                 that does without; or, when somebody who can judge it has said that its terms can be kept, add the licence \
                 to xtask/package/src/notices/allowed.rs. `cargo tree --invert {}@{}` tells who needs it",
                krate.name, krate.version, krate.name, krate.version
            )),
        }
    }

    fn standard_library(&mut self, rust: &rust::Rust) {
        self.headline("Rust's standard library");
        let _ = writeln!(self.text, "\nRust {}", rust.version);
        self.value("licence", rust::LICENCE);
        self.value("authors", "The Rust Project Developers (see https://thanks.rust-lang.org)");
        let at = rust.commit.as_deref().map_or_else(|| rust.version.clone(), str::to_owned);
        self.value("source", &format!("https://github.com/rust-lang/rust/tree/{at}/library"));
        match allowed::judge(rust::LICENCE) {
            Ok(expression) if rust.texts.is_empty() => {
                let texts = allowed::standard_texts(&expression);
                self.texts(texts.iter().map(|(name, text)| (*name, *text)));
            }
            Ok(_) => self.texts(pairs(&rust.texts)),
            Err(problem) => self.problems.push(format!("Rust's standard library: {problem}")),
        }
        for krate in &rust.crates {
            let version = krate.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
            let _ = writeln!(self.text, "\n{}{version} (in the standard library)", krate.name);
            let verdict = krate.licence.as_deref().map(allowed::judge);
            self.value("licence", krate.licence.as_deref().unwrap_or("unknown"));
            let version = krate.version.as_deref().map_or_else(String::new, |version| format!("/{version}"));
            self.value("source", &format!("https://crates.io/crates/{}{version}", krate.name));
            match verdict {
                Some(Ok(expression)) if krate.texts.is_empty() => {
                    let texts = allowed::standard_texts(&expression);
                    self.texts(texts.iter().map(|(name, text)| (*name, *text)));
                }
                Some(Ok(_)) => self.texts(pairs(&krate.texts)),
                Some(Err(problem)) => {
                    self.problems.push(format!("{} in Rust's standard library: {problem}", krate.name));
                }
                None => self.problems.push(format!(
                    "{} in the standard library of Rust {}: its licence is not known here. Look it up on crates.io and add \
                     it to `LICENCES` in xtask/package/src/crates/rust.rs",
                    krate.name, rust.version
                )),
            }
        }
    }

    fn c_library(&mut self, crates: &Crates) {
        let Some(library) = &crates.c_library else { return };
        self.headline("The C library");
        let _ = writeln!(self.text, "\nGNU C Library {}", library.version.as_deref().unwrap_or(""));
        self.value("licence", libc::LICENCE);
        self.value("source", libc::ADDRESS);
        let standard = spdx::license_id(libc::LICENCE).map(|id| (libc::LICENCE, id.text()));
        self.texts(standard.into_iter().chain(pairs(&library.texts)));
        self.text.push_str(
            "\nThis program is static: the library is part of it, and so is libgcc (GPL-3.0-or-later with the GCC Runtime\n\
             Library Exception 3.1, which lets programs hold it on any terms). You may change the library and link the\n\
             program with what you changed: the source code of the agent and the command that links it are open, and\n\
             nothing in its terms forbids this, nor to examine how it works. Who passes on a static program with monitors\n\
             of their own must make the same possible for those (section 6 of the licence), or build it dynamically.\n",
        );
    }

    /// The user's own monitors. Whoever builds a package answers for them.
    fn own(&mut self, crates: &Crates) {
        let own: Vec<&Crate> = crates.list.iter().filter(|krate| krate.origin == Origin::User).collect();
        if own.is_empty() {
            return;
        }
        self.headline("Monitors of whoever built this package");
        for krate in own {
            let _ = writeln!(self.text, "\n{} {}", krate.name, krate.version);
            self.value("licence", krate.licence.as_deref().unwrap_or("none named: the user's own"));
            if !krate.authors.is_empty() {
                self.value("authors", &krate.authors.join(", "));
            }
            self.texts(pairs(&krate.texts));
        }
    }

    fn finish(mut self) -> String {
        self.headline("Texts");
        for (number, text) in (1..).zip(&self.texts) {
            let _ = write!(self.text, "\n{:=<100}\n\n{text}\n", format!("== {number} "));
        }
        self.text
    }
}

fn pairs(texts: &[Text]) -> impl Iterator<Item = (&str, &str)> {
    texts.iter().map(|text| (text.path.as_str(), text.content.as_str()))
}

/// Where the source code of a crate is that others wrote.
fn address(krate: &Crate) -> String {
    match &krate.origin {
        Origin::Elsewhere(source) => source.clone(),
        Origin::CratesIo | Origin::Project | Origin::User => {
            format!("https://crates.io/crates/{}/{}", krate.name, krate.version)
        }
    }
}
