//! What the indentation of a text says about brackets that were forgotten.

use std::collections::VecDeque;

use super::cursor::{Cursor, is_blank};
use super::fault::MAX_FAULTS;
use super::skim;

/// A bracket that is not closed, though the indentation says that it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// Where it opens, in bytes.
    pub(super) bracket: usize,
    /// What begins there is no part of it any more.
    pub(super) before: usize,
}

/// A bracket that is open.
struct Open {
    at: usize,
    closing: char,
    /// Where its line begins, and how many blanks stand before the first character of that.
    line: usize,
    indent: usize,
}

/// The brackets that were forgotten, in the order of the text, if each bracket has its partner with them; otherwise
/// nothing, as a text that is indented in another way tells nothing. A bracket ends at a line that is indented less than
/// the line it opens on, or as much and does not close it.
pub(super) fn find_forgotten(text: &str) -> VecDeque<Forgotten> {
    let mut found = VecDeque::new();
    let mut open: Vec<Open> = Vec::new();
    let mut rest = Cursor::new(text);
    let (mut line, mut indent, mut is_first) = (rest.at, 0, true);
    while let Some(c) = rest.peek() {
        let at = rest.at;
        if is_first && !is_blank(c) {
            (indent, is_first) = (at - line, false);
            // A line may go on with these.
            let may_go_on = matches!(c, ',' | '+' | '/' | '#');
            let ends = |open: &Open| open.indent > indent || open.indent == indent && !matches!(c, '}' | ']');
            while let Some(bracket) = open.last().filter(|open| !may_go_on && open.line != line && ends(open)) {
                found.push_back(Forgotten { bracket: bracket.at, before: at });
                open.pop();
            }
            if found.len() > MAX_FAULTS || !found.is_empty() && open.is_empty() {
                return VecDeque::new();
            }
        }
        match c {
            '{' => open.push(Open { at, closing: '}', line, indent }),
            '[' => open.push(Open { at, closing: ']', line, indent }),
            '}' | ']' if open.pop().is_none_or(|open| open.closing != c) => return VecDeque::new(),
            _ => {}
        }
        skim::skip_piece(&mut rest);
        if matches!(c, '\n' | '\r') {
            (line, is_first) = (rest.at, true);
        }
    }
    if open.is_empty() { found } else { VecDeque::new() }
}
