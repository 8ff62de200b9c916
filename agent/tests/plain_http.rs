//! `allow_http_monitors: false` brings the URLs of monitors to https, in what `start` reports and in what runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use scalyr_agent::config::load::from_text;
use scalyr_agent::config::{Surroundings, build};
use scalyr_monitor::config::{Absent, DeclaredOption, Reader, TypedOption, reading};
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{BuildContext, Registration, Registry};

static URL: TypedOption<String> = TypedOption {
    key: "url",
    aliases: &[],
    doc: "What to fetch.",
    reading: reading(),
    env: None,
    absent: Absent::Refused,
    bounds: None,
    check: None,
    secret: false,
    no_http: true,
};

/// The URLs that instances were given.
static GIVEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Fetcher;

impl Monitor for Fetcher {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        Ok(())
    }
}

fn fetcher(reader: &mut Reader<'_>) -> Option<Box<dyn Monitor>> {
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner).push(reader.read(&URL)?);
    Some(Box::new(Fetcher))
}

static FETCHER: Registration = Registration {
    name: "fetcher",
    module: None,
    krate: "fetcher",
    version: "1.0.0",
    doc: "Fetches.",
    declared_options: &[DeclaredOption::One(&URL)],
    declared_metrics: &[],
    log_fields: &[],
    enabled_by_default: false,
    construct: fetcher,
};

#[test]
fn plain_http_of_monitors_is_changed_where_the_agent_does_not_allow_it() {
    let registry = Registry::of([&FETCHER]).unwrap();
    let environment = Arc::default();
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "web1" };
    for (allowed, used) in [("true", "http://a/status"), ("false", "https://a/status")] {
        let text = format!(
            "{{ api_key: 'k', allow_http_monitors: {allowed}, implicit_metric_monitor: false, \
             implicit_agent_process_metrics_monitor: false, monitors: [{{ module: 'fetcher', url: 'http://a/status' }}] }}"
        );
        let loaded = from_text(&text, PathBuf::from("/etc/agent.json"), &environment).unwrap();
        let (plan, report) = build(&loaded, &surroundings).unwrap_or_else(|report| panic!("{report}"));
        let told = report.problems().iter().map(ToString::to_string).collect::<Vec<_>>();
        let changed =
            "monitors[0].url: http:// is changed to https://, because `allow_http_monitors` of the agent is false";
        match allowed {
            "true" => assert!(told.is_empty(), "{told:?}"),
            _ => assert!(matches!(&told[..], [only] if only.ends_with(changed)), "{told:?}"),
        }

        // What runs is built again from the plan, with the same result.
        let monitor = plan.monitors.first().unwrap();
        let context = BuildContext { environment: &monitor.environment, allow_http: monitor.allow_http };
        assert!(monitor.registration.build(&monitor.entry, context).is_ok());
        assert_eq!(std::mem::take(&mut *GIVEN.lock().unwrap()), [used, used]);
    }
}
