//! Takes the compression off a request body (`wire-protocol.md` section 4). Shares no code with what compresses it.

use std::io::Read as _;

use bzip2::Decompress as Bunzip;
use flate2::{Decompress as Inflate, FlushDecompress};
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

/// How the body of a request is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// Not at all: no `Content-Encoding`, or `identity`.
    Plain,
    /// A zlib stream (RFC 1950).
    Deflate,
    /// A bzip2 stream.
    Bz2,
    /// An LZ4 frame with independent blocks.
    Lz4,
    /// A Zstandard frame.
    Zstandard,
}

/// Why a body could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// A `Content-Encoding` that this endpoint does not know.
    #[error(
        "Content-Encoding `{0}` is not understood here; send `deflate`, `bz2`, `lz4` or `zstandard` (compression_type), \
         or leave the header out (compression_type \"none\")"
    )]
    Unknown(String),
    /// The bytes are not what the `Content-Encoding` says: what they should be, and why they are not.
    #[error("the body is not a whole {0}: {1}")]
    Broken(&'static str, String),
    /// More comes out than is allowed.
    #[error("the body is larger than {0} bytes after decompression")]
    TooLarge(usize),
}

impl Encoding {
    /// Reads the value of a `Content-Encoding` header.
    fn from_header(value: Option<&str>) -> Result<Self, DecompressError> {
        let Some(name) = value.map(str::trim) else { return Ok(Self::Plain) };
        let known = [
            ("identity", Self::Plain),
            ("deflate", Self::Deflate),
            ("bz2", Self::Bz2),
            ("lz4", Self::Lz4),
            ("zstandard", Self::Zstandard),
        ];
        let found = known.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, encoding)| *encoding).ok_or_else(|| DecompressError::Unknown(name.chars().take(40).collect()))
    }

    /// What a compressed body is.
    fn format(self) -> &'static str {
        match self {
            Self::Plain => "body",
            Self::Deflate => "zlib stream",
            Self::Bz2 => "bzip2 stream",
            Self::Lz4 => "LZ4 frame",
            Self::Zstandard => "Zstandard frame",
        }
    }
}

/// The body of a request without its compression: `sent` itself when it has none, else `room`, which is emptied first and
/// never holds more than `max` bytes and one.
///
/// # Errors
/// When the `Content-Encoding` is not one of ours, when the bytes are not what it says, cut or followed by others, or when
/// more than `max` come out.
pub fn decompressed<'a>(
    encoding: Option<&str>,
    sent: &'a [u8],
    room: &'a mut Vec<u8>,
    max: usize,
) -> Result<&'a [u8], DecompressError> {
    let encoding = Encoding::from_header(encoding)?;
    room.clear();
    let broken = |why: String| DecompressError::Broken(encoding.format(), why);
    let rest = match encoding {
        Encoding::Plain => return Ok(sent),
        Encoding::Deflate => inflate(sent, room, max),
        Encoding::Bz2 => bunzip(sent, room, max),
        Encoding::Lz4 => read_lz4(sent, room, max),
        Encoding::Zstandard => read_zstandard(sent, room, max),
    };
    let rest = rest.map_err(broken)?;
    // The buffer of an earlier, larger request may have room beyond the bound, and so may the last step.
    if room.len() > max {
        return Err(DecompressError::TooLarge(max));
    }
    match rest {
        0 => Ok(room),
        rest => Err(broken(format!("{rest} bytes follow its end"))),
    }
}

/// One step of a decoder: how many bytes of the input it has read, and whether the stream has ended.
struct Step {
    read: usize,
    ended: bool,
}

