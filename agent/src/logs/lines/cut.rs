//! Raw lines: where one ends, and where a long one is cut.

use std::ops::{ControlFlow, Range};

/// Cuts `bytes` into the lines of a log: each with its LF, pieces of at most `max_line` bytes where a line is longer.
///
/// The piece behind the last LF is left for later, because its end is not there yet, unless `flush` asks for it or it
/// is already longer than `max_line`. Calls `line` with the range of each, until it has enough of them, and returns how many
/// bytes were taken.
pub fn cut(bytes: &[u8], max_line: usize, flush: bool, mut line: impl FnMut(Range<usize>) -> ControlFlow<()>) -> usize {
    let max_line = max_line.max(1);
    let mut start = 0;
    for lf in memchr::memchr_iter(b'\n', bytes) {
        let end = lf + 1;
        while end - start > max_line {
            let piece = start + piece_length(&bytes[start..end], max_line);
            if line(start..piece).is_break() {
                return piece;
            }
            start = piece;
        }
        if line(start..end).is_break() {
            return end;
        }
        start = end;
    }
    while bytes.len() - start > max_line {
        let piece = start + piece_length(&bytes[start..], max_line);
        if line(start..piece).is_break() {
            return piece;
        }
        start = piece;
    }
    if flush && start < bytes.len() {
        _ = line(start..bytes.len());
        start = bytes.len();
    }
    start
}

/// How long the first piece of a line is that is longer than `max_line`: cut before a character rather than inside
/// it. Bytes that are not UTF-8 are cut at `max_line` itself.
pub(super) fn piece_length(line: &[u8], max_line: usize) -> usize {
    let is_inside = |at: usize| line[at] & 0b1100_0000 == 0b1000_0000;
    let mut cut = max_line;
    while is_inside(cut) {
        cut -= 1;
        if cut == 0 || max_line - cut > 3 {
            return max_line;
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8], max_line: usize, flush: bool) -> (Vec<String>, usize) {
        let mut lines = Vec::new();
        let taken = cut(bytes, max_line, flush, |range| {
            lines.push(String::from_utf8_lossy(&bytes[range]).into_owned());
            ControlFlow::Continue(())
        });
        (lines, taken)
    }

    #[test]
    fn lines_keep_their_ends_and_the_unfinished_one_waits() {
        assert_eq!(lines(b"a\n\nb\r\nc", 100, false), (vec!["a\n".into(), "\n".into(), "b\r\n".into()], 6));
        assert_eq!(lines(b"a\nc", 100, true), (vec!["a\n".into(), "c".into()], 3));
        assert_eq!(lines(b"", 100, true), (vec![], 0));
    }

    #[test]
    fn whoever_has_enough_lines_gets_no_more() {
        for (bytes, max_line, enough) in [("a\nb\nc\n", 9, 4), ("abcdef\n", 2, 4), ("abcdef", 2, 4)] {
            let mut end = 0;
            let taken = cut(bytes.as_bytes(), max_line, true, |range| {
                end = range.end;
                if end == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert_eq!((taken, end), (enough, enough), "{bytes:?}");
        }
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(lines(b"abcdef\n", 3, false), (vec!["abc".into(), "def".into(), "\n".into()], 7));
        assert_eq!(lines("aéé\n".as_bytes(), 4, false), (vec!["aé".into(), "é\n".into()], 6));
        assert_eq!(lines("ééé".as_bytes(), 3, false), (vec!["é".into(), "é".into()], 4), "the rest may still grow");
        assert_eq!(lines(b"\x80\x80\x80\x80\x80\x80\n", 5, false).1, 7, "not UTF-8: cut all the same");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_whatever_the_bytes(bytes: Vec<u8>, max_line in 1_usize..20, flush: bool) {
            let mut at = 0;
            let taken = cut(&bytes, max_line, flush, |range| {
                assert_eq!(range.start, at);
                assert!(!range.is_empty() && range.len() <= max_line);
                at = range.end;
                ControlFlow::Continue(())
            });
            prop_assert_eq!(taken, at);
            if flush {
                prop_assert_eq!(taken, bytes.len());
            } else {
                prop_assert!(bytes.len() - taken <= max_line);
                prop_assert!(!bytes[taken..].contains(&b'\n'));
            }
        }

        #[test]
        fn text_is_cut_into_text(text: String, max_line in 4_usize..20) {
            cut(text.as_bytes(), max_line, true, |range| {
                assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
                ControlFlow::Continue(())
            });
        }
    }
}
