//! `docs/uploading.md` says what is so: each weakness of the Python agent has a test that is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod weaknesses;

#[test]
fn every_weakness_of_the_protocol_has_a_test_that_is_there() {
    weaknesses::check("docs/uploading.md", (19, 4));
}
