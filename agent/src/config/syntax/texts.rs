//! Texts: quoted, joined with `+`, in triple quotes. json5 gets one text in double quotes for each of them.

use super::cursor::Cursor;
use super::fault::{Fault, show, show_found};

const TRIPLE: &str = "\"\"\"";

/// Reads texts from the user's text into the one that json5 gets.
pub(super) struct Texts<'s, 't> {
    pub(super) source: &'s mut Cursor<'t>,
    pub(super) out: &'s mut String,
}

impl Texts<'_, '_> {
    /// A text as a value: the source stands at its quote.
    pub(super) fn value(&mut self) -> Result<(), Fault> {
        self.out.push('"');
        let is_triple = self.source.rest().starts_with(TRIPLE);
        if is_triple {
            self.in_triple_quotes()?
        } else {
            self.in_quotes()?
        }
        while self.plus_follows()? {
            let plus = self.source.at;
            if is_triple {
                return Err(Fault::at(plus, "a text in triple quotes cannot be joined with `+`; write one text"));
            }
            self.source.at += 1;
            self.source.skip_gap()?;
            match self.source.peek() {
                Some('"' | '\'') if !self.source.rest().starts_with(TRIPLE) => self.in_quotes()?,
                Some('"') => {
                    let message = "expected a text in plain quotes behind `+`: one in triple quotes cannot be joined";
                    return Err(Fault::at(self.source.at, message));
                }
                found => {
                    let message = format!("expected a text in quotes behind `+`, found {}", show_found(found));
                    return Err(Fault::at(if found.is_some() { self.source.at } else { plus }, message));
                }
            }
        }
        self.out.push('"');
        Ok(())
    }

    /// A text as a key, which is neither joined nor in triple quotes.
    pub(super) fn key(&mut self) -> Result<(), Fault> {
        let start = self.source.at;
        if self.source.rest().starts_with(TRIPLE) {
            return Err(Fault::at(start, "a key cannot stand in triple quotes; write it in plain ones"));
        }
        self.out.push('"');
        self.in_quotes()?;
        self.out.push('"');
        Ok(())
    }

    /// Whether a `+` comes next, also on another line; stands before it then, otherwise where it stood.
    fn plus_follows(&mut self) -> Result<bool, Fault> {
        let behind = self.source.at;
        self.source.skip_gap()?;
        let found = self.source.peek() == Some('+');
        if !found {
            self.source.at = behind;
        }
        Ok(found)
    }

    fn in_quotes(&mut self) -> Result<(), Fault> {
        let start = self.source.at;
        let Some(quote) = self.source.peek() else { return Ok(()) };
        self.source.at += 1;
        loop {
            let Some(length) = self.source.rest().find(['"', '\'', '\\', '\n', '\r']) else {
                return Err(Fault::at(start, "the text ends inside this string: its closing quote is missing"));
            };
            self.copy(length);
            match self.source.peek() {
                Some('\\') => self.escape(start)?,
                Some(c) if c == quote => {
                    self.source.at += 1;
                    return Ok(());
                }
                Some('"') => self.put("\\\"", 1),
                Some('\'') => self.copy(1),
                _ => {
                    let message = "the line ends inside this string: its closing quote is missing; \
                                   a text over several lines stands in triple quotes, or has \\n in place of the line break";
                    return Err(Fault::at(start, message));
                }
            }
        }
    }

    fn in_triple_quotes(&mut self) -> Result<(), Fault> {
        let start = self.source.at;
        self.source.at += TRIPLE.len();
        loop {
            let Some(length) = self.source.rest().find(['"', '\\', '\n', '\r']) else {
                return Err(Fault::at(start, "the text ends inside this string: its closing `\"\"\"` is missing"));
            };
            self.copy(length);
            match self.source.peek() {
                Some('"') if self.source.rest().starts_with(TRIPLE) => {
                    self.source.at += TRIPLE.len();
                    if self.source.peek() == Some('"') {
                        let message = "found `\"` behind the closing `\"\"\"`; write `\\\"` for a quote at the end";
                        return Err(Fault::at(self.source.at, message));
                    }
                    return Ok(());
                }
                Some('"') => self.put("\\\"", 1),
                Some('\n') => self.put("\\n", 1),
                Some('\r') => self.put("\\r", 1),
                _ => self.escape(start)?,
            }
        }
    }

    /// An escape; the source stands at its backslash. JSON's and those that JSON5 names: JSON5 reads any other
    /// character as itself, so that the backslash of a `\d` would get lost.
    fn escape(&mut self, start: usize) -> Result<(), Fault> {
        let at = self.source.at;
        match self.source.peek_second() {
            Some('"' | '\'' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | 'v') => self.copy(2),
            Some('u') => self.unicode()?,
            Some('x') => _ = self.hexadecimal(at, 2)?,
            // Not as it is: a digit may come behind it where two texts are joined.
            Some('0') if !self.source.rest().chars().nth(2).is_some_and(|c| c.is_ascii_digit()) => {
                self.put("\\u0000", 2);
            }
            // A line that is continued on the next one.
            Some(c) if json5::char::is_json5_line_terminator(c) => {
                let is_pair = self.source.rest().starts_with("\\\r\n");
                self.source.at += 1 + c.len_utf8() + usize::from(is_pair);
            }
            Some(c) => {
                let message = format!(
                    "expected an escape such as \\n behind `\\`, found {}; write `\\\\` for a backslash",
                    show(c)
                );
                return Err(Fault::at(at, message));
            }
            None => return Err(Fault::at(start, "the text ends inside this string: its closing quote is missing")),
        }
        Ok(())
    }

    /// `\u00e4`, or both halves of what does not fit into four digits.
    fn unicode(&mut self) -> Result<(), Fault> {
        let at = self.source.at;
        let is_character = match self.hexadecimal(at, 4)? {
            0xd800..=0xdbff if self.source.rest().starts_with("\\u") => {
                (0xdc00..=0xdfff).contains(&self.hexadecimal(at, 4)?)
            }
            unit => char::from_u32(unit).is_some(),
        };
        if is_character {
            return Ok(());
        }
        Err(Fault::at(at, "this escape is half a character; write both halves behind each other, as in \\ud83d\\ude00"))
    }

    /// Copies an escape with so many digits behind its letter, and gives their number.
    fn hexadecimal(&mut self, at: usize, digits: usize) -> Result<u32, Fault> {
        let mut number = 0;
        for c in self.source.rest().chars().skip(2).take(digits) {
            let Some(digit) = c.to_digit(16) else {
                let message = format!(
                    "expected {digits} hexadecimal digits in this escape, found {}; write `\\\\` for a backslash",
                    show(c)
                );
                return Err(Fault::at(at, message));
            };
            number = number * 16 + digit;
        }
        self.copy((2 + digits).min(self.source.rest().len()));
        Ok(number)
    }

    fn copy(&mut self, length: usize) {
        self.out.push_str(self.source.rest().get(..length).unwrap_or_default());
        self.source.at += length;
    }

    /// Writes something else in place of the next bytes.
    fn put(&mut self, piece: &str, length: usize) {
        self.out.push_str(piece);
        self.source.at += length;
    }
}
