//! Sampling: which lines are sent (`log-copying.md` section 7).
//!
//! The dice are a hash of the file's sequence and the place where the line ends, so that a line that is read again, after
//! a rewind or a restart, meets the same decision.

use sha2::{Digest, Sha256};

use super::budget::Searcher;
use super::text::Text;
use crate::config::line_plan::SamplingPlan;
use crate::ledger::Offset;

/// The sampling rules of one file.
#[derive(Debug)]
pub(super) struct Sampling {
    rules: Vec<(Searcher, f64)>,
    seed: u64,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decision {
    /// It is sent, as no rule is for it, or one with the rate 1.
    Send,
    /// It is sent as one of several: the rate.
    SendSample(f64),
    /// It is left out.
    LeaveOut,
}

impl Sampling {
    pub(super) fn new(rules: &[SamplingPlan], sequence: &str) -> Self {
        let rules = rules.iter().map(|rule| (Searcher::new(rule.expression.clone()), rule.rate)).collect();
        let digest = Sha256::digest(sequence.as_bytes());
        let seed = digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        Self { rules, seed }
    }

    /// What becomes of a message that ends at `end`, by the first rule that matches, and whether a rule failed; a line that
    /// a rule fails at is none of its lines.
    pub(super) fn decide(&mut self, message: &[u8], end: Offset) -> (Decision, bool) {
        if self.rules.is_empty() {
            return (Decision::Send, false);
        }
        let text = Text::of(message);
        let mut has_failed = false;
        for (searcher, rate) in &mut self.rules {
            match searcher.is_match_in(&text) {
                Ok(false) => {}
                Ok(true) => return (decide_by(*rate, share(self.seed, end)), has_failed),
                // What it would have said is not known, and neither is whether a later rule is to be asked.
                Err(_) => {
                    has_failed = true;
                    return (Decision::Send, has_failed);
                }
            }
        }
        (Decision::Send, has_failed)
    }
}

fn decide_by(rate: f64, share: f64) -> Decision {
    if rate >= 1.0 {
        Decision::Send
    } else if share < rate {
        Decision::SendSample(rate)
    } else {
        Decision::LeaveOut
    }
}

/// A number from 0 to 1, 1 excluded, that looks random: SplitMix64.
fn share(seed: u64, end: Offset) -> f64 {
    let mut mixed = seed.wrapping_add(end.0.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let share = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    share
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::config::Pattern;

    use super::*;

    fn rules(rules: &[(&str, f64)]) -> Vec<SamplingPlan> {
        rules.iter().map(|(text, rate)| SamplingPlan { expression: Pattern::new(text).unwrap(), rate: *rate }).collect()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let mut sampling = Sampling::new(&rules(&[("ERROR", 1.0), ("x", 0.0), (".", 1.0)]), "si");
        for at in 0..100 {
            assert_eq!(sampling.decide(b"ERROR x", Offset(at)), (Decision::Send, false));
            assert_eq!(sampling.decide(b"x", Offset(at)), (Decision::LeaveOut, false));
            assert_eq!(sampling.decide(b"y", Offset(at)), (Decision::Send, false));
        }
    }

    #[test]
    fn the_share_that_is_kept_is_the_rate_and_the_same_lines_are_kept_again() {
        let [mut first, mut again, mut other] =
            ["si", "si", "another"].map(|si| Sampling::new(&rules(&[(".", 0.25)]), si));
        let (mut kept, mut differ) = (0, 0);
        for line in 1..=20_000_u64 {
            let decision = first.decide(b"line", Offset(line * 5));
            assert_eq!(decision, again.decide(b"line", Offset(line * 5)));
            kept += u32::from(decision.0 == Decision::SendSample(0.25));
            differ += u32::from(decision != other.decide(b"line", Offset(line * 5)));
        }
        assert!((4700..5300).contains(&kept), "{kept}");
        assert!(differ > 6000, "another file has other dice: {differ}");
    }

    #[test]
    fn a_line_that_a_rule_fails_at_is_kept() {
        let expression = Pattern::with_steps(r"^(a|aa)+$\1b", 1000).unwrap();
        let mut sampling = Sampling::new(&[SamplingPlan { expression, rate: 0.0 }], "si");
        assert_eq!(sampling.decide(&[b'a'; 100], Offset(1)), (Decision::Send, true));
    }
}
