//! Of `workers`: to whom and where, and what a log may name.

use expect_test::expect;
use scalyr_agent::config::plan::Plan;

use super::{built_with, fatal, plan};

/// The workers that upload, with their keys and servers.
fn workers(plan: &Plan) -> Vec<(&str, &str, &str)> {
    plan.sessions.iter().map(|session| (&*session.id.worker.0, session.api_key.reveal(), &*session.server)).collect()
}

#[test]
fn each_worker_uploads_with_its_own_key_to_its_own_server() {
    let (built, report) = plan(
        "workers: [{ id: 'eu', api_key: 'e', server_url: 'eu.example.com' }, { id: 'a_1', api_key: ' a ' }],
         server_attributes: { tier: 'web' }, compression_level: 3,
         logs: [{ path: '/a', worker_id: 'eu' }, { path: '/b' }]",
    );
    assert_eq!(report, "");
    assert_eq!(
        workers(&built),
        [
            ("default", "k", "https://agent.scalyr.com"),
            ("eu", "e", "https://eu.example.com"),
            ("a_1", "a", "https://agent.scalyr.com")
        ]
    );
    assert_eq!(built.sessions[1].server_attributes, built.sessions[0].server_attributes);
    assert_eq!(built.sessions[1].compression, built.sessions[0].compression);
    let routed: Vec<_> = built.logs.iter().map(|log| (log.path.as_str(), &*log.worker.0)).collect();
    assert_eq!(
        routed,
        [("/a", "eu"), ("/b", "default"), ("/var/log/scalyr-agent-2/agent.log", "default")],
        "the agent's own log goes to the default worker"
    );
}

#[test]
fn each_worker_has_as_many_sessions_as_its_entry_says_or_as_all_have_and_older_names_are_read() {
    let (built, report) = plan(
        "default_workers_per_api_key: 2,
         api_keys: [{ id: 'eu', api_key: 'e', workers: 3 }, { id: 'us', api_key: 'u', sessions: 1 }, { id: 'asia', api_key: 'a' }]",
    );
    assert_eq!(report, "");
    let names: Vec<_> = built.sessions.iter().map(|session| session.id.to_string()).collect();
    assert_eq!(names, ["default-0", "default-1", "eu-0", "eu-1", "eu-2", "us-0", "asia-0", "asia-1"]);
    assert!(built.sessions[2..5].iter().all(|session| session.api_key.reveal() == "e"));
    let (built, report) = plan("workers: [{ id: 'default', sessions: 2 }]");
    assert_eq!((built.sessions.len(), report.as_str()), (2, ""));
}

