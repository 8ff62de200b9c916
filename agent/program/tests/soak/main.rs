//! "It was soaked for a night. Is there a line that nobody can explain?"
//!
//! Rounds of everything that can happen to a log at once: rotations of each style, kills, stops, times without an agent,
//! faults of the server, all by chance from one seed. `cargo xtask soak --minutes 60 --seed 7` runs it for long; as a
//! test among the others it runs one short round of each story.

mod rounds;
#[path = "../story/mod.rs"]
mod story;
mod sums;

use std::env;
use std::time::Duration;

use rounds::{Plan, round};
use story::{now, number_from_environment, say};
use sums::Sums;

#[test]
fn what_happens_to_a_log_by_chance_leaves_no_line_unexplained() {
    #[expect(clippy::disallowed_methods, reason = "the edge of a test is where its environment is read")]
    let story = env::var("SOAK_STORY").ok();
    let plans: Vec<Plan> = Plan::ALL.into_iter().filter(|plan| story.as_ref().is_none_or(|s| s == plan.name)).collect();
    let names = Plan::ALL.map(|plan| plan.name).join(", ");
    assert!(!plans.is_empty(), "there is no story {story:?}; there are {names}");
    let seed = number_from_environment("STORY_SEED", rand::random::<u32>().into());
    // Without a time each story is told once.
    let time = Duration::from_secs(number_from_environment("SOAK_SECONDS", 0));
    let steps = number_from_environment("SOAK_STEPS", if time.is_zero() { 12 } else { 40 });

    let begin = now();
    let mut sums = Sums::default();
    say(&format!("soak with seed {seed}"));
    for number in 0.. {
        if begin.elapsed() >= time && number >= plans.len() as u64 {
            break;
        }
        let plan = &plans[usize::try_from(number).unwrap() % plans.len()];
        // Each round can be repeated alone.
        let own_seed = seed.wrapping_add(number);
        let again = format!("cargo xtask soak --minutes 0 --steps {steps} --story {} --seed {own_seed}", plan.name);
        let told = round(plan, own_seed, steps, &again);
        say(&format!(
            "{:7.1} s  round {number}: {}, seed {own_seed}: {told}",
            begin.elapsed().as_secs_f64(),
            plan.name
        ));
        sums.add(&told);
    }
    say(&format!("soak with seed {seed}, {:.1} s, in all: {sums}", begin.elapsed().as_secs_f64()));
}
