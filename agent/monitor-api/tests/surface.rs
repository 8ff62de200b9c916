//! What the keys of the macros mean: older names, groups, words, sets, constant fields, checks.

use scalyr_monitor::config::{Kind, Word};
use scalyr_monitor::metric::LogFieldDecl;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Declared, Severity};
use scalyr_monitor::testing::{Harness, json};

#[doc = include_str!("surface_doc.md")]
///
/// And a line.
#[scalyr_monitor(
    name = "mixer",
    module = "old.mixer",
    enabled_by_default,
    log_fields(monitor = "Always `mixer`.", "log.level" = " How bad it is. ")
)]
pub struct Mixer {
    /// How loud.
    #[config(default = LOUDNESS, min = 0, max = MOST, alias("volume", "gain"))]
    pub loudness: u8,

    /// Where to look.
    #[config(default = "http://localhost", no_http, env = "MIXER_URL")]
    url: String,

    /// Who may look.
    #[config(secret)]
    password: Option<String>,

    /// What it hears.
    #[config(default = [Band::Low, Band::MidHigh])]
    bands: Vec<Band>,

    #[config(flatten)]
    pub(crate) listener: Listener,

    /// How long it waits.
    #[config(default = 2 * 60, min = 0.5, max = 60 * (60 - 1))]
    patience: std::time::Duration,

    /// How much of it.
    #[config(default = 1 / 4, max = 1)]
    share: f64,

    /// Only there with a feature that nobody has.
    #[cfg(any())]
    #[config(default = "x")]
    absent: u64,

    /// There because of its attribute.
    #[cfg_attr(all(), config(default = 1))]
    present: u64,

    /// How much was mixed.
    #[metric(name = "mixed", unit = "bytes", category = "Mixing", cumulative, fields(type = "in", r#mod = "a\"b"))]
    mixed_in: Metric<u64, At<'static>>,

    /// How much was mixed.
    #[metric(name = "mixed", fields("type" = "out"))]
    mixed_out: Metric<u64, At<'static>>,

    #[metrics(category = "Bands")]
    levels: Levels,

    #[metrics]
    plain: Plain,
}

const LOUDNESS: u8 = 5;
const MOST: u8 = 11;

/// One part of what is heard.
#[derive(Clone, Copy, Debug, PartialEq, ConfigValue)]
pub enum Band {
    /// Below 200 Hz.
    Low,
    /// Above it.
    MidHigh,
    /// All of it.
    #[config(rename = "*", alias("all", "any"))]
    r#All,
}

/// Where it listens.
#[derive(OptionGroup)]
pub struct Listener {
    /// The port.
    #[config(default = 80, min = 1, rename = "listen-port", check = is_free)]
    port: u16,

    #[config(flatten)]
    limits: Limits,
}

/// How much it takes.
#[derive(OptionGroup)]
struct Limits {
    /// The most.
    #[config(required, env)]
    limit: u64,
}

fn is_free(port: &u16) -> Result<()> {
    if *port == 22 { Err(Error::new(format!("{port} is the port of sshd"))) } else { Ok(()) }
}

/// Extra fields.
#[derive(Fields)]
struct At<'a> {
    /// The place.
    place: &'a str,
    /// Behind the constant ones.
    zone: u8,
}

/// Of each band.
#[derive(Clone, Copy, MetricSet)]
struct Levels {
    /// Its level.
    #[metric(name = "band.level", fields(band = "low"))]
    low: Metric<f64>,

    #[metrics(category = "Peaks")]
    peaks: Peaks,
}

/// Of each band.
#[derive(Clone, Copy, MetricSet)]
struct Peaks {
    /// Its peak.
    #[metric(name = "band.peak", fields(band = "low"))]
    low: Metric<f64>,
}

/// Without a category.
#[derive(MetricSet)]
struct Plain {
    /// Turns.
    #[metric]
    turns: Metric<u64>,
}

impl Monitor for Mixer {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let at = || At { place: &self.url, zone: 3 };
        out.emit_with(self.mixed_in, self.present, at());
        out.emit_with(self.mixed_out, self.listener.limits.limit, at());
        out.emit(self.levels.low, f64::from(self.loudness));
        out.emit(self.levels.peaks.low, f64::from(self.listener.port));
        out.emit(self.plain.turns, self.bands.iter().filter(|band| **band == Band::All).count() as u64);
        out.logger().debug(format_args!("{:?} {:?} {}", self.password, self.patience, self.share));
        Ok(())
    }
}

#[test]
fn constant_fields_are_written_with_each_emission() {
    let mut mixer = Harness::<Mixer>::from_config(json!({ "limit": 7, "bands": ["LOW", "*"] }));
    assert_eq!(
        mixer.sample().lines(),
        [
            r#"mixed 1 mod="a\"b" place="http://localhost" type="in" zone=3"#,
            r#"mixed 7 place="http://localhost" type="out" zone=3"#,
            r#"band.level 5.0 band="low""#,
            r#"band.peak 80.0 band="low""#,
            "turns 1",
        ]
    );
}

