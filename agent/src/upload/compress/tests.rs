//! What is compressed comes back byte for byte, in the formats of `wire-protocol.md` section 4, and small enough.

use std::io::Read as _;

use proptest::prelude::*;

use super::*;
use crate::config::compression::{Bz2Level, DeflateLevel, Lz4Level, ZstandardLevel};
use crate::receiver::decompressed;
use crate::upload::request::Request;

#[path = "../../../benches/material/mod.rs"]
mod material;

use material::bodies::{Form, body};

/// All types at all levels.
fn every() -> Vec<Compression> {
    let deflate = DeflateLevel::all().map(Compression::Deflate);
    let bz2 = Bz2Level::all().map(Compression::Bz2);
    let lz4 = Lz4Level::all().map(Compression::Lz4);
    let zstandard = ZstandardLevel::all().map(Compression::Zstandard);
    [Compression::None].into_iter().chain(deflate).chain(bz2).chain(lz4).chain(zstandard).collect()
}

/// All types at their default levels.
const DEFAULTS: [Compression; 4] = [Compression::DEFLATE, Compression::BZ2, Compression::LZ4, Compression::ZSTANDARD];

/// Asserts that the receiver reads the same bytes.
fn comes_back(compression: Compression, body: &[u8], packed: &[u8]) {
    let sent = if compression == Compression::None { body } else { packed };
    let mut room = Vec::new();
    let read = decompressed(content_encoding(compression), sent, &mut room, body.len()).unwrap();
    assert!(read == body, "{compression:?}: {} bytes have become {}", body.len(), read.len());
    assert!(packed.len() <= most_packed(compression, body.len()), "{compression:?}: {} bytes", packed.len());
}

fn packed(compression: Compression, body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    Compressor::new(compression).compress(body, &mut packed).unwrap();
    packed
}

/// Bytes that no level makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut chance = material::access_log::Chance::new(1);
    (0..length).map(|_| (chance.next() >> 32) as u8).collect()
}

#[test]
fn every_format_is_what_its_name_promises() {
    let text = body(Form::Lean, 300_000).bytes;
    for compression in every() {
        let packed = packed(compression, &text);
        match compression {
            Compression::None => assert_eq!((packed.len(), content_encoding(compression)), (0, None)),
            Compression::Deflate(_) => {
                // The header of a zlib stream: method 8, a window of 32 KiB, a multiple of 31, no dictionary.
                assert_eq!(packed[0], 0x78);
                assert_eq!((u16::from(packed[0]) * 256 + u16::from(packed[1])) % 31, 0);
                assert_eq!(packed[1] & 0x20, 0);
                let mut plain = Vec::new();
                flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
                assert!(plain == text);
            }
            Compression::Bz2(level) => {
                assert_eq!(packed[..4], [b'B', b'Z', b'h', b'0' + level.get()]);
            }
            Compression::Lz4(_) => {
                assert_eq!(packed[..4], [0x04, 0x22, 0x4d, 0x18], "the magic number");
                assert_eq!(packed[4], 0b0110_1000, "version 1, independent blocks, no checksums, the length is told");
                assert_eq!(packed[5], 4 << 4, "blocks of 64 KiB");
                assert_eq!(packed[6..14], (text.len() as u64).to_le_bytes());
            }
            Compression::Zstandard(_) => {
                assert_eq!(packed[..4], [0x28, 0xb5, 0x2f, 0xfd], "the magic number");
                let length = zstd::zstd_safe::get_frame_content_size(&packed).unwrap();
                assert_eq!(length, Some(text.len() as u64));
            }
        }
        comes_back(compression, &text, &packed);
    }
    let names: Vec<_> = DEFAULTS.map(content_encoding).into_iter().flatten().collect();
    assert_eq!(names, ["deflate", "bz2", "lz4", "zstandard"]);
}

#[test]
fn large_bodies_come_back_whether_they_can_be_compressed_or_not() {
    let (text, noise) = (body(Form::Lean, 5_900_000).bytes, noise(2_000_000));
    for compression in DEFAULTS {
        let (mut compressor, mut packed) = (Compressor::new(compression), Vec::new());
        for body in [&text[..], &noise, b"", b"{", &text, &noise[..100_000], &text[..1_000_000]] {
            compressor.compress(body, &mut packed).unwrap();
            comes_back(compression, body, &packed);
        }
    }
}

