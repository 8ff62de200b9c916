//! `parse_format: cri`: the lines of container runtimes, whose parts are joined (`log-copying.md` section 6).
//!
//! Nothing is remembered from one window to the next: while a line of one stream has parts and no end, nothing behind
//! its first byte is taken, so that a restart finds all parts again. When the window is full of what stands behind an
//! open line, or its time has come, all open lines are taken as far as they go.

use std::ops::Range;

use scalyr_monitor::Timestamp;

use super::made::Made;
use super::time::read_time;
use super::units::Units;
use super::{GoesOn, Window};

/// What an event has whose line is in another format.
const UNPARSED: &[u8] = b"\"cri_unparsed\":true";

/// What is kept of the list of parts from one window to the next.
const KEPT_PARTS: usize = 64;

/// Joins the parts of lines. Empty between two windows.
#[derive(Debug, Default)]
pub(super) struct Cri {
    /// The line of each stream that has parts and no end yet.
    open: [Option<Open>; 2],
    /// The parts of open lines, in the order of the file.
    parts: Vec<(Stream, Range<usize>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

/// A line of which parts are there.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Of the first part.
    time: Timestamp,
    /// Source bytes of its parts, with their frames.
    source: usize,
    /// Bytes of its message so far.
    message: usize,
    /// Where it begins.
    at: usize,
}

/// One line, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    stream: Stream,
    time: Timestamp,
    /// Whether the line goes on in another part.
    partial: bool,
    /// Without CR LF; with the LF when it has no CR.
    message: Range<usize>,
}

/// Where records go to.
struct Out<'a> {
    window: Window,
    raw_timestamp: bool,
    source: &'a [u8],
    made: &'a mut Made,
    /// Up to where there are records of the source bytes: those of a line count together, wherever its parts stand.
    done: usize,
}

impl Cri {
    /// Makes records of all lines that are complete. Returns how many bytes they take.
    pub(super) fn take(
        &mut self,
        units: &mut Units<'_>,
        window: Window,
        raw_timestamp: bool,
        made: &mut Made,
        goes_on: &GoesOn<'_>,
    ) -> usize {
        self.open = [None; 2];
        self.parts.clear();
        let limit = units.source.limit;
        // Where the line begins that has been open for longest.
        let (mut begin, mut mark) = (0, made.mark());
        let mut out = Out { window, raw_timestamp, source: units.source.bytes, made, done: 0 };
        loop {
            let before = out.made.mark();
            let Some(unit) = units.next(out.made) else { break };
            if self.is_idle() {
                (begin, mark) = (unit.start, before);
            }
            self.add(unit, limit, &mut out);
            if self.is_idle() {
                out.made.bind(mark);
                if !goes_on(out.made) {
                    break;
                }
            }
        }
        self.parts.shrink_to(KEPT_PARTS);
        if self.is_idle() {
            return units.at;
        }
        if begin > 0 || !units.are_final() {
            out.made.go_back(mark);
            return begin;
        }
        self.end_all(&mut out);
        out.made.bind(mark);
        units.at
    }

    fn is_idle(&self) -> bool {
        self.open.iter().all(Option::is_none)
    }

    /// Adds a line of the source.
    fn add(&mut self, line: Range<usize>, limit: usize, out: &mut Out<'_>) {
        let Some(part) = read_part(out.source, line.clone()) else {
            out.made.told.unparsed += 1;
            let attributes = out.made.write(|bytes| bytes.extend_from_slice(UNPARSED));
            out.push(line.len(), line, attributes, None);
            return;
        };
        let Part { stream, time, partial, message } = part;
        if self.open[stream as usize].is_some_and(|open| open.message + message.len() > limit) {
            self.end(stream, out);
        }
        if self.open[stream as usize].is_none() && !partial {
            // The usual case: the message is sent from where it stands, unless a CR was in its way.
            let ends_in_crlf = out.source[message.end..line.end] == *b"\r\n";
            let message = if ends_in_crlf || message.is_empty() {
                let source = out.source;
                out.made.write(|bytes| {
                    bytes.extend_from_slice(&source[message]);
                    bytes.push(b'\n');
                })
            } else {
                message
            };
            let attributes = out.attributes(stream, time);
            return out.push(line.len(), message, attributes, Some(time));
        }
        let open = self.open[stream as usize].get_or_insert(Open { time, source: 0, message: 0, at: line.start });
        open.source += line.len();
        open.message += message.len();
        // Parts are joined without what ends their lines, but for the last.
        let has_lf = out.source[message.clone()].ends_with(b"\n");
        let ends = has_lf || message.end < line.end;
        self.parts.push((stream, message.start..message.end - usize::from(has_lf)));
        if !partial {
            if ends {
                self.end_with(stream, b"\n", out);
            } else {
                self.end(stream, out);
            }
        }
    }

