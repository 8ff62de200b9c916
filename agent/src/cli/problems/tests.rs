use std::time::Duration;

use expect_test::{Expect, expect};
use scalyr_monitor::Clock;

use super::*;
use crate::config::{Kind, Place, Position};

const SNIPPETS: Form = Form::Snippets { width: 80, colour: false };

/// A report about `text`, which may be broken, with these problems: severity, place and message.
fn report(text: &str, problems: &[(Severity, usize, usize, &str)]) -> Report {
    let mut report = Report::new("/etc/agent.json");
    report.keep_text(text);
    for (severity, line, column, message) in problems {
        let position = Some(Position { line: *line, column: *column });
        report.push(Problem {
            severity: *severity,
            place: Place { source: "/etc/agent.json".to_owned(), path: String::new(), position },
            kind: Kind::Value,
            message: (*message).to_owned(),
            hint: "mend it".to_owned(),
        });
    }
    report
}

/// The shown line and its underlining of a single problem.
fn snippet(content: &str, line: usize, column: usize) -> String {
    let report = report(content, &[(Severity::Refused, line, column, "is wrong")]);
    let shown = text(&report, Wording::Check, SNIPPETS);
    shown.trim_end().lines().skip(3).map(|line| format!("{}\n", line.trim_end())).collect()
}

#[track_caller]
fn shows(content: &str, line: usize, column: usize, expected: Expect) {
    expected.assert_eq(&snippet(content, line, column));
}

