//! `import_vars`: what becomes of `$NAME` in the texts of a file.

use expect_test::expect;
use scalyr_agent::config::{Kind, Severity};
use serde_json::Value;

use super::environment;
use super::files::Files;

const VARIABLES: &[(&str, &str)] =
    &[("A", "va"), ("B", "vb"), ("AB", "vab"), ("EMPTY", ""), ("NESTED", "<$B>"), ("N", "5"), ("KEY", "s3cr3t")];

/// What a text becomes, and what is said about it.
fn replaced(import: &str, text: &str) -> (String, String) {
    let mut files = Files::new(&[("agent.json", &format!("{{ import_vars: {import},\n  x: \"{text}\" }}"))]);
    files.environment = environment(VARIABLES);
    let loaded = files.load();
    let value = loaded.values.get("x").and_then(Value::as_str).unwrap_or_default().to_owned();
    (value, files.shown(&loaded.report))
}

// configuration.md, sharp edge 10
#[test]
fn names_are_replaced_as_the_python_agent_did_it_or_with_braces_that_end_them() {
    let rows = [
        ("['A']", "$A", "va"),
        ("['A']", "a $A. $A-$A", "a va. va-va"),
        ("['A', 'AB']", "$AB $A", "vab va"),
        ("['A', 'AB']", "${A}B ${AB}", "vaB vab"),
        ("['A']", "${AB} ${A ${} $ {A}", "${AB} ${A ${} $ {A}"),
        ("['A']", "$$A $${A} $$$A", "$A ${A} $$A"),
        ("['A']", "pid: $$ 100$ $$B $${B}", "pid: $$ 100$ $$B $${B}"),
        ("['EMPTY']", "<$EMPTY>", "<>"),
        ("[{ var: 'EMPTY', default: 'd' }]", "$EMPTY", "d"),
        ("[{ var: 'UNSET', default: 'd' }]", "${UNSET}$UNSET", "dd"),
        ("[{ var: 'UNSET', default: '' }]", "<$UNSET>", "<>"),
        ("[{ var: 'A', default: 'd' }]", "$A", "va"),
        ("[]", "$A", "$A"),
    ];
    for (import, text, expected) in rows {
        assert_eq!(replaced(import, text), (expected.to_owned(), String::new()), "{import} {text}");
    }
}

