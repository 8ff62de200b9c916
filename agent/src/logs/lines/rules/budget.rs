//! Searches that cannot stall a file: each has a budget of steps, and an expression that spends it too often gets a much
//! smaller one for a while, which is enough for lines that are no trouble.
//!
//! Only expressions with look-around or back-references take steps back at all; all others are searched for in linear
//! time, whatever the line is.

use scalyr_monitor::config::Pattern;

use super::text::Text;

/// What a search that was given up adds to the strain of its expression; each other one takes one away.
const STRAIN_OF_FAILURE: u32 = 8;
/// With so much strain an expression rests: three failures in a row, or as many among lines that are no better.
const MOST_STRAIN: u32 = 3 * STRAIN_OF_FAILURE;
/// How many texts an expression has few steps for when it rests: doubled each time that it fails right afterwards.
const SHORTEST_REST: u32 = 50;
const LONGEST_REST: u32 = 800;
/// As many steps may a search take while the expression rests: some tens of microseconds.
const FEW_STEPS: usize = 2000;

/// An expression that is searched for in one line after the other.
#[derive(Debug)]
pub(in crate::logs::lines) struct Searcher {
    pattern: Pattern,
    /// The same with few steps, once it was needed.
    sparing: Option<Pattern>,
    strain: u32,
    /// How long it rested last.
    pause: u32,
    /// For how many more texts it has few steps.
    rest: u32,
}

/// Why it is not known what a search would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::logs) enum GaveUp {
    /// It was given up after too many steps.
    Exhausted,
    /// What would be put in place of what was found is too long. Nothing to spare the expression for.
    TooLarge,
}

impl Searcher {
    /// For a pattern of the plan, which says how many steps a search may take.
    pub(in crate::logs::lines) fn new(pattern: Pattern) -> Self {
        Self { pattern, sparing: None, strain: 0, pause: 0, rest: 0 }
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
        self.attempt(|pattern| pattern.is_match(text.as_str()).map_err(|_| GaveUp::Exhausted))
    }

    /// Runs the searches in one text, with few steps while the expression rests.
    pub(super) fn attempt<T>(&mut self, search: impl FnOnce(&Pattern) -> Result<T, GaveUp>) -> Result<T, GaveUp> {
        if self.rest > 0 {
            self.rest -= 1;
            if self.sparing.is_none() {
                self.sparing = Pattern::with_steps(self.pattern.as_str(), FEW_STEPS).ok();
            }
            return match &self.sparing {
                Some(sparing) => search(sparing),
                None => Err(GaveUp::Exhausted),
            };
        }
        let found = search(&self.pattern);
        if !matches!(found, Err(GaveUp::Exhausted)) {
            self.strain = self.strain.saturating_sub(1);
            if self.strain == 0 {
                (self.pause, self.sparing) = (0, None);
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

    /// How many searches have all steps, of those in so many texts.
    fn begun(searcher: &mut Searcher, texts: u32, fails: bool) -> u32 {
        let mut begun = 0;
        for _ in 0..texts {
            begun += u32::from(searcher.rest == 0);
            let found = searcher.attempt(|_| if fails { Err(GaveUp::Exhausted) } else { Ok(()) });
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
    fn sharp_edge_12_lines_that_are_no_trouble_are_searched_while_an_expression_rests() {
        let mut searcher = Searcher::new(Pattern::with_steps(r"^(a|aa)+$\1b|(?<=x)y", 200_000).unwrap());
        for _ in 0..3 {
            assert_eq!(searcher.is_match(&[b'a'; 100]), Err(GaveUp::Exhausted));
        }
        assert!(searcher.rest > 0, "it rests");
        assert_eq!((searcher.is_match(b"an xy"), searcher.is_match(b"aa y")), (Ok(true), Ok(false)));
        assert_eq!(searcher.is_match(&[b'a'; 100]), Err(GaveUp::Exhausted));
    }

    #[test]
    fn a_result_that_is_too_large_is_no_reason_to_rest() {
        let mut searcher = Searcher::new(Pattern::new("x").unwrap());
        for _ in 0..100 {
            assert_eq!(searcher.attempt(|_| Err::<(), _>(GaveUp::TooLarge)), Err(GaveUp::TooLarge));
        }
        assert_eq!((searcher.rest, searcher.strain), (0, 0));
    }

    #[test]
    fn a_search_that_would_take_for_ever_is_given_up_and_a_line_that_is_not_utf8_is_searched() {
        let mut searcher = Searcher::new(Pattern::with_steps(r"^(a|aa)+$\1b", 1000).unwrap());
        assert_eq!(searcher.is_match(&[b'a'; 100]), Err(GaveUp::Exhausted));
        assert_eq!(searcher.is_match(b"c"), Ok(false));
        let mut searcher = Searcher::new(Pattern::new("^.b$").unwrap());
        assert_eq!(searcher.is_match(b"\xffb\n"), Ok(true));
    }
}
