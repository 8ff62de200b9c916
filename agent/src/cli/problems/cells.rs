//! A part of a line as it is shown: secrets masked, control characters harmless, no longer than the terminal is wide.

use std::ops::Range;

use crate::config::masking::loose::end_of_quoted;
use crate::config::report::is_obeyed;

/// What stands in the place of a secret, whatever its length.
const MASK: &str = "********";
const TAB: &str = "    ";
/// What stands in the place of characters that a terminal would obey.
const HARMLESS: &str = "\u{fffd}";
const CUT: &str = "…";

/// A shown piece of a line, and where it comes from.
struct Cell<'t> {
    shown: &'t str,
    source: Range<usize>,
}

/// A line that is ready to be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShownLine {
    pub(super) text: String,
    /// The byte range to underline.
    pub(super) span: Range<usize>,
}

/// The part of a text around an offset that may be shown: at most so many characters of its line to either side.
pub(super) fn around(text: &str, at: usize, most: usize) -> Range<usize> {
    let is_end = |c: &char| matches!(c, '\n' | '\r');
    let before: usize = text[..at].chars().rev().take_while(|c| !is_end(c)).take(most).map(char::len_utf8).sum();
    let behind: usize = text[at..].chars().take_while(|c| !is_end(c)).take(most).map(char::len_utf8).sum();
    at - before..at + behind
}

/// The token that begins at the beginning of a text: a string with its quotes, a word, a number, another character.
pub(super) fn token_length(text: &str) -> usize {
    let Some(first) = text.chars().next() else { return 0 };
    if let Some(inside) = text.strip_prefix("\"\"\"") {
        return inside.find("\"\"\"").map_or(text.len(), |end| end + 6);
    }
    if matches!(first, '"' | '\'') {
        return end_of_quoted(&text[1..], first).map_or(text.len(), |end| end + 2);
    }
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | '$');
    text.find(|c| !is_of_word(c)).unwrap_or(text.len()).max(first.len_utf8())
}

/// Shows `part` of a text with `token` underlined, in `width` characters; `secrets` are sorted and do not overlap.
pub(super) fn show(
    text: &str,
    part: &Range<usize>,
    token: &Range<usize>,
    secrets: &[Range<usize>],
    width: usize,
) -> ShownLine {
    let cells = cells(text, part, secrets);
    let begin = cells.partition_point(|cell| cell.source.end <= token.start);
    let end = cells.partition_point(|cell| cell.source.start < token.end).max(begin);
    // When not all of it fits, a third of the width is for what stands before the token.
    let (mut first, mut last) = (0, cells.len());
    if cells.len() > width {
        first = begin.saturating_sub(width / 3).min(cells.len().saturating_sub(width));
        last = (first + width).min(cells.len());
    }
    let is_boundary = |at: usize| at == 0 || at == text.len() || text[..at].ends_with(['\n', '\r', '\u{feff}']);
    let is_end = |at: usize| at == text.len() || text[at..].starts_with(['\n', '\r']);
    let mut line = String::new();
    if first > 0 || !is_boundary(part.start) {
        line.push_str(CUT);
    }
    let mut span = 0..0;
    for (index, cell) in cells.iter().enumerate().take(last).skip(first) {
        if index == begin {
            span.start = line.len();
        }
        line.push_str(cell.shown);
        if index < end {
            span.end = line.len();
        }
    }
    if begin >= last {
        span.start = line.len();
    }
    if last < cells.len() || !is_end(part.end) {
        line.push_str(CUT);
    }
    ShownLine { span: span.start..span.end.max(span.start), text: line }
}

fn cells<'t>(text: &'t str, part: &Range<usize>, secrets: &[Range<usize>]) -> Vec<Cell<'t>> {
    let mut cells = Vec::new();
    let mut at = part.start;
    while let Some(c) = text[at..part.end.max(at)].chars().next() {
        let next = secrets.partition_point(|secret| secret.end <= at);
        if let Some(secret) = secrets.get(next).filter(|secret| secret.start <= at) {
            let end = secret.end.min(part.end);
            cells.extend(MASK.split("").filter(|piece| !piece.is_empty()).map(|shown| Cell { shown, source: at..end }));
            at = end;
            continue;
        }
        let source = at..at + c.len_utf8();
        at = source.end;
        let shown = match c {
            '\t' => {
                let blanks = TAB.split("").filter(|piece| !piece.is_empty());
                cells.extend(blanks.map(|shown| Cell { shown, source: source.clone() }));
                continue;
            }
            '\u{feff}' => continue,
            c if is_obeyed(c) => HARMLESS,
            _ => &text[source.clone()],
        };
        cells.push(Cell { shown, source });
    }
    cells
}
