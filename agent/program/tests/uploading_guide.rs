//! `docs/uploading.md` says what is so: each weakness of the Python agent has a test that is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The sources of a folder, put together.
fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&entry).unwrap());
        }
    }
}

#[test]
fn every_weakness_of_the_protocol_has_a_test_that_is_there() {
    let mut all = String::new();
    sources(&root().join("agent"), &mut all);
    let text = fs::read_to_string(root().join("docs/uploading.md")).unwrap();
    let table = text.split("## What the Python agent lost").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")).collect();
    assert_eq!(rows.len(), 19, "{rows:?}");
    for (number, row) in (1..).zip(rows) {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!((columns.len(), columns[1]), (6, number.to_string().as_str()), "{row}");
        let tests: Vec<&str> = columns[4].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty() && columns[2..4].iter().all(|text| text.len() > 10), "{row}");
        for test in tests {
            assert!(all.contains(&format!("fn {test}(")), "{test} is not there");
        }
    }
}
