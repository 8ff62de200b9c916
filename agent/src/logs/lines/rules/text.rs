//! Lines as text that expressions can be searched for in, although some of their bytes are no UTF-8.

use std::borrow::Cow;
use std::ops::Range;

const PLACEHOLDER: char = '\u{FFFD}';
/// A byte that is no UTF-8 becomes so many bytes more.
const GROWTH: usize = PLACEHOLDER.len_utf8() - 1;

/// A line. Each byte that is not part of a character stands as U+FFFD in its text; what is taken out of it again by a
/// range has the bytes of the line.
#[derive(Debug)]
pub(super) struct Text<'b> {
    bytes: &'b [u8],
    text: Cow<'b, str>,
    /// Where in the text placeholders begin.
    placeholders: Vec<usize>,
}

impl<'b> Text<'b> {
    /// Decodes a line; one in UTF-8 is not copied.
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self { bytes, text: Cow::Borrowed(text), placeholders: Vec::new() };
        }
        let mut text = String::with_capacity(bytes.len() + 16);
        let mut placeholders = Vec::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for _ in chunk.invalid() {
                placeholders.push(text.len());
                text.push(PLACEHOLDER);
            }
        }
        Self { bytes, text: Cow::Owned(text), placeholders }
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes of the line that stand behind a range of the text, which begins and ends between characters.
    pub(super) fn source(&self, range: Range<usize>) -> &'b [u8] {
        self.bytes.get(self.place(range.start)..self.place(range.end)).unwrap_or_default()
    }

    /// Where in the text a place of the line stands; for one inside a character, where that begins.
    pub(super) fn place_of(&self, source: usize) -> usize {
        let placeholders = &self.placeholders;
        let (mut low, mut high) = (0, placeholders.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if placeholders[middle] - GROWTH * middle < source { low = middle + 1 } else { high = middle }
        }
        self.text.floor_char_boundary(source.saturating_add(GROWTH * low))
    }

    fn place(&self, at: usize) -> usize {
        at - GROWTH * self.placeholders.partition_point(|placeholder| *placeholder < at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_that_are_no_utf8_are_placeholders_one_by_one() {
        let text = Text::of(b"\xe2\x82x\xff\xc3\xa9");
        assert_eq!(text.as_str(), "\u{FFFD}\u{FFFD}x\u{FFFD}é");
        assert_eq!(text.source(3..7), b"\x82x");
        assert_eq!(text.source(7..12), b"\xff\xc3\xa9");
    }

    proptest! {
        #[test]
        fn every_range_of_characters_has_its_own_bytes(bytes: Vec<u8>) {
            let text = Text::of(&bytes);
            let mut borders: Vec<usize> = text.as_str().char_indices().map(|(at, _)| at).collect();
            borders.push(text.as_str().len());
            let pieces: Vec<u8> = borders.windows(2).flat_map(|pair| text.source(pair[0]..pair[1]).to_vec()).collect();
            prop_assert_eq!(&pieces, &bytes);
            prop_assert_eq!(text.source(0..text.as_str().len()), &bytes);
            for border in borders {
                prop_assert_eq!(text.place_of(text.source(0..border).len()), border);
            }
        }
    }
}
