//! Entries of several files.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::super::keys;
use super::super::settings::Scope;
use super::super::sources::{Home, Source, Sources};
use super::*;

#[test]
fn an_entry_of_a_fragment_is_named_with_its_file() {
    let main = Source::of_text("/etc/a/agent.json", "{ logs: [{ path: '/a' }] }");
    let web =
        Source::of_text("/etc/a/agent.d/web.json", "{\n logs: [{ path: '/b' },\n { path: '/a' }, { path: '' }] }");
    let homes = BTreeMap::from([("logs".to_owned(), Home::Elements(vec![(0, 0), (1, 0), (1, 1), (1, 2)]))]);
    let mut report = Report::of_sources(Arc::new(Sources::of(vec![main, web], homes)));
    let values = json!({ "logs": [{ "path": "/a" }, { "path": "/b" }, { "path": "/a" }, { "path": "" }] });
    let settings = Settings::read(values.as_object().unwrap(), keys::GLOBAL, "", Scope::Global, &mut report);
    let LogEntries { logs, .. } = plan(&settings, Path::new("/l"), &Workers::default(), &mut report);
    let origins: Vec<_> = logs.iter().map(|log| log.origin.as_str()).collect();
    assert_eq!(origins, ["logs[0]", "web.json logs[0]", "web.json logs[1]", "agent log"]);
    assert_eq!(
        report.to_string(),
        "warning: /etc/a/agent.d/web.json:3:10  logs[1].path: \"/a\" is copied by an earlier entry \
         (/etc/a/agent.json:1:18  logs[0].path), and not by this one; put what both say into one of them\n\
         refused: /etc/a/agent.d/web.json:3:26  logs[2].path: is empty, which means no file, although the Python agent \
         accepts it; this entry is not copied; write a path, or remove the entry\n"
    );
}
