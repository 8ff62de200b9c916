//! What it costs to check a large configuration: one megabyte with 5,000 entries in `logs`. It is to take less than half
//! a second, of which the text alone is a small part.
//!
//! `cargo bench -p scalyr-agent --bench configuration`

use {builtin_monitors as _, local_monitors as _};

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::{Loaded, Surroundings, draft};
use scalyr_monitor::registry::{Environment, Registry};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// About 210 bytes for each entry; `odd` is written into each of them.
fn configuration(entries: usize, odd: &str) -> String {
    let mut text = "{ api_key: 'k', logs: [\n".to_owned();
    for entry in 0..entries {
        let _ = writeln!(
            text,
            "  {{\n    // of the application\n    path: \"/var/log/application/instance-{entry:05}/access.log\",\n    \
             exclude: [\"*.gz\", \"*.1\"], rename_no_original: true{odd}\n    \
             attributes: {{ parser: \"accessLog\", instance: {entry} }}\n  }}"
        );
    }
    text + "] }"
}

fn loaded(text: &str) -> Loaded {
    from_text(text, PathBuf::from("/etc/scalyr-agent-2/agent.json"), &Environment::default()).expect("no fatal problem")
}

/// The text, its values and their places.
#[divan::bench(sample_count = 10)]
fn parse(bencher: Bencher<'_, '_>) {
    let text = configuration(5000, "");
    bencher.counter(BytesCount::of_str(&text)).bench(|| loaded(&text));
}

fn measure(bencher: Bencher<'_, '_>, odd: &str) {
    let text = configuration(5000, odd);
    let registry = Registry::linked().expect("no clash of names");
    let environment = Arc::new(Environment::default());
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
    bencher.counter(BytesCount::of_str(&text)).bench(|| draft(&loaded(&text), &surroundings));
}

/// Everything that `agent check` does.
#[divan::bench(sample_count = 10)]
fn check(bencher: Bencher<'_, '_>) {
    measure(bencher, "");
}

/// The same with a problem in each entry.
#[divan::bench(sample_count = 10)]
fn check_with_a_problem_in_each_entry(bencher: Bencher<'_, '_>) {
    measure(bencher, ", exclud: 7, mode: []");
}