#[test]
fn the_buffer_is_as_large_as_needed_and_is_used_again() {
    let text = body(Form::Lean, 4_000_000).bytes;
    for compression in DEFAULTS {
        let (mut compressor, mut packed) = (Compressor::new(compression), Vec::new());
        for _ in 0..2 {
            compressor.compress(&text, &mut packed).unwrap();
        }
        let capacity = packed.capacity();
        assert!(capacity < packed.len() + packed.len() / 4, "{compression:?}: {capacity} bytes for {}", packed.len());
        for _ in 0..3 {
            compressor.compress(&text, &mut packed).unwrap();
            assert!(packed.capacity() <= capacity, "{compression:?}");
        }
    }
}

#[test]
fn the_defaults_send_no_more_than_the_python_agent_with_its_own() {
    let (ours, theirs) = (body(Form::Lean, 1_500_000), body(Form::Python, 1_500_000));
    let share = |packed: usize, log: usize| packed as f64 / log as f64;
    let zlib = {
        let mut zlib = flate2::read::ZlibEncoder::new(&theirs.bytes[..], flate2::Compression::new(6));
        let mut packed = Vec::new();
        zlib.read_to_end(&mut packed).unwrap();
        packed.len()
    };
    let at = |compression: Compression, level| packed(compression.at_level(level).unwrap(), &theirs.bytes).len();
    let theirs_packed = [zlib, at(Compression::BZ2, 9), at(Compression::LZ4, 0), at(Compression::ZSTANDARD, 3)];
    for (compression, theirs_packed) in DEFAULTS.into_iter().zip(theirs_packed) {
        let ours = share(packed(compression, &ours.bytes).len(), ours.log_bytes);
        let theirs = share(theirs_packed, theirs.log_bytes);
        assert!(ours <= theirs, "{compression:?}: {ours} of the log, not {theirs}");
    }
}

#[test]
fn a_level_of_deflate_compresses_at_least_as_well_as_that_of_zlib() {
    let text = body(Form::Lean, 1_000_000).bytes;
    for level in DeflateLevel::all() {
        let mut zlib = flate2::read::ZlibEncoder::new(&text[..], flate2::Compression::new(level.get().into()));
        let mut theirs = Vec::new();
        zlib.read_to_end(&mut theirs).unwrap();
        let ours = packed(Compression::Deflate(level), &text).len();
        assert!(ours <= theirs.len() + theirs.len() / 100, "level {level:?}: {ours}, not {}", theirs.len());
    }
}

/// Fails after it has written something.
struct Failing;

impl Encode for Failing {
    fn encode(&mut self, _body: &[u8], packed: &mut Vec<u8>, _expected: usize) -> Result<(), String> {
        packed.extend_from_slice(b"half of it");
        Err("it is broken".to_owned())
    }
}

#[test]
fn after_a_failure_a_fresh_encoder_compresses_the_whole_body() {
    for compression in DEFAULTS {
        let mut compressor = Compressor { encoder: Some(Box::new(Failing)), ..Compressor::new(compression) };
        let mut packed = Vec::new();
        compressor.compress(b"the body", &mut packed).unwrap();
        comes_back(compression, b"the body", &packed);
    }
}

#[test]
fn when_that_fails_too_nothing_is_left_that_could_be_sent() {
    let failing = Compressor::made_with(|_| Some(Box::new(Failing)), Compression::BZ2);
    let mut request = Request::default();
    request.compress(&SharedCompressor(Arc::new(Mutex::new(failing))));
    let error = request.not_compressed().unwrap().to_string();
    assert_eq!(error, "a request of 0 bytes could not be compressed with bz2, level 1: it is broken");
    // The send thread tries again, with what may work by then.
    request.compress(&SharedCompressor::new(Compression::BZ2));
    assert_eq!(request.not_compressed(), None);
    assert_eq!(request.payload()[..3], *b"BZh");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// One compressor and one buffer for all bodies of a case, as in a session.
    #[test]
    fn every_level_of_every_type_gives_back_any_bytes(
        bodies in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..2_000), 1_usize..100),
            1..4,
        ),
    ) {
        for compression in every() {
            let (mut compressor, mut packed) = (Compressor::new(compression), vec![9; 10]);
            for (piece, times) in &bodies {
                let body = piece.repeat(*times);
                compressor.compress(&body, &mut packed).unwrap();
                comes_back(compression, &body, &packed);
            }
        }
    }
}
