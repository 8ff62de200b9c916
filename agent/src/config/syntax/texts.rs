//! Texts: quoted, joined with `+`, in triple quotes. json5 gets one text in double quotes for each of them.

use super::cursor::Cursor;
use super::fault::{Fault, show, show_found};

pub(super) const TRIPLE: &str = "\"\"\"";

/// Reads texts from the user's text into the one that json5 gets.
pub(super) struct Texts<'s, 't> {
    source: &'s mut Cursor<'t>,
    out: &'s mut String,
    /// Of the faults within the text, the first: a pattern has several of one sort, and one word about them suffices.
    fault: Option<Fault>,
    /// How many more there are.
    more: usize,
    /// Whether what is meant cannot be told.
    pub(super) is_doubtful: bool,
}

const TEXT_ENDS: &str = "the text ends inside this string: its closing quote is missing";
const DOUBLE: &str = "write `\\\\` for a backslash";

/// Why a text has no end that can be seen, or none that counts.
pub(super) struct Broken {
    pub(super) fault: Fault,
    pub(super) then: Then,
}

/// How reading goes on.
pub(super) enum Then {
    /// Behind what stands here.
    Skip,
    /// Perhaps behind the end of this line, within which the text should have ended, with this quote.
    EndText(char),
    /// Not at all.
    Stop,
}

impl Fault {
    fn then(self, then: Then) -> Broken {
        Broken { fault: self, then }
    }
}

impl<'s, 't> Texts<'s, 't> {
    pub(super) fn new(source: &'s mut Cursor<'t>, out: &'s mut String) -> Self {
        Self { source, out, fault: None, more: 0, is_doubtful: false }
    }

