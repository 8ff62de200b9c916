//! Whether the patterns of an entry of `logs` are any: what `path` and `exclude` may hold.
//!
//! The tail stage reads them with the same libraries; here each mistake gets its place and its cure.

use glob::Pattern;
use globset::{ErrorKind, GlobBuilder};

/// Whether a path is a pattern; every other one is the name of a single file.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// What is wrong with a pattern, and what to write in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: String,
}

impl Fault {
    fn new(message: String, hint: &str) -> Self {
        Self { message, hint: hint.to_owned() }
    }
}

/// What is wrong with a `path`.
///
/// # Errors
/// What was found, and what to write in its place.
pub(super) fn check_path(path: &str) -> Result<(), Fault> {
    if !is_pattern(path) {
        return Ok(());
    }
    Pattern::new(path).map(|_| ()).map_err(|error| {
        let (reason, hint) = if path.chars().nth(error.pos) == Some('[') {
            (unclosed_bracket(path, error.pos), ESCAPED_BRACKET)
        } else if path.contains("***") {
            ("it holds more than two `*` in a row", "write `*` within a name, or `**` for folders of any depth")
        } else {
            ("`**` stands for folders of any depth, alone between two `/`", "write `*` within a name")
        };
        Fault::new(format!("{path:?} is no pattern of files: {reason}"), hint)
    })
}

/// A `path` that is no pattern, as the Python agent reads it: a `[` that is never closed stands for itself, and several
/// `*` that are not alone between two `/` are one.
pub(super) fn read_leniently(path: &str) -> Option<String> {
    let levels: Vec<String> = path
        .split('/')
        .map(|level| {
            let is_any_depth = level == "**";
            let mut level = level.to_owned();
            while !is_any_depth && level.contains("**") {
                level = level.replace("**", "*");
            }
            level
        })
        .collect();
    let mut read = levels.join("/");
    loop {
        let Err(error) = Pattern::new(&read) else { return Some(read) };
        let (at, bracket) = read.char_indices().nth(error.pos).filter(|(_, found)| *found == '[')?;
        read.replace_range(at..at + bracket.len_utf8(), "[[]");
    }
}

/// What is wrong with an item of `exclude`.
///
/// # Errors
/// What was found, and what to write in its place.
pub(super) fn check_exclusion(pattern: &str) -> Result<(), Fault> {
    GlobBuilder::new(pattern).literal_separator(false).build().map(|_| ()).map_err(|error| {
        let (reason, hint) = match error.kind() {
            ErrorKind::UnclosedClass => (UNCLOSED_BRACKET.to_owned(), ESCAPED_BRACKET),
            ErrorKind::InvalidRange(from, to) => {
                (format!("the range {from}-{to} runs backwards"), "write the lesser character first")
            }
            ErrorKind::UnclosedAlternates => ("a `{` is never closed".to_owned(), "write `[{]` for a literal one"),
            ErrorKind::UnopenedAlternates => ("a `}` was never opened".to_owned(), "write `[}]` for a literal one"),
            ErrorKind::DanglingEscape => ("it ends with a `\\`".to_owned(), "write `\\\\` for a literal one"),
            other => (other.to_string(), ""),
        };
        Fault::new(format!("{pattern:?} is no pattern of paths: {reason}"), hint)
    })
}

const UNCLOSED_BRACKET: &str = "a `[` is never closed";
const ESCAPED_BRACKET: &str = "write `[[]` for a literal one";

fn unclosed_bracket(path: &str, at: usize) -> &'static str {
    let behind: String = path.chars().skip(at + 1).collect();
    if behind.starts_with(']') || behind.starts_with("!]") {
        return "a `[` is never closed (a `]` right behind it does not close it)";
    }
    UNCLOSED_BRACKET
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn line(fault: Fault) -> String {
        format!("{}; {}\n", fault.message, fault.hint)
    }

    #[test]
    fn a_path_that_is_no_pattern_is_told_with_its_cure() {
        for good in ["/a/b.log", "/a/{b.log", "/a/*.log", "/a/**/b?.log", "/a/[[]b.log", "/a/[!x]b", "/a/[]]b", "/ä/**"]
        {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        let bad = ["/ä/[a.log", "/a/[]b", "/a/[!]b", "/a/**.log", "/a/b**/c", "/a/***/c", "["];
        let told: String = bad.iter().filter_map(|path| check_path(path).err()).map(line).collect();
        expect![[r#"
            "/ä/[a.log" is no pattern of files: a `[` is never closed; write `[[]` for a literal one
            "/a/[]b" is no pattern of files: a `[` is never closed (a `]` right behind it does not close it); write `[[]` for a literal one
            "/a/[!]b" is no pattern of files: a `[` is never closed (a `]` right behind it does not close it); write `[[]` for a literal one
            "/a/**.log" is no pattern of files: `**` stands for folders of any depth, alone between two `/`; write `*` within a name
            "/a/b**/c" is no pattern of files: `**` stands for folders of any depth, alone between two `/`; write `*` within a name
            "/a/***/c" is no pattern of files: it holds more than two `*` in a row; write `*` within a name, or `**` for folders of any depth
            "[" is no pattern of files: a `[` is never closed; write `[[]` for a literal one
        "#]].assert_eq(&told);
    }

    #[test]
    fn a_path_that_is_no_pattern_is_read_as_the_python_agent_does() {
        for (path, read) in [
            ("/ä/[a.log", "/ä/[[]a.log"),
            ("/a/[]b[", "/a/[[]]b[[]"),
            ("/a/**.log", "/a/*.log"),
            ("/a/b**/c", "/a/b*/c"),
            ("/a/***/**", "/a/*/**"),
            ("/[a/*[", "/[[]a/*[[]"),
        ] {
            assert_eq!(read_leniently(path).as_deref(), Some(read), "{path}");
            assert_eq!(check_path(read), Ok(()));
        }
    }

    #[test]
    fn an_exclusion_that_is_no_pattern_is_told_with_its_cure() {
        for good in ["*.gz", "/a/{b,c}.log", "/a/[[]b", "**x", "***"] {
            assert_eq!(check_exclusion(good), Ok(()), "{good}");
        }
        let bad = ["a[", "[z-a]", "{a", "a}", "a\\"];
        let told: String = bad.iter().filter_map(|text| check_exclusion(text).err()).map(line).collect();
        expect![[r#"
            "a[" is no pattern of paths: a `[` is never closed; write `[[]` for a literal one
            "[z-a]" is no pattern of paths: the range z-a runs backwards; write the lesser character first
            "{a" is no pattern of paths: a `{` is never closed; write `[{]` for a literal one
            "a}" is no pattern of paths: a `}` was never opened; write `[}]` for a literal one
            "a\\" is no pattern of paths: it ends with a `\`; write `\\` for a literal one
        "#]]
        .assert_eq(&told);
    }
}
