//! Where a problem is said to be, and that it stays on its line.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect;
use scalyr_agent::config::{RunRequest, monitor_plan_for_run};
use scalyr_monitor::prelude::*;

use super::{environment, plan, registry};

/// Has options that hold other values.
#[scalyr_monitor(name = "nested_options")]
struct NestedOptions {
    /// Which ports.
    #[config(default = vec![])]
    ports: Vec<u16>,
    /// How many of each.
    #[config(default = BTreeMap::new())]
    limits: BTreeMap<String, u16>,
    /// What it is called.
    #[config(required)]
    title: String,
}

impl Monitor for NestedOptions {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line(&format!("{} {:?} {:?}", self.title, self.ports, self.limits));
        Ok(())
    }
}

const NESTED: &str = "{
      module: 'nested_options', // c
      ports: [80,
        70000, \"x\"]
      'limits': { a: 1, 'b c': -1,
        d: \"\"\"\n\"\"\" },
      prots: [1], 'a.b': 2
    }";

#[test]
fn a_problem_within_an_option_has_the_place_of_the_value_in_it() {
    let text =
        format!("monitors: [\n    {NESTED}, {{ module: 'nested_options', title: 'x',\r    ports: '1, two' }}\n]");
    expect![[r#"
        refused: /etc/agent.json:5:9  monitors[0].ports[1]: 70000 is above 65535, the most that fits; nested_options(1) does not run
        refused: /etc/agent.json:5:16  monitors[0].ports[2]: "x" is not a whole number; nested_options(1) does not run
        refused: /etc/agent.json:6:32  monitors[0].limits."b c": -1 is below 0, the least that fits; nested_options(1) does not run
        refused: /etc/agent.json:7:12  monitors[0].limits.d: "\n" is not a whole number; nested_options(1) does not run
        refused: /etc/agent.json:2:5  monitors[0].title: required, but not given; nested_options(1) does not run
        warning: /etc/agent.json:9:7  monitors[0].prots: unknown option; did you mean `ports`?
        warning: /etc/agent.json:9:19  monitors[0]."a.b": unknown option; this monitor has `ports`, `limits`, `title`
        refused: /etc/agent.json:11:12  monitors[1].ports[1]: "two" is not a whole number; nested_options(2) does not run
    "#]]
    .assert_eq(&plan(&text).1);
}

#[test]
fn what_a_single_run_without_any_option_lacks_is_asked_for() {
    let request = RunRequest {
        module: "nested_options",
        config_text: "{}",
        sample_interval: Duration::from_secs(5),
        agent_config: None,
    };
    let run = monitor_plan_for_run(&request, &registry(), &environment(&[]));
    expect![[r#"
        refused: title: required, but not given; give it with -c '{ title: ... }'
    "#]]
    .assert_eq(&run.map_or_else(|report| report.to_string(), |run| format!("{run:?}")));
}

#[test]
fn a_problem_of_a_single_run_has_its_place_in_the_text() {
    let request = RunRequest {
        module: "nested_options",
        config_text: NESTED,
        sample_interval: Duration::from_secs(5),
        agent_config: None,
    };
    let run = monitor_plan_for_run(&request, &registry(), &environment(&[("SCALYR_PORTS", "1")]));
    expect![[r#"
        refused: -c:4:9  ports[1]: 70000 is above 65535, the most that fits
        refused: -c:4:16  ports[2]: "x" is not a whole number
        refused: -c:5:32  limits."b c": -1 is below 0, the least that fits
        refused: -c:6:12  limits.d: "\n" is not a whole number
        refused: -c  title: required, but not given
        warning: -c:8:7  prots: unknown option; did you mean `ports`?
        warning: -c:8:19  "a.b": unknown option; this monitor has `ports`, `limits`, `title`
    "#]]
    .assert_eq(&run.map_or_else(|report| report.to_string(), |run| format!("{run:?}")));
}

#[test]
fn a_key_with_a_line_break_makes_no_line_of_its_own() {
    let (_, report) = plan("monitors: [{ module: 'coin', 'a\\nerror: forged': 1 }], 'b\\r\\nerror: forged': 1");
    assert_eq!(report.lines().count(), 2, "{report}");
    assert!(report.lines().all(|line| line.starts_with("warning: ")), "{report}");
}
