//! Byte offsets → lines and columns, as an editor counts them.

use super::super::report::Position;

/// Counts lines and columns up to offsets that are asked for in rising order, so that a whole text costs one pass. CR,
/// LF and CRLF each end a line; a byte-order mark at the beginning has no column.
pub(super) struct Lines<'t> {
    text: &'t str,
    at: usize,
    position: Position,
    after_cr: bool,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, position: Position { line: 1, column: 1 }, after_cr: false }
    }

    /// The position of a byte offset. One that lies before the last is answered as the last was.
    pub(super) fn position(&mut self, offset: usize) -> Position {
        for c in self.text.get(self.at..offset).unwrap_or_default().chars() {
            self.position = match c {
                '\n' if self.after_cr => self.position,
                '\n' | '\r' => Position { line: self.position.line + 1, column: 1 },
                _ => Position { column: self.position.column + 1, ..self.position },
            };
            self.after_cr = c == '\r';
        }
        self.at = self.at.max(offset);
        self.position
    }
}

/// The position of one byte offset.
pub(in crate::config) fn position_of(text: &str, offset: usize) -> Position {
    Lines::new(text).position(offset.min(text.len()))
}
