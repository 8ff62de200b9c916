//! Options that are regular expressions of a user, in the dialect of Python's `re`.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use fancy_regex::{CompileError, ParseError, Regex, RegexBuilder, RuntimeError};
use serde_json::Value;

use super::dialect::{self, Translated};
use super::kind::Kind;
use super::value::{ConfigValue, Found, shown};
use crate::error::{Error, Result};
use crate::problem::ProblemKind;

/// How many steps back one search may take before it gives up: a tenth of a second or so.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// A regular expression of a user, in the dialect of Python's `re`: with look-around, back-references and `(?P<name>…)`,
/// and with a `$` that also matches before a newline at the end. It is compiled when the entry is read, so a bad one is
/// a problem of the entry.
///
/// A search can take very long with some patterns. After a million steps back it is given up with an error, which
/// [`gather_sample`](crate::Monitor::gather_sample) can pass on by `?`.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    /// How many steps back one search may take.
    steps: usize,
    /// Only the default of an option can be none; it is refused when the entry is read.
    compiled: std::result::Result<Arc<Regex>, String>,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, and at which of its characters.
    pub fn new(text: &str) -> Result<Self> {
        Self::with_steps(text, BACKTRACK_LIMIT)
    }

    /// Compiles a pattern whose searches are given up after `steps` steps back, for texts that cannot wait: a search
    /// without look-around and back-references takes none, however long it is.
    ///
    /// # Errors
    /// What is wrong with it, and at which of its characters.
    pub fn with_steps(text: &str, steps: usize) -> Result<Self> {
        match compile(text, steps) {
            Ok(compiled) => Ok(Self { text: text.into(), steps, compiled: Ok(Arc::new(compiled)) }),
            Err(fault) => Err(Error::new(format!("{} is not a regular expression: {fault}", shown(&text.into())))),
        }
    }

    /// Whether it matches anywhere in the text, as `re.search` does.
    ///
    /// # Errors
    /// The search took too many steps.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        self.regex()?.is_match(text).map_err(|error| self.gave_up(&error))
    }

    /// The first match anywhere in the text, as `re.search` finds it.
    ///
    /// # Errors
    /// The search took too many steps.
    pub fn search<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>> {
        self.search_from(text, 0)
    }

    /// The first match that begins at byte `from` of the text or later. What lies before is seen by look-behind and
    /// `\b`. A `from` inside a character or behind the end finds nothing.
    ///
    /// # Errors
    /// The search took too many steps.
    pub fn search_from<'t>(&self, text: &'t str, from: usize) -> Result<Option<Captures<'t>>> {
        if !text.is_char_boundary(from) {
            return Ok(None);
        }
        let found = self.regex()?.captures_from_pos(text, from).map_err(|error| self.gave_up(&error))?;
        Ok(found.map(Captures))
    }

    /// Where the first match lies that begins at byte `from` of the text or later: as [`search_from`](Self::search_from),
    /// and faster, because groups are not looked for.
    ///
    /// # Errors
    /// The search took too many steps.
    pub fn find_from(&self, text: &str, from: usize) -> Result<Option<Range<usize>>> {
        if !text.is_char_boundary(from) {
            return Ok(None);
        }
        let found = self.regex()?.find_from_pos(text, from).map_err(|error| self.gave_up(&error))?;
        Ok(found.map(|found| found.range()))
    }

    /// The match at the very start of the text, as `re.match` finds it.
    ///
    /// # Errors
    /// The search took too many steps.
    pub fn match_start<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>> {
        // The first match is the one that begins first.
        Ok(self.search(text)?.filter(|found| found.start() == 0))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many groups in brackets it has.
    pub fn groups(&self) -> usize {
        self.compiled.as_ref().map_or(0, |regex| regex.captures_len().saturating_sub(1))
    }

    /// The number of the group with this name.
    pub fn group_of(&self, name: &str) -> Option<usize> {
        self.group_names().find(|(_, known)| *known == name).map(|(number, _)| number)
    }

    /// The groups that have names, with their numbers.
    pub fn group_names(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.compiled.as_ref().ok().map(|regex| regex.capture_names());
        names.into_iter().flatten().enumerate().filter_map(|(number, name)| Some((number, name?)))
    }

    fn regex(&self) -> Result<&Regex> {
        match &self.compiled {
            Ok(regex) => Ok(regex),
            Err(fault) => {
                let text = shown(&self.to_value());
                Err(Error::new(format!("{text} is not a regular expression: {fault}")))
            }
        }
    }

    fn gave_up(&self, error: &fancy_regex::Error) -> Error {
        let pattern = shown(&self.to_value());
        Error::new(match error {
            fancy_regex::Error::RuntimeError(RuntimeError::BacktrackLimitExceeded) => {
                format!("the search for {pattern} was given up after {} steps; write a simpler pattern", self.steps)
            }
            other => format!("the search for {pattern} was given up: {other}; write a simpler pattern"),
        })
    }
}

