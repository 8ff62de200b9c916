//! Lines and columns → byte offsets, in one pass over a text.

use memchr::memchr2;

use crate::config::Position;

/// Goes through a text to places that are asked for in rising order; the whole costs one pass, also through a single
/// line of many megabytes.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    here: Position,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        // As an editor counts: a byte-order mark has no column.
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, here: Position { line: 1, column: 1 } }
    }

    /// The byte offset of a place; the end of its line when that is shorter, and of the text when that has fewer lines.
    pub(super) fn seek(&mut self, place: Position) -> usize {
        while self.here.line < place.line {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let Some(end) = memchr2(b'\r', b'\n', rest) else {
                self.at = self.text.len();
                break;
            };
            let is_pair = rest.get(end..end + 2) == Some(b"\r\n");
            self.at += end + 1 + usize::from(is_pair);
            self.here = Position { line: self.here.line + 1, column: 1 };
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        for c in rest.chars().take(place.column.saturating_sub(self.here.column)) {
            if matches!(c, '\r' | '\n') {
                break;
            }
            self.at += c.len_utf8();
            self.here.column += 1;
        }
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_ends_a_line_once() {
        let text = "\u{feff}ab\r\nc\rd\n\nö f";
        let mut cursor = Cursor::new(text);
        let mut at = |line, column| text.get(cursor.seek(Position { line, column })..).unwrap();
        assert_eq!(at(1, 1), "ab\r\nc\rd\n\nö f");
        assert_eq!(at(1, 2), "b\r\nc\rd\n\nö f");
        assert_eq!(at(1, 9), "\r\nc\rd\n\nö f");
        assert_eq!(at(2, 1), "c\rd\n\nö f");
        assert_eq!(at(3, 1), "d\n\nö f");
        assert_eq!(at(5, 2), " f");
        assert_eq!(at(5, 3), "f");
        assert_eq!(at(9, 1), "");
    }
}
