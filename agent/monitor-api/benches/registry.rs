//! What a thousand linked monitors cost: to list them at start, to find one, to build an instance of each.
//!
//! `cargo bench -p scalyr-monitor --bench registry`

use divan::{Bencher, black_box};
use scalyr_monitor::__private::{self as api, Reader};
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Environment, Registration, Registry};
use serde_json::{Map, Value, json};

fn main() {
    assert_eq!(Registry::linked().map(|registry| registry.iter().count()), Ok(1000));
    divan::main();
}

/// What each of the monitors has.
#[derive(OptionGroup)]
pub struct Options {
    /// Where to look.
    #[config(required)]
    host: String,
    /// Which port.
    #[config(default = 80, min = 1)]
    port: u16,
    /// How long to wait.
    #[config(default = 5, min = 1, max = 60)]
    patience: std::time::Duration,
    /// What to look at.
    #[config(default = ["cpu", "disk"])]
    parts: Vec<String>,
}

#[derive(MetricSet)]
struct Metrics {
    /// How deep it is.
    #[metric]
    depth: Metric<u64>,
    /// How full it is.
    #[metric]
    level: Metric<f64>,
}

struct One {
    options: Options,
    metrics: Metrics,
}

impl Monitor for One {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let Options { host, port, patience, parts } = &self.options;
        out.emit(self.metrics.depth, (host.len() + parts.len()) as u64 + u64::from(*port));
        out.emit(self.metrics.level, patience.as_secs_f64());
        Ok(())
    }
}

fn construct(reader: &mut Reader<'_>) -> Option<Box<dyn Monitor>> {
    let options = Options::read(reader)?;
    Some(api::boxed(One { options, metrics: Metrics::declared() }))
}

const NAME: &[u8; 9] = b"gauge-000";
const MODULE: &[u8; 33] = b"package.of.many_monitors.gauge000";

/// A text with this number as its last three digits.
const fn numbered<const N: usize>(mut text: [u8; N], number: u32) -> [u8; N] {
    text[N - 1] += (number % 10) as u8;
    text[N - 2] += (number / 10 % 10) as u8;
    text[N - 3] += (number / 100) as u8;
    text
}

const fn text(bytes: &'static [u8]) -> &'static str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("digits are text"),
    }
}

/// Registers the monitor of each number, as `#[scalyr_monitor]` does it.
macro_rules! register {
    ($($hundreds:literal)*) => { $(register!(@tens $hundreds: 0 1 2 3 4 5 6 7 8 9);)* };
    (@tens $hundreds:literal: $($tens:literal)*) => {
        $(register!(@ones $hundreds $tens: 0 1 2 3 4 5 6 7 8 9);)*
    };
    (@ones $hundreds:literal $tens:literal: $($ones:literal)*) => {
        $(const _: () = {
            const NUMBER: u32 = 100 * $hundreds + 10 * $tens + $ones;
            static NAMES: ([u8; 9], [u8; 33]) = (numbered(*NAME, NUMBER), numbered(*MODULE, NUMBER));
            api::inventory::submit! {
                Registration {
                    name: text(&NAMES.0),
                    module: Some(text(&NAMES.1)),
                    krate: "gauges",
                    version: "1.0.0",
                    doc: "One of many.",
                    declared_options: <Options as OptionGroup>::OPTIONS,
                    declared_metrics: <Metrics as MetricSet>::METRICS,
                    log_fields: &[],
                    enabled_by_default: false,
                    construct,
                }
            }
        };)*
    };
}
register!(0 1 2 3 4 5 6 7 8 9);

/// What the agent does with them when it starts.
#[divan::bench]
fn list_all_linked_monitors() -> Registry {
    Registry::linked().unwrap_or_else(|clashes| panic!("{clashes:?}"))
}

/// The time for all thousand.
#[divan::bench]
fn find_each_by_its_old_module_name(bencher: Bencher<'_, '_>) {
    let registry = list_all_linked_monitors();
    let modules: Vec<&str> = registry.iter().filter_map(|monitor| monitor.module).collect();
    bencher.bench_local(|| modules.iter().filter(|module| registry.find(black_box(module)).is_some()).count());
}

/// The time for all thousand: from the list of `monitors` to instances.
#[divan::bench]
fn find_and_build_an_instance_of_each(bencher: Bencher<'_, '_>) {
    let registry = list_all_linked_monitors();
    let entry = |name: &str| match json!({ "module": name, "host": "web-1", "port": "8080", "parts": ["cpu"] }) {
        Value::Object(entry) => entry,
        _ => Map::new(),
    };
    let entries: Vec<Map<String, Value>> = registry.iter().map(|monitor| entry(monitor.name)).collect();
    let environment = Environment::default();
    let build = |entry| {
        let name = Map::get(entry, "module").and_then(Value::as_str)?;
        registry.find(name)?.build(entry, &environment).ok()
    };
    bencher.bench_local(|| entries.iter().filter_map(build).count());
}

/// A name that nobody has: the price of a did-you-mean.
#[divan::bench]
fn suggest_names_for_a_wrong_one(bencher: Bencher<'_, '_>) {
    let registry = list_all_linked_monitors();
    bencher.bench_local(|| registry.nearest(black_box("package.of.many_monitors.guage500")));
}
