//! Which bracket was forgotten, or is of the wrong kind or one too many: the reading with which the rest of the text has
//! a partner for each bracket.

use super::super::super::report::Position;
use super::*;

/// What a version control system writes around the two sides of a conflict.
const CONFLICT: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

impl Scanner<'_> {
    fn place_of(&self, at: usize) -> String {
        let Position { line, column } = position_of(self.text, at);
        format!("{line}:{column}")
    }

    /// Closes the brackets that end before this, as the indentation says. Tells whether there was one.
    pub(super) fn close_forgotten(&mut self, c: char, next: Next) -> Result<bool, Lost> {
        let mut is_closed = false;
        while let (Some(forgotten), Some(bracket)) = (self.forgotten.front().copied(), self.open.last().copied()) {
            let is_here = forgotten.before == self.source.at && forgotten.bracket == bracket.at;
            if !is_here || !matches!(next, Next::Member | Next::Separator) {
                break;
            }
            self.forgotten.pop_front();
            let message = format!("expected `{}` before this, found {}", bracket.closing(), show(c));
            self.report(Fault::at(self.source.at, message).hint(self.hint_of_open()))?;
            self.pop_bracket();
            is_closed = true;
        }
        Ok(is_closed)
    }

    /// A key where the configuration should open, whose closing brace stands at the end: begins it here.
    pub(super) fn has_no_opening(&mut self, c: char) -> Result<bool, Lost> {
        let at = self.source.at;
        if matches!(c, '{' | '[') || !skim::is_key(self.source.clone()) || !self.is_balanced_with(at, 0, Some('}')) {
            return Ok(false);
        }
        let fault = Fault::at(at, format!("expected `{{`, found {}", show(c)));
        self.report(fault.hint("the configuration stands in braces, { ... }: write a `{` before this"))?;
        self.push_bracket(true, at);
        Ok(true)
    }

    /// The configuration was closed before this, `found` at `at`, and will be closed once more: goes on within it.
    pub(super) fn reopen(&mut self, at: usize, found: &str) -> Result<Option<Next>, Lost> {
        let Some((root, closed)) = self.root else { return Ok(None) };
        if !root.is_object || !self.is_balanced_with(closed + 1, 0, Some(root.closing())) {
            return Ok(None);
        }
        let end = self.place_of(closed);
        let message = format!("found {found} behind the end of the configuration, which is at {end}");
        self.report(
            Fault::at(at, message).hint(format!("remove the `}}` at {end}, or write the `{{` that it closes")),
        )?;
        self.out.pop();
        self.open.push(root);
        (self.root, self.last_value) = (None, None);
        self.source.at = closed + 1;
        Ok(Some(Next::Separator))
    }

    /// Makes a list of the object that was just opened, or an object of the list, if that makes sense of what follows;
    /// then tells what to do.
    pub(super) fn turn_bracket(&mut self, from: usize) -> Option<String> {
        let bracket = *self.open.last()?;
        let turned = Bracket { is_object: !bracket.is_object, ..bracket };
        if !self.is_balanced_with(from, self.open.len() - 1, Some(turned.closing())) {
            return None;
        }
        self.open.pop();
        self.open.push(turned);
        self.out.pop();
        self.out.push(turned.opening());
        let place = self.place_of(bracket.at);
        Some(format!("write `{}` in place of the `{}` at {place}", turned.opening(), bracket.opening()))
    }

    /// What was taken for the value of a key, or stands in its place, is a key: opens an object before it, if that makes
    /// sense of what follows. Tells whether it does.
    pub(super) fn open_late(&mut self, message: &str) -> Result<bool, Lost> {
        let (Some((written, index)), Some(mark)) = (self.last_value, self.marks.last().copied()) else {
            return Ok(false);
        };
        let is_leaf = self.last_leaf == Some(written) && index + 1 == self.marks.len() && mark.key.is_some();
        if !is_leaf
            || self.open.len() >= MAX_DEPTH
            || !skim::is_key(Cursor { at: mark.value, ..self.source.clone() })
            || !self.is_balanced_with(mark.value, self.open.len(), Some('}'))
        {
            return Ok(false);
        }
        self.report(Fault::at(self.source.at, message).hint(format!("write a `{{` at {}", self.place_of(mark.value))))?;
        self.out.truncate(written);
        self.push_bracket(true, mark.value);
        self.source.at = mark.value;
        Ok(true)
    }

    /// Another element, at `at`, behind the value of a key: makes the first element of a list of it, if that makes sense
    /// of what follows. Tells whether it does. `written` is how much of `out` stays.
    pub(super) fn begin_list_late(&mut self, at: usize, written: usize, message: &str) -> Result<bool, Lost> {
        let Some((first, index)) = self.last_value else { return Ok(false) };
        let Some(mark) = self.marks.get(index).copied().filter(|mark| mark.key.is_some()) else { return Ok(false) };
        if self.open.len() >= MAX_DEPTH || !self.is_balanced_with(at, self.open.len(), Some(']')) {
            return Ok(false);
        }
        self.report(Fault::at(self.source.at, message).hint(format!("write a `[` at {}", self.place_of(mark.value))))?;
        self.out.truncate(written);
        self.out.insert(first, '[');
        self.marks.insert(index, Mark { key: mark.key, value: mark.value, ..Mark::default() });
        if let Some(element) = self.marks.get_mut(index + 1) {
            element.key = None;
        }
        self.open.push(Bracket { is_object: false, at: mark.value, written: first, mark: index });
        (self.last_leaf, self.last_value) = (None, None);
        self.source.at = at;
        Ok(true)
    }

    /// Whether a line of a conflict of versions stands here. Each conflict is told once.
    pub(super) fn is_conflict(&mut self) -> Result<bool, Lost> {
        let (at, rest) = (self.source.at, self.source.rest());
        let is_at_line = self.text[..at].is_empty() || self.text[..at].ends_with(['\n', '\r']);
        let Some(found) = CONFLICT.iter().find(|marker| is_at_line && rest.starts_with(**marker)) else {
            return Ok(false);
        };
        if found.starts_with('<') {
            let message = "a conflict of two versions of the file begins here";
            self.report(
                Fault::at(at, message).hint("keep one of them, and remove the lines <<<<<<<, ======= and >>>>>>>"),
            )?;
            self.is_shaky = true;
        }
        Ok(found.starts_with('<') || self.faults.iter().any(|fault| fault.message.starts_with("a conflict of two")))
    }
}