#[test]
fn metrics_are_declared_with_all_that_was_said() {
    let metrics = Mixer::registration().metrics();
    let told: Vec<_> = metrics.iter().map(|metric| (metric.name, metric.constants, metric.category)).collect();
    let low: &[_] = &[("band", "low")];
    assert_eq!(
        told,
        [
            ("mixed", [("mod", "a\"b"), ("type", "in")].as_slice(), Some("Mixing")),
            ("mixed", &[("type", "out")], None),
            ("band.level", low, Some("Bands")),
            ("band.peak", low, Some("Peaks")),
            ("turns", &[], None),
        ]
    );
    let [first, second, ..] = metrics.as_slice() else { panic!("{metrics:?}") };
    assert_eq!((first.unit, first.cumulative, second.unit, second.cumulative), (Some("bytes"), true, None, false));
    assert_eq!(first.fields, ["place", "zone"]);
}

#[test]
fn options_are_declared_with_all_that_was_said() {
    let options = Mixer::registration().options();
    let keys: Vec<_> = options.iter().map(|option| option.key).collect();
    assert_eq!(keys, ["loudness", "url", "password", "bands", "listen-port", "limit", "patience", "share", "present"]);
    let [loudness, url, password, bands, port, limit, patience, share, _] = options.as_slice() else {
        panic!("{options:?}")
    };
    assert_eq!((loudness.aliases, &loudness.default), (["volume", "gain"].as_slice(), &Some(json!(5))));
    assert_eq!((&loudness.min, &loudness.max), (&Some(json!(0)), &Some(json!(11))));
    assert_eq!((url.no_http, url.secret, url.env), (true, false, Some("MIXER_URL")));
    assert_eq!((password.no_http, password.secret), (false, true));
    assert_eq!((limit.required, limit.env, port.doc), (true, Some("SCALYR_LIMIT"), "The port."));
    assert_eq!((&patience.default, &patience.max), (&Some(json!(120)), &Some(json!(3540))));
    assert_eq!(share.default, Some(json!(0.25)));
    assert_eq!(bands.default, Some(json!(["low", "mid_high"])));
    let words: &[Word] = &[
        Word { name: "low", aliases: &[], doc: "Below 200 Hz." },
        Word { name: "mid_high", aliases: &[], doc: "Above it." },
        Word { name: "*", aliases: &["all", "any"], doc: "All of it." },
    ];
    let Kind::List(Kind::Words(known)) = bands.kind else { panic!("{:?}", bands.kind) };
    assert_eq!(*known, words);
}

#[test]
fn the_monitor_is_declared_with_all_that_was_said() {
    let mixer = Mixer::registration();
    assert!(mixer.enabled_by_default);
    assert_eq!(mixer.module, Some("old.mixer"));
    assert_eq!(mixer.doc, "Mixes what it hears,\n\nand more.\n\n\nAnd a line.");
    let field = |name, doc| LogFieldDecl { name, doc };
    assert_eq!(mixer.log_fields, [field("monitor", "Always `mixer`."), field("log.level", "How bad it is.")]);
}

/// Each problem as `path: message`, those that only warn with a `?`.
fn told(problems: &[scalyr_monitor::testing::Problem]) -> Vec<String> {
    let mark = |severity| if severity == Severity::Warning { "?" } else { "" };
    problems.iter().map(|problem| format!("{}{}: {}", mark(problem.severity), problem.path, problem.message)).collect()
}

#[test]
fn problems_of_groups_and_words_are_told_with_the_others() {
    let entry = json!({ "loudness": 12, "bands": ["low", "high", "ALL"], "listen-port": 0, "hsot": 1 });
    assert_eq!(
        told(Harness::<Mixer>::from_config(entry).problems()),
        [
            "loudness: 12 is above the maximum 11",
            r#"bands[1]: "high" is not "low", "mid_high" or "*"; did you mean "mid_high"?"#,
            r#"?bands[2]: "ALL" is an older spelling of "*"; write that"#,
            "listen-port: 0 is below the minimum 1",
            "limit: required, but not given; the environment variable SCALYR_LIMIT would do, too",
            "?hsot: unknown option; this monitor has `loudness`, `url`, `password`, `bands`, `listen-port`, `limit`, \
             `patience`, `share`, `present`",
        ]
    );
}

fn is_finite(number: &f64) -> Result<()> {
    number.is_finite().then_some(()).ok_or_else(|| Error::new("not finite"))
}

/// Monitors may be made by a `macro_rules` of the author: types and numbers come in invisible brackets then.
macro_rules! monitors {
    ($($monitor:ident $name:literal $type:ty = $default:expr, $min:literal, $check:expr;)*) => {$(
        /// Made by a macro.
        #[scalyr_monitor(name = $name)]
        struct $monitor {
            /// A number.
            #[config(default = $default, min = $min, check = $check)]
            number: $type,
            /// The number.
            #[metric]
            metric: Metric<$type>,
            state: $type,
        }

        impl Monitor for $monitor {
            fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
                out.emit(self.metric, self.number + self.state);
                Ok(())
            }
        }
    )*};
}
monitors! {
    OfFloats "of_floats" f64 = 5, 0, is_finite;
    OfIntegers "of_integers" i64 = -5, -6, |number| number.checked_add(1).map(drop).ok_or_else(|| Error::new("too large"));
}

#[test]
fn monitors_may_be_made_by_a_macro() {
    assert_eq!(Harness::<OfFloats>::from_config("{}").sample().lines(), ["metric_ 5.0"]);
    assert_eq!(Harness::<OfIntegers>::from_config("{}").sample().lines(), ["metric_ -5"]);
}
