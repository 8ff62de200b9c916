//! Which monitor names the sources of a crate register: a search for `#[scalyr_monitor(name = "…", module = "…")]`.
//!
//! Comments and texts are passed over, everything else is not understood and need not be: the agent itself checks the
//! names again when it starts.

use std::fs;
use std::path::Path;

/// The names in all `.rs` files of a crate's library, sorted: short ones and the dotted ones of `module`.
///
/// Integration tests and files named `tests.rs` are passed over, since what they register is not in the agent.
pub(crate) fn names_in_crate(path: &Path, library: &str) -> Vec<String> {
    let mut names = Vec::new();
    let file = path.join(library);
    collect(file.parent().unwrap_or(path), &mut names);
    names.sort();
    names.dedup();
    names
}

/// What cannot be read is for the compiler to complain about.
fn collect(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !(name.starts_with('.') || ["target", "tests", "benches", "examples"].contains(&name.as_str())) {
                collect(&path, names);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            names.extend(fs::read_to_string(&path).iter().flat_map(|text| names_in(text)));
        }
    }
}

/// The names that one source file registers.
fn names_in(source: &str) -> Vec<String> {
    let mut tokens = Tokens(source).peekable();
    let mut names = Vec::new();
    while let Some(token) = tokens.next() {
        if token != Token::Word("scalyr_monitor") || tokens.next_if_eq(&Token::Sign('(')).is_none() {
            continue;
        }
        let mut depth = 1;
        let mut key = None;
        while let Some(token) = tokens.next_if(|_| depth > 0) {
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth -= 1,
                Token::Sign('=') => {}
                Token::Word(word) => key = Some(word),
                Token::Text(text) if depth == 1 && matches!(key, Some("name" | "module")) => {
                    names.push(text.to_owned());
                }
                _ => key = None,
            }
        }
    }
    names
}

/// As much of Rust's tokens as the search needs.
#[derive(Debug, PartialEq)]
enum Token<'s> {
    Word(&'s str),
    /// What stands between the quotes, as it is written.
    Text(&'s str),
    Sign(char),
}

/// The tokens of a source, without comments.
struct Tokens<'s>(&'s str);

impl<'s> Tokens<'s> {
    /// Cuts the first `length` bytes off.
    fn take(&mut self, length: usize) -> &'s str {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// Behind a comment, if one begins here.
    fn skip_comment(&mut self) -> bool {
        if self.0.starts_with("//") {
            self.take(self.0.find('\n').unwrap_or(self.0.len()));
            return true;
        }
        if !self.0.starts_with("/*") {
            return false;
        }
        // Block comments nest.
        let mut depth = 0;
        loop {
            let (opens, closes) = (self.0.find("/*"), self.0.find("*/"));
            match (opens, closes) {
                (Some(open), Some(close)) if open < close => {
                    depth += 1;
                    self.take(open + 2);
                }
                (_, Some(close)) => {
                    depth -= 1;
                    self.take(close + 2);
                }
                (Some(_) | None, None) => {
                    self.take(self.0.len());
                    return true;
                }
            }
            if depth == 0 {
                return true;
            }
        }
    }

    /// The text that begins with a quote here.
    fn text(&mut self) -> &'s str {
        let mut escaped = false;
        let end = self.0[1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        match end {
            Some(length) => &self.take(length + 2)[1..=length],
            None => self.take(self.0.len()),
        }
    }

    /// The raw text `r#"…"#` whose quote or first `#` stands here, behind the `r`; none if it is no such thing.
    fn raw_text(&mut self) -> Option<&'s str> {
        let hashes = self.0.len() - self.0.trim_start_matches('#').len();
        let body = self.0[hashes..].strip_prefix('"')?;
        let closing = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&closing).unwrap_or(body.len());
        let text = &body[..length];
        self.take((hashes + 1 + length + closing.len()).min(self.0.len()));
        Some(text)
    }

    /// How long a character such as `'"'` or `'\''` is that begins here; none for a lifetime.
    fn character(&self) -> Option<usize> {
        let mut chars = self.0.char_indices().skip(1);
        let (_, first) = chars.next()?;
        if first == '\\' {
            chars.next()?;
            return chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
        }
        chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
    }
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        loop {
            self.0 = self.0.trim_start();
            if self.skip_comment() {
                continue;
            }
            let first = self.0.chars().next()?;
            if first == '"' {
                return Some(Token::Text(self.text()));
            }
            if first == '\''
                && let Some(length) = self.character()
            {
                self.take(length);
                continue;
            }
            if first == '_' || first.is_alphanumeric() {
                let end = self.0.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(self.0.len());
                let word = self.take(end);
                if ["r", "br", "cr"].contains(&word)
                    && let Some(text) = self.raw_text()
                {
                    return Some(Token::Text(text));
                }
                return Some(Token::Word(word));
            }
            self.take(first.len_utf8());
            return Some(Token::Sign(first));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_the_attribute_is_laid_out() {
        assert_eq!(names_in("#[scalyr_monitor(name = \"coin\")]\npub struct Coin;"), ["coin"]);
        assert_eq!(
            names_in("#[ scalyr_monitor::scalyr_monitor (\n  // why\n  module = \"a.b\", /* x */ name=r#\"c\"#,\n)]"),
            ["a.b", "c"]
        );
        assert_eq!(
            names_in("#[scalyr_monitor(enabled = check(name = \"no\"), description = \"name\", name = \"yes\")]"),
            ["yes"]
        );
        assert_eq!(names_in("#[scalyr_monitor(name = \"a\")] struct A; #[scalyr_monitor(name = \"b\")]"), ["a", "b"]);
    }

    #[test]
    fn comments_and_texts_register_nothing() {
        for source in [
            "// #[scalyr_monitor(name = \"coin\")]",
            "/// ```\n/// #[scalyr_monitor(name = \"coin\")]\n/// ```",
            "/* /* */ #[scalyr_monitor(name = \"coin\")] */",
            "const A: &str = \"#[scalyr_monitor(name = \\\"coin\\\")]\";",
            "const A: &str = r#\"#[scalyr_monitor(name = \"coin\")]\"#;",
            "use scalyr_monitor::prelude::*; const NAME: &str = \"coin\";",
            "/* never closed #[scalyr_monitor(name = \"coin\")]",
            "\"never closed #[scalyr_monitor(name = ",
        ] {
            assert_eq!(names_in(source), [] as [&str; 0], "{source}");
        }
        let after = "fn f<'a>(x: &'a str) -> char { '\"' } fn g() -> u8 { b'\\'' }\n#[scalyr_monitor(name = \"coin\")]";
        assert_eq!(names_in(after), ["coin"]);
    }

    #[test]
    fn the_monitors_of_this_repository_are_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(names_in_crate(&root.join("local-monitors/coin"), "src/lib.rs"), ["coin"]);
        let builtin = names_in_crate(&root.join("builtin-monitors"), "src/lib.rs");
        let expected = ["linux_system_metrics", "scalyr_agent.builtin_monitors.linux_system_metrics", "test_monitor"];
        assert!(expected.iter().all(|name| builtin.iter().any(|found| found == name)), "{builtin:?}");
    }
}
