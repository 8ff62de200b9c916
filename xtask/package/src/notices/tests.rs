use super::*;
use crate::crates::tests::{made_up, of_checkout, root, with};
use crate::crates::{CLibrary, OfStd};

#[test]
fn the_agent_of_this_checkout_may_be_passed_on() {
    let text = collect(of_checkout()).unwrap();
    for told in [
        "\nrustls 0.",
        "    licence   Apache-2.0 OR ISC OR MIT\n",
        "    holds     zstd 1.",
        "    left out  zstd/COPYING: the GPL 2",
        "libdeflate/COPYING)",
        "LICENSE-BoringSSL)",
        "\nRust 1.",
        "hashbrown ",
    ] {
        assert!(text.contains(told), "{told}");
    }
    assert!(!text.contains("GNU GENERAL PUBLIC LICENSE"), "nothing is used on the terms of the GPL");
    assert_eq!(text, collect(of_checkout()).unwrap());
    for path in [root().to_str().unwrap(), ".cargo/registry", ".rustup"] {
        assert!(!text.contains(path), "{path}");
    }
}

#[test]
fn equal_texts_stand_once() {
    let text = collect(of_checkout()).unwrap();
    assert_eq!(text.matches("END OF TERMS AND CONDITIONS").count(), text_count(&text, "END OF TERMS AND CONDITIONS"));
    let mut krate = made_up("one", Some("MIT"));
    krate.texts = vec![Text { path: "LICENSE".to_owned(), content: "Do  as\nyou like.".to_owned() }];
    let mut other = made_up("two", Some("MIT"));
    other.texts = vec![Text { path: "COPYING".to_owned(), content: "Do as you like.".to_owned() }];
    let text = collect(&with(vec![krate, other])).unwrap();
    assert!(text.contains("    texts     1 (LICENSE)\n") && text.contains("    texts     1 (COPYING)\n"), "{text}");
    assert!(text.contains("Do  as\nyou like.") && !text.contains("Do as you like."), "{text}");
}

/// How many different texts hold these words.
fn text_count(notices: &str, words: &str) -> usize {
    let texts: std::collections::BTreeSet<String> = notices
        .split("\n== ")
        .skip(1)
        .map(|text| text.split_whitespace().skip(2).collect::<Vec<_>>().join(" "))
        .filter(|text| text.contains(words))
        .collect();
    texts.len()
}

#[test]
fn a_licence_that_is_not_allowed_fails_with_all_such_crates_and_what_to_do() {
    let crates =
        with(vec![made_up("copyleft", Some("GPL-3.0-only")), made_up("fine", Some("MIT")), made_up("silent", None)]);
    let problems = collect(&crates).unwrap_err();
    assert_eq!(problems.problems.len(), 2);
    let text = problems.to_string();
    for told in [
        "copyleft 1.2.3: its licence `GPL-3.0-only` asks for GPL-3.0-only, which is not allowed",
        "silent 1.2.3: its manifest names no SPDX expression",
        "Use another crate",
        "xtask/package/src/notices/allowed.rs",
        "cargo tree --invert copyleft@1.2.3",
    ] {
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn a_crate_without_a_text_gets_the_standard_one() {
    let text = collect(&with(vec![made_up("bare", Some("ISC"))])).unwrap();
    assert!(text.contains("    texts     1 (ISC)\n") && text.contains("standard ones"), "{text}");
    assert!(text.contains("Permission to use, copy, modify"), "{text}");
}

#[test]
fn a_users_own_monitor_needs_no_licence() {
    let mut own = made_up("rain-gauge", None);
    own.origin = Origin::User;
    let mut mine = made_up("secret-sauce", Some("LicenseRef-ours"));
    mine.origin = Origin::User;
    let text = collect(&with(vec![own, mine])).unwrap();
    assert!(text.contains("rain-gauge 1.2.3\n    licence   none named: the user's own\n"), "{text}");
    assert!(text.contains("    licence   LicenseRef-ours\n"), "{text}");
}

#[test]
fn a_static_program_says_that_it_holds_the_c_library() {
    let mut crates = with(Vec::new());
    assert!(!collect(&crates).unwrap().contains("GNU C Library"));
    crates.c_library = Some(CLibrary { version: Some("2.36".to_owned()), texts: Vec::new() });
    let text = collect(&crates).unwrap();
    assert!(text.contains("GNU C Library 2.36\n    licence   LGPL-2.1-or-later\n"), "{text}");
    assert!(text.contains("GNU LESSER GENERAL PUBLIC LICENSE"), "{text}");
}

#[test]
fn a_new_crate_in_the_standard_library_is_noticed() {
    let mut crates = with(Vec::new());
    crates.rust.crates = vec![OfStd { name: "novelty".to_owned(), version: None, licence: None, texts: Vec::new() }];
    let problems = collect(&crates).unwrap_err().to_string();
    assert!(problems.contains("novelty") && problems.contains("xtask/package/src/crates/rust.rs"), "{problems}");
}
