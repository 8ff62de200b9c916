//! `lz4`: LZ4 frames, by the reference library.
//!
//! The blocks are independent: the server cannot read linked ones. They have 64 KiB, the library's own size and that of
//! the Python agent; larger ones would save 8 % at the high levels and next to nothing at level 0.

use std::io::Write as _;

use lz4::liblz4::BlockChecksum;
use lz4::{BlockMode, BlockSize, ContentChecksum, EncoderBuilder};

use crate::config::compression::Lz4Level;

use super::Encode;

/// The encoder of a frame cannot be used for a second one; its memory is asked for and given back with each body.
pub(super) struct Lz4 {
    level: Lz4Level,
}

impl Lz4 {
    pub(super) fn new(level: Lz4Level) -> Self {
        Self { level }
    }
}

impl Encode for Lz4 {
    fn encode(&mut self, body: &[u8], packed: &mut Vec<u8>, expected: usize) -> Result<(), String> {
        packed.try_reserve_exact(expected).map_err(|error| error.to_string())?;
        let mut frame = EncoderBuilder::new()
            .level(self.level.get().into())
            .block_size(BlockSize::Max64KB)
            .block_mode(BlockMode::Independent)
            // What the Python agent sends: the length, no checksums.
            .content_size(body.len() as u64)
            .checksum(ContentChecksum::NoChecksum)
            .block_checksum(BlockChecksum::NoBlockChecksum)
            // Each block goes out as it comes, without a buffer in between.
            .auto_flush(true)
            .build(packed)
            .map_err(|error| error.to_string())?;
        let written = frame.write_all(body);
        written.and(frame.finish().1).map_err(|error| error.to_string())
    }
}

/// As measured: a block, and a table of 16 KiB for the levels 0 and 1, of 256 KiB for the others.
pub(super) fn memory(level: Lz4Level) -> usize {
    if level.get() < 2 { 128 * 1024 } else { 384 * 1024 }
}
