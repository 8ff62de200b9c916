//! Every format with every rule: numbers grow, segments are contiguous, and sums are the bytes of the file.

use proptest::prelude::*;

use super::growth::{file, groupers, tail};
use super::*;
use crate::config::line_plan::{Piece, RedactionPlan, Replacement, SamplingPlan};

fn redaction() -> impl Strategy<Value = Vec<RedactionPlan>> {
    let rule = |expression: &str, pieces: Vec<Piece>| RedactionPlan {
        expression: Pattern::with_steps(expression, 100).unwrap(),
        replacement: Replacement { pieces, salt: "salt".to_owned() },
        place: "redaction_rules[0] of /a".to_owned(),
    };
    let known = vec![
        rule("a", vec![Piece::Literal("<<a>>".to_owned())]),
        rule("(?s).*", vec![]),
        rule("(l)(o)?", vec![Piece::Hash(2), Piece::Group(1)]),
        rule(r"(x|xx)+\1y", vec![]),
        rule("$", vec![Piece::Literal("é".repeat(20))]),
    ];
    prop::collection::vec(prop::sample::select(known), 0..3)
}

fn sampling() -> impl Strategy<Value = Vec<SamplingPlan>> {
    let rule =
        |expression: &str, rate| SamplingPlan { expression: Pattern::with_steps(expression, 100).unwrap(), rate };
    let known = vec![rule("a", 0.5), rule("x", 0.0), rule("(?<=o)n", 1.0), rule(r"(x|xx)+\1y", 0.3)];
    prop::collection::vec(prop::sample::select(known), 0..3)
}

fn plan() -> impl Strategy<Value = LinePlan> {
    let json = LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() };
    let format = prop::sample::select(vec![LineFormat::Raw, json, LineFormat::Cri]);
    (format, groupers(), sampling(), redaction()).prop_map(|(format, groupers, sampling, redaction)| LinePlan {
        format,
        groupers,
        sampling,
        redaction,
    })
}

proptest! {
    #[test]
    fn sharp_edge_30_every_byte_is_counted_once_whatever_the_rules(
        plan in plan(), tail in tail(), file in file(), steps in prop::collection::vec(any::<prop::sample::Index>(), 0..6), flush: bool
    ) {
        let mut sizes: Vec<usize> = steps.iter().map(|step| step.index(file.len() + 1)).collect();
        sizes.sort_unstable();
        // The reader checks what it reads: numbers, segments, lines.
        let mut reader = Reader::new(plan, tail);
        for size in sizes {
            reader.read_complete(&file[..size]);
            if flush {
                reader.read(&file[..size], true);
            }
        }
        reader.read_all(&file);
        prop_assert_eq!(reader.position, file.len());
    }

    #[test]
    fn a_file_with_sampling_that_grows_in_steps_gives_the_same_events(
        plan in plan(), file in file(), steps in prop::collection::vec(any::<prop::sample::Index>(), 0..6)
    ) {
        // Without redaction, whose memory of failures is another in other steps.
        let plan = LinePlan { redaction: Vec::new(), sampling: plan.sampling.into_iter().filter(|rule| !rule.expression.as_str().contains('\\')).collect(), ..plan };
        let (whole, _) = events(plan.clone(), TailPlan::default(), &file);
        let mut sizes: Vec<usize> = steps.iter().map(|step| step.index(file.len() + 1)).collect();
        sizes.sort_unstable();
        let mut reader = Reader::new(plan, TailPlan::default());
        for size in sizes {
            reader.read_complete(&file[..size]);
        }
        reader.read_all(&file);
        prop_assert_eq!(reader.seen, whole);
    }
}
