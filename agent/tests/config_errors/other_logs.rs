//! The entries of `journald_logs` and `k8s_logs`: checked like those of `logs`. The latter are refused until pods are
//! watched.

use expect_test::expect;

use super::plan;

#[test]
fn entries_of_the_journal_are_checked_and_handed_to_the_monitors_that_read_it() {
    let (plan, report) = plan(
        "monitors: [{ module: 'journald_monitor' }, { module: 'coin' }], journald_logs: [
            { journald_unit: 'ssh.*', parser: 'x', attributes: { a: 1 } },
            {},
            { journald_globs: { _SYSTEMD_UNIT: 'a*', x: 5 }, emit_raw_details: true },
            { journald_unit: '(', journald_globs: { a: 'b' }, path: '/a', worker_id: 'w' },
            { journald_unit: ['a'], sampling_rules: [{}], exclude: 'x' },
            5,
            { journald_globs: { unit: 'a*' }, emit_raw_details: 'true' },
            { journald_unit: 'secret', redaction_rules: [{ match_expression: '(' }] },
            { journald_unit: '[', redaction_rules: [{ match_expression: 'a' }] },
        ]",
    );
    expect![[r#"
        refused: /etc/agent.json:4:57  journald_logs[2].journald_globs.x: must be a text, but is a number; this entry is not used
        warning: /etc/agent.json:5:63  journald_logs[3].path: is not known and has no effect
        refused: /etc/agent.json:5:30  journald_logs[3].journald_unit: "(" is not a regular expression: the `(` at character 1 is never closed
        warning: /etc/agent.json:5:51  journald_logs[3].journald_globs: has no effect beside `journald_unit`; leave one of them
        refused: /etc/agent.json:5:86  journald_logs[3].worker_id: "w" is no worker; there is only "default"; this entry is not used; workers are listed in `workers`, each with its `id`
        refused: /etc/agent.json:6:30  journald_logs[4].journald_unit: must be a text, but is a list
        refused: /etc/agent.json:6:68  journald_logs[4].exclude: must be a list of texts, ["..."], but is a text
        refused: /etc/agent.json:6:54  journald_logs[4].sampling_rules[0].match_expression: is missing
        refused: /etc/agent.json:6:54  journald_logs[4].sampling_rules[0].sampling_rate: is missing; this entry is not used
        refused: /etc/agent.json:7:13  journald_logs[5]: must be an object, { ... }, but is a number; this entry is not used
        refused: /etc/agent.json:9:78  journald_logs[7].redaction_rules[0].match_expression: "(" is not a regular expression: the `(` at character 1 is never closed; this entry is not used, and what it matches is not copied at all
        refused: /etc/agent.json:10:30  journald_logs[8].journald_unit: "[" is not a regular expression: the `[` at character 1 is never closed; this entry is not used, and what no entry before it matches is not copied at all
    "#]].assert_eq(&report);
    let handed_on = |monitor: usize| plan.monitors[monitor].entry.get("journald_logs").map(ToString::to_string);
    expect![[r#"[{"journald_unit":"ssh.*","parser":"x","attributes":{"a":1},"emit_raw_details":false,"detect_escaped_strings":false},{"emit_raw_details":false,"detect_escaped_strings":false},{"journald_globs":{"unit":"a*"},"emit_raw_details":true,"detect_escaped_strings":false},{"journald_unit":"secret","withheld":true},{"withheld":true}]"#]].assert_eq(&handed_on(0).unwrap());
    assert_eq!(handed_on(1), None);
}

#[test]
fn entries_of_the_journal_that_no_monitor_reads_are_warned_of() {
    let (_, report) = plan("journald_logs: [{ journald_unit: 'ssh' }]");
    expect![[r#"
        warning: /etc/agent.json:1:111  journald_logs: has no effect: no monitor reads the journal of systemd; add `{ module: "journald_monitor" }` to `monitors`
    "#]].assert_eq(&report);
}

#[test]
fn entries_of_pods_are_checked_and_refused_for_now() {
    let (_, report) = plan(
        "k8s_logs: [
            { k8s_pod_glob: 'shop-*', parser: 'x' },
            { k8s_pod_glb: 'a', k8s_namespace_glob: [], attributes: { a: [] }, lineGroupers: [{ start: 'a' }] },
            [],
        ]",
    );
    expect![[r#"
        refused: /etc/agent.json:2:13  k8s_logs[0]: the logs of Kubernetes pods cannot be copied yet
        warning: /etc/agent.json:3:15  k8s_logs[1].k8s_pod_glb: is not known and has no effect; did you mean `k8s_pod_glob`?
        refused: /etc/agent.json:3:53  k8s_logs[1].k8s_namespace_glob: must be a text, but is a list
        refused: /etc/agent.json:3:74  k8s_logs[1].attributes.a: must be a text, a number, true or false, but is a list
        refused: /etc/agent.json:3:95  k8s_logs[1].lineGroupers[0]: has none of continueThrough, continuePast, haltBefore, haltWith, and needs exactly one of them; add the one that says where an event ends
        refused: /etc/agent.json:3:13  k8s_logs[1]: the logs of Kubernetes pods cannot be copied yet
        refused: /etc/agent.json:4:13  k8s_logs[2]: must be an object, { ... }, but is a list
    "#]]
    .assert_eq(&report);
}
