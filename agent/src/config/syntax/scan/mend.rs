//! Going on behind a fault, where what follows can be trusted; a second fault that only follows from the first would be
//! worse than none.

use std::ops::Range;

use super::super::super::report::Position;
use super::*;

impl Scanner<'_> {
    /// What the last value is cannot be told. Of an object or list it can.
    pub(super) fn make_hole(&mut self) {
        if let (Some(written), Some(mark)) = (self.last_leaf, self.marks.last_mut()) {
            self.out.truncate(written);
            self.out.push_str("null");
            *mark = Mark { is_hole: true, is_inexact: false, ..*mark };
        }
    }

    /// What the innermost bracket holds is not known as a whole.
    pub(super) fn note_lack(&mut self) {
        if let Some(mark) = self.open.last().and_then(|bracket| self.marks.get_mut(bracket.mark)) {
            mark.lacks_member = true;
        }
    }

    /// Passes what cannot be read of a member.
    fn skip_junk(&mut self) -> Result<Next, Lost> {
        loop {
            let from = self.source.at;
            let passed = skim::skip_junk(&mut self.source);
            self.skimmed += self.source.at - from;
            self.is_shaky |= passed.ok_or(Lost)?;
            let behind = Cursor { at: self.source.at + 1, ..self.source.clone() };
            if self.source.peek() != Some(',') || skim::is_end_of_member(&behind) || self.is_fresh(behind.at) {
                return Ok(Next::Separator);
            }
            // The comma was part of it.
            self.note_lack();
            self.source.at += 1;
        }
    }

    /// What belongs further out is found here: a bracket was not closed before it. Closes those that were not, if that
    /// makes sense of what follows, which is to stand in an object or else in a list.
    fn close_before(&mut self, in_object: bool, at: usize) -> bool {
        let outer = |stay: &usize| self.open.get(stay - 1).is_some_and(|bracket| bracket.is_object == in_object);
        let readings: Vec<usize> = (1..self.open.len()).rev().filter(outer).take(3).collect();
        let Some(stay) = readings.into_iter().find(|stay| self.is_balanced(at, *stay)) else { return false };
        while self.open.len() > stay {
            self.pop_bracket();
        }
        true
    }

    /// What to do when the innermost bracket was perhaps not closed before this.
    pub(super) fn hint_of_open(&self) -> String {
        let Some(bracket) = self.open.last() else { return String::new() };
        let Position { line, column } = position_of(self.text, bracket.at);
        format!("close the `{}` at {line}:{column} before it", bracket.opening())
    }

    /// Passes a member whose key is not known.
    pub(super) fn skip_member(&mut self) -> Result<Next, Lost> {
        self.note_lack();
        self.skip_junk()
    }

    /// Whether what follows makes sense when so many of the brackets stay open.
    fn is_balanced(&mut self, from: usize, open: usize) -> bool {
        self.is_balanced_with(from, open, None)
    }

    /// The same, with one more within these, of which this is the closing one.
    pub(super) fn is_balanced_with(&mut self, from: usize, open: usize, innermost: Option<char>) -> bool {
        let rest = Cursor { at: from, ..self.source.clone() };
        let closing = self.open.iter().take(open).map(|bracket| bracket.closing());
        let closing: Vec<char> = closing.chain(innermost).collect();
        self.skimmed += self.text.len() - from;
        skim::is_balanced(rest, &closing)
    }

    /// Whether a member or the end of the innermost bracket follows.
    fn is_fresh(&mut self, at: usize) -> bool {
        let mut behind = Cursor { at, ..self.source.clone() };
        let mut has_end = behind.skip_gap().is_ok();
        while has_end && behind.peek() == Some('#') {
            behind.skip_line();
            has_end = behind.skip_gap().is_ok();
        }
        let fits = has_end
            && match behind.peek() {
                None | Some('}' | ']' | ',') => true,
                Some(_) => self.is_member(&behind),
            };
        self.skimmed += 2 * (behind.at - at);
        fits
    }

    fn is_member(&self, cursor: &Cursor<'_>) -> bool {
        match self.open.last() {
            Some(Bracket { is_object: true, .. }) => skim::is_key(cursor.clone()),
            _ => skim::is_value(cursor),
        }
    }

    /// One comma too many, or more.
    pub(super) fn skip_commas(&mut self) -> Result<Next, Lost> {
        let is_object = self.open.last().is_some_and(|bracket| bracket.is_object);
        let (what, hint) =
            if is_object { ("a key", fault::hint_for_key(',')) } else { ("a value", fault::hint_for_value(',')) };
        self.report(Fault::at(self.source.at, format!("expected {what}, found `,`")).hint(hint))?;
        while self.source.peek() == Some(',') {
            self.source.at += 1;
            self.skip_written_gap()?;
        }
        Ok(Next::Member)
    }

    /// Something between two members that separates them not, or not only.
    pub(super) fn mend_separator(&mut self, c: char, bracket: Bracket) -> Result<Next, Lost> {
        let (at, found) = (self.source.at, show(c));
        let message = match c {
            '+' => "expected a comma, found `+`: only texts can be joined with it".to_owned(),
            _ => format!("expected a comma, a line break or `{}`, found {found}", bracket.closing()),
        };
        let is_within_text = (c.is_alphanumeric() || matches!(c, '"' | '\'')) && self.text[..at].ends_with(['"', '\'']);
        let before = self.text[..at].trim_end_matches([' ', '\t']);
        let hint = match c {
            _ if is_within_text => "is a quote within the text meant? write a backslash before it",
            _ if before.ends_with("*/") => "a block comment does not end the line, put a comma before it",
            _ => "",
        };
        if let (':', false, Some(written), Some(mark)) = (c, bracket.is_object, self.last_leaf, self.marks.last()) {
            // What was taken for an element is a key.
            let (mark, text) = (*mark, self.out.split_off(written));
            let kept = self.out.trim_end_matches(',').len();
            let comma = self.out.split_off(kept);
            self.marks.pop();
            if let Some(next) = self.mend_key_in_list(mark.value)? {
                return Ok(next);
            }
            self.marks.push(mark);
            self.out.extend([comma, text]);
        }
        if c == ':' && bracket.is_object && self.open_late(&message)? {
            return Ok(Next::Member);
        }
        self.report(Fault::at(at, message).hint(hint))?;
        if c == ';' {
            self.source.at += 1;
            return Ok(Next::Member);
        }
        if self.is_member(&self.source) {
            return self.member(c);
        }
        self.make_hole();
        if c == ':' {
            // What was taken for a value is a key.
            self.note_lack();
        }
        match skim::end_of_text_on_line(&self.source).filter(|_| is_within_text) {
            Some(end) => {
                self.is_shaky = true;
                self.source.at = end;
                Ok(Next::Separator)
            }
            None => self.skip_junk(),
        }
    }

    /// A closing bracket of the other kind: that of one further out, because one is missing, or a slip of the finger.
    pub(super) fn wrong_bracket(&mut self, c: char, bracket: Bracket) -> Result<Next, Lost> {
        if self.is_shaky {
            return Err(Lost);
        }
        let opening = position_of(self.text, bracket.at);
        let message = format!(
            "expected a comma or `{}`, found `{c}`: the `{}` at {}:{} is still open",
            bracket.closing(),
            bracket.opening(),
            opening.line,
            opening.column
        );
        self.report(Fault::at(self.source.at, message))?;
        let behind = self.source.at + 1;
        if self.is_balanced(behind, self.open.len()) {
            self.cure("remove it");
            self.source.at = behind;
            return Ok(Next::Separator);
        }
        let partner = self.open.iter().rposition(|bracket| bracket.closing() == c);
        // How many of the open brackets stay open.
        let readings = [partner, self.open.len().checked_sub(1)];
        let Some(stay) = readings.into_iter().flatten().find(|stay| self.is_balanced(behind, *stay)) else {
            return Err(Lost);
        };
        while self.open.len() > stay + 1 {
            self.pop_bracket();
        }
        Ok(self.close())
    }

    /// What to do about the fault that was told last.
    fn cure(&mut self, hint: impl Into<String>) {
        if let Some(fault) = self.faults.last_mut() {
            fault.hint = hint.into();
        }
    }

    /// No colon behind the key, which stands at `key` and begins in `out` at `written`.
    pub(super) fn mend_key(&mut self, key: Range<usize>, written: usize, is_broken: bool) -> Result<Next, Lost> {
        let found = self.source.peek();
        let is_quoted = self.text[key.start..].starts_with(['"', '\'']);
        let hint = match found {
            Some('+') => "keys cannot be joined, write one text",
            Some('}' | ']' | ',') => "",
            Some(_) if key.end == self.source.at && !is_quoted => QUOTE_KEYS,
            _ => "",
        };
        let message = format!("expected `:` and a value behind the key, found {}", show_found(found));
        let Some(c) = found else { return self.give_up(Fault::at(key.end, message).hint(hint)) };
        let is_within_text = is_quoted && key.end == self.source.at && c.is_alphanumeric();
        if let (',' | ']', true) = (c, is_quoted)
            && self.begin_list_late(key.start, written, &message)?
        {
            return Ok(Next::Member);
        }
        self.report(Fault::at(self.source.at, message).hint(hint))?;
        if is_within_text && let Some(end) = skim::end_of_text_on_line(&self.source) {
            // The quote of a value was taken for the missing one of the key.
            self.cure("is the closing quote of the key missing?");
            self.out.truncate(written);
            self.note_lack();
            self.source.at = end;
            return Ok(Next::Separator);
        }
        if matches!(c, '"' | '\'') && !is_quoted && self.source.peek_second() == Some(':') {
            self.cure("write a quote before the key, too, or none");
            self.source.at += 2;
            self.out.push(':');
            return Ok(Next::Value(Some(key.start)));
        }
        if c == '=' {
            self.source.at += if self.source.rest().starts_with("=>") { 2 } else { 1 };
        }
        if c == '=' || !is_broken && skim::is_value(&self.source) && !skim::is_key(self.source.clone()) {
            self.out.push(':');
            return Ok(Next::Value(Some(key.start)));
        }
        if is_broken || matches!(c, '}' | ']' | ',') {
            self.out.push(':');
            self.marks.push(Mark { key: Some(key.start), value: key.start, ..Mark::default() });
            (self.last_leaf, self.last_value) = (Some(self.out.len()), None);
            self.make_hole();
            self.source.at = key.end;
            return Ok(Next::Separator);
        }
        self.out.truncate(written);
        self.skip_member()
    }

    /// Something else than a name where a key is expected: `name` is what of it could be one, `odd` may be meant.
    pub(super) fn mend_bare_key(&mut self, c: char, name: Option<&str>, odd: &str) -> Result<bool, Lost> {
        let at = self.source.at;
        let fault = match name {
            Some(name) => {
                let found = show_found(odd[name.len()..].chars().next());
                let message = format!("expected `:` and a value behind the key, found {found}");
                Fault::at(at + name.len(), message).hint(QUOTE_KEYS)
            }
            None => Fault::at(at, format!("expected a key, found {}", show(c))).hint(fault::hint_for_key(c)),
        };
        self.report(fault)?;
        if !skim::is_key(self.source.clone()) {
            return Ok(false);
        }
        let meant: String = odd.chars().filter(|c| !fault::resembles_quote(*c) && !fault::is_invisible(*c)).collect();
        self.out.push_str(&serde_json::Value::from(meant).to_string());
        self.source.at += odd.len();
        Ok(true)
    }

    /// A bracket opens where a key is expected.
    pub(super) fn mend_opening(&mut self, c: char) -> Result<Next, Lost> {
        let fault = Fault::at(self.source.at, format!("expected a key, found `{c}`"));
        if self.out.ends_with('{') {
            if let Some(hint) = self.turn_bracket(self.source.at) {
                self.report(fault.hint(hint))?;
                return self.member(c);
            }
            if self.is_balanced(self.source.at + 1, self.open.len()) {
                self.report(fault.hint("remove it"))?;
                self.source.at += 1;
                return Ok(Next::Member);
            }
        }
        let hint = self.hint_of_open();
        if self.close_before(false, self.source.at) {
            self.report(fault.hint(hint))?;
            return self.member(c);
        }
        if self.begin_list_late(self.source.at, self.out.len(), &fault.message)? {
            return self.member(c);
        }
        self.report(fault.hint(fault::hint_for_key(c)))?;
        self.skip_member()
    }

    /// A key and its colon, at `at`, where an element of a list is expected: goes on there if that makes sense of it.
    pub(super) fn mend_key_in_list(&mut self, at: usize) -> Result<Option<Next>, Lost> {
        let behind = Cursor { at, ..self.source.clone() };
        let (Some(c), true) = (behind.peek(), skim::is_key(behind.clone())) else { return Ok(None) };
        let fault = Fault::at(at, format!("expected a value or `]`, found {}", show(c)));
        let turned = if self.out.ends_with('[') { self.turn_bracket(at) } else { None };
        let hint = if let Some(hint) = turned {
            hint
        } else if self.open.len() < MAX_DEPTH && self.is_balanced_with(at, self.open.len(), Some('}')) {
            self.separate_members();
            self.marks.push(Mark { value: at, ..Mark::default() });
            self.push_bracket(true, at);
            "write a `{` before it".to_owned()
        } else {
            let hint = self.hint_of_open();
            if !self.close_before(true, at) {
                return Ok(None);
            }
            hint
        };
        self.report(fault.hint(hint))?;
        self.source.at = at;
        self.key(c).map(Some)
    }

    /// No value where one is expected.
    pub(super) fn mend_value(
        &mut self,
        c: char,
        fault: Fault,
        key: Option<usize>,
        is_broken: bool,
    ) -> Result<Next, Lost> {
        let Some(bracket) = self.open.last().copied() else { return self.give_up(fault) };
        if key.is_some() && skim::is_key(self.source.clone()) && self.open_late(&fault.message)? {
            return Ok(Next::Member);
        }
        // Of the bracket is told at once, and that is enough.
        if !(matches!(c, '}' | ']') && c != bracket.closing()) {
            self.report(fault)?;
        }
        self.make_hole();
        match c {
            ',' | '}' | ']' => Ok(Next::Separator),
            ':' | ';' | '=' if key.is_some() => {
                let rest = self.source.rest();
                self.source.at += rest.len() - rest.trim_start_matches([':', ';', '=']).len();
                self.last_leaf = None;
                self.marks.pop();
                self.out.truncate(self.out.len() - "null".len());
                Ok(Next::Value(key))
            }
            // The next member: the value of this one is missing.
            _ if key.is_some() && is_broken && skim::is_key(self.source.clone()) => self.key(c),
            _ => self.skip_junk(),
        }
    }

    /// Goes on behind a text that began at `start`.
    pub(super) fn end_broken_text(&mut self, broken: Broken, start: usize) -> Result<(), Lost> {
        self.report(broken.fault)?;
        if self.open.is_empty() {
            return Err(Lost);
        }
        let quote = match broken.then {
            Then::Stop => return Err(Lost),
            Then::Skip => return self.skip_junk().map(|_| ()),
            Then::EndText(quote) => quote,
        };
        self.is_shaky = true;
        let (open, line_end) = (self.open.len(), self.source.at);
        let line = &self.text[start..line_end];
        // Commas and brackets at the end of the line were hardly meant as part of the text.
        let stripped = start + line.trim_end_matches([' ', '\t', ',', '}', ']']).len();
        // Or the text goes on, on the next lines.
        let continued = self.text[line_end..].find(quote).map(|length| line_end + length + 1);
        let continued = continued.filter(|at| {
            self.skimmed += at - line_end;
            skim::is_end_of_member(&Cursor { at: *at, ..self.source.clone() })
        });
        for at in [Some(line_end), Some(stripped), continued].into_iter().flatten() {
            if self.is_fresh(at) && self.is_balanced(at, open) {
                self.source.at = at;
                return Ok(());
            }
        }
        Err(Lost)
    }
}
