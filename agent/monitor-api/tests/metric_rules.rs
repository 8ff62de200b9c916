//! The user's rules for metrics: the blacklist and the rates, as they act on what a monitor emits.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::prelude::*;
use scalyr_monitor::rules::{MetricRules, SeriesBudget};
use scalyr_monitor::sample::LineSink;
use scalyr_monitor::{Lines, Timestamp};

#[derive(Fields)]
struct Disk<'d> {
    /// Which disk.
    device: &'d str,
    /// Which part of it.
    partition: u32,
}

const READS: Metric<u64, Disk<'static>> = Metric::declared("reads");
const QUEUE: Metric<u64> = Metric::declared("queue");
const STATE: Metric<&'static str> = Metric::declared("state");

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Kept {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl LineSink for Kept {
    fn write_lines(&mut self, lines: &Lines) {
        self.0.lock().unwrap().extend(lines.iter().map(|line| line.trim_end().to_owned()));
    }
}

impl LogSink for Kept {
    fn enabled(&self, level: Level) -> bool {
        level >= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.level, record.message));
    }
}

struct Scene {
    sample: Sample,
    clock: Clock,
    written: Kept,
    told: Kept,
}

impl Scene {
    fn new(rules: MetricRules) -> Self {
        Self::sharing(rules, &SeriesBudget::default())
    }

    fn sharing(rules: MetricRules, budget: &SeriesBudget) -> Self {
        let (clock, written, told) = (Clock::manual(Timestamp::from_millis(0)), Kept::default(), Kept::default());
        let logger = Logger::new(Arc::new(told.clone()), "monitor:coin()");
        let sample = Sample::new("coin", "", clock.clone(), logger, Box::new(written.clone()));
        Self { sample: sample.governed_by(Arc::new(rules), budget), clock, written, told }
    }

