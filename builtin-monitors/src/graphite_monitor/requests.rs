//! What came of a connection, cut into requests: lines, or pickles behind their lengths.

use std::ops::Range;

use memchr::memchr;

/// The bytes that tell the length of a pickle.
const HEADER: usize = 4;

/// The buffer begins with so many bytes.
const FIRST_BYTES: usize = 16 * 1024;

/// With less room than this behind what came, the buffer grows.
const LEAST_ROOM: usize = 4 * 1024;

/// How requests are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Each ends with a line feed.
    Lines,
    /// Each stands behind its length, four bytes with the highest first.
    Pickles,
}

impl Form {
    /// What several are called.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Pickles => "pickles",
        }
    }
}

/// A request is longer than allowed: where the next one begins cannot be known, or not be waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// How long it would be, where that is known.
    pub(super) length: Option<u64>,
    /// How it begins.
    pub(super) begins: Vec<u8>,
}

/// As much of a request that is too long is shown.
const SHOWN: usize = 40;

/// What came of one connection and was not taken yet.
#[derive(Debug)]
pub(super) struct Received {
    form: Form,
    longest: usize,
    most: usize,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Up to here there is no line feed.
    looked_at: usize,
}

impl Received {
    /// For requests of this form, each of `longest` bytes at most, in a buffer of `buffer_size` bytes at most.
    pub(super) fn new(form: Form, longest: usize, buffer_size: usize) -> Self {
        // The longest one fits with what tells its end.
        let most = buffer_size.max(longest.saturating_add(HEADER + 1));
        Self { form, longest, most, bytes: Vec::new(), start: 0, end: 0, looked_at: 0 }
    }

    /// Where to read to; never empty once [`next`](Self::next) has found no further request.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.looked_at -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < LEAST_ROOM {
            let larger = (2 * self.bytes.len()).max(FIRST_BYTES).min(self.most);
            self.bytes.resize(larger.max(self.bytes.len()), 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes were read into the room.
    pub(super) fn came(&mut self, length: usize) {
        self.end = self.bytes.len().min(self.end + length);
    }

    /// What came and is no whole request.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether all of the next request has come.
    pub(super) fn has_next(&mut self) -> Result<bool, TooLong> {
        Ok(self.locate()?.is_some())
    }

    /// The next request, when all of it has come.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some((request, behind)) = self.locate()? else { return Ok(None) };
        (self.start, self.looked_at) = (behind, behind);
        Ok(self.bytes.get(request))
    }

    /// The last line, which nothing came behind, although it has no end: the sender has closed.
    pub(super) fn last_line(&mut self) -> Option<&[u8]> {
        let (start, end) = (self.start, self.end);
        if self.form != Form::Lines || start == end {
            return None;
        }
        (self.start, self.looked_at) = (end, end);
        self.bytes.get(start..end)
    }

    /// Where the next request lies, and where what stands behind it begins.
    fn locate(&mut self) -> Result<Option<(Range<usize>, usize)>, TooLong> {
        match self.form {
            Form::Lines => self.locate_line(),
            Form::Pickles => self.locate_pickle(),
        }
    }

    fn locate_line(&mut self) -> Result<Option<(Range<usize>, usize)>, TooLong> {
        let unseen = self.bytes.get(self.looked_at..self.end).unwrap_or_default();
        let found = memchr(b'\n', unseen).map(|at| self.looked_at + at);
        self.looked_at = found.unwrap_or(self.end);
        if self.looked_at - self.start > self.longest {
            return Err(self.too_long(None));
        }
        Ok(found.map(|end| (self.start..end, end + 1)))
    }