    /// Takes the line of a stream as far as it goes.
    fn end(&mut self, stream: Stream, out: &mut Out<'_>) {
        self.end_with(stream, b"", out);
    }

    fn end_with(&mut self, stream: Stream, line_end: &[u8], out: &mut Out<'_>) {
        let Some(open) = self.open[stream as usize].take() else { return };
        let (parts, source) = (&self.parts, out.source);
        let message = out.made.write(|bytes| {
            for (_, part) in parts.iter().filter(|(of, _)| *of == stream) {
                bytes.extend_from_slice(&source[part.clone()]);
            }
            bytes.extend_from_slice(line_end);
        });
        self.parts.retain(|(of, _)| *of != stream);
        let attributes = out.attributes(stream, open.time);
        out.push(open.source, message, attributes, Some(open.time));
    }

    /// Takes all open lines as far as they go, the one that began first before the other.
    fn end_all(&mut self, out: &mut Out<'_>) {
        let mut streams = [Stream::Stdout, Stream::Stderr];
        streams.sort_by_key(|stream| self.open[*stream as usize].map(|open| open.at));
        for stream in streams {
            self.end(stream, out);
        }
    }
}

impl Out<'_> {
    fn push(&mut self, source: usize, message: Range<usize>, attributes: Range<usize>, time: Option<Timestamp>) {
        self.done += source;
        self.made.push(self.window, self.done, message, attributes, time);
    }

    fn attributes(&mut self, stream: Stream, time: Timestamp) -> Range<usize> {
        let raw_timestamp = self.raw_timestamp;
        self.made.write(|bytes| {
            bytes.extend_from_slice(match stream {
                Stream::Stdout => b"\"stream\":\"stdout\"",
                Stream::Stderr => b"\"stream\":\"stderr\"",
            });
            if raw_timestamp {
                bytes.extend_from_slice(b",\"raw_timestamp\":");
                bytes.extend_from_slice(itoa::Buffer::new().format(time.as_nanos()).as_bytes());
            }
        })
    }
}

/// Takes a line apart: `<time> <stdout|stderr> <tags> <message>`, where the space behind the tags may be missing when
/// the message is empty. The first of the tags, which `:` separates, says whether the line goes on (`P`) or ends (`F`).
fn read_part(source: &[u8], line: Range<usize>) -> Option<Part> {
    let whole = &source[line.clone()];
    let end = if whole.ends_with(b"\r\n") { whole.len() - 2 } else { whole.len() };
    let text = &whole[..end];
    let time_end = memchr::memchr(b' ', text)?;
    let time = read_time(&text[..time_end])?;
    let rest = &text[time_end + 1..];
    let stream = match rest.get(..7)? {
        b"stdout " => Stream::Stdout,
        b"stderr " => Stream::Stderr,
        _ => return None,
    };
    let tags = time_end + 1 + 7;
    let tags_end = tags + text[tags..].iter().position(|byte| matches!(byte, b' ' | b'\n')).unwrap_or(end - tags);
    let partial = match text[tags..tags_end].split(|byte| *byte == b':').next() {
        Some(b"P") => true,
        Some(b"F") => false,
        _ => return None,
    };
    let message = tags_end + usize::from(text.get(tags_end) == Some(&b' '));
    Some(Part { stream, time, partial, message: line.start + message..line.start + end })
}
