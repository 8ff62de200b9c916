//! The structure of a configuration text: brackets, keys, commas. Brings the dialect of the Python agent to JSON5 and
//! notes where each value stands (`configuration.md` section 2).
//!
//! Every fault is found here, where the user's text is at hand: json5 tells no places in it, and would count all
//! characters before a fault once for each bracket around it.

use super::cursor::Cursor;
use super::fault::{self, Fault, QUOTE_KEYS, QUOTE_TEXTS, show, show_found};
use super::lines::position_of;
use super::numbers;
use super::texts::Texts;

/// How deep objects and lists may lie in each other: json5 recurses, and its stack is bounded.
pub(super) const MAX_DEPTH: usize = 300;
/// How many values a text may have: what is kept of each takes more room than the shortest of them.
pub(super) const MAX_VALUES: usize = 1_000_000;
/// The longest key, in bytes: it is part of the path of each problem below it.
pub(super) const MAX_KEY: usize = 10_000;

/// A text that json5 can read, and its values in the order of the text.
pub(super) struct Scanned {
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
}

/// Where a value stands in the user's text, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    /// Its key, if it has one.
    pub(super) key: Option<usize>,
    /// Its first character.
    pub(super) value: usize,
    /// Whether it is a number that cannot be kept exactly.
    pub(super) is_inexact: bool,
}

/// Brings a text to JSON5.
///
/// # Errors
/// The first fault.
pub(super) fn scan(text: &str) -> Result<Scanned, Fault> {
    let (source, out) = (Cursor::new(text), String::with_capacity(text.len()));
    let mut scanner = Scanner { text, source, out, open: Vec::new(), marks: Vec::new(), closed: None };
    scanner.run()?;
    Ok(Scanned { text: scanner.out, marks: scanner.marks })
}

struct Scanner<'t> {
    text: &'t str,
    source: Cursor<'t>,
    out: String,
    /// What is open, the innermost last.
    open: Vec<Bracket>,
    marks: Vec<Mark>,
    /// Where the outermost bracket was closed.
    closed: Option<usize>,
}

#[derive(Clone, Copy)]
struct Bracket {
    is_object: bool,
    at: usize,
}

impl Bracket {
    fn closing(self) -> char {
        if self.is_object { '}' } else { ']' }
    }
}

