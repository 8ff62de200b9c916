//! What entries of `logs` say about lines: checked at its place, although most of it acts later only.

use expect_test::expect;
use scalyr_agent::config::Kind;

use super::{built_with, plan};

/// The problems of a single entry of `logs` with these members, without what all of them have in common.
fn told(members: &str) -> String {
    let (_, report) = plan(&format!("agent_log_path: '/l', logs: [{{ path: '/a', {members} }}]"));
    let lines = report.lines().map(|line| {
        let (severity, rest) = line.split_once(": /etc/agent.json:1:").unwrap_or(("", line));
        let rest = rest.split_once("  logs[0]").map_or(rest, |(_, rest)| rest);
        format!("{severity} {rest}\n")
    });
    lines.collect()
}

#[test]
fn a_line_grouper_has_a_start_and_exactly_one_end() {
    let fine = "lineGroupers: [{ start: '^\\\\S', continueThrough: '^\\\\s' }, { start: 'a', haltWith: 5 }]";
    assert_eq!(told(fine), "");
    expect![[r#"
        refused [0]: has none of continueThrough, continuePast, haltBefore, haltWith, and needs exactly one of them; add the one that says where an event ends
        refused [1]: has several of continueThrough, continuePast, haltBefore, haltWith: continueThrough, haltWith; leave exactly one of them
         [2].start: is missing
         [3].haltwith: is not known and has no effect; did you mean `haltWith`?
         [3].haltBefore: must be a text, but is a list
         [3].start: "(a" is not a regular expression: the `(` at character 1 is never closed
         [4]: must be an object, { ... }, but is a text
         [5].start: is empty; this entry of /a is not copied; write ".*" for all lines
    "#]]
    .assert_eq(&told(
        "lineGroupers: [{ start: 'a' }, { start: 'a', haltWith: 'b', continueThrough: 'c', haltBefore: null },
            { haltWith: 'b' }, { start: '(a', haltwith: 'x', haltBefore: ['b'] }, 'a', { start: '', haltWith: 'b' }]",
    )
    .replace(".lineGroupers[", "["));
}

#[test]
fn expressions_are_those_of_python() {
    let fine = r"lineGroupers: [{ start: '(?P<q>[a-z])(?P=q)(?<!x)', haltBefore: '\\Z|(?i:b)' }]";
    assert_eq!(told(fine), "");
    // Python has it, and the engine has not.
    let told = told(r"lineGroupers: [{ start: '\\N{DASH}', haltBefore: 'b' }]");
    assert!(told.contains("`\\N` at character 1 is not known; write the character itself"), "{told}");
    assert!(told.contains("each line of this entry is an event, and none of its groupers acts"), "{told}");
}

#[test]
fn nothing_that_the_python_agent_ran_with_stops_an_entry_from_being_copied() {
    let (plan, report) = plan(
        r"agent_log_path: '/l', implicit_agent_log_collection: false, logs: [
            { path: '/0', rename_logfile: { match: '(' , replacement: 'x' } },
            { path: '/1', rename_logfile: { match: '(a)', replacement: '\\2' } },
            { path: '/2', rename_logfile: { match: 'a' } },
            { path: '/3', rename_logfile: ['x'] },
            { path: '/4', rename_logfile: '$NOTHING' },
            { path: '/5', lineGroupers: [{ start: '(', haltWith: 'b' }, { start: 'a', haltWith: 'b' }] },
            { path: '/6', sampling_rules: [{ match_expression: '\\N{DASH}', sampling_rate: 0 }] },
            { path: '/7', exclude: ['['] },
            { path: '/8[' },
            { path: '/9', parse_format: 'jsno', minimum_scan_interval: -1 },
            { path: '/not', redaction_rules: [{ match_expression: '(' }] },
            { path: '/not', lineGroupers: [{ start: 'a' }] },
        ]",
    );
    let copied: Vec<_> = plan.logs.iter().map(|log| log.path.as_str()).collect();
    assert_eq!(copied, ["/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8[[]", "/9"], "{report}");
    for log in &plan.logs {
        assert!(log.renaming.is_none() && log.lines.is_raw() && log.scan_interval.is_none(), "{log:?}");
    }
    assert_eq!(report.matches("the real path is sent").count(), 5, "{report}");
}

