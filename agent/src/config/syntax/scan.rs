//! The structure of a configuration text: brackets, keys, commas. Brings the dialect of the Python agent to JSON5 and
//! notes where each value stands (`configuration.md` section 2).
//!
//! Every fault is found here, where the user's text is at hand: json5 tells no places in it, and would count all
//! characters before a fault once for each bracket around it. Behind a fault, reading goes on where what follows can be
//! trusted ([`mend`]); a value that cannot be told becomes null, and its mark says so.

mod guess;
mod mend;

use std::collections::VecDeque;

use super::cursor::Cursor;
use super::fault::{self, COMMENTS, Fault, Lost, MAX_FAULTS, QUOTE_KEYS, QUOTE_TEXTS, show, show_found};
use super::indentation::{self, Forgotten};
use super::lines::position_of;
use super::numbers;
use super::skim;
use super::texts::{Broken, Texts, Then};

/// How deep objects and lists may lie in each other: json5 recurses, and its stack is bounded.
pub(super) const MAX_DEPTH: usize = 300;
/// How many values a text may have: what is kept of each takes more room than the shortest of them.
pub(super) const MAX_VALUES: usize = 1_000_000;
/// The longest key, in bytes: it is part of the path of each problem below it.
pub(super) const MAX_KEY: usize = 10_000;

/// A text that json5 can read, and its values in the order of the text.
pub(super) struct Scanned {
    /// `None` when the faults leave nothing that can be trusted.
    pub(super) text: Option<String>,
    pub(super) marks: Vec<Mark>,
    /// In the order of the text, [`MAX_FAULTS`] at most.
    pub(super) faults: Vec<Fault>,
    /// Whether there are more.
    pub(super) has_more: bool,
    /// How many bytes were looked at ahead of reading them, to go on behind faults.
    #[cfg(test)]
    pub(super) skimmed: usize,
}

/// Where a value stands in the user's text, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    /// Its key, if it has one.
    pub(super) key: Option<usize>,
    /// Its first character.
    pub(super) value: usize,
    /// Behind its last character, where no fault hides it.
    pub(super) end: usize,
    /// Whether it is a number that cannot be kept exactly.
    pub(super) is_inexact: bool,
    /// Whether a fault hides what it is.
    pub(super) is_hole: bool,
    /// Whether a fault hides a member of it, key and all.
    pub(super) lacks_member: bool,
}

/// Brings a text to JSON5. If a bracket turns out to be open at the end, the text is read once more, with what its
/// indentation says about the brackets that were forgotten.
pub(super) fn scan(text: &str) -> Scanned {
    let (scanned, is_unclosed) = scan_with(text, VecDeque::new());
    let forgotten = if is_unclosed { indentation::find_forgotten(text) } else { VecDeque::new() };
    if forgotten.is_empty() {
        return scanned;
    }
    let (again, _) = scan_with(text, forgotten);
    if again.text.is_some() { again } else { scanned }
}

/// The same, with brackets that are to be closed; tells whether one is open at the end.
fn scan_with(text: &str, forgotten: VecDeque<Forgotten>) -> (Scanned, bool) {
    let mut scanner = Scanner {
        text,
        source: Cursor::new(text),
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        marks: Vec::new(),
        root: None,
        last_value: None,
        last_leaf: None,
        is_shaky: false,
        forgotten,
        is_unclosed: false,
        faults: Vec::new(),
        has_more: false,
        skimmed: 0,
    };
    let result = scanner.run();
    let scanned = Scanned {
        text: result.is_ok().then_some(scanner.out),
        marks: scanner.marks,
        faults: scanner.faults,
        has_more: scanner.has_more,
        #[cfg(test)]
        skimmed: scanner.skimmed,
    };
    (scanned, scanner.is_unclosed)
}

