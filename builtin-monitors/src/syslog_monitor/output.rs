//! Where messages go: lines are gathered and written file by file, as often as something was received.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use scalyr_monitor::{LogWriter, Obstacle, WhenFull};

use super::options::RequestParser;
use super::sources::Sources;
use super::warnings::Warnings;

/// So many bytes of lines are gathered at most before they are written.
const GATHERED: usize = 1 << 20;

/// Who sent a message, as far as the way says it that it came by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) protocol: &'static str,
    /// `local` of a Unix socket.
    pub(super) ip: String,
    /// 0 of a Unix socket.
    pub(super) port: String,
}

/// How a message becomes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Without blanks around it.
    Trimmed,
    /// Without line ends behind it.
    WithoutEnd,
    /// As it is.
    Whole,
    /// Without blanks around it and without bytes that are no UTF-8.
    Packet,
}

impl Manner {
    /// Of a connection.
    pub(super) fn of(parser: RequestParser) -> Self {
        match parser {
            RequestParser::Default => Self::Trimmed,
            RequestParser::Batch => Self::WithoutEnd,
            RequestParser::Raw => Self::Whole,
        }
    }

    fn push(self, message: &[u8], lines: &mut Vec<u8>) {
        match self {
            Self::Trimmed => lines.extend_from_slice(message.trim_ascii()),
            Self::WithoutEnd => {
                let length = message.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
                lines.extend_from_slice(&message[..length]);
            }
            Self::Whole => lines.extend_from_slice(message),
            Self::Packet => match std::str::from_utf8(message) {
                Ok(text) => lines.extend_from_slice(text.trim().as_bytes()),
                Err(_) => {
                    let text: String = message.utf8_chunks().map(|chunk| chunk.valid()).collect();
                    lines.extend_from_slice(text.trim().as_bytes());
                }
            },
        }
        lines.push(b'\n');
    }
}

/// A file, and the lines that are still to be written to it.
pub(super) struct Target {
    pub(super) path: PathBuf,
    writer: LogWriter,
    lines: Vec<u8>,
    /// How many messages the lines are.
    messages: u64,
    pub(super) used: Instant,
}

impl Target {
    pub(super) fn new(path: PathBuf, writer: LogWriter, now: Instant) -> Self {
        Self { path, writer, lines: Vec::new(), messages: 0, used: now }
    }

    fn push(&mut self, message: &[u8], manner: Manner, now: Instant) -> usize {
        let before = self.lines.len();
        manner.push(message, &mut self.lines);
        self.messages += 1;
        self.used = now;
        self.lines.len() - before
    }

    /// Whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Writes what it can; how many messages that were, if it was all.
    fn flush(&mut self, when_full: WhenFull) -> Result<u64, Obstacle> {
        if self.lines.is_empty() {
            return Ok(0);
        }
        let appended = self.writer.append(&self.lines, when_full);
        self.lines.drain(..appended.written.min(self.lines.len()));
        match appended.obstacle {
            Some(obstacle) if !self.lines.is_empty() => Err(obstacle),
            _ => {
                self.lines.clear();
                // One flood is no reason to keep its memory.
                self.lines.shrink_to(2 * GATHERED);
                Ok(std::mem::take(&mut self.messages))
            }
        }
    }
}

/// Why, and since when, nothing is received.
struct Blocked {
    since: Instant,
    path: PathBuf,
}

/// All files.
pub(super) struct Output {
    main: Target,
    sources: Option<Sources>,
    warnings: Warnings,
    gathered: usize,
    now: Instant,
    blocked: Option<Blocked>,
    /// Why a file cannot be written, while that lasts.
    trouble: Option<String>,
    /// Messages that were written since they were last asked for.
    pub(super) written: u64,
    /// Messages that were lost since then.
    pub(super) lost: u64,
}

impl Output {
    pub(super) fn new(main: Target, sources: Option<Sources>, warnings: Warnings, now: Instant) -> Self {
        Self { main, sources, warnings, gathered: 0, now, blocked: None, trouble: None, written: 0, lost: 0 }
    }

    /// Whether it matters who sent a message.
    pub(super) fn tells_sources_apart(&self) -> bool {
        self.sources.is_some()
    }

