//! The log that is sent, as a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::access_log::{AccessLog, LINE_BYTES};

/// A file of whole lines.
pub(crate) struct LogFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How many lines it has.
    pub(crate) lines: u64,
    /// How many bytes it has.
    pub(crate) bytes: u64,
}

impl LogFile {
    /// Writes a log of at most `mib` MiB.
    pub(crate) fn write(path: &Path, mib: u64) -> io::Result<Self> {
        let lines = (mib << 20) / LINE_BYTES as u64;
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let (mut log, mut line) = (AccessLog::new(), Vec::new());
        for _ in 0..lines {
            line.clear();
            log.append_line(&mut line);
            file.write_all(&line)?;
        }
        file.flush()?;
        Ok(Self { path: path.to_owned(), lines, bytes: lines * LINE_BYTES as u64 })
    }

    /// Its size in GiB, which figures are divided by.
    pub(crate) fn gib(&self) -> f64 {
        self.bytes as f64 / (1_u64 << 30) as f64
    }
}