/// What a [`Pattern`] matched.
#[derive(Debug)]
pub struct Captures<'t>(fancy_regex::Captures<'t, str>);

impl<'t> Captures<'t> {
    /// What a group matched, counted from 1; 0 is all that was matched. `None` when the group took no part.
    pub fn get(&self, group: usize) -> Option<&'t str> {
        self.0.get(group).map(|found| found.as_str())
    }

    /// What a group with a name matched. `None` when it took no part.
    pub fn name(&self, name: &str) -> Option<&'t str> {
        self.0.name(name).map(|found| found.as_str())
    }

    /// Where in the text the match begins, in bytes.
    pub fn start(&self) -> usize {
        self.0.get(0).map_or(0, |found| found.start())
    }

    /// Where in the text a group lies, in bytes. `None` when it took no part.
    pub fn range(&self, group: usize) -> Option<Range<usize>> {
        self.0.get(group).map(|found| found.range())
    }
}

/// The most bytes of a pattern: one of a megabyte takes seconds and a hundred times its memory to compile.
const MOST_BYTES: usize = 64 << 10;

fn compile(text: &str, steps: usize) -> std::result::Result<Regex, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it is {} bytes long, and at most {MOST_BYTES} are allowed", text.len()));
    }
    let translated = dialect::translate(text)?;
    RegexBuilder::new(&translated.text).backtrack_limit(steps).build().map_err(|error| fault(&error, &translated))
}

/// What is wrong with a pattern, and where in the user's own text.
fn fault(error: &fancy_regex::Error, translated: &Translated) -> String {
    match error {
        fancy_regex::Error::ParseError(at, kind) => {
            let what = match kind {
                ParseError::TargetNotRepeatable => "there is nothing to repeat".to_owned(),
                ParseError::TrailingBackslash => "a `\\` ends it; write `\\\\` for a literal one".to_owned(),
                other => uncapitalised(&other.to_string()),
            };
            format!("{what}, at character {}", translated.place(*at))
        }
        fancy_regex::Error::CompileError(error) => match &**error {
            CompileError::InnerError(error) => inner_fault(error, translated),
            CompileError::InvalidBackref(group) => format!("there is no group {group} to refer back to"),
            other => uncapitalised(&other.to_string()),
        },
        other => uncapitalised(&other.to_string()),
    }
}

