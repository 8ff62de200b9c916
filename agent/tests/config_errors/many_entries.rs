//! A configuration of a megabyte with thousands of entries.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::plan;

/// Five thousand entries with everything that an entry can say.
fn entries(of: impl Fn(usize) -> String) -> String {
    let mut text = "agent_log_path: '/l', logs: [\n".to_owned();
    for index in 0..5000 {
        _ = writeln!(text, "  {},", of(index));
    }
    text + "]"
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time that it takes is what is tested")]
fn five_thousand_entries_are_read_in_moments() {
    let text = entries(|index| {
        format!(
            "{{ path: '/srv/app{index}/log/*.log', exclude: ['*.gz'], parser: 'accessLog', attributes: {{ tier: 'web', \
             n: {index} }}, lineGroupers: [{{ start: '^\\\\S+ {}', continueThrough: '^\\\\s' }}] }}",
            index % 10
        )
    });
    assert!(text.len() > 800_000, "{}", text.len());
    let begin = Instant::now();
    let (plan, report) = plan(&text);
    assert_eq!(plan.logs.len(), 5001);
    assert_eq!(report, "");
    // Unoptimised, and with seven others on the machine; what grows with the square takes minutes.
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn thousands_of_files_that_must_not_be_sent_cost_the_others_nothing() {
    let text = entries(|index| match index % 2 {
        0 => format!("{{ path: '/srv/app{index}/secret.log', redaction_rules: [{{ match_expression: '(' }}] }}"),
        _ => format!("{{ path: '/srv/app{}/*.log' }}", index - 1),
    });
    let (plan, _) = plan(&text);
    assert_eq!(plan.logs.len(), 2501);
    let excluded: usize = plan.logs.iter().map(|log| log.exclude.len()).sum();
    assert_eq!(excluded, 2500);
    assert_eq!(plan.logs[0].exclude, ["/srv/app0/secret.log"]);
}