    /// A text as a value: the source stands at its quote.
    pub(super) fn value(&mut self) -> Result<(), Broken> {
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
                let message = "a text in triple quotes cannot be joined with `+`";
                return Err(Fault::at(plus, message).hint("write one text").then(Then::Skip));
            }
            self.source.at += 1;
            self.source.skip_gap().map_err(|fault| fault.then(Then::Stop))?;
            match self.source.peek() {
                Some('"' | '\'') if !self.source.rest().starts_with(TRIPLE) => self.in_quotes()?,
                Some('"') => {
                    let message = "expected a text in plain quotes behind `+`: one in triple quotes cannot be joined";
                    return Err(Fault::at(self.source.at, message).then(Then::Skip));
                }
                found => {
                    let message = format!("expected a text in quotes behind `+`, found {}", show_found(found));
                    let (at, then) = match found {
                        Some(_) => (self.source.at, Then::Skip),
                        None => (plus, Then::Stop),
                    };
                    return Err(Fault::at(at, message).then(then));
                }
            }
        }
        self.out.push('"');
        Ok(())
    }

    /// A text as a key, which is not joined.
    pub(super) fn key(&mut self) -> Result<(), Broken> {
        let start = self.source.at;
        self.out.push('"');
        if self.source.rest().starts_with(TRIPLE) {
            let message = "a key cannot stand in triple quotes";
            self.note(Fault::at(start, message).hint("write it in plain ones"));
            self.in_triple_quotes()?;
        } else {
            self.in_quotes()?;
        }
        self.out.push('"');
        Ok(())
    }

    /// What is wrong within the text, which could be read to its end all the same.
    pub(super) fn noted(&mut self) -> Option<Fault> {
        let Fault { at, message, hint } = self.fault.take()?;
        let behind = match self.more {
            0 => String::new(),
            more => format!(" (and look at {more} more in this text)"),
        };
        Some(Fault { at, message, hint: hint + &behind })
    }

    /// A fault within the text, which does not keep it from being read to its end.
    fn note(&mut self, fault: Fault) {
        if self.fault.is_some() {
            self.more += 1;
        } else {
            self.fault = Some(fault);
        }
    }

    /// Whether a `+` comes next, also on another line; stands before it then, otherwise where it stood.
    fn plus_follows(&mut self) -> Result<bool, Broken> {
        let behind = self.source.at;
        self.source.skip_gap().map_err(|fault| fault.then(Then::Stop))?;
        let found = self.source.peek() == Some('+');
        if !found {
            self.source.at = behind;
        }
        Ok(found)
    }

    fn in_quotes(&mut self) -> Result<(), Broken> {
        let start = self.source.at;
        let Some(quote) = self.source.peek() else { return Ok(()) };
        self.source.at += 1;
        loop {
            let Some(length) = self.source.rest().find(['"', '\'', '\\', '\n', '\r']) else {
                self.source.skip_line();
                return Err(Fault::at(start, TEXT_ENDS).then(Then::EndText(quote)));
            };
            self.copy(length);
            match self.source.peek() {
                Some('\\') => self.escape(),
                Some(c) if c == quote => {
                    self.source.at += 1;
                    return Ok(());
                }
                Some('"') => self.put("\\\"", 1),
                Some('\'') => self.copy(1),
                _ => {
                    let message = "the line ends inside this string: its closing quote is missing";
                    let hint =
                        "a text over several lines stands in triple quotes, or has \\n in place of the line break";
                    return Err(Fault::at(start, message).hint(hint).then(Then::EndText(quote)));
                }
            }
        }
    }

    fn in_triple_quotes(&mut self) -> Result<(), Broken> {
        let start = self.source.at;
        self.source.at += TRIPLE.len();
        loop {
            let Some(length) = self.source.rest().find(['"', '\\', '\n', '\r']) else {
                let message = "the text ends inside this string: its closing `\"\"\"` is missing";
                return Err(Fault::at(start, message).then(Then::Stop));
            };
            self.copy(length);
            match self.source.peek() {
                Some('"') if self.source.rest().starts_with(TRIPLE) => {
                    self.source.at += TRIPLE.len();
                    if self.source.peek() == Some('"') {
                        let message = "found `\"` behind the closing `\"\"\"`";
                        let fault = Fault::at(self.source.at, message);
                        self.note(fault.hint("write `\\\"` for a quote at the end"));
                        let rest = self.source.rest();
                        self.source.at += rest.len() - rest.trim_start_matches('"').len();
                        self.is_doubtful = true;
                    }
                    return Ok(());
                }
                Some('"') => self.put("\\\"", 1),
                Some('\n') => self.put("\\n", 1),
                Some('\r') => self.put("\\r", 1),
                _ => self.escape(),
            }
        }
    }

    /// An escape; the source stands at its backslash. JSON's and those that JSON5 names: JSON5 reads any other
    /// character as itself, so that the backslash of a `\d` would get lost.
    fn escape(&mut self) {
        let at = self.source.at;
        match self.source.peek_second() {
            Some('"' | '\'' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | 'v') => self.copy(2),
            Some('u') => self.unicode(),
            Some('x') => _ = self.hexadecimal(at, 2),
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
                let message = format!("expected an escape such as \\n behind `\\`, found {}", show(c));
                self.note(Fault::at(at, message).hint(DOUBLE));
                // That is what was meant.
                self.put("\\\\", 1);
            }
            // The end of the text, of which is told elsewhere.
            None => self.source.at += 1,
        }
    }

    /// `\u00e4`, or both halves of what does not fit into four digits.
    fn unicode(&mut self) {
        let (at, written) = (self.source.at, self.out.len());
        let Some(unit) = self.hexadecimal(at, 4) else { return };
        let is_character = match unit {
            0xd800..=0xdbff if self.source.rest().starts_with("\\u") => {
                let Some(low) = self.hexadecimal(at, 4) else { return };
                (0xdc00..=0xdfff).contains(&low)
            }
            unit => char::from_u32(unit).is_some(),
        };
        if !is_character {
            let hint = "write both halves behind each other, as in \\ud83d\\ude00";
            self.note(Fault::at(at, "this escape is half a character").hint(hint));
            self.out.truncate(written);
            self.is_doubtful = true;
        }
    }

    /// Copies an escape with so many digits behind its letter, and gives their number.
    fn hexadecimal(&mut self, at: usize, digits: usize) -> Option<u32> {
        let mut number = 0;
        for c in self.source.rest().chars().skip(2).take(digits) {
            let Some(digit) = c.to_digit(16) else {
                let message = format!("expected {digits} hexadecimal digits in this escape, found {}", show(c));
                self.note(Fault::at(at, message).hint(DOUBLE));
                self.put("\\\\", 1);
                self.is_doubtful = true;
                return None;
            };
            number = number * 16 + digit;
        }
        let length = 2 + digits;
        if self.source.rest().len() >= length {
            self.copy(length);
        } else {
            // The end of the text, of which is told elsewhere.
            self.source.at = self.source.text.len();
        }
        Some(number)
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