    /// The lines since the last look, without the time.
    fn lines(&mut self) -> Vec<String> {
        self.sample.flush();
        self.written.take().iter().map(|line| line[25..].to_owned()).collect()
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Emits these values a minute apart, and gives the rates.
    fn rates_of(&mut self, values: &[u64]) -> Vec<String> {
        for value in values {
            self.sample.emit(QUEUE, *value);
            self.wait(60);
        }
        self.lines()
            .into_iter()
            .filter_map(|line| line.strip_prefix("[coin()] queue_rate ").map(str::to_owned))
            .collect()
    }
}

fn rate(metric: &str) -> MetricRules {
    MetricRules::default().rate(metric, None)
}

fn blacklist(names: &[&str]) -> MetricRules {
    MetricRules::default().blacklist(names.iter().map(|name| (*name).to_owned()))
}

#[test]
fn a_blacklisted_metric_is_not_written_and_that_is_told_once_a_day() {
    let mut scene = Scene::new(blacklist(&["queue", "a_b", "stat"]));
    for _ in 0..3 {
        scene.sample.emit(QUEUE, 1);
        scene.sample.emit_dynamic("a b", &1, &[("x", &1)]);
        scene.sample.emit(STATE, "up");
    }
    assert_eq!(scene.lines(), [r#"[coin()] state "up""#; 3], "names match exactly, as they stand in the log");
    assert_eq!(scene.sample.emitted(), 3);
    let told = scene.told.take();
    assert_eq!(
        told.iter().filter(|line| line.starts_with("INFO")).collect::<Vec<_>>(),
        [
            "INFO The metric \"queue\" is on the `metric_name_blacklist` and is not written; this is told once a day",
            "INFO The metric \"a_b\" is on the `metric_name_blacklist` and is not written; this is told once a day",
        ]
    );
    scene.wait(86_400);
    scene.sample.emit(QUEUE, 1);
    let again = scene.told.take();
    assert_eq!(again.len(), 1, "{again:?}");
    assert!(again[0].ends_with("once a day (2 more like this were held back since the last one)"), "{again:?}");
}

#[test]
fn a_rate_stands_behind_its_metric_with_the_same_time_id_and_fields() {
    // The vector of monitor-framework.md section 12.
    let mut scene = Scene::new(rate("reads"));
    for (seconds, value) in [(10, 20), (70, 30), (130, 40), (190, 100)] {
        let emission = scene.sample.at(Timestamp::from_millis(seconds * 1000)).under_id("other id");
        emission.emit_with(READS, value, Disk { device: "bar2", partition: 1 });
    }
    scene.sample.flush();
    assert_eq!(
        scene.written.take(),
        [
            "1970-01-01 00:00:10.000Z [coin(other id)] reads 20 device=\"bar2\" partition=1",
            "1970-01-01 00:01:10.000Z [coin(other id)] reads 30 device=\"bar2\" partition=1",
            "1970-01-01 00:01:10.000Z [coin(other id)] reads_rate 0.16667 device=\"bar2\" partition=1",
            "1970-01-01 00:02:10.000Z [coin(other id)] reads 40 device=\"bar2\" partition=1",
            "1970-01-01 00:02:10.000Z [coin(other id)] reads_rate 0.16667 device=\"bar2\" partition=1",
            "1970-01-01 00:03:10.000Z [coin(other id)] reads 100 device=\"bar2\" partition=1",
            "1970-01-01 00:03:10.000Z [coin(other id)] reads_rate 1.0 device=\"bar2\" partition=1",
        ]
    );
    assert_eq!(scene.sample.emitted(), 7, "rates are counted too");
    assert_eq!(scene.told.take(), [] as [&str; 0]);
}

#[test]
fn a_metric_without_extra_fields_has_a_rate_as_well() {
    assert_eq!(Scene::new(rate("queue")).rates_of(&[20, 30, 40, 100]), ["0.16667", "0.16667", "1.0"]);
}

#[test]
fn a_counter_that_was_reset_is_silent_for_one_step_only() {
    assert_eq!(Scene::new(rate("queue")).rates_of(&[1000, 1060, 5, 65, 65]), ["1.0", "1.0", "0.0"]);
}

#[test]
fn a_gap_of_eleven_minutes_gives_no_rate_and_the_next_step_does() {
    let mut scene = Scene::new(rate("queue"));
    assert_eq!(scene.rates_of(&[0]), [] as [&str; 0]);
    scene.wait(599);
    assert_eq!(scene.rates_of(&[659]), ["1.0"]);
    scene.wait(600);
    assert_eq!(scene.rates_of(&[2000, 2060]), ["1.0"]);
}

#[test]
fn two_values_of_one_moment_or_an_older_one_leave_the_newest_in_place() {
    let mut scene = Scene::new(rate("queue"));
    for (seconds, value) in [(100, 10), (100, 20), (40, 5), (110, 30)] {
        scene.sample.at(Timestamp::from_millis(seconds * 1000)).emit(QUEUE, value);
    }
    let lines = scene.lines();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(lines[4], "[coin()] queue_rate 2.0");
}

#[test]
fn a_wall_clock_that_is_set_back_does_not_disturb_the_rates() {
    let mut scene = Scene::new(rate("queue"));
    assert_eq!(scene.rates_of(&[0, 60]), ["1.0"]);
    scene.clock.set(Timestamp::from_millis(-86_400_000));
    assert_eq!(scene.rates_of(&[120]), ["1.0"]);
}

#[test]
fn historic_times_are_not_wiped_by_the_clean_up_and_silent_series_are() {
    let mut scene = Scene::new(rate("reads"));
    let emit = |scene: &mut Scene, seconds: i64, value: u64, device: &str| {
        let emission = scene.sample.at(Timestamp::from_millis(seconds * 1000));
        emission.emit_with(READS, value, Disk { device, partition: 1 });
    };
    scene.clock.set(Timestamp::from_millis(1_700_000_000_000));
    emit(&mut scene, 10, 1, "silent");
    scene.wait(1700);
    emit(&mut scene, 10, 1, "sda");
    scene.wait(100);
    scene.sample.flush();
    assert_eq!(
        scene.told.take(),
        ["INFO Series of `calculate_rate_metric_names` without a value for half an hour: 1 forgotten, 1 left"]
    );
    emit(&mut scene, 20, 21, "sda");
    emit(&mut scene, 20, 21, "silent");
    let lines = scene.lines();
    let rates: Vec<_> = lines.iter().filter(|line| line.contains("_rate ")).collect();
    assert_eq!(rates, [r#"[coin()] reads_rate 2.0 device="sda" partition=1"#]);
}

#[test]
fn a_filter_takes_texts_and_numbers_and_belongs_to_its_own_metric() {
    let filters =
        [("reads", "partition", "2"), ("writes", "device", "sda"), ("name with \"blank\"", "value", "a \"b\"")];
    let rules = filters
        .iter()
        .fold(MetricRules::default(), |rules, (metric, field, value)| rules.rate(metric, Some((field, value))));
    let mut scene = Scene::new(rules);
    for value in [0_u64, 10] {
        for partition in [1, 2] {
            scene.sample.emit_with(READS, value, Disk { device: "sda", partition });
        }
        scene.sample.emit_dynamic("writes", &value, &[("device", &"sda"), ("partition", &2)]);
        scene.sample.emit_dynamic("writes", &value, &[("partition", &2), ("device", &"sdb")]);
        scene.sample.emit_dynamic("name with \"blank\"", &value, &[("value", &"a \"b\"")]);
        scene.wait(10);
    }
    let rates: Vec<_> = scene.lines().into_iter().filter(|line| line.contains("_rate ")).collect();
    assert_eq!(
        rates,
        [
            r#"[coin()] reads_rate 1.0 device="sda" partition=2"#,
            r#"[coin()] writes_rate 1.0 device="sda" partition=2"#,
            r#"[coin()] name_with__blank__rate 1.0 value_="a \"b\"""#,
        ]
    );
}

#[test]
fn ids_and_instances_have_series_of_their_own() {
    let budget = SeriesBudget::default();
    let (mut one, mut two) = (Scene::sharing(rate("queue"), &budget), Scene::sharing(rate("queue"), &budget));
    assert_eq!(one.rates_of(&[0, 60]), ["1.0"]);
    assert_eq!(two.rates_of(&[1000, 1120]), ["2.0"]);
    one.sample.under_id("a").emit(QUEUE, 100_000);
    one.sample.under_id("b").emit(QUEUE, 200_000);
    assert_eq!(one.lines(), ["[coin(a)] queue 100000", "[coin(b)] queue 200000"]);
}

#[test]
fn a_text_has_no_rate_and_that_is_told_once_a_day() {
    let mut scene = Scene::new(rate("state").rate("up", None));
    for up in [false, true] {
        scene.sample.emit(STATE, "up");
        scene.sample.emit_dynamic("up", &up, &[]);
        scene.wait(2);
    }
    assert_eq!(scene.lines()[4], "[coin()] up_rate 0.5", "a boolean is a number");
    assert_eq!(
        scene.told.take(),
        ["WARNING The metric \"state\" has no rate: its value \"up\" is no number; this is told once a day"]
    );
}

#[test]
fn series_without_end_are_warned_of_and_refused() {
    let mut scene = Scene::new(rate("reads"));
    for n in 0..40_000 {
        scene.sample.emit_with(READS, 1, Disk { device: "sda", partition: n });
    }
    let told = scene.told.take();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("WARNING Rates are calculated for 20001 combinations of metric and extra"), "{told:?}");
    assert!(told[1].starts_with("WARNING No rate for a new combination of the metric \"reads\""), "{told:?}");
    scene.lines();
    scene.wait(1);
    scene.sample.emit_with(READS, 3, Disk { device: "sda", partition: 7 });
    assert_eq!(scene.lines()[1], r#"[coin()] reads_rate 2.0 device="sda" partition=7"#, "those that are there go on");
}

#[test]
fn a_monitor_may_ask_for_rates_itself_and_only_for_so_many() {
    let mut scene = Scene::new(MetricRules::default());
    for turn in 0..2 {
        scene.sample.calculate_rate("queue", None);
        scene.sample.calculate_rate("reads", Some(("device", "sda")));
        scene.sample.emit(QUEUE, turn * 60);
        scene.sample.emit_with(READS, turn * 6, Disk { device: "sda", partition: 1 });
        scene.sample.emit_with(READS, turn * 6, Disk { device: "sdb", partition: 1 });
        scene.wait(60);
    }
    let rates: Vec<_> = scene.lines().into_iter().filter(|line| line.contains("_rate ")).collect();
    assert_eq!(rates, ["[coin()] queue_rate 1.0", r#"[coin()] reads_rate 0.1 device="sda" partition=1"#]);
    (0..2000).for_each(|n| scene.sample.calculate_rate(&format!("dynamic{n}"), None));
    let told = scene.told.take();
    let warning =
        "WARNING The monitor asks for the rates of too many metrics; that of \"dynamic998\" is not calculated";
    assert_eq!(told, [warning]);
}

#[test]
fn a_whole_line_may_have_a_time_and_an_id_of_its_own() {
    let mut scene = Scene::new(rate("queue"));
    scene.sample.at(Timestamp::from_millis(5000)).under_id("x").line("queue 1\nqueue 2");
    scene.sample.flush();
    assert_eq!(scene.written.take(), ["1970-01-01 00:00:05.000Z [coin(x)] queue 1\\nqueue 2"]);
    assert_eq!(scene.sample.emitted(), 1);
}

#[test]
fn the_blacklist_holds_for_rates_too() {
    let mut scene = Scene::new(blacklist(&["queue_rate", "reads"]).rate("queue", None).rate("reads", None));
    for value in [0, 60] {
        scene.sample.emit(QUEUE, value);
        scene.sample.emit_with(READS, value, Disk { device: "sda", partition: 1 });
        scene.wait(60);
    }
    assert_eq!(scene.lines(), ["[coin()] queue 0", "[coin()] queue 60"]);
}
