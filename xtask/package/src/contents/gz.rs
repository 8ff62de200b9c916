//! gzip, as Debian's policy wants it for manual pages, changelogs and longer texts (12.1, 12.3, 12.7).

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

/// A text below this many bytes is installed as it is; the measure of `dh_compress`.
const SHORT: usize = 4096;

/// The text, packed as well as gzip can, with neither name nor time inside: the same text gives the same bytes.
pub(super) fn packed(text: &str) -> Vec<u8> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let written = writer.write_all(text.as_bytes()).and_then(|()| writer.finish());
    written.expect("a vector takes every byte")
}

/// Whether a text is long enough to be packed.
pub(super) fn is_long(text: &str) -> bool {
    text.len() > SHORT
}
