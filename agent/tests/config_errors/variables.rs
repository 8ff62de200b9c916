//! What the variables of the environment say about monitors, and what wins over them.

use std::time::Duration;

use expect_test::expect;
use scalyr_agent::config::{RunRequest, monitor_plan_for_run};

use super::{built_with, environment, intervals, registry};

#[test]
fn the_entry_wins_over_the_environment_and_that_over_the_global_interval() {
    let entries = "{ module: 'coin', id: 'a', sample_interval: 5 }, { module: 'coin', id: 'b' }";
    let given = |a, b| vec![("coin(a)".to_owned(), a), ("coin(b)".to_owned(), b)];
    assert_eq!(intervals(entries, &[]), (given(5.0, 20.0), String::new()));
    let both = [("scalyr_sample_interval", "3"), ("SCALYR_SAMPLE_INTERVAL", "0.5")];
    let (found, report) = intervals(entries, &both);
    assert_eq!(found, given(5.0, 0.5));
    expect![[r#"
        warning: /etc/agent.json:1:187  monitors[0].sample_interval: given here and, differently, by the environment variable SCALYR_SAMPLE_INTERVAL, which is ignored
    "#]].assert_eq(&report);
    let (found, report) = intervals("{ module: 'coin', id: 'b' }", &both[..1]);
    assert_eq!((found, report), (vec![("coin(b)".to_owned(), 3.0)], String::new()));
}

#[test]
fn a_bad_interval_of_the_environment_is_named_and_ignored() {
    for (text, told) in [("often", "\"often\" is not a number"), ("0", "\"0\" is below the minimum 0.1")] {
        let (found, report) = intervals("{ module: 'coin' }", &[("SCALYR_SAMPLE_INTERVAL", text)]);
        assert_eq!(found, [("coin()".to_owned(), 20.0)]);
        let expected = format!("refused: environment  SCALYR_SAMPLE_INTERVAL: {told}; the variable is ignored\n");
        assert_eq!(report, expected);
    }
}

#[test]
fn the_interval_of_the_environment_wins_over_that_of_the_runner() {
    let run = |config_text, variables: &[(&str, &str)]| {
        let sample_interval = Duration::from_secs(5);
        let request = RunRequest { module: "coin", config_text, sample_interval, agent_config: None };
        let planned = monitor_plan_for_run(&request, &registry(), &environment(variables));
        planned.map(|planned| planned.monitor.sample_interval.as_secs_f64()).map_err(|report| report.to_string())
    };
    assert_eq!(run("{}", &[]), Ok(5.0));
    assert_eq!(run("{}", &[("SCALYR_SAMPLE_INTERVAL", "2")]), Ok(2.0));
    assert_eq!(run("{ sample_interval: 3 }", &[("SCALYR_SAMPLE_INTERVAL", "2")]), Ok(3.0));
    let refused = run("{}", &[("SCALYR_SAMPLE_INTERVAL", "x")]).unwrap_err();
    assert!(refused.contains("SCALYR_SAMPLE_INTERVAL"), "{refused}");
}

#[test]
fn a_variable_that_the_python_agent_read_for_every_monitor_is_named_once() {
    let text = |entries: &str| {
        format!(
            "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, \
             monitors: [{entries}] }}"
        )
    };
    let told = |entries: &str| {
        let variables = [("scalyr_sample_interval", "0.5"), ("SCALYR_METRIC_NAME_BLACKLIST", "a")];
        built_with(&text(entries), &variables).unwrap_or_else(|report| panic!("{report}")).1.to_string()
    };
    expect![[r#"
        warning: environment  SCALYR_METRIC_NAME_BLACKLIST: is not read for entries of `monitors`; write `metric_name_blacklist` into each of them
        warning: /etc/agent.json:1:171  monitors[1].sample_interval: given here and, differently, by the environment variable scalyr_sample_interval, which is ignored
    "#]]
    .assert_eq(&told("{ module: 'coin' }, { module: 'coin', id: 'a', sample_interval: 3 }"));
    assert!(
        told("{ module: 'coin', sample_interval: 3 }").contains("variable scalyr_sample_interval, which is ignored")
    );
    assert_eq!(told(""), "");
}
