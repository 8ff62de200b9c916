//! Machines with kernels of several ages: what each of them counts, and in which form, is told without a warning.

use expect_test::expect_file;
use serde_json::json;

use super::{Running, over_fixture, sizeless};

/// The sample of a machine with this kernel, without any warning.
#[track_caller]
fn sample_of_kernel(name: &str) -> String {
    let files = tempfile::tempdir().unwrap();
    std::fs::create_dir(files.path().join("boot")).unwrap();
    let mut entry = over_fixture(name);
    entry["root"] = json!(files.path());
    let mut running = Running::start(entry).unwrap();
    let lines = sizeless(&running.sample());
    assert_eq!(running.log.take(), "");
    lines
}

#[test]
fn linux_2_6_32_is_told_with_the_counters_that_were_given_up_later() {
    let golden = expect_file!["../../../tests/fixtures/linux_system_metrics/linux-2.6.32/golden.txt"];
    golden.assert_eq(&sample_of_kernel("linux-2.6.32"));
}

#[test]
fn linux_3_10_is_told_line_by_line() {
    let golden = expect_file!["../../../tests/fixtures/linux_system_metrics/linux-3.10/golden.txt"];
    golden.assert_eq(&sample_of_kernel("linux-3.10"));
}

#[test]
fn linux_4_18_is_told_without_its_new_columns() {
    let golden = expect_file!["../../../tests/fixtures/linux_system_metrics/linux-4.18/golden.txt"];
    golden.assert_eq(&sample_of_kernel("linux-4.18"));
}

#[test]
fn linux_6_18_is_told_as_it_was_found_on_a_machine() {
    let golden = expect_file!["../../../tests/fixtures/linux_system_metrics/linux-6.18/golden.txt"];
    golden.assert_eq(&sample_of_kernel("linux-6.18"));
}