/// Decodes until the stream ends, or more than `max` bytes have come out. Returns how many bytes follow the end.
fn decode(
    input: &[u8],
    output: &mut Vec<u8>,
    max: usize,
    mut step: impl FnMut(&[u8], &mut Vec<u8>) -> Result<Step, String>,
) -> Result<usize, String> {
    let mut rest = input;
    loop {
        if output.len() == output.capacity() {
            // One byte of room beyond the bound tells a stream that ends there from a longer one.
            let left = max.saturating_add(1).saturating_sub(output.len());
            output.reserve_exact(output.len().max(input.len().saturating_mul(4)).max(4096).min(left));
        }
        let before = output.len();
        let Step { read, ended } = step(rest, output)?;
        rest = rest.get(read..).unwrap_or_default();
        if output.len() > max {
            return Ok(0);
        }
        if ended {
            return Ok(rest.len());
        }
        if read == 0 && output.len() == before && output.len() < output.capacity() {
            return Err(format!("it is cut off after {} bytes", input.len()));
        }
    }
}

fn inflate(input: &[u8], output: &mut Vec<u8>, max: usize) -> Result<usize, String> {
    let mut inflater = Inflate::new(true);
    decode(input, output, max, |rest, output| {
        let before = inflater.total_in();
        let status = inflater.decompress_vec(rest, output, FlushDecompress::Finish);
        let ended = status.map_err(|error| error.to_string())? == flate2::Status::StreamEnd;
        Ok(Step { read: grown(before, inflater.total_in()), ended })
    })
}

fn bunzip(input: &[u8], output: &mut Vec<u8>, max: usize) -> Result<usize, String> {
    let mut bunzip = Bunzip::new(false);
    decode(input, output, max, |rest, output| {
        let before = bunzip.total_in();
        let status = bunzip.decompress_vec(rest, output).map_err(|error| error.to_string())?;
        Ok(Step { read: grown(before, bunzip.total_in()), ended: status == bzip2::Status::StreamEnd })
    })
}

