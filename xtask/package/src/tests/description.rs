//! What the package says of itself.

use super::{assert_has, monitor, sample};
use crate::description;
use crate::package::Package;

#[test]
fn it_names_the_monitors_and_the_crates_of_the_local_ones() {
    let local = monitor("rain_gauge", "rain-gauge", true, "Millimetres of rain, from a gauge at the serial port.");
    let mut package = sample();
    package.monitors.push(local);
    let text = description::lines(&package).join("\n");
    assert_has(&text, "Built-in monitors: linux_process_metrics.");
    assert_has(
        &text,
        "\n\nLocal monitors, which only this build of the agent has:\n * rain_gauge (crate rain-gauge 0.1.0): ",
    );
    assert_has(&description::summary(&package), "with 1 local monitor");
}

#[test]
fn no_line_is_too_wide_and_none_can_be_taken_for_a_field() {
    let long = monitor("a", "a", true, &"word ".repeat(100));
    let package =
        Package { monitors: vec![long.clone(), monitor("b", "b", true, "Line\n\nbreaks\n.\nNo: field")], ..sample() };
    for line in description::lines(&package) {
        assert!(line.chars().count() <= 79 && !line.contains('\n') && line != ".", "{line:?}");
    }
    assert!(description::summary(&package).len() < 80);
}