    /// A round begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.now = now;
    }

    /// Whether something could not be written the last time.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Why a file could not be written the last time, unless it only waits for its upload.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Takes a message; it is written with the next [`flush`](Self::flush).
    pub(super) fn take(&mut self, source: &Source, message: &[u8], manner: Manner) {
        let of_source = self.sources.as_mut().and_then(|sources| sources.target(source, message, self.now));
        let target = of_source.unwrap_or(&mut self.main);
        self.gathered += target.push(message, manner, self.now);
    }

    /// Whether so much is gathered that it should be written before more is received.
    pub(super) fn is_full(&self) -> bool {
        self.gathered >= GATHERED
    }

    /// Writes everything; otherwise says how long to wait before it is tried again, with nothing received meanwhile.
    pub(super) fn flush(&mut self, when_full: WhenFull) -> Result<(), Duration> {
        let targets = std::iter::once(&mut self.main).chain(self.sources.iter_mut().flat_map(Sources::targets));
        let mut failure = None;
        for target in targets {
            match target.flush(when_full) {
                Ok(messages) => self.written += messages,
                Err(obstacle) => failure = Some((target.path.clone(), obstacle)),
            }
        }
        if let Some((path, obstacle)) = failure {
            return Err(self.block(path, &obstacle));
        }
        self.gathered = 0;
        self.trouble = None;
        if let Some(blocked) = self.blocked.take() {
            let waited = self.warnings.clock.monotonic().saturating_duration_since(blocked.since);
            self.warnings.can_write_again(&blocked.path.display(), waited);
        }
        Ok(())
    }

    fn block(&mut self, path: PathBuf, obstacle: &Obstacle) -> Duration {
        /// Until the agent has opened a file.
        const MOMENT: Duration = Duration::from_millis(10);
        const UNTIL_UPLOADED: Duration = Duration::from_millis(100);
        const SECOND: Duration = Duration::from_secs(1);
        let pause = match obstacle {
            Obstacle::Full { unsettled: 0 } => return MOMENT,
            Obstacle::Full { unsettled } => {
                self.warnings.full(&path.display(), *unsettled);
                UNTIL_UPLOADED
            }
            Obstacle::Failed(error) => {
                self.warnings.cannot_write(&path.display(), error);
                self.trouble = Some(format!("{} cannot be written: {error}", path.display()));
                SECOND
            }
        };
        self.blocked.get_or_insert_with(|| Blocked { since: self.warnings.clock.monotonic(), path });
        pause
    }

    /// Closes and deletes files that nobody writes to.
    pub(super) fn tidy(&mut self, now: Instant) {
        if let Some(sources) = &mut self.sources {
            sources.tidy(now);
        }
    }

    /// Writes what is left, also where the files grow beyond their size by it; what cannot be written is lost.
    pub(super) fn finish(&mut self) {
        let targets = std::iter::once(&mut self.main).chain(self.sources.iter_mut().flat_map(Sources::targets));
        for target in targets {
            match target.flush(WhenFull::Grow) {
                Ok(messages) => self.written += messages,
                Err(obstacle) => {
                    let error = match obstacle {
                        Obstacle::Failed(error) => error.to_string(),
                        Obstacle::Full { .. } => "it is full".to_owned(),
                    };
                    self.lost += target.messages;
                    self.warnings.lost_at_end(&target.path.display(), target.messages, &error);
                }
            }
        }
    }

    /// The messages that were written, and those that were lost, since the last call.
    pub(super) fn counts(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.written), std::mem::take(&mut self.lost))
    }

    /// The file of all messages that have none of their own.
    pub(super) fn main_path(&self) -> &Path {
        &self.main.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_line_in_the_manner_of_its_way() {
        let line = |manner: Manner, message: &[u8]| {
            let mut lines = Vec::new();
            manner.push(message, &mut lines);
            String::from_utf8(lines).unwrap()
        };
        assert_eq!(line(Manner::Trimmed, b"  x \r"), "x\n");
        assert_eq!(line(Manner::WithoutEnd, b"  x \r\n\n"), "  x \n");
        assert_eq!(line(Manner::Whole, b"  x \r"), "  x \r\n");
        assert_eq!(line(Manner::Packet, b" a\xffb\xc3\xa4\n"), "ab\u{e4}\n");
        assert_eq!(line(Manner::Packet, b" \n "), "\n");
    }
}
