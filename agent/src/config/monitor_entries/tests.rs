//! Entries of several files.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::keys;
use super::super::own_files::OwnFiles;
use super::super::settings::Scope;
use super::super::sources::{Home, Source, Sources};
use super::super::workers::Workers;
use super::*;

/// Has no options.
#[scalyr_monitor::scalyr_monitor(name = "idle_of_entries")]
struct Idle {}

impl scalyr_monitor::Monitor for Idle {}

#[test]
fn an_entry_of_a_fragment_is_named_with_its_file() {
    let main = Source::of_text("/etc/a/agent.json", "{ monitors: [{ module: 'idle_of_entries', id: 'a' }] }");
    let web =
        Source::of_text("/etc/a/web.json", "{ monitors: [{ module: 'idle_of_entries', id: 'b' },\n { id: 'b' }] }");
    let homes = BTreeMap::from([("monitors".to_owned(), Home::Elements(vec![(0, 0), (1, 0), (1, 1)]))]);
    let mut report = Report::of_sources(Arc::new(Sources::of(vec![main, web], homes)));
    let module = "idle_of_entries";
    let values = json!({
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "monitors": [{ "module": module, "id": "a" }, { "module": module, "id": "b" }, { "module": module, "id": "b" }]
    });
    let settings = Settings::read(values.as_object().unwrap(), keys::GLOBAL, "", Scope::Global, &mut report);
    let environment = Arc::new(Environment::default());
    let own_files = OwnFiles::new("/l".as_ref(), "/d".as_ref());
    let defaults = Defaults::read(&settings, &own_files, &Workers::default(), &environment, &mut report);
    let registry = Registry::linked().unwrap();
    let monitors = plan(&settings, &defaults, &registry, &environment, &mut report);
    let named: Vec<_> = monitors.iter().map(|monitor| (monitor.name(), monitor.origin.as_str())).collect();
    assert!(named.starts_with(&[
        ("idle_of_entries(a)".to_owned(), "monitors[0]"),
        ("idle_of_entries(b)".to_owned(), "web.json monitors[0]")
    ]));
    assert_eq!(
        report.to_string(),
        "refused: /etc/a/web.json:2:8  monitors[1].id: \"b\" is the id of web.json monitors[0] too; this monitor \
         does not run; give each idle_of_entries its own\n"
    );
}
