//! However broken a text is, it is read in a bounded number of passes.

use super::*;

/// Texts in which each piece is a fault, or makes one look far ahead.
#[test]
fn looking_ahead_behind_faults_costs_a_bounded_number_of_passes() {
    let most = 8 * (fault::MAX_FAULTS + 1);
    for piece in [
        "a b, ",
        "x\n",
        "\"\n",
        "'",
        "\\'",
        "“",
        "“”",
        "{a ",
        "[b:",
        "[",
        "]",
        "}",
        "{",
        ",",
        ":",
        ";",
        "#\n",
        "/*",
        "// ",
        "a=",
        "\"\"\"",
        "\"x\" y ",
        "{[",
        "]}",
        "/",
        "+",
        "\"a\" + ",
        "[a: ",
        "[\"a\": ",
        "x, ",
        "x /* */ , ",
    ] {
        for before in ["{", "{ a: [", "{ a: ", "{ a: \"", "{ a: x, b: [[[ ", "{ a: { b: [ c: { d: 1 ]}"] {
            let text = format!("{before}{}", piece.repeat(30_000 / piece.len()));
            let scanned = scan::scan(&text);
            assert!(scanned.skimmed <= most * text.len(), "{before}{piece}: {} passes", scanned.skimmed / text.len());
            assert!(scanned.faults.len() <= fault::MAX_FAULTS);
        }
    }
}

#[test]
fn the_largest_text_is_read_however_broken_it_is() {
    for piece in ["a b: x, ", "\" \\"] {
        let text = format!("{{{}", piece.repeat((MAX_BYTES - 1) / piece.len()));
        assert!(!faults(&text).0.is_empty(), "{piece}");
    }
}
