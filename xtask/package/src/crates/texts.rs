//! The texts of licences as they lie in a crate's folder.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::{CratesError, file_error};

/// The text of a licence, a list of authors, or a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// In the crate: `LICENSE-MIT`, `zstd/LICENSE`.
    pub(crate) path: String,
    /// With `\n` at the ends of lines and without white space there.
    pub(crate) content: String,
}

/// How the names of such files begin, in small letters.
const BEGINNINGS: [&str; 7] = ["license", "licence", "copying", "copyright", "notice", "unlicense", "authors"];
/// Their extensions, if they have one: a `licence.rs` is source code.
const EXTENSIONS: [&str; 4] = ["txt", "md", "rst", "0"];
/// Folders of which nothing is compiled into a program.
const SKIPPED: [&str; 14] = [
    "target", "tests", "test", "examples", "example", "benches", "bench", "fuzz", "programs", "contrib", "doc", "docs",
    "ci", "scripts",
];
/// Bytes. The longest known text has 50,000.
const LONGEST: u64 = 1 << 20;
/// Folders within folders. The deepest known text lies three deep.
const DEEPEST: usize = 8;

/// The texts in this folder, in the order of their paths.
pub(super) fn find(folder: &Path) -> Result<Vec<Text>, CratesError> {
    let mut found = Vec::new();
    walk(folder, "", 0, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(folder: &Path, above: &str, depth: usize, found: &mut Vec<Text>) -> Result<(), CratesError> {
    let entries = fs::read_dir(folder).map_err(|error| file_error(folder, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| file_error(folder, error))?;
        let kind = entry.file_type().map_err(|error| file_error(&entry.path(), error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() {
            if depth < DEEPEST && !name.starts_with('.') && !SKIPPED.contains(&name.to_ascii_lowercase().as_str()) {
                walk(&entry.path(), &format!("{above}{name}/"), depth + 1, found)?;
            }
        } else if is_text(&name) && entry.path().is_file() {
            found.push(Text { path: format!("{above}{name}"), content: read(&entry.path())? });
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `LICENSE-Apache-2.0_WITH_LLVM-exception` has a dot and no extension.
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is_source = extension.is_some_and(|extension| {
        !EXTENSIONS.contains(&extension) && extension.len() <= 5 && extension.chars().all(|c| c.is_ascii_alphanumeric())
    });
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) && !is_source
}

fn read(path: &Path) -> Result<String, CratesError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| file_error(path, error))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| file_error(path, error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(file_error(path, format!("longer than {LONGEST} bytes, which no text of a licence is")));
    }
    // What is not UTF-8 is Latin-1, in which old texts write their ©.
    let text =
        String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
    Ok(tidy(&text))
}

/// The text with `\n` at the ends of lines, without white space there, without empty lines at begin and end.
pub(super) fn tidy(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').replace('\x0c', "\n");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let begin = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(begin, |last| last + 1);
    lines.get(begin..end).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_sources_by_their_names() {
        for name in ["LICENSE", "LICENSE-MIT", "LICENCE.md", "license.TXT", "COPYING", "UNLICENSE", "NOTICE", "AUTHORS"]
        {
            assert!(is_text(name), "{name}");
        }
        for name in ["LICENSE-Apache-2.0_WITH_LLVM-exception", "LICENSE-APACHE-2.0", "LICENSE.BSD-2-Clause"] {
            assert!(is_text(name), "{name}");
        }
        for name in ["copying.rs", "licenses.json", "README", "notice.c", "license.py"] {
            assert!(!is_text(name), "{name}");
        }
    }

    #[test]
    fn texts_are_found_where_something_is_compiled_and_read_whatever_their_encoding() {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in [
            ("LICENSE", b"\xa9 2001 A. B.  \r\n\r\nDo as you like.\r\n\r\n".as_slice()),
            ("zstd/LICENSE", b"terms"),
            ("tests/LICENSE", b"not compiled"),
            ("src/license.rs", b"fn main() {}"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let text = |path: &str, content: &str| Text { path: path.to_owned(), content: content.to_owned() };
        let expected = [text("LICENSE", "© 2001 A. B.\n\nDo as you like."), text("zstd/LICENSE", "terms")];
        assert_eq!(find(folder.path()).unwrap(), expected);
    }
}
