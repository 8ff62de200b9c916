//! Compression of request bodies (`wire-protocol.md` section 4).

use flate2::{Compress, FlushCompress, Status};

use crate::config::plan::Compression;

/// Compresses bodies one after the other; keeps its working memory. Public, so that `cargo xtask bench` can tell what it
/// costs by itself.
pub enum Compressor {
    /// Bodies are sent as they are.
    None,
    /// zlib streams.
    Deflate(Box<Compress>),
}

impl Compressor {
    /// As configured. A level out of range becomes the default level.
    pub fn new(compression: Compression) -> Self {
        match compression {
            Compression::None => Self::None,
            Compression::Deflate(level) => {
                let level = if (1..=9).contains(&level) { level } else { 6 };
                Self::Deflate(Box::new(Compress::new(flate2::Compression::new(u32::from(level)), true)))
            }
        }
    }

    /// Replaces the content of `packed` with the compressed `body`; leaves it empty when nothing is compressed.
    pub fn compress(&mut self, body: &[u8], packed: &mut Vec<u8>) {
        packed.clear();
        let Self::Deflate(deflate) = self else { return };
        deflate.reset();
        loop {
            packed.reserve((body.len() / 8).max(4096));
            let done = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
            let rest = body.get(done..).unwrap_or_default();
            match deflate.compress_vec(rest, packed, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return,
                // More room is needed; with room there is always progress.
                Ok(Status::Ok | Status::BufError) => {}
                // Cannot happen to a fresh stream; a cut body would be refused by the server and sent again.
                Err(_) => return,
            }
        }
    }
}

/// `Content-Encoding` of this compression.
pub(super) fn content_encoding(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::None => None,
        Compression::Deflate(_) => Some("deflate"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn inflate(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        flate2::read::ZlibDecoder::new(packed).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn every_level_gives_back_the_same_bytes_and_reuses_its_buffer() {
        let noise: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for level in [0, 1, 6, 9, 77] {
            let mut compressor = Compressor::new(Compression::Deflate(level));
            let mut packed = Vec::new();
            compressor.compress(&noise, &mut packed);
            assert_eq!(inflate(&packed), noise);
            let capacity = packed.capacity();
            for body in [&b""[..], b"short", &noise] {
                compressor.compress(body, &mut packed);
                assert_eq!(inflate(&packed), body, "level {level}");
            }
            assert_eq!(packed.capacity(), capacity, "the buffer was large enough already");
        }
    }

    #[test]
    fn without_compression_nothing_is_copied_and_no_encoding_is_named() {
        let mut packed = vec![1, 2, 3];
        Compressor::new(Compression::None).compress(b"body", &mut packed);
        assert!(packed.is_empty());
        assert_eq!(content_encoding(Compression::None), None);
        assert_eq!(content_encoding(Compression::Deflate(6)), Some("deflate"));
    }
}