#[test]
fn where_the_old_form_surprises_it_acts_and_says_so() {
    let rows = [("['A']", "$AB"), ("['A']", "$A_1 $A9"), ("['NESTED', 'B']", "$NESTED"), ("['B', 'NESTED']", "$B")];
    let shown = rows.map(|(import, text)| {
        let (value, report) = replaced(import, text);
        format!("{import} {text} -> {value}\n{report}")
    });
    expect![[r#"
        ['A'] $AB -> vaB
        warning: agent.json:2:6  x: $AB is read as $A with "B" behind it, as $A is imported; write ${A}B, or import AB
        ['A'] $A_1 $A9 -> va_1 va9
        warning: agent.json:2:6  x: $A_1 is read as $A with "_1" behind it, as $A is imported; write ${A}_1, or import A_1
        ['NESTED', 'B'] $NESTED -> <$B>
        warning: agent.json:2:6  x: the value of NESTED holds $B, which stays; the Python agent replaced it once more; put the value of B into NESTED
        ['B', 'NESTED'] $B -> vb
    "#]].assert_eq(&shown.concat());
}

// configuration.md, sharp edge 10
#[test]
fn what_is_put_in_is_not_looked_at_again() {
    let mut files = Files::new(&[("agent.json", "{ import_vars: ['NESTED', 'B'], x: '$NESTED' }")]);
    files.environment = environment(VARIABLES);
    let loaded = files.load();
    assert_eq!(loaded.values.get("x").and_then(Value::as_str), Some("<$B>"));
    assert!(
        loaded.report.problems().iter().all(|problem| problem.kind == Kind::Conversion && problem.is_error_in_check())
    );
}

#[test]
fn each_file_has_its_own_and_only_values_are_replaced() {
    let mut files = Files::new(&[
        ("agent.json", "{ import_vars: ['A'], '$A': 1, logs: [{ path: '/$A/$B', attributes: { '$A': ['$A'] } }] }"),
        ("agent.d/1.json", "{ import_vars: ['B'], logs: [{ path: '/$A/$B' }], debug_level: '$N' }"),
        ("agent.d/2.json", "{ import_vars: ['N', 'A'], max_line_size: '${N}000', import: '$A' }"),
    ]);
    files.environment = environment(VARIABLES);
    let loaded = files.load();
    expect![[r#"
        {
          "import_vars": [
            "A",
            "B",
            "N",
            "A"
          ],
          "$A": 1,
          "logs": [
            {
              "path": "/va/$B",
              "attributes": {
                "$A": [
                  "va"
                ]
              }
            },
            {
              "path": "/$A/vb"
            }
          ],
          "debug_level": "$N",
          "max_line_size": "5000",
          "import": "va"
        }"#]]
    .assert_eq(&format!("{:#}", Value::Object(loaded.values)));
    assert!(loaded.report.problems().is_empty(), "{}", loaded.report);
}

// configuration.md, sharp edge 4
#[test]
fn bad_entries_are_refused_and_the_others_act() {
    let mut files = Files::new(&[(
        "agent.json",
        "{ x: '$A$B$UNSET$N',\n  import_vars: [ 5, 'A', '', '$B', {}, { var: 'B' },\n    { var: 5, default: '' }, \
         { var: 'N', default: 1 },\n    { var: '', default: '' }, 'UNSET', { var: 'A', default: 'x' }, null, ['A'] ] }",
    )]);
    files.environment = environment(VARIABLES);
    let loaded = files.load();
    assert_eq!(loaded.values.get("x").and_then(Value::as_str), Some("va$B$N"));
    assert_eq!(loaded.report.worst(), Some(Severity::Refused));
    expect![[r#"
        refused: agent.json:2:18  import_vars[0]: is a number, not the name of a variable; write a name, "NAME", or { var: "NAME", default: "TEXT" }
        refused: agent.json:2:26  import_vars[2]: is empty, not the name of a variable; write a name, "NAME", or { var: "NAME", default: "TEXT" }
        refused: agent.json:2:30  import_vars[3]: "$B" is not the name of a variable; write it without $ here: "B"
        refused: agent.json:2:36  import_vars[4]: has no `var`; write a name, "NAME", or { var: "NAME", default: "TEXT" }
        refused: agent.json:2:40  import_vars[5]: has no `default`; the variable is not replaced; write a name, "NAME", or { var: "NAME", default: "TEXT" }
        refused: agent.json:3:12  import_vars[6].var: must be the name of a variable, but is a number; write a name, "NAME", or { var: "NAME", default: "TEXT" }
        refused: agent.json:3:51  import_vars[7].default: must be a text, but is a number; the variable is not replaced; put quotes around it
        refused: agent.json:4:12  import_vars[8].var: is empty, not the name of a variable; write a name, "NAME", or { var: "NAME", default: "TEXT" }
        warning: agent.json:4:31  import_vars[9]: UNSET is not set in the environment; nothing is put in its place; set it, or give it a default: { var: "UNSET", default: "..." }
        warning: agent.json:4:40  import_vars[10]: A is imported before this; the first entry counts
        refused: agent.json:4:68  import_vars[11]: is null, not the name of a variable; write a name, "NAME", or { var: "NAME", default: "TEXT" }
        refused: agent.json:4:74  import_vars[12]: is a list, not the name of a variable; write a name, "NAME", or { var: "NAME", default: "TEXT" }
    "#]].assert_eq(&files.shown(&loaded.report));
}

#[test]
fn a_value_in_place_of_the_list_is_refused() {
    let files =
        Files::new(&[("agent.json", "{ import_vars: 'A', x: '$A' }"), ("agent.d/1.json", "{ import_vars: ['B'] }")]);
    let loaded = files.load();
    assert_eq!(loaded.values.get("x").and_then(Value::as_str), Some("$A"));
    expect![[r#"
        refused: agent.json:1:16  import_vars: must be a list of names, ["NAME"], but is a text; nothing is replaced
        warning: agent.d/1.json:1:17  import_vars[0]: B is not set in the environment; nothing is put in its place; set it, or give it a default: { var: "B", default: "..." }
    "#]].assert_eq(&files.shown(&loaded.report));
}

#[test]
fn no_problem_shows_what_a_variable_holds() {
    let mut files = Files::new(&[(
        "agent.json",
        "{ import_vars: ['KEY', { var: 'KE', default: 's3cr3t$KEY' }], a: '$KEYS', b: '$KE', c: ['$KE'], 'd e': { f: '$KEY_' } }",
    )]);
    files.environment = environment(VARIABLES);
    let report = files.load().report;
    assert!(!report.to_string().contains("s3cr3t"), "{report}");
    let used = "{ import_vars: ['KEY', 'LONG'], debug_level: '$KEY', monitors: [{ module: 'coin', gauss_mean: 'x$KEY' }], \
                scalyr_server: '${KEY}://', compression_type: '$LONG', verify_server_certificate: '\"$LONG' }";
    files.write("agent.json", used.as_bytes());
    let long = "0\"\n".repeat(40);
    files.environment = environment(&[("KEY", "s3cr3t"), ("LONG", &long)]);
    let told = files.told();
    assert!(!told.contains("s3cr3t") && !told.contains("0\\"), "{told}");
    expect![[r#"
        refused: agent.json:1:46  debug_level: "$KEY" is not a whole number; the default 0 is used
        refused: agent.json:1:189  verify_server_certificate: "\"$LONG"... is neither true nor false; the default true is used
        error: agent.json  api_key: is missing; set it to a "Log Write Access" key of your account; your keys are listed at https://www.scalyr.com/keys
        error: agent.json:1:122  scalyr_server: must begin with https://; write it as in https://agent.scalyr.com
        refused: agent.json:1:153  compression_type: "$LONG"... is none of deflate, bz2, lz4, zstandard, none; deflate is used
        refused: agent.json:1:95  monitors[0].gauss_mean: "x$KEY" is not a number; coin() does not run
    "#]].assert_eq(&told);
    expect![[r#"
        warning: agent.json:1:66  a: $KEYS is read as $KEY with "S" behind it, as $KEY is imported; write ${KEY}S, or import KEYS
        warning: agent.json:1:109  "d e".f: $KEY_ is read as $KEY with "_" behind it, as $KEY is imported; write ${KEY}_, or import KEY_
    "#]].assert_eq(&files.shown(&report));
}

#[test]
fn what_follows_and_what_to_do_show_no_value_of_a_variable_and_a_short_one_is_none_either() {
    let mut files = Files::new(&[(
        "agent.json",
        "{ api_key: 'k', import_vars: ['LONG', 'SHORT'], compression_type: '$SHORT', max_line_size: '$SHORT',
        logs: [{ path: '/var/$LONG/a', worker_id: '$SHORT' }] }",
    )]);
    files.environment = environment(&[("LONG", "s3cr3t-place"), ("SHORT", "pw9")]);
    let told = files.told();
    assert!(!told.contains("s3cr3t") && !told.contains("pw9"), "{told}");
    assert!(told.contains("this entry of /var/$LONG/a is not copied"), "{told}");
    assert!(told.contains("\"$SHORT\" is no worker"), "{told}");
}

#[test]
fn variables_cannot_make_a_text_that_fills_the_memory() {
    let text = format!("{{ import_vars: ['BIG'], x: '{}', y: '$BIG' }}", "$BIG".repeat(100_000));
    let mut files = Files::new(&[("agent.json", &text)]);
    files.environment = environment(&[("BIG", &"x".repeat(10_000))]);
    let report = files.load().report;
    assert_eq!(report.worst(), Some(Severity::Refused));
    expect![[r#"
        refused: agent.json:1:28  x: the texts of this file become longer than 16 MiB with their variables; this one stays as it is
        refused: agent.json:1:400035  y: the texts of this file become longer than 16 MiB with their variables; this one stays as it is
    "#]]
    .assert_eq(&files.shown(&report));
}
