//! What arrived, judged when the clock has stopped: that it is the log, and what its compression costs by itself.

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::read::GzDecoder;
use rustix::time::{ClockId, clock_gettime};
use scalyr_agent::receiver::{Request, decompressed};
use scalyr_agent::upload::Compressor;

use crate::log_file::LogFile;
use crate::sink::{Kept, KeptBody};

/// How large a body may be when it is decompressed.
const MAX_BODY: usize = 64 << 20;

/// What the bodies of a run were.
#[derive(Default)]
pub(crate) struct Proof {
    /// Lines in them.
    pub(crate) lines: u64,
    /// Bytes of the bodies before compression.
    pub(crate) body_bytes: u64,
    /// CPU seconds of the compressor on the same bodies, in one thread.
    pub(crate) compressor: f64,
}

/// Reads `addEvents` bodies with the reader of `agent receive`, which shares nothing with the agent's encoder. With a
/// `compressor`, each is compressed again.
///
/// # Errors
/// When a body cannot be read, or when the messages are not the log, byte for byte and in its order.
pub(crate) fn of_add_events(kept: &Kept, log: &LogFile, mut compressor: Option<Compressor>) -> Result<Proof, String> {
    let (mut proof, mut room, mut packed) = (Proof::default(), Vec::new(), Vec::new());
    let mut reader = BufReader::with_capacity(1 << 20, File::open(&log.path).map_err(|error| error.to_string())?);
    let mut expected = Vec::new();
    for (number, (body, sent)) in (1..).zip(kept.bodies()) {
        let broken = |error: &dyn std::fmt::Display| format!("request {number}: {error}");
        let plain =
            decompressed(body.encoding.as_deref(), sent, &mut room, MAX_BODY).map_err(|error| broken(&error))?;
        let request = Request::parse(plain).map_err(|error| broken(&error))?;
        for event in &request.events {
            expected.resize(event.message.len(), 0);
            reader.read_exact(&mut expected).map_err(|error| broken(&error))?;
            if *event.message != expected[..] {
                return Err(broken(&format_args!("line {} of what was sent is not that of the log", proof.lines + 1)));
            }
            proof.lines += 1;
        }
        if request.events.is_empty() {
            continue;
        }
        proof.body_bytes += plain.len() as u64;
        if let Some(compressor) = &mut compressor {
            if packed.is_empty() {
                // Once for nothing, so that its memory is there, as that of the agent is after its first request.
                compressor.compress(plain, &mut packed).map_err(|error| error.to_string())?;
            }
            let begin = cpu_of_this_thread();
            compressor.compress(plain, &mut packed).map_err(|error| error.to_string())?;
            proof.compressor += cpu_of_this_thread() - begin;
        }
    }
    Ok(proof)
}

/// Counts the lines of bodies with one JSON object in each.
///
/// # Errors
/// When a body cannot be decompressed.
pub(crate) fn of_json_lines(kept: &Kept) -> Result<Proof, String> {
    let mut proof = Proof::default();
    for (number, (body, sent)) in (1..).zip(kept.bodies()) {
        let plain = unzipped(body, sent).map_err(|error| format!("request {number}: {error}"))?;
        proof.lines += plain.iter().filter(|byte| **byte == b'\n').count() as u64;
        // The last one may end with the body.
        proof.lines += u64::from(plain.last().is_some_and(|byte| *byte != b'\n'));
        proof.body_bytes += plain.len() as u64;
    }
    Ok(proof)
}

fn unzipped(body: &KeptBody, sent: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    match body.encoding.as_deref() {
        None => plain.extend_from_slice(sent),
        Some("gzip") => drop(GzDecoder::new(sent).read_to_end(&mut plain)?),
        Some(other) => return Err(io::Error::other(format!("Content-Encoding `{other}` is not gzip"))),
    }
    Ok(plain)
}

fn cpu_of_this_thread() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