#[test]
fn a_sampling_rate_is_a_share_and_may_be_a_text() {
    let fine = "sampling_rules: [{ match_expression: 'x', sampling_rate: '0.25' }, { match_expression: 'y', \
                sampling_rate: 1 }]";
    assert_eq!(told(fine), "");
    expect![[r#"
        refused [0].sampling_rate: 1.5 is above the maximum 1
        refused [0].match_expression: "[" is not a regular expression: the `[` at character 1 is never closed
        refused [1].match_expression: is missing
        refused [1].sampling_rate: is missing
        refused [2].sampling_rate: "half" is not a number; this entry of /a is not copied
    "#]]
    .assert_eq(
        &told(
            "sampling_rules: [{ match_expression: '[', sampling_rate: 1.5 }, {}, { match_expression: 'x', \
             sampling_rate: 'half' }]",
        )
        .replace(".sampling_rules", ""),
    );
}

#[test]
fn the_files_of_an_entry_with_a_bad_redaction_rule_are_withheld_from_all_others() {
    expect![[r#"
        refused [0].replacement: must be a text, but is true or false
        refused [0].match_expression: "a)" is not a regular expression: the `)` at character 2 closes nothing
        refused [1].match_expression: is missing; this entry of /a is not copied, and no other entry copies its files
    "#]]
    .assert_eq(
        &told(
            "redaction_rules: [{ match_expression: 'a)', replacement: true }, { replacement: 5, hash_salt: 'salt' }]",
        )
        .replace(".redaction_rules", ""),
    );
}

#[test]
fn a_new_name_is_a_text_or_a_replacement() {
    for fine in [
        "rename_logfile: '/x/$PATH2/${BASENAME_NO_EXT}.log$$BASNAME'",
        "rename_logfile: { match: '^/(a)', replacement: '/\\\\1' }",
        "rename_logfile: { match: '^/a', replacement: '' }",
    ] {
        assert_eq!(told(fine), "", "{fine}");
    }
    let refused: String = ["{ match: '(' }", "5", "{ match: 'a', replacment: 'b' }", "'/x/$BASNAME/${PATH0}'"]
        .iter()
        .map(|renaming| told(&format!("rename_logfile: {renaming}")))
        .collect();
    expect![[r#"
        refused .rename_logfile.replacement: is missing
        refused .rename_logfile.match: "(" is not a regular expression: the `(` at character 1 is never closed; the real path is sent
        refused .rename_logfile: must be a text, or an object with `match` and `replacement`, but is a number; the real path is sent
        warning .rename_logfile.replacment: is not known and has no effect; did you mean `replacement`?
        refused .rename_logfile.replacement: is missing; the real path is sent
        warning .rename_logfile: `$BASNAME` is none of $BASENAME, $BASENAME_NO_EXT, $PATH1, $PATH2 and so on; the real path is sent; did you mean `$BASENAME`?
        warning .rename_logfile: `$PATH0` is none of $BASENAME, $BASENAME_NO_EXT, $PATH1, $PATH2 and so on; the real path is sent; did you mean `$PATH1`?
    "#]]
    .assert_eq(&refused);
    expect![[r#"
        warning .rename_no_original: "no" is read as false; the Python agent took any value as true; leave it out
    "#]]
    .assert_eq(&told("rename_no_original: 'no'"));
}

#[test]
fn a_format_that_nobody_knows_is_refused_and_the_lines_are_sent() {
    let (plan, report) = plan("logs: [{ path: '/a', parse_format: 'jsno' }]");
    assert_eq!(plan.logs.len(), 2);
    expect![[r#"
        refused: /etc/agent.json:1:131  logs[0].parse_format: "jsno" is none of raw, json, cri; lines are sent as they are; did you mean "json"?
    "#]]
    .assert_eq(&report);
    assert_eq!(told("parse_lines_as_json: true"), "");
    assert_eq!(told("parse_lines_as_json: false"), "");
}

#[test]
fn values_of_another_type_refuse_their_entry() {
    expect![[r#"
        refused .staleness_threshold_secs: "soon" is not a number
        refused .lineGroupers: must be a list of objects, [{ ... }], but is an object
        refused .ignore_stale_files: "perhaps" is neither true nor false
        refused .json_message_field: must be a text, but is a list
        refused .attributes.a: must be a text, a number, true or false, but is an object; this entry of /a is not copied
    "#]]
    .assert_eq(&told(
        "staleness_threshold_secs: 'soon', minimum_scan_interval: -1, lineGroupers: {}, ignore_stale_files: 'perhaps', \
         json_message_field: [], attributes: { a: {}, b: null, c: true }",
    ));
}

#[test]
fn a_path_that_means_no_file_is_refused_and_one_with_a_tilde_is_told() {
    let (plan, report) = plan("agent_log_path: '/l', logs: [{ path: '' }, { path: '~/a.log' }, { path: 'b~.log' }]");
    assert_eq!(plan.logs[0].path, "/l/~/a.log");
    expect![[r#"
        refused: /etc/agent.json:1:133  logs[0].path: is empty, which means no file, although the Python agent accepts it; this entry is not copied; write a path, or remove the entry
        warning: /etc/agent.json:1:147  logs[1].path: "~/a.log" begins with a `~`, which stands for itself here, not for a home folder; write the whole path
    "#]]
    .assert_eq(&report);
}

#[test]
fn an_entry_that_can_copy_nothing_because_of_an_earlier_one_is_told_with_both_places() {
    let (plan, report) = plan(
        "agent_log_path: '/l', logs: [
            { path: '/a*', exclude: ['*.gz'] },
            { path: '/a*', attributes: { n: 1 } },
            { path: '/b' }, { path: '/b', parser: 'x' },
            { path: '/a*', exclude: ['*.bz2', '*.gz'] },
        ]",
    );
    assert_eq!(plan.logs.len(), 6);
    expect![[r#"
        warning: /etc/agent.json:4:37  logs[3].path: "/b" is copied by an earlier entry (/etc/agent.json:4:21  logs[2].path), and not by this one; put what both say into one of them
        warning: /etc/agent.json:5:21  logs[4].path: "/a*" is copied by an earlier entry (/etc/agent.json:2:21  logs[0].path), and not by this one; put what both say into one of them
    "#]]
    .assert_eq(&report);
}

#[test]
fn each_problem_of_an_entry_says_what_sort_it_is() {
    let text = "{ api_key: 'k', logs: [{ path: '/a', exclude: ['['], parse_format: 'x', rename_logfile: [],
        lineGroupers: [{ start: '(' }], sampling_rules: [{ sampling_rate: 0 }], attributes: { a: [] } },
        { path: '' }, { path: '/b' }, { path: '/b', rename_no_original: false }], k8s_logs: [{}] }";
    let (_, report) = built_with(text, &[]).unwrap_or_else(|report| panic!("{report}"));
    let kind = |path: &str| {
        let mut found = report.problems().iter().filter(|problem| problem.place.path == path);
        found.next_back().unwrap_or_else(|| panic!("{path}: {report}")).kind
    };
    for (path, expected) in [
        ("logs[0].exclude[0]", Kind::Pattern),
        ("logs[0].parse_format", Kind::Choice),
        ("logs[0].rename_logfile", Kind::Type),
        ("logs[0].lineGroupers[0]", Kind::Missing),
        ("logs[0].lineGroupers[0].start", Kind::Pattern),
        ("logs[0].sampling_rules[0].match_expression", Kind::Missing),
        ("logs[0].attributes.a", Kind::Type),
        ("logs[1].path", Kind::Missing),
        ("logs[3].path", Kind::Conflict),
        ("logs[3].rename_no_original", Kind::Conversion),
        ("k8s_logs[0]", Kind::NotBuilt),
    ] {
        assert_eq!(kind(path), expected, "{path}");
    }
}

#[test]
fn sharp_edge_27_a_replacement_that_cannot_be_used_is_told_with_its_place() {
    let told = told(
        "redaction_rules: [{ match_expression: '(a)', replacement: '\\\\2' }, \
         { match_expression: '(?P<user>a)', replacement: '\\\\g<usr>' }]",
    );
    assert!(
        told.contains("redaction_rules[0].replacement: `\\2` is not a group: the expression has one group"),
        "{told}"
    );
    assert!(told.contains("did you mean `\\g<user>`?"), "{told}");
    assert!(told.contains("no other entry copies its files"), "{told}");
}

#[test]
fn what_entries_say_about_lines_is_in_the_plan() {
    let (plan, report) = plan(
        "logs: [{ path: '/a', parse_format: 'raw', parse_lines_as_json: true, json_message_field: 'm', \
         redaction_rules: [{ match_expression: 'p=(x)', replacement: 'p=\\\\H1', hash_salt: 's' }], \
         sampling_rules: [{ match_expression: 'd', sampling_rate: 0.5 }], lineGroupers: [{ start: 'a', haltWith: 'b' }], \
         rename_logfile: '/x/$BASENAME', ignore_stale_files: true, minimum_scan_interval: 7 }]",
    );
    let Some(log) = plan.logs.first() else { panic!("{report}") };
    assert_eq!((log.lines.groupers.len(), log.lines.sampling.len(), log.lines.redaction.len()), (1, 1, 1));
    assert!(format!("{:?}", log.lines.format).contains("Json"), "the older key wins: {report}");
    assert!(report.contains("wins over `parse_format`"), "{report}");
    assert!(log.renaming.as_ref().is_some_and(|renaming| renaming.keeps_original));
    assert_eq!((log.stale_after.map(|t| t.as_secs()), log.scan_interval.map(|t| t.as_secs())), (Some(300), Some(7)));
}
