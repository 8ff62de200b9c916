//! Compression of request bodies (`wire-protocol.md` section 4): one file per format, and what they have in common. What
//! was compared, and why these were chosen: `docs/compression.md`.

mod bz2;
mod deflate;
mod lz4;
mod room;
mod zstandard;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::plan::Compression;

use room::{Ratio, trim};

/// Why a body could not be compressed: a library failed twice, the second time with an encoder that was made anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request of {bytes} bytes could not be compressed with {name}, level {level}: {why}")]
pub struct CompressError {
    name: &'static str,
    level: u8,
    bytes: usize,
    why: String,
}

/// Makes one body after the other into a whole stream of its format; keeps what working memory it can.
trait Encode: Send {
    /// Appends the compressed `body` to `packed`, which is empty; it will have about `expected` bytes.
    fn encode(&mut self, body: &[u8], packed: &mut Vec<u8>, expected: usize) -> Result<(), String>;
}

/// Compresses bodies one after the other. All of the body is compressed, or there is an error; also a body that becomes
/// larger by it.
pub struct Compressor {
    compression: Compression,
    make: fn(Compression) -> Option<Box<dyn Encode>>,
    /// None without compression.
    encoder: Option<Box<dyn Encode>>,
    ratio: Ratio,
}

impl Compressor {
    /// As configured. Takes no memory to speak of before the first body.
    pub fn new(compression: Compression) -> Self {
        Self::made_with(encoder, compression)
    }

    fn made_with(make: fn(Compression) -> Option<Box<dyn Encode>>, compression: Compression) -> Self {
        Self { compression, make, encoder: make(compression), ratio: Ratio::default() }
    }

    /// Replaces the content of `packed` with the compressed `body`; leaves it empty when nothing is compressed. The
    /// buffer is made about as large as it has to be, by what the bodies before came to.
    ///
    /// # Errors
    /// When the library fails, also a second time with a fresh encoder; `packed` is empty then.
    pub fn compress(&mut self, body: &[u8], packed: &mut Vec<u8>) -> Result<(), CompressError> {
        packed.clear();
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        let (room, expected) = (packed.capacity(), self.ratio.expect(body.len()));
        let mut done = encoder.encode(body, packed, expected);
        if done.is_err()
            && let Some(mut fresh) = (self.make)(self.compression)
        {
            packed.clear();
            done = fresh.encode(body, packed, expected);
            *encoder = fresh;
        }
        match done {
            Ok(()) => {
                self.ratio.note(body.len(), packed.len());
                trim(packed, room);
                Ok(())
            }
            Err(why) => {
                packed.clear();
                let (name, level) = (self.compression.name(), self.compression.level());
                Err(CompressError { name, level, bytes: body.len(), why })
            }
        }
    }
}

fn encoder(compression: Compression) -> Option<Box<dyn Encode>> {
    Some(match compression {
        Compression::None => return None,
        Compression::Deflate(level) => Box::new(deflate::Deflate::new(level)),
        Compression::Bz2(level) => Box::new(bz2::Bz2::new(level)),
        Compression::Lz4(level) => Box::new(lz4::Lz4::new(level)),
        Compression::Zstandard(level) => Box::new(zstandard::Zstandard::new(level)),
    })
}

/// One compressor for both threads of a session: the send thread needs it only for a body that has waited and gets another
/// time, so that it need not have a second one in memory.
#[derive(Clone)]
pub(super) struct SharedCompressor(Arc<Mutex<Compressor>>);

impl SharedCompressor {
    /// As configured.
    pub(super) fn new(compression: Compression) -> Self {
        Self(Arc::new(Mutex::new(Compressor::new(compression))))
    }

    /// [`Compressor::compress`], after what the other thread has begun.
    pub(super) fn compress(&self, body: &[u8], packed: &mut Vec<u8>) -> Result<(), CompressError> {
        // A panic of the other thread in the middle leaves nothing that the next body does not begin anew.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).compress(body, packed)
    }
}

/// `Content-Encoding` of this compression.
pub fn content_encoding(compression: Compression) -> Option<&'static str> {
    (compression != Compression::None).then(|| compression.name())
}

/// How many bytes a compressor keeps for itself at most, with bodies of up to `body` bytes; the compressed body does not
/// count.
pub fn working_memory(compression: Compression, body: usize) -> usize {
    match compression {
        Compression::None => 0,
        Compression::Deflate(level) => deflate::memory(level),
        Compression::Bz2(level) => bz2::memory(level),
        Compression::Lz4(level) => lz4::memory(level),
        Compression::Zstandard(level) => zstandard::memory(level, body),
    }
}

/// How many bytes the buffer of a compressed body has at most, with bodies of up to `body` bytes: when nothing can be
/// compressed. With logs it is about a sixth of the body.
pub fn most_packed(compression: Compression, body: usize) -> usize {
    // bz2 can add the most: 1 % and 600 bytes, as its manual says.
    if compression == Compression::None { 0 } else { body + body / 64 + 4096 }
}