#[test]
fn the_default_worker_is_there_once_and_may_be_written_out() {
    let of = |entry: &str| plan(&format!("workers: [{{ id: 'eu', api_key: 'e' }}, {entry}]"));
    let (built, report) = of("{ id: 'default', api_key: 'k', server_url: 'other:444' }");
    assert_eq!(report, "");
    assert_eq!(workers(&built), [("eu", "e", "https://agent.scalyr.com"), ("default", "k", "https://other:444")]);
    assert_eq!(workers(&of("{ id: 'default' }").0)[1], ("default", "k", "https://agent.scalyr.com"));
    let (built, report) = of("{ id: 'default', api_key: 'another' }");
    assert_eq!(workers(&built)[0], ("default", "k", "https://agent.scalyr.com"));
    expect![[r#"
        refused: /etc/agent.json:1:160  workers[1].api_key: is another key than `api_key` at the top level, which is that of the worker "default"; this entry is not used: the worker "default" has what the top level says; leave it out here, or give this worker another id
    "#]]
    .assert_eq(&report);
    // Its entry gives the key that the top level does not.
    let text = "{ implicit_agent_process_metrics_monitor: false, workers: [{ id: 'default', api_key: 'w' }] }";
    let (built, report) = built_with(text, &[]).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!((report.to_string().as_str(), workers(&built)[0].1), ("", "w"));
    assert!(fatal("{ workers: [{ id: 'eu', api_key: 'e' }] }").contains("api_key: is missing"));
}

// configuration.md, sharp edge 4
#[test]
fn a_worker_that_cannot_be_used_is_refused_with_its_logs_and_the_rest_runs() {
    let (built, report) = plan(
        "workers: [
            5,
            { api_key: 'k1' },
            { id: 7, api_key: 'k2' },
            { id: 'e-u', api_key: 'k3' },
            { id: '', api_key: 'k4' },
            { id: 'no_key' },
            { id: 'null_key', api_key: null },
            { id: 'stock', api_key: 'REPLACE_THIS' },
            { id: 'good', api_key: 'k5' },
            { id: 'good', api_key: 'k6' },
            { id: 'ftp', api_key: 'k7', server_url: 'ftp://a' },
            { id: 'none', api_key: 'k8', sessions: 0 },
            { id: 'plain', api_key: 'k9', server_url: 'http://a' },
            { id: 'spelt', apikey: 'k10' },
        ], logs: [
            { path: '/a', worker_id: 'ftp' },
            { path: '/b', worker_id: 'goood' },
            { path: '/c', worker_id: 'elsewhere' },
            { path: '/d', worker_id: 'good' },
        ]",
    );
    let ids: Vec<_> = workers(&built).iter().map(|worker| worker.0).collect();
    assert_eq!(ids, ["default", "good", "plain"]);
    assert_eq!(built.logs.iter().map(|log| log.path.as_str()).next(), Some("/d"));
    let lines: String = report.lines().map(|line| format!("{}\n", line.replace("/etc/agent.json:", ""))).collect();
    expect![[r#"
        refused: 2:13  workers[0]: must be an object with an `id` and an `api_key`, but is a number; this worker does not upload
        refused: 3:13  workers[1].id: is missing: an entry names its worker, for `worker_id` of a log; this worker does not upload
        refused: 4:19  workers[2].id: 7 must be a text, but is a number; this worker does not upload; write it in quotes: "7"
        refused: 5:19  workers[3].id: "e-u" has a '-' in it; letters, digits and `_` are allowed; this worker does not upload
        refused: 6:19  workers[4].id: is empty; it consists of letters, digits and `_`; this worker does not upload
        refused: 7:13  workers[5].api_key: is missing: an entry gives the "Log Write Access" key that its worker uploads with; this worker does not upload
        refused: 8:40  workers[6].api_key: is missing: an entry gives the "Log Write Access" key that its worker uploads with; this worker does not upload
        refused: 9:37  workers[7].api_key: is still the placeholder REPLACE_THIS; this worker does not upload; put a "Log Write Access" key of your account in its place in /etc/agent.json; your keys are listed at https://www.scalyr.com/keys
        refused: 11:19  workers[9].id: "good" is the id of workers[8] too; this worker does not upload; give each worker its own
        refused: 12:53  workers[10].server_url: must begin with https://; this worker does not upload; write it as in https://agent.scalyr.com
        refused: 13:52  workers[11].sessions: 0 is below the minimum 1; this worker does not upload
        warning: 14:55  workers[12].server_url: http:// is changed to https://; `allow_http: true` would keep it
        warning: 15:28  workers[13].apikey: is not known and has no effect; did you mean `api_key`?
        refused: 15:13  workers[13].api_key: is missing: an entry gives the "Log Write Access" key that its worker uploads with; this worker does not upload
        refused: 17:38  logs[0].worker_id: the worker "ftp" was refused, so that nobody uploads these files; this entry of /a is not copied
        refused: 18:38  logs[1].worker_id: "goood" is no worker; there are "default", "good", "plain"; this entry of /b is not copied; did you mean "good"?
        refused: 19:38  logs[2].worker_id: "elsewhere" is no worker; there are "default", "good", "plain"; this entry of /c is not copied; workers are listed in `workers`, each with its `id`
    "#]].assert_eq(&lines);
    assert!(!report.contains("k7"));
}

// configuration.md, sharp edge 8
#[test]
fn plain_http_is_kept_for_workers_where_it_is_for_the_server() {
    let servers = |more: &str| {
        let (built, report) = plan(&format!(
            "{more} workers: [{{ id: 'a', api_key: 'a', server_url: 'HTTP://a:80/' }}, {{ id: 'b', api_key: 'b', server_url: 'b:8080' }}]"
        ));
        (workers(&built).iter().skip(1).map(|worker| worker.2.to_owned()).collect::<Vec<_>>(), report.lines().count())
    };
    assert_eq!(servers(""), (vec!["https://a:80".to_owned(), "https://b:8080".to_owned()], 1));
    assert_eq!(servers("allow_http: true,"), (vec!["http://a:80".to_owned(), "https://b:8080".to_owned()], 0));
}