fn grown(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

fn read_zstandard(input: &[u8], output: &mut Vec<u8>, max: usize) -> Result<usize, String> {
    let told = |code| get_error_name(code).to_owned();
    let mut context = DCtx::try_create().ok_or("there is no memory for it")?;
    // A window that is larger than what may come out is of no use to an honest client.
    let window = max.clamp(1 << 20, 1 << 27).next_power_of_two().trailing_zeros();
    context.set_parameter(DParameter::WindowLogMax(window)).map_err(told)?;
    decode(input, output, max, |rest, output| {
        let mut from = InBuffer::around(rest);
        let at = output.len();
        let mut to = OutBuffer::around_pos(output, at);
        let hint = context.decompress_stream(&mut to, &mut from).map_err(told)?;
        Ok(Step { read: from.pos(), ended: hint == 0 })
    })
}

/// The real server reads frames with independent blocks only, so that others are refused here, too.
fn read_lz4(input: &[u8], output: &mut Vec<u8>, max: usize) -> Result<usize, String> {
    const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
    const INDEPENDENT: u8 = 1 << 5;
    let is_linked = input.starts_with(&MAGIC) && input.get(4).is_some_and(|flags| flags & INDEPENDENT == 0);
    if is_linked {
        return Err("its blocks are linked, which the server cannot read; they must be independent".to_owned());
    }
    let mut decoder = lz4::Decoder::new(input).map_err(|error| error.to_string())?;
    let most = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    decoder.by_ref().take(most).read_to_end(output).map_err(|error| error.to_string())?;
    if output.len() > max {
        return Ok(0);
    }
    let (rest, ended) = decoder.finish();
    ended.map_err(|_| format!("it is cut off after {} bytes", input.len()))?;
    Ok(rest.len())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    /// What all four make of the same bytes.
    fn compressed(data: &[u8]) -> [(&'static str, Vec<u8>); 4] {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(data).unwrap();
        let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
        bz2.write_all(data).unwrap();
        [
            ("deflate", deflate.finish().unwrap()),
            ("bz2", bz2.finish().unwrap()),
            ("lz4", lz4_frame(data, lz4::BlockMode::Independent)),
            ("zstandard", zstd::bulk::compress(data, 1).unwrap()),
        ]
    }

    fn lz4_frame(data: &[u8], mode: lz4::BlockMode) -> Vec<u8> {
        let mut frame = lz4::EncoderBuilder::new().block_mode(mode).build(Vec::new()).unwrap();
        frame.write_all(data).unwrap();
        frame.finish().0
    }

    fn read(encoding: &str, sent: &[u8], max: usize) -> Result<Vec<u8>, DecompressError> {
        decompressed(Some(encoding), sent, &mut vec![1, 2, 3], max).map(<[u8]>::to_vec)
    }

    #[test]
    fn the_names_of_encodings_are_read_and_others_refused_by_name() {
        assert_eq!(Encoding::from_header(None), Ok(Encoding::Plain));
        assert_eq!(Encoding::from_header(Some(" Deflate ")), Ok(Encoding::Deflate));
        for (name, sent) in compressed(b"some lines\n") {
            assert_eq!(read(name, &sent, 11).as_deref(), Ok(&b"some lines\n"[..]), "{name}");
        }
        assert_eq!(read("identity", b"some lines\n", 0).as_deref(), Ok(&b"some lines\n"[..]));
        let error = Encoding::from_header(Some("gzip")).unwrap_err().to_string();
        assert!(error.contains("`gzip`") && error.contains("`deflate`") && error.contains("`zstandard`"), "{error}");
    }

    #[test]
    fn a_bomb_is_stopped_at_the_bound() {
        for (name, bomb) in compressed(&vec![0; 10_000_000]) {
            let mut room = Vec::new();
            let mut read = |max| decompressed(Some(name), &bomb, &mut room, max).map(<[u8]>::len);
            assert_eq!(read(1_000_000), Err(DecompressError::TooLarge(1_000_000)), "{name}");
            assert_eq!(read(9_999_999), Err(DecompressError::TooLarge(9_999_999)), "{name}");
            assert_eq!(read(10_000_000), Ok(10_000_000), "{name}");
            assert_eq!(read(1_000), Err(DecompressError::TooLarge(1_000)), "{name}");
            let mut room = Vec::new();
            assert!(decompressed(Some(name), &bomb, &mut room, 1_000_000).is_err());
            assert!(room.capacity() <= 2_100_000, "{name}: {}", room.capacity());
        }
    }

    #[test]
    fn cut_and_trailing_bytes_are_noticed() {
        for (name, whole) in compressed(b"some lines\n") {
            for length in 0..whole.len() {
                let error = read(name, &whole[..length], 1000).unwrap_err().to_string();
                assert!(error.contains("is not a whole"), "{name} {length}: {error}");
            }
            let error = read(name, &[&whole[..], b"xy"].concat(), 1000).unwrap_err().to_string();
            assert!(error.contains("2 bytes follow"), "{name}: {error}");
            assert!(read(name, b"{\"token\": 1, events: []}", 1000).is_err(), "{name}");
        }
    }

    #[test]
    fn linked_blocks_are_refused_because_the_server_cannot_read_them() {
        let text = b"some lines\n".repeat(20_000);
        let error = read("lz4", &lz4_frame(&text, lz4::BlockMode::Linked), 1 << 20).unwrap_err().to_string();
        assert!(error.contains("blocks are linked"), "{error}");
        assert_eq!(read("lz4", &lz4_frame(&text, lz4::BlockMode::Independent), 1 << 20), Ok(text));
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(data in proptest::collection::vec(any::<u8>(), 0..20_000)) {
            for (name, sent) in compressed(&data) {
                prop_assert_eq!(read(name, &sent, 20_000), Ok(data.clone()), "{}", name);
            }
        }

        #[test]
        fn any_bytes_end_without_a_panic(
            data in proptest::collection::vec(any::<u8>(), 0..200),
            at in 0_usize..40,
            byte in any::<u8>(),
        ) {
            for (name, mut sent) in compressed(&data) {
                prop_assert!(read(name, &data, 5_000).is_err() || !data.is_empty());
                // One wrong byte in what was right.
                if let Some(place) = sent.get_mut(at) {
                    *place = byte;
                }
                if let Ok(plain) = read(name, &sent, 5_000) {
                    prop_assert!(plain.len() <= 5_000);
                }
            }
        }
    }
}
