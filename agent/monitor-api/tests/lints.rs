//! The expansion of the macros causes no warning in the crate of an author who asks for many.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(rust_2018_idioms, future_incompatible, nonstandard_style, let_underscore_drop, single_use_lifetimes)]
#![deny(trivial_casts, trivial_numeric_casts, unused_lifetimes, unused_results, variant_size_differences)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(clippy::allow_attributes, clippy::as_conversions, clippy::expect_used, clippy::indexing_slicing)]
#![deny(clippy::missing_docs_in_private_items, clippy::panic, clippy::unwrap_used)]
#![deny(clippy::exhaustive_enums, clippy::shadow_reuse, clippy::wildcard_imports)]

use std::time::Duration;

use scalyr_monitor::scalyr_monitor;
use scalyr_monitor::testing::Harness;
use scalyr_monitor::{ConfigValue, Error, Fields, Metric, MetricSet, Monitor, OptionGroup, Result, Sample};

/// The greatest ratio.
const MOST: f32 = 2.5;

/// The least number.
const LEAST: u16 = 2;

/// Looks at one of everything.
#[derive(Debug)]
#[scalyr_monitor(name = "picky", module = "old.picky", enabled_by_default, log_fields(text = "What it says."))]
pub struct Picky {
    /// A number.
    #[config(default = 1_000, min = LEAST, env, alias("old", "older"))]
    pub number: u16,

    /// A ratio.
    #[config(default = 1, min = -1, max = MOST, rename = "the-ratio")]
    ratio: f32,

    /// Perhaps one.
    #[config(min = 0.5, max = 10)]
    maybe: Option<f64>,

    /// A time.
    #[config(default = 5, min = 1)]
    time: Duration,

    /// Some.
    #[config(default = ["a", "b"])]
    list: Vec<String>,

    /// A URL.
    #[config(required, secret, no_http, check = is_not_empty)]
    url: String,

    /// A word.
    #[config(default = Word::First)]
    word: Word,

    /// The group, which needs no comment.
    #[config(flatten)]
    group: Group,

    /// A metric.
    #[metric(name = "io", fields(r#type = "read"), unit = "sec:.001", category = "Disk", cumulative)]
    read: Metric<f64, Extra<'static>>,

    /// The set.
    #[metrics(category = "Set")]
    set: Set,

    /// State.
    #[state(default = 1)]
    count: u64,
}

/// Whether there is something.
fn is_not_empty(text: &str) -> Result<()> {
    if text.is_empty() { Err(Error::new("this is empty")) } else { Ok(()) }
}

/// A group.
#[derive(Debug, OptionGroup)]
pub struct Group {
    /// Of the group.
    #[config(default)]
    flag: bool,
}

/// A set.
#[derive(Clone, Copy, Debug, MetricSet)]
pub struct Set {
    /// Of the set.
    #[metric]
    in_set: Metric<u64>,
}

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ConfigValue)]
#[non_exhaustive]
pub enum Word {
    /// The first.
    First,
    /// The second.
    #[config(rename = "2nd", alias = "two")]
    Second,
}

/// Extra fields.
#[derive(Debug, Fields)]
struct Extra<'a> {
    /// A text.
    text: &'a str,
    /// The word.
    #[field(name = "word")]
    kind: &'static str,
}

impl Monitor for Picky {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += u64::from(self.number);
        let kind = if self.word == Word::First && self.list.len() > 1 { "first" } else { "second" };
        let value = self.maybe.unwrap_or_else(|| f64::from(self.ratio)) + self.time.as_secs_f64();
        out.emit_with(self.read, value, Extra { text: &self.url, kind });
        if self.group.flag {
            out.emit(self.set.in_set, self.count);
        }
        Ok(())
    }
}

#[test]
fn the_monitor_that_is_linted_works() {
    let config = "{ url: 'http://localhost', flag: true, word: '2ND', number: 4 }";
    let sample = Harness::<Picky>::from_config(config).sample();
    assert_eq!(sample.lines(), [r#"io 6.0 text="http://localhost" type="read" word="second""#, "in_set 5"]);
}
