//! Redaction: what is replaced before a line leaves the host (`log-copying.md` section 8).
//!
//! All rules in order, each on the result of the one before; each replaces all its matches, as `re.sub` does. Bytes that
//! are no UTF-8 pass unchanged where nothing is replaced. A group that took no part, or matched nothing, is the empty text,
//! also where its hash is asked for: a hash of the salt alone would tell of the salt.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use md5::{Digest, Md5};
use scalyr_monitor::config::{Captures, Pattern};

use super::budget::{GaveUp, Searcher};
use super::text::Text;
use crate::config::line_plan::{Piece, RedactionPlan, Replacement};

/// The redaction rules of one file.
#[derive(Debug)]
pub(super) struct Redaction {
    rules: Vec<(Searcher, RedactionPlan)>,
}

/// What redaction made of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redacted<'r> {
    /// Nothing was found in it.
    Unchanged,
    /// This is sent in its place.
    Changed(Vec<u8>),
    /// A rule failed at it, which stands there: nothing of the line may be sent.
    Failed(&'r str),
}

impl Redaction {
    pub(super) fn new(rules: &[RedactionPlan]) -> Self {
        Self { rules: rules.iter().map(|rule| (Searcher::new(rule.expression.clone()), rule.clone())).collect() }
    }

    /// Whether there are no rules.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Applies all rules to a message. A result of more than `limit` bytes is a failure. What stands `before` the message
    /// in its line was sent already: it is searched, too, and what is found across the border is replaced in the message.
    pub(super) fn redact(&mut self, before: &[u8], message: &[u8], limit: usize) -> Redacted<'_> {
        let mut border = before.len();
        let limit = limit.saturating_add(border.saturating_mul(super::MOST_GROWTH));
        let mut result =
            if before.is_empty() { Cow::Borrowed(message) } else { Cow::Owned([before, message].concat()) };
        let mut is_changed = false;
        for (searcher, rule) in &mut self.rules {
            let replaced = {
                let text = Text::of(&result);
                searcher.attempt(|pattern| replace_all(pattern, &rule.replacement, &text, limit, border))
            };
            match replaced {
                Ok(None) => {}
                Ok(Some(replaced)) => {
                    is_changed = true;
                    border = replaced.border;
                    result = Cow::Owned(replaced.bytes);
                }
                Err(_) => return Redacted::Failed(&rule.place),
            }
        }
        match result {
            Cow::Owned(mut result) if is_changed => {
                result.drain(..border);
                if result == message { Redacted::Unchanged } else { Redacted::Changed(result) }
            }
            _ => Redacted::Unchanged,
        }
    }
}

/// Where the match of an expression begins, if there is one, that stands on both sides of `border`.
pub(in crate::logs::lines) fn begin_of_match_across(
    searcher: &mut Searcher,
    line: &[u8],
    border: usize,
) -> Option<usize> {
    let text = Text::of(line);
    let begin = searcher.attempt(|pattern| {
        let (mut from, border) = (0, text.place_of(border));
        while let Some(found) = pattern.find_from(text.as_str(), from).map_err(|_| GaveUp::Exhausted)? {
            if found.start >= border {
                break;
            }
            if found.end > border {
                return Ok(Some(text.source(0..found.start).len()));
            }
            from = if found.is_empty() { behind(text.as_str(), found.end) } else { found.end };
        }
        Ok(None)
    });
    begin.ok().flatten()
}

/// Replaces all matches of an expression in bytes, of a name for example; `None` when there is none.
///
/// # Errors
/// The search was given up, or the result would have more than `limit` bytes.
pub(in crate::logs) fn substitute(
    pattern: &Pattern,
    replacement: &Replacement,
    bytes: &[u8],
    limit: usize,
) -> Result<Option<Vec<u8>>, GaveUp> {
    let replaced = replace_all(pattern, replacement, &Text::of(bytes), limit, 0)?;
    Ok(replaced.map(|replaced| replaced.bytes))
}

/// A text in which something was replaced.
struct Replaced {
    bytes: Vec<u8>,
    /// Where what stood behind the border begins; what was put in place of a match across it stands behind it.
    border: usize,
}

/// Replaces all matches; `None` when there is none.
fn replace_all(
    pattern: &Pattern,
    replacement: &Replacement,
    text: &Text<'_>,
    limit: usize,
    border: usize,
) -> Result<Option<Replaced>, GaveUp> {
    let needs_groups = replacement.pieces.iter().any(|piece| matches!(piece, Piece::Group(1..) | Piece::Hash(1..)));
    let (source, border) = (border, text.place_of(border));
    // A line may have been sent up to a place inside a character.
    let inside = source.saturating_sub(text.source(0..border).len());
    let mut result: Option<Vec<u8>> = None;
    let mut new_border = None;
    let (mut from, mut copied) = (0, 0);
    while let Some(found) = find(pattern, text.as_str(), from, needs_groups)? {
        let range = found.range();
        if range.start < copied {
            return Err(GaveUp::Exhausted);
        }
        let result = result.get_or_insert_default();
        if new_border.is_none() && border <= range.start {
            let inside = if border < range.start { inside } else { 0 };
            new_border = Some(result.len() + text.source(copied..border).len() + inside);
        }
        result.extend_from_slice(text.source(copied..range.start));
        if new_border.is_none() && border < range.end {
            new_border = Some(result.len());
        }
        append(replacement, &found, text, result);
        if result.len() > limit {
            return Err(GaveUp::TooLarge);
        }
        copied = range.end;
        // As in Python, an empty match right behind another match counts, and the next one is a character further on.
        from = if range.is_empty() { behind(text.as_str(), range.end) } else { range.end };
    }
    let Some(mut bytes) = result else { return Ok(None) };
    let border = new_border.unwrap_or_else(|| bytes.len() + text.source(copied..border).len() + inside);
    bytes.extend_from_slice(text.source(copied..text.as_str().len()));
    if bytes.len() > limit {
        return Err(GaveUp::TooLarge);
    }
    Ok(Some(Replaced { border: border.min(bytes.len()), bytes }))
}

