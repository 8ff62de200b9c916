//! `lineGroupers`: which lines belong together (`log-copying.md` section 5).

use super::cut::piece_length;
use super::rules::{Searcher, begin_of_match_across};
use crate::config::line_plan::{GroupEnd, GrouperPlan, RedactionPlan};

/// Finds one unit after the other: a line, a group of lines, or a piece of one that is too long.
#[derive(Debug)]
pub(super) struct Groups {
    groupers: Vec<Grouper>,
    /// What is redacted: a line is not cut within it.
    secrets: Vec<Searcher>,
}

/// How far behind the place where a line is cut is looked for what must not be cut.
const LOOKAHEAD: usize = 4096;

#[derive(Debug)]
struct Grouper {
    start: Searcher,
    end: Searcher,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ContinueThrough,
    ContinuePast,
    HaltBefore,
    HaltWith,
}

/// What the bytes behind a place begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A unit that ends here.
    Complete(usize),
    /// A unit that is too long.
    TooLong,
    /// A unit whose end is not there yet.
    Open,
}

/// The line at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It ends here.
    Ends(usize),
    /// It does not end within the limit.
    TooLong,
    /// Its end is not there yet.
    Unfinished,
}

/// The bytes that units are looked for in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// All that was read.
    pub(super) bytes: &'a [u8],
    /// The most bytes of a unit.
    pub(super) limit: usize,
    /// How many bytes behind a place where a line may be cut must be there.
    pub(super) lookahead: usize,
}

impl Source<'_> {
    /// The line at `at`, in a unit that may go to `border`. With `last`, the end of the bytes ends the line.
    fn line(&self, at: usize, border: usize, last: bool) -> Line {
        let seen = &self.bytes[at..self.bytes.len().min(border)];
        match memchr::memchr(b'\n', seen) {
            Some(lf) => Line::Ends(at + lf + 1),
            None if self.sees_behind(border, last) => Line::TooLong,
            None if last && !seen.is_empty() => Line::Ends(self.bytes.len()),
            None => Line::Unfinished,
        }
    }

    /// Whether a line that goes beyond `border` is there far enough to say where it is cut.
    fn sees_behind(&self, border: usize, last: bool) -> bool {
        let Some(behind) = self.bytes.get(border..).filter(|behind| !behind.is_empty()) else { return false };
        last || behind.len() > self.lookahead || memchr::memchr(b'\n', behind).is_some()
    }

    /// Where a unit from `at` on is cut that does not end within the limit.
    fn cut(&self, at: usize) -> usize {
        at + piece_length(&self.bytes[at..], self.limit)
    }
}

impl Groups {
    /// Those of an entry.
    pub(super) fn new(plans: &[GrouperPlan], redaction: &[RedactionPlan]) -> Self {
        let secrets = redaction.iter().map(|rule| Searcher::new(rule.expression.clone())).collect();
        Self { groupers: plans.iter().map(Grouper::new).collect(), secrets }
    }

    /// Whether there is something that must not be cut.
    pub(super) fn keeps_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// How many bytes are looked at behind the place where a line is cut.
    pub(super) fn lookahead(&self) -> usize {
        if self.keeps_secrets() { LOOKAHEAD } else { 0 }
    }

    /// The unit at `at`. With `last`, what is there is all that comes. Adds to `failed` how often an expression failed.
    pub(super) fn next(&mut self, source: Source<'_>, at: usize, last: bool, failed: &mut u64) -> Unit {
        let source = Source { lookahead: self.lookahead(), ..source };
        match self.find(source, at, last, failed) {
            Unit::TooLong => Unit::Complete(self.cut(source, at)),
            unit => unit,
        }
    }

    /// Where a unit from `at` on is cut that is too long: before what a redaction rule would replace, unless the unit
    /// begins with it.
    fn cut(&mut self, source: Source<'_>, at: usize) -> usize {
        let mut cut = source.cut(at);
        let seen = source.bytes.len().min(at.saturating_add(source.limit).saturating_add(source.lookahead));
        let seen = &source.bytes[at..seen];
        let line = seen
            .get(cut - at..)
            .and_then(|rest| memchr::memchr(b'\n', rest))
            .map_or(seen, |lf| &seen[..cut - at + lf + 1]);
        for secret in &mut self.secrets {
            if let Some(begin) = begin_of_match_across(secret, line, cut - at).filter(|begin| *begin > 0) {
                cut = at + begin;
            }
        }
        cut
    }

