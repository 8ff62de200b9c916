//! `deflate`: zlib streams (RFC 1950), by libdeflate.

use libdeflater::{CompressionLvl, Compressor};

use crate::config::compression::DeflateLevel;

use super::Encode;
use super::room::with_room;

/// libdeflate's compressor takes a whole body at once; its levels 1 to 9 are at least as good as those of zlib.
pub(super) struct Deflate {
    level: DeflateLevel,
    compressor: Option<Compressor>,
}

impl Deflate {
    pub(super) fn new(level: DeflateLevel) -> Self {
        Self { level, compressor: None }
    }
}

impl Encode for Deflate {
    fn encode(&mut self, body: &[u8], packed: &mut Vec<u8>, expected: usize) -> Result<(), String> {
        let level = CompressionLvl::new(self.level.get().into()).unwrap_or_default();
        let compressor = self.compressor.get_or_insert_with(|| Compressor::new(level));
        let bound = compressor.zlib_compress_bound(body.len());
        with_room(packed, expected, bound, |packed, room| {
            packed.resize(room, 0);
            let Ok(length) = compressor.zlib_compress(body, packed) else { return false };
            packed.truncate(length);
            true
        })
    }
}

/// As measured: 200 KiB for level 1, which has a table of its own, 656 KiB for the others.
pub(super) fn memory(level: DeflateLevel) -> usize {
    if level == DeflateLevel::LEAST { 256 * 1024 } else { 768 * 1024 }
}