    fn locate_pickle(&self) -> Result<Option<(Range<usize>, usize)>, TooLong> {
        let Some((&header, behind)) = self.rest().split_first_chunk::<HEADER>() else { return Ok(None) };
        let length = u32::from_be_bytes(header);
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= self.longest) else {
            return Err(self.too_long(Some(length.into())));
        };
        let start = self.start + HEADER;
        let end = start + length;
        Ok((behind.len() >= length).then_some((start..end, end)))
    }

    fn too_long(&self, length: Option<u64>) -> TooLong {
        let rest = self.rest();
        TooLong { length, begins: rest[..rest.len().min(SHOWN)].to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphite_monitor::line::read_line;

    /// Lets the bytes come in pieces of this size; what is taken, and how it ends.
    fn taken(form: Form, bytes: &[u8], piece: usize, longest: usize) -> (Vec<Vec<u8>>, Result<usize, TooLong>) {
        let mut received = Received::new(form, longest, longest);
        let mut requests = Vec::new();
        let mut left = bytes;
        loop {
            loop {
                match received.next() {
                    Ok(Some(request)) => requests.push(request.to_vec()),
                    Ok(None) => break,
                    Err(too_long) => return (requests, Err(too_long)),
                }
            }
            let room = received.room();
            assert!(!room.is_empty(), "there is always room for more");
            let length = piece.min(left.len()).min(room.len());
            if length == 0 {
                return (requests, Ok(received.rest().len()));
            }
            room[..length].copy_from_slice(&left[..length]);
            received.came(length);
            left = &left[length..];
            assert!(received.bytes.len() <= longest + HEADER + 1, "memory is bounded");
        }
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        for piece in [1, 2, 3, 100] {
            let (lines, rest) = taken(Form::Lines, b"one\n\ntwo\r\nthree", piece, 10);
            assert_eq!(lines, [&b"one"[..], b"", b"two\r"], "{piece}");
            assert_eq!(rest, Ok(5));
        }
    }

    #[test]
    fn pickles_come_whole_however_they_are_cut() {
        for piece in [1, 2, 3, 100] {
            let (pickles, rest) =
                taken(Form::Pickles, b"\0\0\0\x03abc\0\0\0\0\0\0\0\x0a0123456789\0\0\0\x02x", piece, 10);
            assert_eq!(pickles, [&b"abc"[..], b"", b"0123456789"], "{piece}");
            assert_eq!(rest, Ok(5));
        }
    }

    #[test]
    fn the_longest_request_is_taken_and_one_that_is_longer_ends_it() {
        for piece in [1, 7, 100_000] {
            let mut lines = vec![b'a'; 20_000];
            lines.push(b'\n');
            let (taken_lines, rest) = taken(Form::Lines, &lines, piece, 20_000);
            assert_eq!((taken_lines.len(), rest), (1, Ok(0)), "{piece}");
            let (taken_lines, rest) = taken(Form::Lines, &lines, piece, 19_999);
            assert_eq!((taken_lines.len(), rest.unwrap_err().length), (0, None), "{piece}");
        }
        let (pickles, rest) = taken(Form::Pickles, b"\0\0\0\x01.\0\0\0\x0bxyz", 3, 10);
        assert_eq!((pickles.len(), rest.unwrap_err().length), (1, Some(11)));
        let (_, rest) = taken(Form::Pickles, b"stat", 1, 10);
        assert_eq!(rest, Err(TooLong { length: Some(0x7374_6174), begins: b"stat".to_vec() }));
    }

    #[test]
    fn the_last_line_needs_no_end_when_the_sender_has_closed() {
        let mut received = Received::new(Form::Lines, 100, 100);
        assert_eq!(received.last_line(), None);
        received.room()[..5].copy_from_slice(b"a\nb 1");
        received.came(5);
        assert_eq!(received.next(), Ok(Some(&b"a"[..])));
        assert_eq!(received.next(), Ok(None));
        assert_eq!(received.last_line(), Some(&b"b 1"[..]));
        assert_eq!(received.last_line(), None);
        assert_eq!(received.next(), Ok(None));
    }

    #[test]
    fn fuzz_graphite_requests() {
        // The first byte says how they are told apart and cut.
        bolero::check!(name = "graphite_requests").for_each(|bytes: &[u8]| {
            let Some((&how, bytes)) = bytes.split_first() else { return };
            let form = if how & 1 == 0 { Form::Lines } else { Form::Pickles };
            let (requests, rest) = taken(form, bytes, 1 + usize::from(how >> 1), 100);
            let at_once = taken(form, bytes, usize::MAX, 100);
            assert_eq!((&requests, rest.is_ok()), (&at_once.0, at_once.1.is_ok()), "however they are cut");
            let separators = if form == Form::Lines { 1 } else { HEADER };
            let length: usize = requests.iter().map(|request| request.len() + separators).sum();
            if let Ok(rest) = rest {
                assert_eq!(length + rest, bytes.len(), "each byte is somewhere");
            }
            for request in requests {
                _ = read_line(&request);
            }
        });
    }
}
