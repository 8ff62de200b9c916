//! Messages into pieces that are no longer than an event may be.

use std::ops::Range;

use super::super::cut::piece_length;

/// The pieces of a message, each of at most `max_size` bytes and cut between characters; an empty message is one piece.
/// There are at most `most` of them: then the last one is longer.
pub(super) fn pieces(message: &[u8], max_size: usize, most: usize) -> Vec<Range<usize>> {
    let max_size = max_size.max(1);
    let (mut pieces, mut start) = (Vec::new(), 0);
    while message.len() - start > max_size && pieces.len() + 1 < most {
        let end = start + piece_length(&message[start..], max_size);
        pieces.push(start..end);
        start = end;
    }
    pieces.push(start..message.len());
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_cut_between_characters() {
        assert_eq!(pieces("aéé\n".as_bytes(), 4, 9), [0..3, 3..6]);
        assert_eq!(pieces(b"", 4, 9), vec![0..0; 1]);
        assert_eq!(pieces(b"abcdef", 2, 2), [0..2, 2..6], "not more pieces than there are numbers");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_text_stays_text(text: String, max_size in 4_usize..20) {
            let pieces = pieces(text.as_bytes(), max_size, usize::MAX);
            let joined: Option<String> = pieces.iter().map(|piece| text.get(piece.clone())).collect();
            prop_assert_eq!(joined, Some(text));
            prop_assert!(pieces.iter().all(|piece| piece.len() <= max_size));
        }

        #[test]
        fn bytes_that_are_no_text_are_cut_all_the_same(bytes: Vec<u8>, max_size in 1_usize..20) {
            let pieces = pieces(&bytes, max_size, usize::MAX);
            let joined: Vec<u8> = pieces.iter().flat_map(|piece| bytes[piece.clone()].to_vec()).collect();
            prop_assert_eq!(&joined, &bytes);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= max_size));
        }
    }
}
