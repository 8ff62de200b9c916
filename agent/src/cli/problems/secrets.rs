//! Finds the secrets in the text of a configuration, whether or not it can be read: what stands behind the name of one,
//! also on the next line, in lists, or joined with `+`.

use std::ops::Range;

use memchr::memmem;

use crate::config::masking::{SecretNames, loose};
use crate::order;

/// How far before a shown part the line is looked at by itself.
const BEFORE: usize = 4096;

/// The byte ranges of secrets that touch `wanted`, which are in rising order; sorted, without their quotes. When in
/// doubt, it is a secret.
pub(super) fn secrets(text: &str, names: &SecretNames, wanted: &[Range<usize>]) -> Vec<Range<usize>> {
    let end = wanted.iter().map(|range| range.end).max().unwrap_or(0).min(text.len());
    let mut scan = Scan { text, end, at: 0, names, awaits: Awaits::Nothing, depth: 0, wanted, found: Vec::new() };
    scan.run();
    let mut found = scan.found;
    for range in wanted {
        let mut start = range.start.saturating_sub(BEFORE);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        loose::secrets(text.get(start..range.end).unwrap_or_default(), start, names, &mut found);
    }
    order::by_key(&mut found, |range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// What the next value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// Nothing in particular.
    Nothing,
    /// A secret: its name and a colon were there, or a `+` behind its first part.
    Secret,
    /// A secret was there; what follows it without a comma belongs to it, unless it is a key.
    More,
}

struct Scan<'t> {
    text: &'t str,
    end: usize,
    at: usize,
    names: &'t SecretNames,
    awaits: Awaits,
    /// How many brackets are open since that of a secret list or object.
    depth: usize,
    wanted: &'t [Range<usize>],
    found: Vec<Range<usize>>,
}

impl Scan<'_> {
    fn run(&mut self) {
        while self.at < self.end {
            let rest = &self.text[self.at..];
            match rest.as_bytes().first() {
                Some(b'/') if rest.starts_with("//") => self.skip_to(rest.find(['\n', '\r'])),
                Some(b'/') if rest.starts_with("/*") => {
                    self.skip_to(memmem::find(rest.as_bytes(), b"*/").map(|at| at + 2));
                }
                Some(b'"' | b'\'') => self.quoted(),
                Some(b'{' | b'[') => {
                    if self.depth > 0 || self.awaits == Awaits::Secret {
                        self.depth += 1;
                    }
                    self.pass(Awaits::Nothing);
                }
                Some(b'}' | b']') => {
                    self.depth = self.depth.saturating_sub(1);
                    self.pass(Awaits::Nothing);
                }
                Some(b',') => self.pass(Awaits::Nothing),
                Some(b'+') if self.awaits == Awaits::More => self.pass(Awaits::Secret),
                Some(b' ' | b'\t' | b'\n' | b'\r' | b':' | b'=' | b'+') => self.at += 1,
                _ => self.word(),
            }
        }
    }

    fn skip_to(&mut self, offset: Option<usize>) {
        self.at = offset.map_or(self.end, |offset| self.at + offset);
    }

    fn pass(&mut self, awaits: Awaits) {
        self.awaits = awaits;
        self.at += 1;
    }

    fn quoted(&mut self) {
        let rest = &self.text[self.at..];
        let quote = if rest.starts_with('"') { '"' } else { '\'' };
        let (quotes, length) = match rest.strip_prefix("\"\"\"") {
            Some(inside) => (3, memmem::find(inside.as_bytes(), b"\"\"\"")),
            None => (1, loose::end_of_quoted(&rest[1..], quote)),
        };
        let length = length.unwrap_or(rest.len() - quotes);
        let content = self.at + quotes..self.at + quotes + length;
        let is_closed = rest[quotes + length..].starts_with(quote);
        self.at = content.end + if is_closed { quotes } else { 0 };
        self.token(content);
    }

    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let is_secret = self.awaits == Awaits::Secret;
        let is_end = |(at, c): (usize, char)| {
            let ends = c.is_whitespace() || matches!(c, ',' | '{' | '}' | '[' | ']' | '"' | '\'');
            let ends = ends || !is_secret && (matches!(c, ':' | '=' | '+') || rest[at..].starts_with("//"));
            (at > 0 && ends).then_some(at)
        };
        let length = rest.char_indices().find_map(is_end).unwrap_or(rest.len());
        // A blank that is none of ASCII.
        let length = length.max(rest.chars().next().map_or(1, char::len_utf8));
        let content = self.at..self.at + length;
        self.at = content.end;
        self.token(content);
    }

    /// A text or a word, without its quotes; `at` is behind it.
    fn token(&mut self, content: Range<usize>) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let next = rest.trim_start().chars().next();
        let is_key = matches!(next, Some(':' | '='));
        let on_new_line = || {
            let before = self.text.get(..content.start).unwrap_or_default().trim_end_matches(['"', '\'']);
            before[before.trim_end().len()..].contains(['\n', '\r'])
        };
        match self.awaits {
            Awaits::Secret if !is_key || !on_new_line() => return self.hide(content, Awaits::More),
            Awaits::More if !is_key => return self.hide(content, Awaits::More),
            _ => self.awaits = Awaits::Nothing,
        }
        // Without its colon, a name is followed by its value on the same line.
        let is_followed = rest.trim_start_matches([' ', '\t']).starts_with(|c: char| c.is_alphanumeric() || c == '"');
        let name = self.text.get(content.clone()).unwrap_or_default();
        // What stands in `import_vars` for a variable that is not set, perhaps that of a key.
        let is_default = is_key && name == "default";
        if is_default || (is_key || is_followed) && self.names.holds_secret(name) {
            self.awaits = Awaits::Secret;
        } else if self.depth > 0 && !is_key {
            self.hide(content, Awaits::Nothing);
        }
    }

    fn hide(&mut self, content: Range<usize>, awaits: Awaits) {
        self.awaits = awaits;
        let first = self.wanted.partition_point(|wanted| wanted.end <= content.start);
        if self.wanted.get(first).is_some_and(|wanted| wanted.start < content.end) {
            self.found.push(content);
        }
    }
}