/// The engine below shows the piece it had, and the reason in the last line.
fn inner_fault(error: &(dyn std::error::Error + 'static), translated: &Translated) -> String {
    let report = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if report.contains("exceeded limit") {
        return "it is too large when compiled; repeat less".to_owned();
    }
    let mut lines = report.lines();
    let what = lines.clone().next_back().unwrap_or_default();
    let what = uncapitalised(what.strip_prefix("error: ").unwrap_or(what));
    match lines.nth(1).and_then(|piece| translated.text.find(piece.trim())) {
        Some(at) => format!("{what}, in the part that begins at character {}", translated.place(at)),
        None => what,
    }
}

fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The pattern as it was written.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

/// Those that are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl ConfigValue for Pattern {
    const KIND: Kind = Kind::Pattern;

    type Literal = &'static str;

    fn from_literal(literal: &'static str) -> Self {
        Self { text: literal.into(), steps: BACKTRACK_LIMIT, compiled: compile(literal, BACKTRACK_LIMIT).map(Arc::new) }
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let text = match found.value() {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return found.refuse_kind(Self::KIND),
        };
        match compile(&text, BACKTRACK_LIMIT) {
            Ok(compiled) => Some(Self { text: text.into(), steps: BACKTRACK_LIMIT, compiled: Ok(Arc::new(compiled)) }),
            Err(fault) => {
                let given = found.shown();
                found.refuse_as(ProblemKind::Pattern, format_args!("{given} is not {}: {fault}", Self::KIND), "")
            }
        }
    }

    fn to_value(&self) -> Value {
        (*self.text).into()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect;

    use super::*;

    #[test]
    fn a_pattern_matches_as_in_python() {
        for (pattern, texts, others) in [
            (r"(\w+)$", &["status: ok\n", "ok"][..], &["ok\n\n", "ok "][..]),
            (r"ok\Z", &["ok"], &["ok\n"]),
            (r"(?m)^b$", &["a\nb\nc"], &["ab"]),
            (r"(?m:^b$)\nc$", &["a\nb\nc\n"], &["a\nb\nc\nd"]),
            (r"[$]1\$", &["$1$"], &["1"]),
            (r"(?P<q>['\x22]).*(?P=q)", &["'a'", "\"a\""], &["'a\""]),
            (r"(a|b)\1", &["aa", "bb"], &["ab"]),
            (r"(?<!un)known(?=;)", &["known;"], &["unknown;", "known"]),
            (r"[[a]\]", &["[]", "a]"], &["]"]),
            (r"[a&&b]", &["a", "&"], &["c"]),
            (r"^[+--]$", &[",", "+", "-"], &["a"]),
            (r"^[--a]$", &["-", "A", "a"], &["b"]),
            (r"^[]a]$", &["]", "a"], &["b"]),
            (r"^[^]a]$", &["b"], &["]", "a"]),
            (r"^\<a\>$", &["<a>"], &["a"]),
            (r"^a{,2}$", &["", "aa"], &["aaa"]),
            (r"^a{x}$", &["a{x}"], &["a"]),
            (r"^{$", &["{"], &["a"]),
            (r"^\101\0$", &["A\0"], &["101"]),
            (r"^[\b]$", &["\u{8}"], &["b"]),
            ("(?x) ^ a [ #] # an $ ( in a [ comment\n b $", &["a b", "a#b"], &["ab"]),
            (r"(?#a $ ( [ comment)^a$", &["a"], &["b"]),
            (r"(?i)ÄB", &["äb"], &["a"]),
            (r"^(a)?(?(1)b|c)$", &["ab", "c"], &["b", "ac"]),
        ] {
            let compiled = Pattern::new(pattern).unwrap_or_else(|error| panic!("{error}"));
            for text in texts {
                assert!(compiled.is_match(text).unwrap(), "{pattern} should match {text:?}");
            }
            for text in others {
                assert!(!compiled.is_match(text).unwrap(), "{pattern} should not match {text:?}");
            }
        }
    }

    #[test]
    fn groups_are_had_by_number_and_by_name() {
        let pattern = Pattern::new(r"(?P<key>\w+)=(\d+)?").unwrap();
        assert_eq!(pattern.groups(), 2);
        let found = pattern.search("x: load=").unwrap().unwrap();
        assert_eq!(
            (found.get(0), found.name("key"), found.get(2), found.get(9)),
            (Some("load="), Some("load"), None, None)
        );
        assert_eq!(found.start(), 3);
        assert!(pattern.match_start("x: load=").unwrap().is_none());
        assert!(pattern.match_start("load=5").unwrap().is_some());
    }

    #[test]
    fn a_bad_pattern_says_where_in_the_users_text() {
        let bad = [
            "(a",
            "a)b",
            "ä$[bc",
            "[z-a]",
            "x$(?=$)[z-a]",
            "*a",
            "ä$**",
            "a\\",
            "(?z)a",
            "\\q",
            "(a)\\2",
            "(?P<1",
            r"\N{DASH}",
            r"\w{100000}",
            "[\\w-z]",
            "(?#a",
        ];
        let mut told = String::new();
        for pattern in bad {
            _ = writeln!(told, "{pattern:<14} {}", compile(pattern, BACKTRACK_LIMIT).map(|_| ()).unwrap_err());
        }
        expect![[r#"
            (a             the `(` at character 1 is never closed
            a)b            the `)` at character 2 closes nothing
            ä$[bc          the `[` at character 3 is never closed
            [z-a]          invalid character class range, the start must be <= the end, in the part that begins at character 1
            x$(?=$)[z-a]   invalid character class range, the start must be <= the end, in the part that begins at character 8
            *a             there is nothing to repeat, at character 1
            ä$**           there is nothing to repeat, at character 3
            a\             a `\` ends it; write `\\` for a literal one, at character 2
            (?z)a          unknown group flag: (?z, at character 3
            \q             invalid escape: \q, at character 2
            (a)\2          there is no group 2 to refer back to
            (?P<1          the `(` at character 1 is never closed
            \N{DASH}       `\N` at character 1 is not known; write the character itself
            \w{100000}     it is too large when compiled; repeat less
            [\w-z]         invalid range boundary, must be a literal, in the part that begins at character 1
            (?#a           the `(` at character 1 is never closed
        "#]].assert_eq(&told);
    }

    #[test]
    fn a_pattern_without_measure_is_refused_at_once_and_not_quoted() {
        let error = Pattern::new(&"$".repeat(300_000)).unwrap_err().to_string();
        assert!(
            error.ends_with("$… is not a regular expression: it is 300000 bytes long, and at most 65536 are allowed")
        );
        assert!(error.len() < 200, "{error}");
        let slow = Pattern::new(&format!("{}^(a|aa)+$\\1b", "(?#x)".repeat(1000))).unwrap();
        let error = slow.is_match(&("a".repeat(40) + "c")).unwrap_err().to_string();
        assert!(error.contains("was given up") && error.len() < 200, "{error}");
    }

    #[test]
    fn a_search_goes_on_where_the_last_match_ended() {
        let pattern = Pattern::new(r"(?P<word>\b\w+)(-)?").unwrap();
        assert_eq!((pattern.group_of("word"), pattern.group_of("no")), (Some(1), None));
        let text = "ä-bc d";
        assert_eq!(pattern.find_from(text, 0).unwrap(), Some(0..3));
        let found = pattern.search_from(text, 3).unwrap().unwrap();
        assert_eq!((found.range(0), found.range(1), found.range(2)), (Some(3..5), Some(3..5), None));
        assert_eq!(pattern.find_from(text, 4).unwrap(), Some(6..7), "what lies before is seen");
        assert_eq!(pattern.find_from(text, 7).unwrap(), None);
        assert_eq!((pattern.find_from(text, 1).unwrap(), pattern.find_from(text, 99).unwrap()), (None, None));
    }

    #[test]
    fn a_search_without_steps_back_needs_none() {
        // `$` is a look-ahead for the engine, as it also matches before a newline at the end.
        for pattern in ["(a|aa)+$", "^(x+x+)+y", "(?i)pass(word)?=(\\S+)$"] {
            let pattern = Pattern::with_steps(pattern, 0).unwrap();
            assert!(!pattern.is_match(&("a".repeat(40) + &"x".repeat(100) + "c\n")).unwrap());
        }
        assert!(Pattern::with_steps(r"(.)\1", 0).unwrap().is_match("abc").is_err());
    }

    #[test]
    fn a_search_that_explodes_is_given_up_with_an_error() {
        let pattern = Pattern::new(r"^(a|aa)+$\1b").unwrap();
        let error = pattern.is_match(&("a".repeat(40) + "c")).unwrap_err().to_string();
        assert!(error.contains("was given up after 1000000 steps; write a simpler pattern"), "{error}");
    }
}