struct Scanner<'t> {
    text: &'t str,
    source: Cursor<'t>,
    out: String,
    /// What is open, the innermost last.
    open: Vec<Bracket>,
    marks: Vec<Mark>,
    /// The outermost bracket, and where it was closed.
    root: Option<(Bracket, usize)>,
    /// Where the last value of the innermost bracket begins in `out`, and the index of its mark.
    last_value: Option<(usize, usize)>,
    /// Where the last value that is no object and no list begins in `out`.
    last_leaf: Option<usize>,
    /// Whether brackets may have been passed as part of something else: one that is missing then is no fault of its own.
    is_shaky: bool,
    /// Brackets that are to be closed, in the order of the text.
    forgotten: VecDeque<Forgotten>,
    /// Whether a bracket is open at the end.
    is_unclosed: bool,
    faults: Vec<Fault>,
    has_more: bool,
    skimmed: usize,
}

#[derive(Clone, Copy)]
struct Bracket {
    is_object: bool,
    at: usize,
    /// Where it begins in `out`.
    written: usize,
    /// The index of its mark.
    mark: usize,
}

impl Bracket {
    fn closing(self) -> char {
        if self.is_object { '}' } else { ']' }
    }

    fn opening(self) -> char {
        if self.is_object { '{' } else { '[' }
    }
}

