//! The same package has the same bytes, whoever writes it when and where.

use std::env;
use std::fs;
use std::process::Command;

use super::{Bench, all_formats, said, sample};

/// Tells the other process where to write.
const OUTPUT: &str = "SCALYR_PACKAGE_TEST_OUTPUT";
const TEST: &str = "tests::repeated::the_same_package_has_the_same_bytes_in_another_process_and_surroundings";

#[test]
fn the_same_package_has_the_same_bytes_in_another_process_and_surroundings() {
    let formats = all_formats(&sample());
    if let Some(folder) = env::var_os(OUTPUT) {
        for (name, bytes) in ["deb", "rpm", "tar.gz"].iter().zip(&formats) {
            fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
        }
        return;
    }
    assert!(formats == all_formats(&sample()), "the same process wrote other bytes");
    let bench = Bench::new();
    let mut other = Command::new("sh");
    other
        .args(["-c", "umask 077; cd /; exec \"$0\" --exact \"$1\" --test-threads 1"])
        .arg(env::current_exe().unwrap())
        .arg(TEST)
        .env(OUTPUT, bench.path("."))
        .env("HOME", "/nonexistent")
        .env("HOSTNAME", "elsewhere")
        .env("SOURCE_DATE_EPOCH", "1");
    said("sh", "dash", &mut other);
    for (name, bytes) in ["deb", "rpm", "tar.gz"].iter().zip(&formats) {
        assert!(fs::read(bench.path(name)).unwrap() == *bytes, "the .{name} has other bytes");
    }
}