/// What comes next.
#[derive(Clone, Copy)]
enum Next {
    /// A value, with the place of its key.
    Value(Option<usize>),
    /// A key or element, or the closing bracket.
    Member,
    /// A comma, a line break in its place, or the closing bracket.
    Separator,
    /// Nothing.
    End,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        let mut next = Next::Value(None);
        loop {
            let is_broken = self.source.skip_gap()?;
            let Some(c) = self.source.peek() else { return self.end(next) };
            let bracket = self.open.last().copied();
            next = match (next, bracket) {
                (Next::End, _) => return Err(self.trailing(c)),
                (Next::Member | Next::Separator, Some(bracket)) if c == bracket.closing() => self.close(c),
                (Next::Separator, Some(bracket)) => self.separate(c, is_broken, bracket)?,
                (Next::Member, Some(Bracket { is_object: true, .. })) => self.key(c)?,
                (Next::Value(key), _) => self.value(c, key)?,
                (Next::Member | Next::Separator, _) => self.value(c, None)?,
            };
        }
    }

    fn end(&self, next: Next) -> Result<(), Fault> {
        let behind = self.text.trim_end().len();
        match (next, self.open.last()) {
            (Next::End, _) => Ok(()),
            (_, None) => Err(Fault::of_all("is empty; it must hold an object, { ... }")),
            (Next::Value(_), Some(bracket)) => {
                let message = format!(
                    "the text ends where a value is expected; write it, and the `{}` behind it",
                    bracket.closing()
                );
                Err(Fault::at(behind, message))
            }
            (_, Some(bracket)) => {
                let opening = if bracket.is_object { '{' } else { '[' };
                let message = format!("this `{opening}` is never closed: a `{}` is missing", bracket.closing());
                Err(Fault::at(bracket.at, message))
            }
        }
    }

    /// Something behind the end: often a bracket that was opened within a comment.
    fn trailing(&self, found: char) -> Fault {
        let found = show(found);
        let message = match self.closed {
            Some(closed) => {
                let end = position_of(self.text, closed);
                format!(
                    "found {found} behind the end of the configuration, which is at {}:{}; \
                     is a bracket missing or commented out before that?",
                    end.line, end.column
                )
            }
            None => format!("found {found} behind the first value; the configuration stands in braces, {{ ... }}"),
        };
        Fault::at(self.source.at, message)
    }

    fn separate(&mut self, c: char, is_broken: bool, bracket: Bracket) -> Result<Next, Fault> {
        let at = self.source.at;
        if c == ',' {
            self.out.push(',');
            self.source.at += 1;
            return Ok(Next::Member);
        }
        if is_broken && !matches!(c, '}' | ']' | ':') {
            self.out.push(',');
            return if bracket.is_object { self.key(c) } else { self.value(c, None) };
        }
        let (found, closing) = (show(c), bracket.closing());
        let message = match c {
            '}' | ']' => {
                let opening = position_of(self.text, bracket.at);
                let what = if bracket.is_object { '{' } else { '[' };
                format!(
                    "expected a comma or `{closing}`, found {found}: the `{what}` at {}:{} is still open",
                    opening.line, opening.column
                )
            }
            '+' => "expected a comma, found `+`: only texts can be joined with it".to_owned(),
            _ => format!("expected a comma, a line break or `{closing}`, found {found}"),
        };
        let hint = match c {
            '#' => "; comments begin with //",
            _ if (c.is_alphanumeric() || matches!(c, '"' | '\'')) && self.touches_a_text() => {
                "; is a quote within the text meant? write a backslash before it"
            }
            _ if self.hides_a_break() => "; a block comment does not end the line, put a comma before it",
            _ => "",
        };
        Err(Fault::at(at, message + hint))
    }

    /// Whether the user may think that there is a line break before this token.
    fn hides_a_break(&self) -> bool {
        let before = self.text.get(..self.source.at).unwrap_or_default().trim_end_matches([' ', '\t']);
        before.ends_with("*/")
    }

    /// Whether a text ends right before this token, perhaps too early.
    fn touches_a_text(&self) -> bool {
        self.text.get(..self.source.at).unwrap_or_default().ends_with(['"', '\''])
    }

    fn key(&mut self, c: char) -> Result<Next, Fault> {
        let at = self.source.at;
        if matches!(c, '"' | '\'') {
            Texts { source: &mut self.source, out: &mut self.out }.key()?;
        } else {
            self.bare_key(c)?;
        }
        let end = self.source.at;
        if end - at > MAX_KEY {
            return Err(Fault::at(at, format!("this key has more than {MAX_KEY} bytes")));
        }
        self.source.skip_gap()?;
        let found = self.source.peek();
        if found == Some(':') {
            self.out.push(':');
            self.source.at += 1;
            return Ok(Next::Value(Some(at)));
        }
        let hint = match found {
            Some('+') => "; keys cannot be joined, write one text".to_owned(),
            Some('}' | ']' | ',') => String::new(),
            Some(_) if end == self.source.at && !matches!(c, '"' | '\'') => format!("; {QUOTE_KEYS}"),
            _ => String::new(),
        };
        let message = format!("expected `:` and a value behind the key, found {}{hint}", show_found(found));
        Err(Fault::at(if found.is_some() { self.source.at } else { end }, message))
    }

    /// A key without quotes: what json5 takes for a name.
    fn bare_key(&mut self, c: char) -> Result<(), Fault> {
        let at = self.source.at;
        let rest = self.source.rest();
        let end = rest.find(|c| !json5::char::is_json5_identifier(c)).unwrap_or(rest.len());
        if !json5::char::is_json5_identifier_start(c) {
            let hint = match c {
                '#' => "comments begin with //",
                ',' => "remove the comma",
                '}' | ']' | ':' | '{' | '[' => "write the key",
                quote if fault::resembles_quote(quote) => "the quotes of keys are \"",
                _ => QUOTE_KEYS,
            };
            return Err(Fault::at(at, format!("expected a key, found {}; {hint}", show(c))));
        }
        self.out.push_str(rest.get(..end).unwrap_or_default());
        self.source.at += end;
        Ok(())
    }

    fn value(&mut self, c: char, key: Option<usize>) -> Result<Next, Fault> {
        let at = self.source.at;
        if self.marks.len() == MAX_VALUES {
            return Err(Fault::at(at, format!("here begins value {}; more are not read", MAX_VALUES + 1)));
        }
        self.marks.push(Mark { key, value: at, is_inexact: false });
        match c {
            '{' | '[' => return self.open(c),
            '"' | '\'' => Texts { source: &mut self.source, out: &mut self.out }.value()?,
            _ => self.bare_value(c)?,
        }
        Ok(if self.open.is_empty() { Next::End } else { Next::Separator })
    }

    fn open(&mut self, c: char) -> Result<Next, Fault> {
        let at = self.source.at;
        if self.open.len() == MAX_DEPTH {
            return Err(Fault::at(
                at,
                format!("objects and lists lie in each other more than {MAX_DEPTH} levels deep"),
            ));
        }
        self.open.push(Bracket { is_object: c == '{', at });
        self.out.push(c);
        self.source.at += 1;
        Ok(Next::Member)
    }

    fn close(&mut self, c: char) -> Next {
        let at = self.source.at;
        self.open.pop();
        self.out.push(c);
        self.source.at += 1;
        if self.open.is_empty() {
            self.closed = Some(at);
            Next::End
        } else {
            Next::Separator
        }
    }

    /// A number, or one of the words that are values.
    fn bare_value(&mut self, c: char) -> Result<(), Fault> {
        let at = self.source.at;
        let token = self.source.bare_token();
        if numbers::begins_number(c) {
            let number = numbers::read(token).map_err(|(inside, message)| Fault::at(at + inside, message))?;
            if let Some(mark) = self.marks.last_mut() {
                mark.is_inexact = number.is_inexact;
            }
            self.out.push_str(token.get(..number.sign).unwrap_or_default());
            self.out.push_str(number.digits);
        } else if matches!(token, "true" | "false" | "null") {
            self.out.push_str(token);
        } else {
            return Err(Fault::at(at, self.no_value(c, token)));
        }
        self.source.at += token.len();
        Ok(())
    }

    fn no_value(&self, c: char, token: &str) -> String {
        let word = ["true", "false", "null"].into_iter().find(|word| word.eq_ignore_ascii_case(token));
        if let Some(word) = word {
            return format!("expected a value, found {}; write {word} in small letters", show(c));
        }
        if matches!(token, "NaN" | "Infinity") {
            return numbers::NOT_FINITE.to_owned();
        }
        if self.open.is_empty() {
            return format!("expected `{{`, found {}; {}", show(c), hint_at_top(c));
        }
        format!("expected a value, found {}; {}", show(c), fault::hint_for_value(c))
    }
}

fn hint_at_top(c: char) -> &'static str {
    match fault::hint_for_value(c) {
        QUOTE_TEXTS => "the configuration stands in braces, { ... }",
        hint => hint,
    }
}
