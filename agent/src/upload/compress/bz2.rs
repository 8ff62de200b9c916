//! `bz2`, by libbz2-rs.

use bzip2::{Action, Compress, Compression, Status};

use crate::config::compression::Bz2Level;

use super::Encode;

/// The encoder of a stream cannot be used for a second one; its memory is asked for and given back with each body.
pub(super) struct Bz2 {
    level: Bz2Level,
}

impl Bz2 {
    pub(super) fn new(level: Bz2Level) -> Self {
        Self { level }
    }
}

impl Encode for Bz2 {
    fn encode(&mut self, body: &[u8], packed: &mut Vec<u8>, expected: usize) -> Result<(), String> {
        // 0 is the library's own choice of when to give up on input that repeats itself.
        let mut stream = Compress::new(Compression::new(self.level.get().into()), 0);
        packed.try_reserve_exact(expected).map_err(|error| error.to_string())?;
        loop {
            let before = (stream.total_in(), packed.len());
            let done = usize::try_from(before.0).unwrap_or(usize::MAX);
            let rest = body.get(done..).unwrap_or_default();
            match stream.compress_vec(rest, packed, Action::Finish) {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) if (stream.total_in(), packed.len()) != before || packed.len() == packed.capacity() => {
                    packed.try_reserve_exact(expected / 2 + 4096).map_err(|error| error.to_string())?;
                }
                Ok(status) => return Err(format!("it makes no progress ({status:?})")),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// As the manual of bzip2 says: 400 KB and eight times the block.
pub(super) fn memory(level: Bz2Level) -> usize {
    400_000 + 8 * 100_000 * usize::from(level.get())
}