#[test]
fn the_token_at_the_place_is_underlined() {
    let report = report("{\n  a: 5\n}", &[(Severity::Refused, 2, 6, "is wrong"), (Severity::Warning, 3, 1, "odd")]);
    expect![[r#"
        refused: is wrong
         --> /etc/agent.json:2:6
          |
        2 |   a: 5
          |      ^
          |
          = help: mend it

        warning: odd
         --> /etc/agent.json:3:1
          |
        3 | }
          | ^
          |
          = help: mend it

    "#]]
    .assert_eq(&text(&report, Wording::Daemon, SNIPPETS));
    let content = "{\r\n  logs: [ { path: \"/var/log/*\", copy_from_start: 11.5 } ]\r\n}\r\n";
    shows(
        content,
        2,
        19,
        expect![[r#"
        2 |   logs: [ { path: "/var/log/*", copy_from_start: 11.5 } ]
          |                   ^^^^^^^^^^^^
          |
          = help: mend it
    "#]],
    );
    shows(
        content,
        2,
        3,
        expect![[r#"
        2 |   logs: [ { path: "/var/log/*", copy_from_start: 11.5 } ]
          |   ^^^^
          |
          = help: mend it
    "#]],
    );
    shows(
        content,
        2,
        50,
        expect![[r#"
        2 |   logs: [ { path: "/var/log/*", copy_from_start: 11.5 } ]
          |                                                  ^^^^
          |
          = help: mend it
    "#]],
    );
    shows(
        content,
        2,
        11,
        expect![[r#"
        2 |   logs: [ { path: "/var/log/*", copy_from_start: 11.5 } ]
          |           ^
          |
          = help: mend it
    "#]],
    );
    shows(
        content,
        4,
        1,
        expect![[r#"
        4 |
          | ^
          |
          = help: mend it
    "#]],
    );
}

#[test]
fn wide_and_combining_characters_tabs_and_control_characters_do_not_shift_it() {
    shows(
        "{\t\"名前\": \"e\u{301}\u{1b}[31m\u{202e}\", b: 5 }",
        1,
        18,
        expect![[r#"
        1 | {    "名前": "é�[31m�", b: 5 }
          |                      ^^^^^^^^^
          |
          = help: mend it
    "#]],
    );
    shows(
        "\u{feff}{ b: 5 }",
        1,
        6,
        expect![[r#"
        1 | { b: 5 }
          |      ^
          |
          = help: mend it
    "#]],
    );
}

#[test]
fn on_a_narrow_terminal_the_line_is_cut_and_the_underlining_stays_below_it() {
    let content = "{ a: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", colour: 5, c: \"yyyyyyyyyyyyyyyyyyyyyyyyyyyyy\" }";
    let report = report(content, &[(Severity::Refused, 1, content.find("colour").unwrap() + 1, "is wrong")]);
    let shown = text(&report, Wording::Check, Form::Snippets { width: 40, colour: false });
    let widest = shown.lines().skip(2).map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 40, "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let (line, below) = (lines[3], lines[4]);
    let column = |text: &str, what: char| text.chars().position(|c| c == what).unwrap();
    assert_eq!(column(line, 'c'), column(below, '^'), "{shown}");
}

#[test]
fn a_file_name_cannot_command_the_terminal() {
    let evil = "/etc/a\nerror: forged\u{1b}]0;title\u{7}\u{9b}31m\u{202e}.json";
    let mut report = Report::new(evil);
    report.keep_text("{ a: 5 }");
    report.refuse("a", "is wrong\u{1b}[2J").hint = "mend\u{1b}[2J it".to_owned();
    for form in [Form::Lines, SNIPPETS, Form::Snippets { width: 80, colour: true }] {
        let shown = anstream::adapter::strip_str(&text(&report, Wording::Check, form)).to_string();
        assert!(!shown.contains(|c: char| c != '\n' && crate::config::report::is_obeyed(c)), "{shown:?}");
        assert!(!shown.contains("\nerror: forged"), "{shown:?}");
        assert!(shown.contains("/etc/a error: forged"), "{shown:?}");
    }
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let content = format!("{{ a: \"{}\", b: 5, c: \"{}\" }}", "x".repeat(500), "y".repeat(500));
    let column = content.find("5,").unwrap() + 1;
    shows(
        &content,
        1,
        column,
        expect![[r#"
        1 | …xxxxxxxxxxxxxxxx", b: 5, c: "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…
          |                        ^
          |
          = help: mend it
    "#]],
    );
    shows(
        &content,
        1,
        6,
        expect![[r#"
        1 | { a: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
          |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: mend it
    "#]],
    );
}

#[test]
fn secrets_on_shown_lines_are_masked() {
    for (content, line) in [
        ("{ api_key: \"hunter2\", b: 5 }", 1),
        ("{ \"api_key\": 'hunter2', b: 5 }", 1),
        ("{ api_key: \"hun\" + \"ter2hunter2\", b: 5 }", 1),
        ("{ api_key:\n  // hunter2? no: below\n  \"hunter2\", b: 5 }", 3),
        ("{ api_key: \"abc\" +\n \"hunter2\", b: 5 }", 2),
        ("{ api_key: \"\"\"first\n hunter2 \"\"\", b: 5 }", 2),
        ("{ api_key: \"hunter2, b: 5 }", 1),
        ("{ api_key \"hunter2\", b: 5 }", 1),
        ("{ api_key hunter2, b: 5 }", 1),
        ("{ api_key = hunter2, b: 5 }", 1),
        ("{ api_key: hun+ter=2hunter2//hunter2, b: 5 }", 1),
        ("{ path: \"/x, api_key: \"hunter2\", b: 5 }", 1),
        ("{ \"api\\u005fkey\": \"hunter2\", b: 5 }", 1),
        ("{ api_kye: \"hunter2\", b: 5 }", 1),
        ("{ apikey: \"hunter2\", b: 5 }", 1),
        ("{ tokens: [\"hunter2\", \"hunter2\"], b: 5 }", 1),
        ("{ tokens: [\"a\",\n  \"hunter2\"], b: 5 }", 2),
        ("{ passwords: { db: \"hunter2\" }, b: 5 }", 1),
        ("{ import_vars: [{ var: \"KEY\", default: \"hunter2\" }], b: 5 }", 1),
        ("{ b: 5 } // api_key: \"hunter2\"", 1),
        ("{ b: 5 /* password=hunter2 */ }", 1),
        ("{ url: \"https://me:hunter2@host/x\", b: 5 }", 1),
        ("{ https_proxy: \"me:hunter2@proxy:3128\", b: 5 }", 1),
        ("{ databse_pasword: \"hunter2\", b: 5 }", 1),
        ("{ url: \"https://host/x?token=hunter2\", b: 5 }", 1),
    ] {
        let shown_line = content.lines().nth(line - 1).unwrap();
        let column = shown_line.find("b: 5").unwrap_or(0) + 1;
        let shown = snippet(content, line, column);
        assert!(!shown.contains("hunter2") && !shown.contains("ter2"), "{content}\n{shown}");
        assert!(shown.contains("***"), "{content}\n{shown}");
        // And when the place is in the secret.
        for column in 1..=shown_line.chars().count() + 1 {
            let shown = snippet(content, line, column);
            assert!(!shown.contains("hunter2"), "{column}: {content}\n{shown}");
        }
    }
}

#[test]
fn a_masked_secret_is_underlined_as_a_whole_and_what_is_no_secret_is_shown() {
    shows(
        "{ api_key: \"hunter2\", b: 5 }",
        1,
        12,
        expect![[r#"
        1 | { api_key: "********", b: 5 }
          |            ^^^^^^^^^^
          |
          = help: mend it
    "#]],
    );
    shows(
        "{ api_key: \"hunter2\", b: 5 }",
        1,
        15,
        expect![[r#"
        1 | { api_key: "********", b: 5 }
          |             ^^^^^^^^
          |
          = help: mend it
    "#]],
    );
    shows(
        "{ api_keys: 5, module: \"coin\"\n  path: \"monkey\" }",
        2,
        9,
        expect![[r#"
        2 |   path: "monkey" }
          |         ^^^^^^^^
          |
          = help: mend it
    "#]],
    );
    shows(
        "{ api_key_file: \"/etc/key\", b: 5 }",
        1,
        17,
        expect![[r#"
        1 | { api_key_file: "/etc/key", b: 5 }
          |                 ^^^^^^^^^^
          |
          = help: mend it
    "#]],
    );
}

#[test]
fn problems_stand_in_the_order_of_their_places_and_of_very_many_the_worst_are_shown() {
    let problems =
        [(Severity::Warning, 3, 1, "third"), (Severity::Refused, 2, 5, "second"), (Severity::Fatal, 2, 1, "first")];
    let all = text(&report("{\n a: 5\n}", &problems), Wording::Daemon, Form::Lines);
    let expected = "error: /etc/agent.json:2:1: first; mend it\nrefused: /etc/agent.json:2:5: second; mend it\n\
                    warning: /etc/agent.json:3:1: third; mend it\n";
    assert_eq!(all, expected);

    let mut many = vec![(Severity::Warning, 1, 1, "odd"); 150];
    many.push((Severity::Refused, 9, 1, "wrong"));
    let all = text(&report("{}", &many), Wording::Check, Form::Lines);
    assert_eq!(all.lines().count(), MOST_SHOWN + 1);
    assert!(
        all.ends_with("error: /etc/agent.json:9:1: wrong; mend it\nand 51 more problems; --format json prints all\n"),
        "{all}"
    );
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let report = report("{ a: 5 }", &[(Severity::Refused, 1, 6, "is wrong")]);
    let coloured = |form| text(&report, Wording::Check, form).contains('\u{1b}');
    assert!(coloured(Form::Snippets { width: 80, colour: true }));
    assert!(!coloured(SNIPPETS));
    assert!(!coloured(Form::Lines));
}

#[test]
fn a_line_of_16_mib_is_neither_printed_nor_searched_again_for_each_problem() {
    let mut content = String::from("{ a: [");
    while content.len() < 16 * 1024 * 1024 - 100 {
        content.push_str("'api_key:value', ");
    }
    content.push_str("] }");
    let mut report = Report::new("/etc/agent.json");
    report.keep_text(&content);
    for at in 0..MOST_SHOWN {
        let position = Some(Position { line: 1, column: content.len() - 17 * at });
        let place = Place { source: "/etc/agent.json".to_owned(), path: String::new(), position };
        let (message, hint) = ("is wrong".to_owned(), String::new());
        report.push(Problem { severity: Severity::Refused, place, kind: Kind::Value, message, hint });
    }
    let clock = Clock::system();
    let begin = clock.monotonic();
    let shown = text(&report, Wording::Check, SNIPPETS);
    let took = clock.monotonic() - begin;
    assert!(shown.len() < MOST_SHOWN * 500, "{}", shown.len());
    // 0.5 s here without optimisation; once for each problem it would be a minute.
    assert!(took < Duration::from_secs(20), "{took:?}");
}