/// Where the next character begins; behind the end when there is none.
fn behind(text: &str, at: usize) -> usize {
    at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

enum Found<'t> {
    Whole(Range<usize>),
    Groups(Captures<'t>),
}

impl Found<'_> {
    fn range(&self) -> Range<usize> {
        self.group(0).unwrap_or_default()
    }

    fn group(&self, group: usize) -> Option<Range<usize>> {
        match self {
            Self::Whole(range) => (group == 0).then(|| range.clone()),
            Self::Groups(captures) => captures.range(group),
        }
    }
}

fn find<'t>(pattern: &Pattern, text: &'t str, from: usize, needs_groups: bool) -> Result<Option<Found<'t>>, GaveUp> {
    let found = if needs_groups {
        pattern.search_from(text, from).map(|found| found.map(Found::Groups))
    } else {
        pattern.find_from(text, from).map(|found| found.map(Found::Whole))
    };
    found.map_err(|_| GaveUp::Exhausted)
}

fn append(replacement: &Replacement, found: &Found<'_>, text: &Text<'_>, result: &mut Vec<u8>) {
    for piece in &replacement.pieces {
        let group = |group| found.group(group).map(|range| text.source(range)).unwrap_or_default();
        match piece {
            Piece::Literal(literal) => result.extend_from_slice(literal.as_bytes()),
            Piece::Group(number) => result.extend_from_slice(group(*number)),
            Piece::Hash(number) => {
                let hidden = group(*number);
                if !hidden.is_empty() {
                    result.extend_from_slice(hash(hidden, &replacement.salt).as_bytes());
                }
            }
        }
    }
}

/// Lower-case hex MD5 of the bytes followed by the salt.
fn hash(bytes: &[u8], salt: &str) -> String {
    let digest = Md5::new().chain_update(bytes).chain_update(salt).finalize();
    digest.iter().fold(String::with_capacity(32), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(expression: &str, pieces: Vec<Piece>, salt: &str) -> RedactionPlan {
        RedactionPlan {
            expression: Pattern::with_steps(expression, 1000).unwrap(),
            replacement: Replacement { pieces, salt: salt.to_owned() },
            place: "redaction_rules[0] of /a".to_owned(),
        }
    }

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    fn redacted(rules: &[RedactionPlan], line: &[u8]) -> Vec<u8> {
        match Redaction::new(rules).redact(b"", line, 1000) {
            Redacted::Unchanged => line.to_vec(),
            Redacted::Changed(result) => result,
            Redacted::Failed(place) => panic!("{place} failed"),
        }
    }

    #[test]
    fn hashes_are_those_of_the_python_agent() {
        assert_eq!(hash(b"password", ""), "5f4dcc3b5aa765d61d8327deb882cf99");
        assert_eq!(hash(b"bob", "salt!"), "226ff5109bd130a56bf811461137d7c7");
        let user = rule("user=(\\w*)(,)?", vec![literal("u="), Piece::Hash(1), Piece::Group(2)], "salt!");
        assert_eq!(redacted(&[user], b"user=bob,user=\n"), b"u=226ff5109bd130a56bf811461137d7c7,u=\n");
    }

    #[test]
    fn all_matches_of_all_rules_are_replaced_in_order() {
        let rules =
            [rule("a", vec![literal("b")], ""), rule("b+", vec![literal("<"), Piece::Group(0), literal(">")], "")];
        assert_eq!(redacted(&rules, b"xaabxa\n"), b"x<bbb>x<b>\n");
        assert_eq!(Redaction::new(&rules).redact(b"", b"x", 9), Redacted::Unchanged);
    }

    #[test]
    fn empty_matches_are_replaced_as_in_python() {
        let dash = |expression| rule(expression, vec![literal("-")], "");
        assert_eq!(redacted(&[dash("x*")], b"abxd"), b"-a-b--d-");
        assert_eq!(redacted(&[dash("(?<=é)|$")], "é\n".as_bytes()), "é-\n-".as_bytes());
        assert_eq!(redacted(&[rule("(?s).*", vec![], "")], b"secret\n"), b"");
    }

    #[test]
    fn a_result_without_measure_is_a_failure() {
        let mut redaction = Redaction::new(&[rule(".", vec![literal("xxxxxxxxxx")], "")]);
        assert_eq!(redaction.redact(b"", b"aaaaaaaaaaa", 100), Redacted::Failed("redaction_rules[0] of /a"));
    }

    proptest! {
        #[test]
        fn sharp_edge_17_bytes_that_are_not_redacted_pass_unchanged(bytes: Vec<u8>, before: Vec<u8>) {
            let line = [&before[..], b"SECRET", &bytes].concat();
            let expected = [&before[..], b"*", &bytes].concat();
            prop_assert_eq!(redacted(&[rule("SECRET", vec![literal("*")], "")], &line), expected);
            let all = rule("(?s)(.)", vec![Piece::Group(1)], "");
            prop_assert_eq!(redacted(&[all], &line), line);
        }
    }
}
