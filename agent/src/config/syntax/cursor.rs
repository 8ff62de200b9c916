//! The user's text, and what stands between its tokens: blanks, line breaks and comments.

use super::fault::Fault;

/// A place in the user's text that moves on.
#[derive(Clone)]
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    /// The byte offset, always on a character's boundary.
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    /// At the beginning of a text, behind its byte-order mark.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 } }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character behind the next.
    pub(super) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    /// The next word or number: all up to a blank or a sign that ends it. Empty in front of such a sign.
    pub(super) fn bare_token(&self) -> &'t str {
        let rest = self.rest();
        let end =
            rest.find(|c| is_blank(c) || matches!(c, '{' | '}' | '[' | ']' | ',' | ':' | ';' | '"' | '\'' | '/' | '#'));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    /// Moves to the next token. Tells whether a line break stands directly before it, apart from blanks, or ends a `//`
    /// comment there: then it may take the place of a comma. A block comment behind the break hides it, as it did from
    /// the Python agent (`configuration.md` section 2).
    ///
    /// # Errors
    /// A comment that never ends.
    pub(super) fn skip_gap(&mut self) -> Result<bool, Fault> {
        let mut is_broken = false;
        while let Some(c) = self.peek() {
            match c {
                '\n' | '\r' => {
                    is_broken = true;
                    self.at += 1;
                }
                '/' => match self.peek_second() {
                    Some('/') => self.skip_line(),
                    Some('*') => {
                        self.skip_block_comment()?;
                        is_broken = false;
                    }
                    _ => break,
                },
                c if is_blank(c) => self.at += c.len_utf8(),
                _ => break,
            }
        }
        Ok(is_broken)
    }

    /// Moves to the end of the line.
    pub(super) fn skip_line(&mut self) {
        self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len());
    }

    fn skip_block_comment(&mut self) -> Result<(), Fault> {
        let inside = self.rest().get(2..).unwrap_or_default();
        let Some(length) = inside.find("*/") else {
            return Err(Fault::at(self.at, "the text ends inside this comment: `*/` is missing somewhere behind here"));
        };
        self.at += 2 + length + 2;
        Ok(())
    }
}

/// Whether a character separates tokens, a line break included.
pub(super) fn is_blank(c: char) -> bool {
    if c.is_ascii() { matches!(c, '\t'..='\r' | ' ') } else { json5::char::is_json5_whitespace(c) }
}