/// What comes next.
#[derive(Clone, Copy)]
enum Next {
    /// A value, with the place of its key.
    Value(Option<usize>),
    /// A key or element, or the closing bracket.
    Member,
    /// A comma, a line break in its place, or the closing bracket.
    Separator,
    /// Nothing.
    End,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), Lost> {
        let mut next = Next::Value(None);
        loop {
            let mut is_broken = self.skip_gap(next)?;
            let Some(c) = self.source.peek() else { return self.end(next) };
            if self.close_forgotten(c, next)? {
                (next, is_broken) = (Next::Separator, true);
            }
            let bracket = self.open.last().copied();
            next = match (next, bracket) {
                (Next::End, _) => match self.trailing(c)? {
                    Some(next) => next,
                    None => return Ok(()),
                },
                (Next::Member | Next::Separator, Some(bracket)) if c == bracket.closing() => self.close(),
                (Next::Member | Next::Separator, Some(bracket)) if matches!(c, '}' | ']') => {
                    self.wrong_bracket(c, bracket)?
                }
                (Next::Separator, Some(bracket)) => self.separate(c, is_broken, bracket)?,
                (Next::Value(key), _) => self.value(c, key, is_broken)?,
                (Next::Member | Next::Separator, _) => self.member(c)?,
            };
        }
    }

    /// Tells of a fault; not of more than [`MAX_FAULTS`].
    fn report(&mut self, fault: Fault) -> Result<(), Lost> {
        if self.faults.len() == MAX_FAULTS {
            self.has_more = true;
            return Err(Lost);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// Tells of a fault behind which nothing can be trusted.
    fn give_up<T>(&mut self, fault: Fault) -> Result<T, Lost> {
        self.report(fault)?;
        Err(Lost)
    }

    /// Moves to the next token, also past comments in the manner of a shell; tells whether a line break may stand for a
    /// comma.
    fn skip_gap(&mut self, next: Next) -> Result<bool, Lost> {
        let mut is_broken = self.skip_written_gap()?;
        if self.source.peek() == Some('#') {
            let expected = self.expected(next);
            self.report(Fault::at(self.source.at, format!("expected {expected}, found `#`")).hint(COMMENTS))?;
        }
        loop {
            let from = self.source.at;
            if self.source.peek() != Some('#') && !self.is_conflict()? {
                return Ok(is_broken);
            }
            self.source.skip_line();
            let comment = self.text.get(from..self.source.at).unwrap_or_default();
            self.is_shaky |= comment.contains(['{', '}', '[', ']']);
            is_broken |= self.skip_written_gap()?;
        }
    }

    fn skip_written_gap(&mut self) -> Result<bool, Lost> {
        match self.source.skip_gap() {
            Ok(is_broken) => Ok(is_broken),
            Err(fault) => self.give_up(fault),
        }
    }

    fn expected(&self, next: Next) -> String {
        match (next, self.open.last()) {
            (Next::End, _) => "the end of the text".to_owned(),
            (_, None) => "`{`".to_owned(),
            (Next::Separator, Some(bracket)) => format!("a comma, a line break or `{}`", bracket.closing()),
            (Next::Member, Some(Bracket { is_object: true, .. })) => "a key".to_owned(),
            (Next::Value(_) | Next::Member, _) => "a value".to_owned(),
        }
    }

    fn end(&mut self, next: Next) -> Result<(), Lost> {
        let behind = self.text.trim_end().len();
        match (next, self.open.last()) {
            (Next::End, _) => Ok(()),
            _ if self.is_shaky => Err(Lost),
            (_, None) => self.give_up(Fault::of_all("is empty; it must hold an object, { ... }")),
            (Next::Value(_), Some(bracket)) => {
                let hint = format!("write it, and the `{}` behind it", bracket.closing());
                self.give_up(Fault::at(behind, "the text ends where a value is expected").hint(hint))
            }
            (_, Some(bracket)) => {
                let message = format!("this `{}` is never closed", bracket.opening());
                let hint = format!("write a `{}` where it ends", bracket.closing());
                self.is_unclosed = true;
                let (bracket, is_outermost) = (*bracket, self.open.len() == 1);
                self.report(Fault::at(bracket.at, message).hint(hint))?;
                if !is_outermost {
                    return Err(Lost);
                }
                // What the text holds is there; more may be missing.
                self.note_lack();
                self.close();
                Ok(())
            }
        }
    }

    /// Something behind the end: often a bracket that was opened within a comment.
    fn trailing(&mut self, found: char) -> Result<Option<Next>, Lost> {
        let (at, found) = (self.source.at, show(found));
        if let Some((root, _)) = self.root.filter(|(root, _)| !root.is_object) {
            // All else follows from it: a file of another kind.
            self.faults.clear();
            let fault = Fault::at(root.at, "expected `{`, found `[`");
            return self.give_up(fault.hint("the configuration stands in braces, { ... }"));
        }
        let has_brackets = self.source.rest().contains(['{', '}', '[', ']']);
        if self.is_shaky && has_brackets {
            return Err(Lost);
        }
        if has_brackets && let Some(next) = self.reopen(at, &found)? {
            return Ok(Some(next));
        }
        self.report(match self.root {
            Some((_, closed)) => {
                let end = position_of(self.text, closed);
                let message = format!(
                    "found {found} behind the end of the configuration, which is at {}:{}",
                    end.line, end.column
                );
                Fault::at(at, message).hint("is a bracket missing or commented out before that?")
            }
            None => Fault::at(at, format!("found {found} behind the first value"))
                .hint("the configuration stands in braces, { ... }"),
        })?;
        if has_brackets || self.root.is_none() { Err(Lost) } else { Ok(None) }
    }

    fn separate(&mut self, c: char, is_broken: bool, bracket: Bracket) -> Result<Next, Lost> {
        if c == ',' {
            self.source.at += 1;
            return Ok(Next::Member);
        }
        if is_broken && c != ':' {
            return self.member(c);
        }
        self.mend_separator(c, bracket)
    }

    /// A key or element.
    fn member(&mut self, c: char) -> Result<Next, Lost> {
        if c == ',' {
            return self.skip_commas();
        }
        match self.open.last() {
            Some(Bracket { is_object: true, .. }) if matches!(c, '{' | '[') => self.mend_opening(c),
            Some(Bracket { is_object: true, .. }) => self.key(c),
            _ if skim::is_value(&self.source) => self.value(c, None, false),
            _ => match self.mend_key_in_list(self.source.at)? {
                Some(next) => Ok(next),
                None => self.value(c, None, false),
            },
        }
    }

    fn key(&mut self, c: char) -> Result<Next, Lost> {
        let (at, written) = (self.source.at, self.out.len());
        self.separate_members();
        let is_known = if matches!(c, '"' | '\'') { self.quoted_key()? } else { self.bare_key(c)? };
        if !is_known {
            self.out.truncate(written);
            return self.skip_member();
        }
        let end = self.source.at;
        if end - at > MAX_KEY {
            return self.give_up(Fault::at(at, format!("this key has more than {MAX_KEY} bytes")));
        }
        let is_broken = self.skip_written_gap()?;
        if self.source.peek() == Some(':') {
            self.out.push(':');
            self.source.at += 1;
            return Ok(Next::Value(Some(at)));
        }
        self.mend_key(at..end, written, is_broken)
    }

    /// Whether it was told what key is meant.
    fn quoted_key(&mut self) -> Result<bool, Lost> {
        let start = self.source.at;
        let mut texts = Texts::new(&mut self.source, &mut self.out);
        let result = texts.key();
        let (noted, is_doubtful) = (texts.noted(), texts.is_doubtful);
        noted.map_or(Ok(()), |fault| self.report(fault))?;
        match result {
            Ok(()) => Ok(!is_doubtful),
            Err(broken) => self.end_broken_text(broken, start).map(|()| false),
        }
    }

    /// A key without quotes: what json5 takes for a name. Tells whether one stands here, or something that is meant as
    /// one.
    fn bare_key(&mut self, c: char) -> Result<bool, Lost> {
        let rest = self.source.rest();
        let name = if json5::char::is_json5_identifier_start(c) {
            rest.get(..rest.find(|c| !json5::char::is_json5_identifier(c)).unwrap_or(rest.len()))
        } else {
            None
        };
        let odd = skim::odd_key(rest);
        match name {
            Some(name)
                if name.len() >= odd.len()
                    || rest[name.len()..].starts_with("/*")
                    || rest[name.len()..].starts_with("//") =>
            {
                self.out.push_str(name);
                self.source.at += name.len();
                Ok(true)
            }
            _ => self.mend_bare_key(c, name, odd),
        }
    }

    fn value(&mut self, c: char, key: Option<usize>, is_broken: bool) -> Result<Next, Lost> {
        let at = self.source.at;
        if self.marks.len() == MAX_VALUES {
            let message = format!("here begins value {}; more are not read", MAX_VALUES + 1);
            return self.give_up(Fault::at(at, message));
        }
        if key.is_none() {
            self.separate_members();
        }
        self.marks.push(Mark { key, value: at, ..Mark::default() });
        self.last_value = Some((self.out.len(), self.marks.len() - 1));
        if self.open.is_empty() && self.has_no_opening(c)? {
            return Ok(Next::Member);
        }
        match c {
            '{' | '[' => return self.open(c),
            '"' | '\'' => self.text()?,
            _ => return self.bare_value(c, key, is_broken),
        }
        self.end_value();
        Ok(if self.open.is_empty() { Next::End } else { Next::Separator })
    }

    /// The last value ends here.
    fn end_value(&mut self) {
        let end = self.source.at;
        if let Some(mark) = self.last_value.and_then(|(_, mark)| self.marks.get_mut(mark)) {
            mark.end = end;
        }
    }

    /// Writes the comma between two members.
    fn separate_members(&mut self) {
        if !self.open.is_empty() && !self.out.ends_with(['{', '[']) {
            self.out.push(',');
        }
    }

    fn text(&mut self) -> Result<(), Lost> {
        let (at, written) = (self.source.at, self.out.len());
        let mut texts = Texts::new(&mut self.source, &mut self.out);
        let result = texts.value();
        let (noted, is_doubtful) = (texts.noted(), texts.is_doubtful);
        self.last_leaf = Some(written);
        noted.map_or(Ok(()), |fault| self.report(fault))?;
        if is_doubtful || result.is_err() {
            self.make_hole();
        }
        result.or_else(|broken| self.end_broken_text(broken, at))
    }

    fn open(&mut self, c: char) -> Result<Next, Lost> {
        let at = self.source.at;
        if self.open.len() == MAX_DEPTH {
            let message = format!("objects and lists lie in each other more than {MAX_DEPTH} levels deep");
            return self.give_up(Fault::at(at, message));
        }
        self.push_bracket(c == '{', at);
        self.source.at += 1;
        Ok(Next::Member)
    }

    fn close(&mut self) -> Next {
        let at = self.source.at;
        self.source.at += 1;
        let bracket = self.pop_bracket();
        self.end_value();
        if self.open.is_empty() {
            self.root = bracket.map(|bracket| (bracket, at));
            Next::End
        } else {
            Next::Separator
        }
    }

    /// Writes the opening bracket of the last value.
    fn push_bracket(&mut self, is_object: bool, at: usize) {
        let (written, mark) = (self.out.len(), self.marks.len() - 1);
        self.open.push(Bracket { is_object, at, written, mark });
        self.out.push(if is_object { '{' } else { '[' });
        (self.last_leaf, self.last_value) = (None, None);
    }

    /// Writes the closing bracket of the innermost one.
    fn pop_bracket(&mut self) -> Option<Bracket> {
        let bracket = self.open.pop()?;
        self.out.push(bracket.closing());
        (self.last_leaf, self.last_value) = (None, Some((bracket.written, bracket.mark)));
        Some(bracket)
    }

    /// A number, or one of the words that are values.
    fn bare_value(&mut self, c: char, key: Option<usize>, is_broken: bool) -> Result<Next, Lost> {
        let at = self.source.at;
        let token = self.source.bare_token();
        self.last_leaf = Some(self.out.len());
        if numbers::begins_number(c) {
            match numbers::read(token) {
                Ok(number) => {
                    if let Some(mark) = self.marks.last_mut() {
                        mark.is_inexact = number.is_inexact;
                    }
                    self.out.push_str(token.get(..number.sign).unwrap_or_default());
                    self.out.push_str(number.digits);
                }
                Err(fault) => {
                    if self.open.is_empty() {
                        return self.give_up(self.no_value(c, ""));
                    }
                    let inside = fault.at.unwrap_or(0);
                    return self.mend_value(c, Fault { at: Some(at + inside), ..fault }, key, is_broken);
                }
            }
        } else if matches!(token, "true" | "false" | "null") {
            self.out.push_str(token);
        } else if let Some(word) = ["true", "false", "null"].into_iter().find(|word| word.eq_ignore_ascii_case(token)) {
            let fault = Fault::at(at, format!("expected a value, found {}", show(c)));
            self.report(fault.hint(format!("write {word} in small letters")))?;
            self.out.push_str(word);
        } else {
            let fault = self.no_value(c, token);
            return self.mend_value(c, fault, key, is_broken);
        }
        self.source.at += token.len();
        self.end_value();
        Ok(if self.open.is_empty() { Next::End } else { Next::Separator })
    }

    fn no_value(&self, c: char, token: &str) -> Fault {
        let at = self.source.at;
        if matches!(token, "NaN" | "Infinity") {
            return Fault::at(at, numbers::NOT_FINITE);
        }
        if c == '/' {
            let found = show_found(self.source.peek_second());
            return Fault::at(at, format!("expected `//` or `/*`, found `/` and {found} behind it")).hint(QUOTE_TEXTS);
        }
        if self.open.is_empty() {
            return Fault::at(at, format!("expected `{{`, found {}", show(c))).hint(hint_at_top(c));
        }
        let hint = match token {
            "yes" | "no" | "on" | "off" | "Yes" | "No" | "On" | "Off" => "write true or false",
            "None" | "nil" | "undefined" => "write null, or leave the key out",
            _ => fault::hint_for_value(c),
        };
        Fault::at(at, format!("expected a value, found {}", show(c))).hint(hint)
    }
}

fn hint_at_top(c: char) -> &'static str {
    match fault::hint_for_value(c) {
        QUOTE_TEXTS => "the configuration stands in braces, { ... }",
        hint => hint,
    }
}