    fn find(&mut self, source: Source<'_>, at: usize, last: bool, failed: &mut u64) -> Unit {
        let first = match source.line(at, at.saturating_add(source.limit), last) {
            Line::Ends(end) => end,
            Line::TooLong => return Unit::TooLong,
            Line::Unfinished => return Unit::Open,
        };
        for grouper in &mut self.groupers {
            if finds(&mut grouper.start, &source.bytes[at..first], failed) {
                match grouper.gather(source, at..first, last, failed) {
                    Gathered::Group(unit) => return unit,
                    Gathered::Nothing => {}
                }
            }
        }
        Unit::Complete(first)
    }
}

/// Whether an expression is found anywhere in a line. One whose search was given up is not, and is counted.
fn finds(expression: &mut Searcher, line: &[u8], failed: &mut u64) -> bool {
    expression.is_match(line).unwrap_or_else(|_gave_up| {
        *failed += 1;
        false
    })
}

enum Gathered {
    Group(Unit),
    /// The start line is an ordinary line.
    Nothing,
}

impl Grouper {
    fn new(plan: &GrouperPlan) -> Self {
        let (kind, end) = match &plan.end {
            GroupEnd::ContinueThrough(pattern) => (Kind::ContinueThrough, pattern),
            GroupEnd::ContinuePast(pattern) => (Kind::ContinuePast, pattern),
            GroupEnd::HaltBefore(pattern) => (Kind::HaltBefore, pattern),
            GroupEnd::HaltWith(pattern) => (Kind::HaltWith, pattern),
        };
        Self { start: Searcher::new(plan.start.clone()), end: Searcher::new(end.clone()), kind }
    }

