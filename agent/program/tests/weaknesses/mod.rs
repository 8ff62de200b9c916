//! The tables of the pages in `docs/` that name a test for each weakness of the Python agent.

#![allow(dead_code, reason = "each page uses its own part of this")]

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
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

/// The table of a page has so many rows and columns: a number from 1 on, texts, and behind them the tests, between
/// back-quotes, which are there.
pub(crate) fn check(page: &str, shape: (usize, usize)) {
    let without = check_filled(page, "## What the Python agent lost", shape);
    assert!(without.is_empty(), "{page}: {without:?} have no test");
}

/// The same of the table below `heading`, which may have rows without a test: their numbers.
pub(crate) fn check_filled(page: &str, heading: &str, (row_count, column_count): (usize, usize)) -> Vec<usize> {
    let mut all = String::new();
    sources(&root().join("agent"), &mut all);
    // What xtask writes, packages and unit files, is tested there.
    sources(&root().join("xtask"), &mut all);
    let text = fs::read_to_string(root().join(page)).unwrap();
    let table = text.split(heading).nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")).collect();
    assert_eq!(rows.len(), row_count, "{rows:?}");
    let mut without = Vec::new();
    for (number, row) in (1..).zip(rows) {
        // Nothing stands before the first bar, and nothing behind the last one.
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!((columns.len(), columns[1]), (column_count + 2, number.to_string().as_str()), "{row}");
        let (tests, texts) = columns[2..=column_count].split_last().unwrap();
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(texts.iter().all(|text| !text.is_empty()), "{row}");
        if tests.is_empty() {
            without.push(number);
        }
        for test in tests {
            assert!(all.contains(&format!("fn {test}(")), "{test} is not there");
        }
    }
    without
}
