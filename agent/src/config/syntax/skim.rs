//! Looking ahead from a place that cannot be read: whether what follows can be.
//!
//! Each of these looks at the text behind the place once, and each fault asks for a few at most, so that a text with its
//! bounded number of faults is read in time linear in its length.

use super::cursor::{Cursor, is_blank};
use super::fault::resembles_quote;
use super::texts::TRIPLE;

/// Whether from here on each bracket has its partner, and those that are open now have theirs; `open` holds the closing
/// brackets that are wanted, the last one first to come.
pub(super) fn is_balanced(mut rest: Cursor<'_>, open: &[char]) -> bool {
    let mut wanted = open.to_vec();
    let mut is_closed = wanted.is_empty();
    while let Some(c) = rest.peek() {
        match c {
            '{' | '[' if is_closed => return false,
            '{' => wanted.push('}'),
            '[' => wanted.push(']'),
            '}' | ']' if wanted.pop() != Some(c) => return false,
            '}' | ']' => is_closed = wanted.is_empty(),
            _ => {}
        }
        skip_piece(&mut rest);
    }
    wanted.is_empty()
}

/// Moves past one character, or past a text or comment as a whole. Tells whether that has an end.
pub(super) fn skip_piece(cursor: &mut Cursor<'_>) -> bool {
    let rest = cursor.rest();
    let Some(c) = cursor.peek() else { return false };
    match c {
        '"' | '\'' => return skip_text(cursor, c),
        '/' if rest.starts_with("//") && is_behind_blank(cursor) => cursor.skip_line(),
        '#' if is_behind_blank(cursor) => cursor.skip_line(),
        '/' if rest.starts_with("/*") && is_behind_blank(cursor) => {
            let end = rest.get(2..).and_then(|inside| inside.find("*/"));
            cursor.at += end.map_or(rest.len(), |end| end + 4);
            return end.is_some();
        }
        // Not one by one: an escaped quote begins no text.
        '\\' => cursor.at += 1 + cursor.peek_second().filter(|c| !matches!(c, '\n' | '\r')).map_or(0, char::len_utf8),
        _ => cursor.at += c.len_utf8(),
    }
    true
}

/// A `//` or `/*` within a word begins no comment: whoever forgot the quotes may have written an address or a pattern.
fn is_behind_blank(cursor: &Cursor<'_>) -> bool {
    let before = cursor.text.get(..cursor.at).unwrap_or_default().chars().next_back();
    before.is_none_or(|c| is_blank(c) || matches!(c, ',' | ';' | '{' | '}' | '[' | ']' | '"' | '\''))
}

/// A text as far as the end of its line, or in triple quotes. A quote that has no partner there is passed alone.
fn skip_text(cursor: &mut Cursor<'_>, quote: char) -> bool {
    let rest = cursor.rest();
    if let Some(inside) = rest.strip_prefix(TRIPLE) {
        let end = inside.find(TRIPLE);
        cursor.at += end.map_or(rest.len(), |end| end + 2 * TRIPLE.len());
        return end.is_some();
    }
    cursor.at += text_length(rest, quote).unwrap_or(1);
    true
}

/// How long a text in quotes is that ends on its line.
fn text_length(rest: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            '\n' | '\r' if !is_escaped => return None,
            c if c == quote && !is_escaped => return Some(offset + c.len_utf8()),
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    None
}

/// Moves past what cannot be read: to the next comma, line break or closing bracket on this level. Tells whether there
/// are brackets in it; `None` when one of them, or a text or comment, has no end.
pub(super) fn skip_junk(cursor: &mut Cursor<'_>) -> Option<bool> {
    let (mut depth, mut has_brackets) = (0_usize, false);
    while let Some(c) = cursor.peek() {
        match c {
            ',' | '\n' | '\r' | '}' | ']' if depth == 0 => break,
            '{' | '[' => (depth, has_brackets) = (depth + 1, true),
            '}' | ']' => depth -= 1,
            c if resembles_quote(c) => {
                let behind = &cursor.rest()[c.len_utf8()..];
                let partner = behind.find(|c| matches!(c, '\n' | '\r') || resembles_quote(c));
                if let Some(offset) = partner.filter(|offset| !behind[*offset..].starts_with(['\n', '\r'])) {
                    cursor.at += c.len_utf8() + offset;
                }
            }
            _ => {}
        }
        if !skip_piece(cursor) {
            return None;
        }
    }
    (depth == 0).then_some(has_brackets)
}

/// Whether a key and its colon stand here.
pub(super) fn is_key(mut cursor: Cursor<'_>) -> bool {
    let rest = cursor.rest();
    let length = match cursor.peek() {
        Some(quote @ ('"' | '\'')) => text_length(rest, quote),
        _ => Some(odd_key(rest).len()).filter(|length| *length > 0),
    };
    let Some(length) = length else { return false };
    cursor.at += length;
    cursor.skip_gap().is_ok() && cursor.peek() == Some(':')
}

/// What may be meant as a key without quotes.
pub(super) fn odd_key(rest: &str) -> &str {
    let is_end = |c| is_blank(c) || matches!(c, ':' | ',' | '{' | '}' | '[' | ']' | '"' | '\'' | '=' | '#');
    rest.get(..rest.find(is_end).unwrap_or(rest.len())).unwrap_or_default()
}

/// Whether a value stands here, as an element of a list.
pub(super) fn is_value(cursor: &Cursor<'_>) -> bool {
    match cursor.peek() {
        Some('{' | '[' | '"' | '\'' | '-' | '0'..='9') => true,
        Some(_) => matches!(cursor.bare_token(), "true" | "false" | "null"),
        None => false,
    }
}

/// Whether what stands here, apart from blanks, ends a member: a comma, a closing bracket, the end of the line.
pub(super) fn is_end_of_member(cursor: &Cursor<'_>) -> bool {
    let rest = cursor.rest().trim_start_matches([' ', '\t']);
    rest.is_empty() || rest.starts_with([',', '}', ']', '\n', '\r']) || rest.starts_with("//")
}

/// Where on this line a text ends that a quote within it seemed to end.
pub(super) fn end_of_text_on_line(cursor: &Cursor<'_>) -> Option<usize> {
    let rest = cursor.rest();
    let line = rest.get(..rest.find(['\n', '\r']).unwrap_or(rest.len())).unwrap_or_default();
    line.match_indices(['"', '\'']).map(|(offset, quote)| cursor.at + offset + quote.len()).find(|end| {
        let behind = Cursor { at: *end, ..cursor.clone() };
        is_end_of_member(&behind)
    })
}
