//! A marked struct, from its declaration to its metric lines.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use scalyr_monitor::config::Kind;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Declared, Environment, Registry, Severity};
use scalyr_monitor::testing::{Harness, json};
use serde_json::Value;

/// Looks at one of everything.
///
/// A second paragraph.
#[scalyr_monitor(name = "sampler", module = "old.package.sampler")]
#[derive(Clone)]
pub struct Sampler {
    /// Where to look.
    #[config(required, env)]
    host: String,

    /// What to look at.
    #[config(default = ["cpu", "disk"])]
    parts: Vec<String>,

    /// How long to look.
    #[config(default = 1.5, min = 0.5, max = 60)]
    patience: Duration,

    /// The kind of look.
    #[config(default = "plain", rename = "look-kind", env = "LOOK")]
    look: String,

    /// A keyword as a name.
    #[config(default = 3)]
    r#type: u8,

    /// The trees.
    #[config(default = "/proc")]
    root: PathBuf,

    /// Further ones.
    #[config(default)]
    labels: BTreeMap<String, String>,

    /// At most that many.
    #[config(max = 5)]
    most: Option<u16>,

    /// Everything seen.
    #[metric(name = "look.seen")]
    seen: Metric<&'static str, Seen<'static>>,

    /// A reserved name.
    #[metric]
    value: Metric<u64>,

    #[state(default = 40 + 1)]
    count: u64,
    names: Vec<String>,
}

/// Extra fields, not in the order of their names.
#[derive(Fields)]
struct Seen<'a> {
    /// Of the host.
    host: &'a str,
    /// Before all others.
    #[field(name = "Zone")]
    zone: u8,
    /// Reserved.
    instance: bool,
    /// A keyword.
    r#type: u8,
    /// Not there.
    #[field(name = "10th")]
    #[cfg(any())]
    never: u8,
}

impl Monitor for Sampler {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        if self.host == "nowhere" {
            return Err(Error::new("there is no host `nowhere`"));
        }
        context.sample_interval = self.patience;
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        self.names.push(self.host.clone());
        out.logger().debug(format_args!("{:?} {:?} {:?} {:?}", self.parts, self.root, self.labels, self.most));
        let seen = Seen { host: &self.host, zone: 1, instance: true, r#type: self.r#type };
        out.emit_with(self.seen, self.look.as_str(), seen);
        out.emit(self.value, self.count);
        Ok(())
    }
}

/// Each problem as `path: message`, those that only warn with a `?`.
fn told(problems: &[scalyr_monitor::testing::Problem]) -> Vec<String> {
    let mark = |severity| if severity == Severity::Warning { "?" } else { "" };
    problems.iter().map(|problem| format!("{}{}: {}", mark(problem.severity), problem.path, problem.message)).collect()
}

#[test]
fn defaults_state_and_names_are_as_declared() {
    let mut sampler = Harness::<Sampler>::from_config(json!({ "host": "web-1" }));
    assert_eq!(
        sampler.sample().lines(),
        [r#"look.seen "plain" Zone=1 host="web-1" instance_=true type=3"#, "value_ 42"]
    );
    assert_eq!(sampler.context().sample_interval, Duration::from_millis(1500));
    assert!(sampler.problems().is_empty());
    assert_eq!(<Seen<'_> as Fields>::NAMES, ["Zone", "host", "instance_", "type"]);
    assert_eq!(<Seen<'_> as Fields>::DOCS, ["Before all others.", "Of the host.", "Reserved.", "A keyword."]);
}

#[test]
fn all_problems_of_an_entry_are_told_at_once() {
    let entry = json!({
        "module": "sampler", "id": 5, "sample_interval": 3, "metric_name_blacklist": "a",
        "hots": "web-1", "patience": 0.1, "type": 300, "parts": ["a", {}], "most": 6, "labels": [], "look": "x",
    });
    let refused = Harness::<Sampler>::from_config(entry);
    assert_eq!(
        told(refused.problems()),
        [
            "host: required, but not given; the environment variable SCALYR_HOST would do, too",
            "parts[1]: an object is not text",
            "patience: 0.1 is below the minimum 0.5",
            "type: 300 is above 255, the most that fits",
            "labels: a list is not an object, each member text",
            "most: 6 is above the maximum 5",
            "?hots: unknown option; did you mean `host`?",
            "?look: unknown option; did you mean `look-kind`?",
        ]
    );
}

#[test]
fn an_unknown_option_is_a_warning_and_lists_the_known_ones() {
    let sampler = Harness::<Sampler>::from_config(json!({ "host": "web-1", "qqq": 1 }));
    let known = "`host`, `parts`, `patience`, `look-kind`, `type`, `root`, `labels`, `most`";
    assert_eq!(told(sampler.problems()), [format!("?qqq: unknown option; this monitor has {known}")]);
}

#[test]
fn what_initialize_refuses_is_a_problem_of_the_entry() {
    let refused = Harness::<Sampler>::from_config(json!({ "host": "nowhere" }));
    assert_eq!(told(refused.problems()), [": there is no host `nowhere`"]);
}

#[test]
fn the_environment_stands_in_for_what_the_entry_lacks() {
    let environment = [("SCALYR_HOST", "web-2"), ("LOOK", "hard")];
    let environment = environment.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let built = Sampler::registration().build(&serde_json::Map::new(), &Environment::new(environment));
    assert!(built.unwrap().warnings.is_empty());
}

#[test]
fn the_declaration_can_be_read_back() {
    let registry = Registry::linked().unwrap();
    let sampler = registry.find("old.package.sampler").unwrap();
    assert_eq!((sampler.name, sampler.krate), ("sampler", "scalyr-monitor"));
    assert_eq!(sampler.doc, "Looks at one of everything.\n\nA second paragraph.");
    assert_eq!(registry.find("sampler").unwrap().version, env!("CARGO_PKG_VERSION"));

    let options: Vec<_> = sampler.options().into_iter().map(|option| (option.key, option)).collect();
    let option = |key: &str| &options.iter().find(|(other, _)| *other == key).unwrap().1;
    assert_eq!(option("parts").default, Some(json!(["cpu", "disk"])));
    assert_eq!(option("parts").kind, Kind::List(&Kind::Text));
    assert_eq!(option("patience").default, Some(json!(1.5)));
    assert_eq!((&option("patience").min, &option("patience").max), (&Some(json!(0.5)), &Some(json!(60))));
    assert_eq!((option("host").required, option("host").env), (true, Some("SCALYR_HOST")));
    assert_eq!((option("look-kind").doc, option("look-kind").env), ("The kind of look.", Some("LOOK")));
    assert_eq!(option("type").kind, Kind::Integer { min: 0, max: 255 });
    assert_eq!((&option("most").default, option("most").required), (&None::<Value>, false));
    assert_eq!(option("root").default, Some(json!("/proc")));

    let metrics: Vec<_> =
        sampler.metrics().into_iter().map(|metric| (metric.name, metric.doc, metric.fields)).collect();
    let fields: &[&str] = &["Zone", "host", "instance_", "type"];
    assert_eq!(metrics, [("look.seen", "Everything seen.", fields), ("value_", "A reserved name.", &[])]);
}
