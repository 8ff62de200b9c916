//! Searches that cannot stall a file: each has a budget of steps, and an expression that spends it too often rests.
//!
//! Only expressions with look-around or back-references take steps back at all; all others are searched for in linear
//! time, whatever the line is.

use scalyr_monitor::config::Pattern;

use super::text::Text;

/// What a search that was given up adds to the strain of its expression; each other one takes one away.
const STRAIN_OF_FAILURE: u32 = 8;
/// With so much strain an expression rests: three failures in a row, or as many among lines that are no better.
const MOST_STRAIN: u32 = 3 * STRAIN_OF_FAILURE;
/// How many texts an expression is not tried with when it rests: doubled each time that it fails right afterwards.
const SHORTEST_REST: u32 = 50;
const LONGEST_REST: u32 = 800;

/// An expression that is searched for in one line after the other.
#[derive(Debug)]
pub(in crate::logs::lines) struct Searcher {
    pattern: Pattern,
    strain: u32,
    /// How long it rested last.
    pause: u32,
    /// With how many more texts it is not tried.
    rest: u32,
}

/// A search was given up after too many steps, or not begun, because too many were given up lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::logs) struct GaveUp;

impl Searcher {
    /// For a pattern of the plan, which says how many steps a search may take.
    pub(in crate::logs::lines) fn new(pattern: Pattern) -> Self {
        Self { pattern, strain: 0, pause: 0, rest: 0 }
    }

    /// Whether the expression is found anywhere in a line, which need not be UTF-8: each byte that is not is searched
    /// as U+FFFD.
    ///
    /// # Errors
    /// It is not known.
    pub(in crate::logs::lines) fn is_match(&mut self, line: &[u8]) -> Result<bool, GaveUp> {
        self.is_match_in(&Text::of(line))
    }

    /// The same for a text that was decoded.
    pub(super) fn is_match_in(&mut self, text: &Text<'_>) -> Result<bool, GaveUp> {
        self.attempt(|pattern| pattern.is_match(text.as_str()).map_err(|_| GaveUp))
    }

    /// Runs the searches in one text, unless the expression rests.
    pub(super) fn attempt<T>(&mut self, search: impl FnOnce(&Pattern) -> Result<T, GaveUp>) -> Result<T, GaveUp> {
        if self.rest > 0 {
            self.rest -= 1;
            return Err(GaveUp);
        }
        let found = search(&self.pattern);
        if found.is_ok() {
            self.strain = self.strain.saturating_sub(1);
            if self.strain == 0 {
                self.pause = 0;
            }
            return found;
        }
        self.strain = (self.strain + STRAIN_OF_FAILURE).min(MOST_STRAIN);
        if self.strain == MOST_STRAIN {
            self.pause = (self.pause * 2).clamp(SHORTEST_REST, LONGEST_REST);
            self.rest = self.pause;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many searches begin, of so many texts.
    fn begun(searcher: &mut Searcher, texts: u32, fails: bool) -> u32 {
        let mut begun = 0;
        for _ in 0..texts {
            let found = searcher.attempt(|_| {
                begun += 1;
                if fails { Err(GaveUp) } else { Ok(()) }
            });
            assert!(found.is_err() || !fails);
        }
        begun
    }

    #[test]
    fn an_expression_that_fails_again_and_again_is_not_tried_for_a_while() {
        let mut searcher = Searcher::new(Pattern::new("x").unwrap());
        assert_eq!(begun(&mut searcher, 3 + SHORTEST_REST, true), 3);
        assert_eq!(begun(&mut searcher, 1 + 2 * SHORTEST_REST, true), 1, "the next pause is twice as long");
        assert!(begun(&mut searcher, 10_000, true) <= 16);
        searcher.rest = 0;
        assert_eq!(begun(&mut searcher, 1000, false), 1000);
        assert_eq!(begun(&mut searcher, 100, true), 4, "it has recovered: 3, then 50 texts later one more");
    }

    #[test]
    fn a_failure_now_and_then_is_no_reason_to_rest() {
        let mut searcher = Searcher::new(Pattern::new("x").unwrap());
        for _ in 0..100 {
            assert_eq!(begun(&mut searcher, 1, true), 1);
            assert_eq!(begun(&mut searcher, 8, false), 8);
        }
    }

    #[test]
    fn a_search_that_would_take_for_ever_is_given_up_and_a_line_that_is_not_utf8_is_searched() {
        let mut searcher = Searcher::new(Pattern::with_steps(r"^(a|aa)+$\1b", 1000).unwrap());
        assert_eq!(searcher.is_match(&[b'a'; 100]), Err(GaveUp));
        assert_eq!(searcher.is_match(b"c"), Ok(false));
        let mut searcher = Searcher::new(Pattern::new("^.b$").unwrap());
        assert_eq!(searcher.is_match(b"\xffb\n"), Ok(true));
    }
}
