//! Takes the compression off a request body (`wire-protocol.md` section 4).

use flate2::{Decompress, FlushDecompress, Status};

/// How the body of a request is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// Not at all: no `Content-Encoding`, or `identity`.
    Plain,
    /// A zlib stream (RFC 1950).
    Deflate,
}

/// Why a body could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// A `Content-Encoding` that this endpoint does not know.
    #[error(
        "Content-Encoding `{0}` is not understood here; send `deflate` (compression_type \"deflate\") or leave the \
         header out (compression_type \"none\")"
    )]
    Unknown(String),
    /// The bytes are not what the `Content-Encoding` says.
    #[error("the body is not a whole zlib stream: {0}")]
    Broken(String),
    /// More comes out than is allowed.
    #[error("the body is larger than {0} bytes after decompression")]
    TooLarge(usize),
}

impl Encoding {
    /// Reads the value of a `Content-Encoding` header.
    ///
    /// # Errors
    /// When the encoding is not one of ours; the text names those that are.
    fn from_header(value: Option<&str>) -> Result<Self, DecompressError> {
        match value.map(str::trim) {
            None => Ok(Self::Plain),
            Some(name) if name.eq_ignore_ascii_case("identity") => Ok(Self::Plain),
            Some(name) if name.eq_ignore_ascii_case("deflate") => Ok(Self::Deflate),
            Some(name) => Err(DecompressError::Unknown(name.chars().take(40).collect())),
        }
    }
}

/// The body of a request without its compression: `sent` itself when it has none, else `room`, which is emptied first and
/// never grows beyond `max` bytes.
///
/// # Errors
/// When the `Content-Encoding` is not one of ours, when the bytes are not what it says, or when more than `max` come out.
pub fn decompressed<'a>(
    encoding: Option<&str>,
    sent: &'a [u8],
    room: &'a mut Vec<u8>,
    max: usize,
) -> Result<&'a [u8], DecompressError> {
    match Encoding::from_header(encoding)? {
        Encoding::Plain => Ok(sent),
        Encoding::Deflate => inflate(sent, room, max).map(|()| room.as_slice()),
    }
}

/// Inflates a zlib stream into `output`, which is emptied first and never grows beyond `max` bytes.
///
/// # Errors
/// When the stream is broken or cut, when bytes follow it, or when more than `max` bytes come out.
fn inflate(input: &[u8], output: &mut Vec<u8>, max: usize) -> Result<(), DecompressError> {
    output.clear();
    let mut inflater = Decompress::new(true);
    loop {
        if output.len() == output.capacity() {
            // One byte of room beyond the bound tells a stream that ends there from a longer one.
            let left = max.saturating_add(1).saturating_sub(output.len());
            output.reserve_exact(output.len().max(input.len().saturating_mul(4)).max(4096).min(left));
        }
        let before = (inflater.total_in(), output.len());
        let rest = input.get(usize::try_from(before.0).unwrap_or(usize::MAX)..).unwrap_or(&[]);
        let status = inflater
            .decompress_vec(rest, output, FlushDecompress::Finish)
            .map_err(|error| DecompressError::Broken(error.to_string()))?;
        // The buffer of an earlier, larger request may have room beyond the bound.
        if output.len() > max {
            return Err(DecompressError::TooLarge(max));
        }
        if status == Status::StreamEnd {
            let read = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
            return match input.len().saturating_sub(read) {
                0 => Ok(()),
                left => Err(DecompressError::Broken(format!("{left} bytes follow its end"))),
            };
        }
        let stuck = (inflater.total_in(), output.len()) == before;
        if stuck && output.len() < output.capacity() {
            return Err(DecompressError::Broken(format!("it is cut off after {} bytes", input.len())));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    fn deflate(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_names_of_encodings_are_read_and_others_refused_by_name() {
        assert_eq!(Encoding::from_header(None), Ok(Encoding::Plain));
        assert_eq!(Encoding::from_header(Some(" Deflate ")), Ok(Encoding::Deflate));
        let error = Encoding::from_header(Some("zstandard")).unwrap_err().to_string();
        assert!(error.contains("`zstandard`") && error.contains("`deflate`"), "{error}");
    }

    #[test]
    fn a_bomb_is_stopped_at_the_bound() {
        let bomb = deflate(&vec![0; 10_000_000]);
        let mut output = Vec::new();
        assert_eq!(inflate(&bomb, &mut output, 1_000_000), Err(DecompressError::TooLarge(1_000_000)));
        assert!(output.capacity() <= 1_000_001, "{}", output.capacity());
        assert_eq!(inflate(&bomb, &mut output, 9_999_999), Err(DecompressError::TooLarge(9_999_999)));
        assert_eq!(inflate(&bomb, &mut output, 10_000_000), Ok(()));
        assert_eq!(inflate(&bomb, &mut output, 1_000), Err(DecompressError::TooLarge(1_000)));
    }

    #[test]
    fn cut_and_trailing_bytes_are_noticed() {
        let mut output = Vec::new();
        let whole = deflate(b"some lines\n");
        for length in 0..whole.len() {
            let error = inflate(&whole[..length], &mut output, 1000).unwrap_err().to_string();
            assert!(error.contains("cut off"), "{length}: {error}");
        }
        let error = inflate(&[&whole[..], b"xy"].concat(), &mut output, 1000).unwrap_err().to_string();
        assert!(error.contains("2 bytes follow"), "{error}");
        assert!(inflate(b"{\"token\": 1}", &mut output, 1000).is_err());
    }

    proptest! {
        #[test]
        fn what_was_deflated_comes_back(data in proptest::collection::vec(any::<u8>(), 0..20_000)) {
            let mut output = vec![1, 2, 3];
            prop_assert_eq!(inflate(&deflate(&data), &mut output, 20_000), Ok(()));
            prop_assert_eq!(output, data);
        }

        #[test]
        fn any_bytes_end_without_a_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut output = Vec::new();
            let _ = inflate(&data, &mut output, 5_000);
            prop_assert!(output.len() <= 5_000);
        }
    }
}