    /// The group that begins with the line `first`.
    fn gather(&mut self, source: Source<'_>, first: std::ops::Range<usize>, last: bool, failed: &mut u64) -> Gathered {
        let border = first.start.saturating_add(source.limit);
        let mut end = first.end;
        loop {
            // A line that goes beyond the limit is looked at as far as the group could take it.
            let line = source.line(end, border, last);
            let seen = match line {
                Line::Ends(line_end) => line_end,
                Line::TooLong => border,
                Line::Unfinished if last => {
                    let alone = self.kind == Kind::ContinueThrough && end == first.end;
                    return if alone { Gathered::Nothing } else { Gathered::Group(Unit::Complete(end)) };
                }
                Line::Unfinished => return Gathered::Group(Unit::Open),
            };
            let found = seen > end && finds(&mut self.end, &source.bytes[end..seen], failed);
            let (takes, goes_on) = match self.kind {
                Kind::ContinueThrough => (found, found),
                Kind::ContinuePast => (true, found),
                Kind::HaltBefore => (!found, !found),
                Kind::HaltWith => (true, !found),
            };
            match (takes, line) {
                (false, _) if self.kind == Kind::ContinueThrough && end == first.end => return Gathered::Nothing,
                (false, _) => return Gathered::Group(Unit::Complete(end)),
                (true, Line::Ends(line_end)) => end = line_end,
                (true, _) => return Gathered::Group(Unit::TooLong),
            }
            if !goes_on {
                return Gathered::Group(Unit::Complete(end));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::config::Pattern;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    fn groups(groupers: Vec<(&str, GroupEnd)>) -> Groups {
        let plans: Vec<_> =
            groupers.into_iter().map(|(start, end)| GrouperPlan { start: pattern(start), end }).collect();
        Groups::new(&plans, &[])
    }

    /// All units, and what is left.
    fn units(groups: &mut Groups, bytes: &[u8], limit: usize, last: bool) -> (Vec<String>, String) {
        let (mut units, mut at) = (Vec::new(), 0);
        while let Unit::Complete(end) = groups.next(Source { bytes, limit, lookahead: 0 }, at, last, &mut 0) {
            assert!(end > at && end - at <= limit);
            units.push(String::from_utf8_lossy(&bytes[at..end]).into_owned());
            at = end;
        }
        (units, String::from_utf8_lossy(&bytes[at..]).into_owned())
    }

    fn check(mut groups: Groups, text: &str, expected: &[&str]) {
        assert_eq!(
            units(&mut groups, text.as_bytes(), 1000, true),
            (expected.iter().map(|unit| (*unit).to_owned()).collect(), String::new())
        );
    }

    #[test]
    fn the_examples_of_the_specification_are_grouped_as_it_says() {
        let stack = || groups(vec![(r"^[^\s]", GroupEnd::ContinueThrough(pattern(r"^[\s]+at")))]);
        check(
            stack(),
            "plain\njava.Ex\n   at a\n   at b\nnext\n",
            &["plain\n", "java.Ex\n   at a\n   at b\n", "next\n"],
        );
        let past = groups(vec![(r"\\$", GroupEnd::ContinuePast(pattern(r"\\$")))]);
        check(past, "single\na \\\nb \\\nc\nd\n", &["single\n", "a \\\nb \\\nc\n", "d\n"]);
        let before = || groups(vec![("^--multi", GroupEnd::HaltBefore(pattern("^--end")))]);
        check(before(), "x\n--multi 1\ny\n--end\nq\n", &["x\n", "--multi 1\ny\n", "--end\n", "q\n"]);
        let with = groups(vec![("^--start", GroupEnd::HaltWith(pattern("^--end")))]);
        check(with, "--start\ny\n--end\nz\n", &["--start\ny\n--end\n", "z\n"]);
    }

    #[test]
    fn the_line_that_halts_a_group_of_one_is_not_swallowed() {
        let before = || groups(vec![("^--multi", GroupEnd::HaltBefore(pattern("^--")))]);
        check(before(), "--multi 1\n--multi 2\n--x\ny\n", &["--multi 1\n", "--multi 2\n", "--x\n", "y\n"]);
    }

    #[test]
    fn the_first_grouper_that_yields_something_wins() {
        let both = groups(vec![
            ("^a", GroupEnd::ContinueThrough(pattern("^ "))),
            ("^a", GroupEnd::HaltWith(pattern("z"))),
            ("b", GroupEnd::ContinuePast(pattern(","))),
        ]);
        check(both, "a\n x\na\ny\nz\nb\nc,\nd\ne\n", &["a\n x\n", "a\ny\nz\n", "b\nc,\nd\n", "e\n"]);
    }

    #[test]
    fn patterns_see_the_newline_and_invalid_bytes_pass() {
        let mut newline = groups(vec![(r"a\n\Z", GroupEnd::HaltWith(pattern(r"^\n$")))]);
        assert_eq!(units(&mut newline, b"a\nx\n\na", 99, false), (vec!["a\nx\n\n".into()], "a".into()));
        let mut invalid = groups(vec![("^\u{fffd}a", GroupEnd::HaltWith(pattern("z")))]);
        assert_eq!(
            invalid.next(Source { bytes: b"\xffa\n\xfe\0\nz\n", limit: 99, lookahead: 0 }, 0, false, &mut 0),
            Unit::Complete(8)
        );
    }

    #[test]
    fn an_open_group_waits_and_its_rest_is_taken_when_nothing_more_comes() {
        for (end, text, taken) in [
            (GroupEnd::ContinueThrough(pattern("^ ")), "a\n", "a\n"),
            (GroupEnd::ContinueThrough(pattern("^ ")), "a\n b\n c", "a\n b\n c"),
            (GroupEnd::ContinueThrough(pattern("^ ")), "a\n b\nc", "a\n b\n"),
            (GroupEnd::ContinuePast(pattern("^ ")), "a\n b\n", "a\n b\n"),
            (GroupEnd::HaltBefore(pattern("^z")), "a\nb\n", "a\nb\n"),
            (GroupEnd::HaltWith(pattern("^z")), "a\nb", "a\nb"),
            (GroupEnd::HaltWith(pattern("^z")), "a", "a"),
        ] {
            let mut open = groups(vec![("^a", end)]);
            let source = Source { bytes: text.as_bytes(), limit: 99, lookahead: 0 };
            assert_eq!(open.next(source, 0, false, &mut 0), Unit::Open, "{text:?}");
            assert_eq!(open.next(source, 0, true, &mut 0), Unit::Complete(taken.len()), "{text:?}");
        }
    }

    #[test]
    fn a_group_is_cut_at_the_limit_and_its_rest_looked_at_anew() {
        let mut halting = groups(vec![("^a", GroupEnd::HaltWith(pattern("z")))]);
        let expected = vec!["a\nbb\nc".to_owned(), "ccc\n".to_owned(), "a\nz\n".to_owned()];
        assert_eq!(units(&mut halting, b"a\nbb\ncccc\na\nz\n", 6, false), (expected, String::new()));
        let mut through = groups(vec![("^a", GroupEnd::ContinueThrough(pattern("^ ")))]);
        let expected = vec!["a\n b\n".to_owned(), "dddddd".to_owned(), "ddd\n".to_owned()];
        assert_eq!(units(&mut through, b"a\n b\nddddddddd\n", 6, false), (expected, String::new()));
        let source = |bytes| Source { bytes, limit: 6, lookahead: 0 };
        assert_eq!(through.next(source(b"a\n b\n "), 0, false, &mut 0), Unit::Open);
        assert_eq!(through.next(source("a\n b\n é".as_bytes()), 0, false, &mut 0), Unit::Complete(6));
        assert_eq!(through.next(source("a\n b\nxy".as_bytes()), 0, false, &mut 0), Unit::Complete(5));
    }
}
