//! Request bodies full of an access log, in the form of this agent and in that of the Python agent
//! (`wire-protocol.md` section 3). Uses nothing but the standard library.

use std::io::Write as _;

use super::access_log::{AccessLog, Chance, LINE_BYTES};

/// A body, and how many bytes of the log are in it.
pub struct Body {
    /// As it is before compression.
    pub bytes: Vec<u8>,
    /// Bytes of log lines.
    pub log_bytes: usize,
}

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Ours: the log's attributes stand in `logs` alone; lines that were read together, 64 to 128 KiB of them, have one
    /// `ts`.
    Lean,
    /// That of the Python agent: each event repeats the log's attributes and has a `ts` of its own, in steps of 256 ns.
    Python,
}

const ATTRIBUTES: &str = r#""parser": "accessLog", "logfile": "/var/log/nginx/access.log""#;

/// One body of at most `limit` bytes.
pub fn body(form: Form, limit: usize) -> Body {
    let (mut log, mut chance) = (AccessLog::new(), Chance::new(7));
    let (mut line, mut log_bytes, mut read_bytes) = (Vec::new(), 0, 0);
    let mut bytes = Vec::with_capacity(limit);
    bytes.extend_from_slice(
        br#"{"token": "0123456789abcdefghijklmnopqrstuvwxyz-", "session": "MOtAP70TC5z9z_GH6ZZBCnALwVg=", "threads": [], "sessionInfo": {"serverHost": "web-1", "tier": "frontend"}, events: ["#,
    );
    let mut time: u64 = 1_795_355_310_507_682_560;
    let mut next_read = 0;
    while bytes.len() + 3 * LINE_BYTES + 1000 < limit {
        line.clear();
        log.append_line(&mut line);
        let separator = if log_bytes == 0 { "" } else { "," };
        let attributes = match form {
            Form::Lean => "",
            Form::Python => ATTRIBUTES,
        };
        let _ = write!(bytes, "{separator}{{thread:\"log_1\", log:\"log_1\", attrs:{{{attributes}");
        if form == Form::Python {
            bytes.push(b',');
            // It takes about 20 microseconds per line.
            time += 256 * (70 + chance.below(25));
        } else if read_bytes >= next_read {
            (read_bytes, next_read) = (0, 65_536 + chance.below(65_536));
            time += 300_000 + chance.below(100_000);
        }
        bytes.extend_from_slice(b"message:`s");
        bytes.extend_from_slice(&(LINE_BYTES as i32).to_be_bytes());
        bytes.extend_from_slice(&line);
        let _ = write!(bytes, "}},sd:{LINE_BYTES},ts:\"{time}\"}}");
        log_bytes += line.len();
        read_bytes += line.len() as u64;
    }
    let _ = write!(
        bytes,
        "], logs: [{{\"id\": \"log_1\", \"attrs\": {{{ATTRIBUTES}}}}}], threads: [{{\"id\": \"log_1\", \"name\": \
         \"Lines for file /var/log/nginx/access.log\"}}], client_time: 1795355311 }}"
    );
    Body { bytes, log_bytes }
}
