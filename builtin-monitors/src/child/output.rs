//! What a command writes to one of its streams, up to a bound.

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;

use rustix::io::ioctl_fionbio;

/// So many bytes are read at once.
const CHUNK: usize = 64 << 10;

/// What a command wrote to one of its streams.
#[derive(Debug, Default)]
pub struct Output {
    /// The first bytes of it.
    pub bytes: Vec<u8>,
    /// How many bytes came behind those and were left out.
    pub left_out: u64,
}

/// A stream of a running command.
#[derive(Debug)]
pub(super) struct Stream<R> {
    /// Gone when the stream has ended.
    pub(super) source: Option<R>,
    pub(super) output: Output,
}

impl<R: Read + AsFd> Stream<R> {
    /// A stream that is read without waiting.
    pub(super) fn new(source: Option<R>) -> io::Result<Self> {
        if let Some(source) = &source {
            ioctl_fionbio(source, true)?;
        }
        Ok(Self { source, output: Output::default() })
    }

    /// Reads what is there, at most a chunk, so that nobody waits long for a stream that never pauses.
    pub(super) fn read(&mut self, max_bytes: usize) -> io::Result<()> {
        let Some(source) = &mut self.source else { return Ok(()) };
        let mut chunk = [0; CHUNK];
        match source.read(&mut chunk) {
            Ok(0) => self.source = None,
            Ok(length) => {
                let room = max_bytes.saturating_sub(self.output.bytes.len()).min(length);
                self.output.bytes.extend_from_slice(chunk.get(..room).unwrap_or_default());
                self.output.left_out += (length - room) as u64;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
