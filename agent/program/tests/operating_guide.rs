//! `docs/operating.md` says what is so: each sharp edge of the Python agent has a test that is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod weaknesses;

/// Without a test as long as there are no packages: 21, the modes of their folders. The issue allows three, each with its
/// reason.
const MOST_WITHOUT_A_TEST: usize = 1;

#[test]
fn every_sharp_edge_of_command_line_and_service_has_a_test_that_is_there() {
    let without = weaknesses::check_filled("docs/operating.md", "## What was sharp about the Python agent", (24, 4));
    assert!(without.len() <= MOST_WITHOUT_A_TEST, "{without:?} have no test");
}
