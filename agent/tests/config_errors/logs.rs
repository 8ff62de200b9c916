//! The entries of `logs`: which files are copied, and which are not.

use expect_test::expect;
use serde_json::{Value, json};

use super::plan;

#[test]
fn relative_paths_lie_where_the_python_agent_has_them() {
    let (plan, _) = plan(
        "agent_log_path: '/l', logs: [{ path: 'a*.log' }, { path: '/b.log', parser: 'x', attributes: { parser: 'y', n: 1 } }]",
    );
    let paths: Vec<_> = plan.logs.iter().map(|log| log.path.as_str()).collect();
    assert_eq!(paths, ["/l/a*.log", "/b.log", "/l/agent.log"]);
    assert_eq!(Value::Object(plan.logs[1].attributes.clone()), json!({ "parser": "x", "n": 1 }));
    assert_eq!(Value::Object(plan.logs[2].attributes.clone()), json!({ "parser": "scalyrAgentLog" }));
}

#[test]
fn files_whose_redaction_cannot_be_used_are_sent_by_no_other_entry() {
    let (plan, report) = plan(
        "agent_log_path: '/l', logs: [{ path: '/v/secure.log', redaction_rules: [{ match_expression: '(' }] },
                { path: '/v/*.log' }, { path: '/w/*.log', redaction_rules: [] }]",
    );
    let logs: Vec<_> = plan.logs.iter().map(|log| (log.path.as_str(), log.exclude.clone())).collect();
    let withheld = vec!["/v/secure.log".to_owned()];
    // Only where they could be matched.
    assert_eq!(logs, [("/v/*.log", withheld), ("/w/*.log", vec![]), ("/l/agent.log", vec![])]);
    assert!(report.contains("logs[0].redaction_rules[0].match_expression"), "{report}");
}

#[test]
fn a_pattern_that_is_none_is_read_as_the_python_agent_did_and_refuses_no_entry() {
    let (plan, report) = plan(
        "agent_log_path: '/l', logs: [{ path: '/v/[a.log', exclude: ['*.gz', '{b'] },
                { path: '/w/[.log', redaction_rules: [{ match_expression: 'x' }] }, { path: '/w/*.log' }]",
    );
    let logs: Vec<_> = plan.logs.iter().map(|log| (log.path.as_str(), log.exclude.clone())).collect();
    let exclude = ["*.gz", "[{]b"].map(str::to_owned).to_vec();
    assert_eq!(
        logs,
        [("/v/[[]a.log", exclude), ("/w/[[].log", vec![]), ("/w/*.log", vec![]), ("/l/agent.log", vec![])]
    );
    expect![[r#"
        refused: /etc/agent.json:1:133  logs[0].path: "/v/[a.log" is no pattern of files: a `[` is never closed; it is read as "/v/[[]a.log"; write `[[]` for a literal one
        refused: /etc/agent.json:1:164  logs[0].exclude[1]: "{b" is no pattern of paths: a `{` is never closed; it leaves out the file of this very name; write `[{]` for a literal one
        refused: /etc/agent.json:2:25  logs[1].path: "/w/[.log" is no pattern of files: a `[` is never closed; it is read as "/w/[[].log"; write `[[]` for a literal one
    "#]].assert_eq(&report);
}
