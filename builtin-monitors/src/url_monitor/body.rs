//! The text of an answer, unpacked when the user asked for it packed.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use scalyr_monitor::http::Response;
use scalyr_monitor::prelude::*;

/// The text of an answer; bytes that are not UTF-8 become `U+FFFD`. No more than `max_bytes` are unpacked.
pub(super) fn text_of<'r>(response: &'r Response, max_bytes: u64, out: &Sample) -> Cow<'r, str> {
    let encoding = response.header("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    let packed = response.bytes();
    // As after HEAD.
    if packed.is_empty() {
        return response.text();
    }
    let unpacked = match encoding.as_str() {
        "gzip" | "x-gzip" => unpack(MultiGzDecoder::new(packed), max_bytes, response.is_cut()),
        "deflate" => unpack(ZlibDecoder::new(packed), max_bytes, response.is_cut()),
        _ => return response.text(),
    };
    match unpacked {
        Ok((bytes, is_whole)) => {
            if !is_whole {
                out.limited("unpacked", super::TOLD_EVERY).warn(format_args!(
                    "{response}: the body is longer than `max_body_bytes`, {max_bytes}, when unpacked; the rest of it is left \
                     out"
                ));
            }
            String::from_utf8_lossy(&bytes).into_owned().into()
        }
        Err(error) => {
            out.limited("unpack", super::TOLD_EVERY).warn(format_args!(
                "{response}: the server says that the body is {encoding}, but it cannot be unpacked ({error}); it is taken as it \
                 is"
            ));
            response.text()
        }
    }
}

/// What a packed body holds, and whether that is all of it. Of a body that was cut, what can be had.
pub(super) fn unpack(source: impl Read, max_bytes: u64, is_cut: bool) -> std::io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    match source.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes) {
        Err(error) if !is_cut => return Err(error),
        _ => {}
    }
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let is_whole = bytes.len() <= max;
    bytes.truncate(max);
    Ok((bytes, is_whole))
}
