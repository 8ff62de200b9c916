//! The finished metric lines of a sample, on their way to whoever takes them.

/// Lines beyond this many bytes are handed on before the sample ends, so that a flood stays small in memory.
pub(crate) const HAND_ON_BYTES: usize = 64 * 1024;

/// What the buffer of lines keeps from one sample to the next: room for the line that made it full, too.
pub(crate) const KEPT_BYTES: usize = HAND_ON_BYTES + 8 * 1024;

/// A longer line is cut: no line of a log that the agent ships may be longer than a part of it.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Takes the lines of a sample: a metric log, standard output, or a test.
#[doc(hidden)]
pub trait LineSink: Send {
    /// Writes the lines in one go.
    fn write_lines(&mut self, lines: &Lines);
}

/// Finished metric lines, one behind the other, each with its line end.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct Lines {
    /// With the beginning of an unfinished line at its end, while one is written.
    pub(crate) text: String,
    ends: Vec<LineEnd>,
}

/// Where a line ends, and what it is.
#[derive(Clone, Copy, Debug)]
struct LineEnd {
    end: usize,
    /// Where its text begins, behind time and name.
    body: usize,
    kind: LineKind,
}

/// What a line is; for the test harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// A metric that the monitor declared.
    Declared,
    /// A metric whose name was only known at run time.
    Dynamic,
    /// The rate of a metric.
    Rate,
    /// A whole line of text.
    Text,
}

/// A line and what it is.
pub(crate) struct MarkedLine<'l> {
    line: &'l str,
    body: usize,
    pub(crate) kind: LineKind,
}

/// How long the value is that a text begins with: up to the next blank, or, of a quoted one, to its closing quote.
fn value_length(text: &str) -> usize {
    let Some(quoted) = text.strip_prefix('"') else { return text.find(' ').unwrap_or(text.len()) };
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

impl<'l> MarkedLine<'l> {
    /// Time and name of the monitor, with the blank behind them.
    pub(crate) fn head(&self) -> &'l str {
        self.line.get(..self.body).unwrap_or_default()
    }

    /// What stands behind them, without the line end.
    pub(crate) fn body(&self) -> &'l str {
        self.line.get(self.body..).unwrap_or_default().trim_end_matches('\n')
    }
}

impl Lines {
    /// The whole text; every line ends in `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Each line, with its line end.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.marked().map(|marked| marked.line)
    }

    /// The metrics among the lines, without time and name of the monitor: the metric's name, its value as it stands in
    /// the line, and the extra fields as text (`count=1 host="a"`).
    pub fn metrics(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.marked().filter(|marked| marked.kind != LineKind::Text).map(|marked| {
            let (metric, rest) = marked.body().split_once(' ').unwrap_or((marked.body(), ""));
            let (value, fields) = rest.split_at(value_length(rest));
            (metric, value, fields.trim_start_matches(' '))
        })
    }

    /// Each line, and what it is.
    pub(crate) fn marked(&self) -> impl Iterator<Item = MarkedLine<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&LineEnd { end, body, kind }| {
            let marked = MarkedLine { line: &self.text[start..end], body: body - start, kind };
            start = end;
            marked
        })
    }

    /// Where the last finished line ends.
    fn end(&self) -> usize {
        self.ends.last().map_or(0, |last| last.end)
    }

    /// Forgets the lines, and gives back what one large sample needed.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.text.shrink_to(KEPT_BYTES);
        self.ends.shrink_to(KEPT_BYTES / size_of::<LineEnd>());
    }

    /// Cuts the unfinished line off at [`MAX_LINE_BYTES`]; tells how many bytes were too many, 0 when it was short
    /// enough.
    pub(crate) fn cut_line(&mut self) -> usize {
        let start = self.end();
        let length = self.text.len() - start;
        if length <= MAX_LINE_BYTES {
            return 0;
        }
        let end = self.text.floor_char_boundary(start + MAX_LINE_BYTES);
        self.text.truncate(end);
        length - (end - start)
    }

    /// Ends the unfinished line, whose text begins at `body`.
    pub(crate) fn end_line(&mut self, body: usize, kind: LineKind) {
        self.text.push('\n');
        self.ends.push(LineEnd { end: self.text.len(), body, kind });
    }

    /// Drops the beginning of a line that a panic kept from its end.
    pub(crate) fn drop_torn(&mut self) {
        self.text.truncate(self.end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_among_the_lines_are_told_apart_into_name_value_and_fields() {
        let mut lines = Lines::default();
        for (body, kind) in [
            ("up 1", LineKind::Declared),
            ("names.last \"a \\\"b\\\\\" host=\"x y\" n=2", LineKind::Dynamic),
            ("some words 12", LineKind::Text),
            ("odd \"never closed", LineKind::Rate),
        ] {
            lines.text.push_str("2026-01-01 00:00:00.000Z [coin()] ");
            let start = lines.text.len();
            lines.text.push_str(body);
            lines.end_line(start, kind);
        }
        assert_eq!(
            lines.metrics().collect::<Vec<_>>(),
            [("up", "1", ""), ("names.last", "\"a \\\"b\\\\\"", "host=\"x y\" n=2"), ("odd", "\"never closed", ""),]
        );
    }
}
