//! Options that are patterns of names, as Python's `fnmatch` has them.

use std::fmt;

use serde_json::Value;

use super::kind::Kind;
use super::value::{ConfigValue, Found};
use crate::problem::ProblemKind;

/// A pattern of names: `*` stands for any characters, `/` among them, `?` for one, `[ab]` and `[a-c]` for one of these,
/// `[!ab]` for one of all others. Everything else stands for itself, also `\` and `{`; upper and lower case differ.
///
/// Every text is a pattern. A `[` that is never closed stands for itself, as in Python, and is warned of.
#[derive(Clone)]
pub struct Glob {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Any,
    One,
    Char(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Reads a pattern.
    pub fn new(text: &str) -> Self {
        Self::parse(text).0
    }

    /// Whether the whole of a name is of this pattern.
    pub fn matches(&self, name: &str) -> bool {
        let (mut at, mut rest) = (0, name);
        // Where to go on when what follows the last `*` does not fit: one character further.
        let mut again: Option<(usize, &str)> = None;
        loop {
            let behind_first = |text: &str| text.chars().next().map(|first| (first, first.len_utf8()));
            match (self.pieces.get(at), behind_first(rest)) {
                (Some(Piece::Any), _) => {
                    at += 1;
                    again = Some((at, rest));
                    continue;
                }
                (Some(piece), Some((first, length))) if piece.takes(first) => {
                    at += 1;
                    rest = rest.get(length..).unwrap_or_default();
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            match again.map(|(at, from)| (at, from, behind_first(from))) {
                Some((behind_star, from, Some((_, length)))) => {
                    at = behind_star;
                    rest = from.get(length..).unwrap_or_default();
                    again = Some((at, rest));
                }
                _ => return false,
            }
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pattern, and what is odd about it.
    fn parse(text: &str) -> (Self, Vec<String>) {
        let chars: Vec<char> = text.chars().collect();
        let (mut pieces, mut odd, mut at) = (Vec::new(), Vec::new(), 0);
        while let Some(&c) = chars.get(at) {
            at += 1;
            match c {
                // Several in a row mean the same as one.
                '*' if matches!(pieces.last(), Some(Piece::Any)) => {}
                '*' => pieces.push(Piece::Any),
                '?' => pieces.push(Piece::One),
                '[' => match closing_bracket(&chars, at) {
                    Some(end) => {
                        pieces.push(set(chars.get(at..end).unwrap_or_default(), at + 1, &mut odd));
                        at = end + 1;
                    }
                    None => {
                        odd.push(format!("the `[` at character {at} is never closed, so it stands for itself"));
                        pieces.push(Piece::Char(c));
                    }
                },
                _ => pieces.push(Piece::Char(c)),
            }
        }
        (Self { text: text.to_owned(), pieces }, odd)
    }
}

/// The `]` that closes a set whose content begins at `from`; one right at the beginning belongs to the content.
fn closing_bracket(chars: &[char], from: usize) -> Option<usize> {
    let first = from + usize::from(chars.get(from) == Some(&'!'));
    let first = first + usize::from(chars.get(first) == Some(&']'));
    (first..chars.len()).find(|&at| chars.get(at) == Some(&']'))
}

/// The set between two brackets, which begins at this character of the pattern, counted from 1.
fn set(content: &[char], begins: usize, odd: &mut Vec<String>) -> Piece {
    let negated = content.first() == Some(&'!');
    let mut rest = if negated { content.get(1..).unwrap_or_default() } else { content };
    let mut ranges = Vec::new();
    loop {
        match *rest {
            [from, '-', to, ref behind @ ..] => {
                if from > to {
                    let at = begins + content.len() - rest.len();
                    odd.push(format!("the range {from}-{to} at character {at} runs backwards, so it is empty"));
                } else {
                    ranges.push((from, to));
                }
                rest = behind;
            }
            [single, ref behind @ ..] => {
                ranges.push((single, single));
                rest = behind;
            }
            [] => return Piece::Set { negated, ranges },
        }
    }
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Char(own) => *own == c,
            Self::Set { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        }
    }
}

/// The pattern as it was written.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.text)
    }
}

/// Those that are written alike.
impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl ConfigValue for Glob {
    const KIND: Kind = Kind::Glob;

    type Literal = &'static str;

    fn from_literal(literal: &'static str) -> Self {
        Self::new(literal)
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let text = match found.value() {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return found.refuse_kind(Self::KIND),
        };
        let (glob, odd) = Self::parse(&text);
        for odd in odd {
            found.warn_as(ProblemKind::Pattern, odd, "");
        }
        Some(glob)
    }

    fn to_value(&self) -> Value {
        self.text.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_as_in_python() {
        for (pattern, names, others) in [
            ("*", &["", "a", "/a/b\nc"][..], &[][..]),
            ("/var/*", &["/var/", "/var/a/b"], &["/var", "x/var/a"]),
            ("/a/**/b", &["/a/x/b", "/a//b", "/a/x/y/b"], &["/a/b"]),
            ("a?c", &["abc", "a/c", "aüc"], &["ac", "abbc"]),
            ("[abc]x", &["ax", "cx"], &["dx", "x", "abx"]),
            ("[!a-c]", &["d", "-", "\n"], &["a", "b", ""]),
            ("[]x]", &["]", "x"], &["[", "]x"]),
            ("[!]x]", &["a"], &["]", "x"]),
            ("[^a]", &["^", "a"], &["b"]),
            ("[a-]", &["a", "-"], &["b"]),
            ("[-a]", &["a", "-"], &["b"]),
            ("[a", &["[a"], &["a"]),
            ("[z-a]", &[], &["a", "z", "m", ""]),
            ("[!z-a]", &["a", "z"], &["", "ab"]),
            ("[z-ax]", &["x"], &["a", "z"]),
            ("{a,b}\\*", &["{a,b}\\", "{a,b}\\c"], &["a*", "a"]),
            ("A*", &["Ab"], &["ab"]),
            ("*a*b*c", &["abc", "xaxbxc", "abcbc"], &["acb", "abcd"]),
            ("", &[""], &["a"]),
        ] {
            let glob = Glob::new(pattern);
            for name in names {
                assert!(glob.matches(name), "{pattern} should match {name:?}");
            }
            for name in others {
                assert!(!glob.matches(name), "{pattern} should not match {name:?}");
            }
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let glob = Glob::new(&"*a".repeat(40));
        assert!(!glob.matches(&"a".repeat(39)));
        assert!(!glob.matches(&("a".repeat(5000) + "b")));
    }

    #[test]
    fn what_is_odd_is_told_with_its_place() {
        let odd = |pattern| Glob::parse(pattern).1;
        assert_eq!(odd("ab[c"), ["the `[` at character 3 is never closed, so it stands for itself"]);
        assert_eq!(odd("a[xz-a]"), ["the range z-a at character 4 runs backwards, so it is empty"]);
        assert!(odd("[]a-z-]*").is_empty());
    }
}
