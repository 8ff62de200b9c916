//! Whatever bytes a server answers with: nothing panics, every sample is accounted for, and each line that is written is one
//! line. The target runs with `cargo test` over its corpus in `__fuzz__/` and some chance.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use scalyr_monitor::config::Glob;
use scalyr_monitor::sample::{LineSink, Lines};
use scalyr_monitor::testing::json;
use scalyr_monitor::{Clock, Logger, Sample, Timestamp};

use crate::openmetrics_monitor::exposition::{Format, Remains, read};
use crate::openmetrics_monitor::extra_fields::ExtraFields;
use crate::openmetrics_monitor::filter::Filter;
use crate::openmetrics_monitor::scrape::{Scrape, Tally, Wishes};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<String>>);

impl LineSink for Written {
    fn write_lines(&mut self, lines: &Lines) {
        self.0.lock().unwrap().push_str(lines.text());
    }
}

/// Reads the text as an answer is read, and looks at what is always so.
fn check(text: &str, format: Format) -> (Tally, Remains) {
    let most = 1000;
    let written = Written::default();
    let clock = Clock::manual(Timestamp::from_millis(0));
    let mut out = Sample::new("om", "", clock, Logger::none(), Box::new(written.clone()));
    let filter = Filter::new(&[Glob::new("*"), Glob::new("a?")], &[Glob::new("b*")], &Default::default());
    let extra = json!({ "zone": "eu", "le": 1 });
    let extra_fields = ExtraFields::new(extra.as_object().unwrap()).unwrap();
    let wishes = Wishes { filter: &filter, extra_fields: &extra_fields, max_metrics: most };
    let mut scrape = Scrape::new(wishes, Timestamp::from_millis(5), &mut out);
    let mut taken = 0;
    let remains = read(text, format, true, &mut |series| {
        taken += 1;
        assert!(!series.head.name.is_empty() || text.contains('"'), "only a name in quotes can be empty");
        let names: BTreeSet<_> = series.labels.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), series.labels.len(), "no label is there twice");
        scrape.take(series);
    });
    let tally = scrape.end();
    drop(out);
    assert_eq!(tally.emitted + tally.filtered + tally.beyond, taken);
    assert!(tally.emitted <= most);
    assert_eq!(remains.faulty == 0, remains.first_fault.is_none());
    let lines = text.split('\n').count() as u64;
    assert!(taken + remains.faulty + remains.without_value + remains.of_left_out_types <= lines);
    let written = written.0.lock().unwrap();
    assert_eq!(written.matches('\n').count() as u64, tally.emitted, "{written}");
    assert!(written.lines().all(|line| line.starts_with("1970-01-01 00:00:00.005Z [om()] ")), "{written}");
    (tally, remains)
}

fn check_both(text: &str) -> (Tally, Remains) {
    check(text, Format::OpenMetrics);
    check(text, Format::Prometheus)
}

#[test]
fn fuzz_exposition() {
    bolero::check!(name = "exposition").for_each(|bytes: &[u8]| {
        check_both(&String::from_utf8_lossy(bytes));
    });
}

/// The seeds reach what they are there for.
#[test]
fn the_corpus_of_expositions_holds_samples_faults_and_ends() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/openmetrics_monitor/tests/__fuzz__/exposition/corpus");
    let (mut emitted, mut faulty, mut ended, mut merged) = (0, 0, 0, 0);
    for seed in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(seed.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let (tally, remains) = check_both(&text);
        emitted += tally.emitted;
        faulty += remains.faulty;
        merged += u64::from(tally.merged.is_some());
        ended += u64::from(check(&text, Format::OpenMetrics).1.is_ended);
    }
    assert!(emitted > 50 && faulty > 20 && ended >= 2 && merged >= 1, "{emitted} {faulty} {ended} {merged}");
}

/// As an exporter writes the value of a label.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
        labels in prop::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,8}", "[^\n]{0,12}|(\\\\|\"|\n|n|,|=|\\}|#| ){0,12}", 0..5),
        value in any::<f64>().prop_filter("a number", |value| value.is_finite()),
        time in any::<Option<i64>>(),
        blank in "[ \t]{1,3}",
    ) {
        let pairs: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}{blank}=\"{}\"", escaped(value))).collect();
        let time_text = time.map(|time| format!("{blank}{time}")).unwrap_or_default();
        let line = format!("{name}{{{}}}{blank}{value:?}{time_text}", pairs.join(","));
        let mut seen = Vec::new();
        let remains = read(&line, Format::Prometheus, false, &mut |series| {
            let labels = series.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            seen.push((series.head.name.to_string(), labels, series.head.time, format!("{:?}", series.head.value)));
        });
        prop_assert_eq!(remains.first_fault, None, "{}", line);
        prop_assert_eq!(seen, vec![(name, labels, time, format!("Float({value:?})"))]);
    }

    #[test]
    fn text_of_the_tokens_of_a_line_never_panics(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "a", "A", "_b", "{", "}", "\"", "\\", "=", ",", " ", "\t", "\n", "\r", "# ", "#", "TYPE ", "HELP ", "EOF", "1",
                "-1.5e3", "NaN", "+Inf", "é", "counter", "summary", "le", "\u{0}", "\u{2028}",
            ]),
            0..60,
        ),
    ) {
        check_both(&tokens.concat());
    }
}
