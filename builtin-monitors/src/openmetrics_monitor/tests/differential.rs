//! The same lines, read by us and by the parsers of Prometheus' own library for Python: what those take, we take, with the
//! same names, labels, values and times. (What they refuse, we may take: a line should not be lost for a blank.)

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::openmetrics_monitor::exposition::{Format, read};
use crate::openmetrics_monitor::number::Number;

/// Reads expositions as a JSON list; prints for each the samples, or null when it is refused.
const SCRIPT: &str = r"
import json, sys
try:
    from prometheus_client import openmetrics, parser
    from prometheus_client.openmetrics import parser as openmetrics_parser
except ImportError:
    sys.exit('this test needs its parsers: apt-get install python3-prometheus-client (as .ci/run does)')
read = {'prometheus': parser, 'openmetrics': openmetrics_parser}[sys.argv[1]].text_string_to_metric_families
def samples(text):
    try:
        found = [sample for family in read(text) for sample in family.samples]
        return [[s.name, s.labels, repr(float(s.value)), None if s.timestamp is None else float(s.timestamp)] for s in found]
    except Exception:
        return None
print(json.dumps([samples(text) for text in json.load(sys.stdin)]))
";

/// What Python makes of these texts.
fn read_by_python(format: Format, texts: &[String]) -> Vec<Value> {
    let python = Path::new("/usr/bin/python3");
    assert!(python.exists(), "this test needs python3: apt-get install python3 python3-prometheus-client");
    let name = if format == Format::OpenMetrics { "openmetrics" } else { "prometheus" };
    let mut child = Command::new(python)
        .args(["-c", SCRIPT, name])
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(texts).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A sample as both can show it.
fn shown(name: &str, labels: &[(String, String)], value: f64, millis: Option<i64>) -> String {
    let mut labels = labels.to_vec();
    labels.sort();
    format!("{name} {labels:?} {value:?} {millis:?}")
}

fn read_by_us(format: Format, text: &str) -> Vec<String> {
    let mut samples = Vec::new();
    read(text, format, true, &mut |series| {
        let value = match series.head.value {
            #[expect(clippy::cast_precision_loss, reason = "as Python reads it")]
            Number::Integer(integer) => integer as f64,
            Number::Float(float) => float,
            Number::Infinite => f64::INFINITY,
            Number::MinusInfinite => f64::NEG_INFINITY,
            Number::Nothing => return,
        };
        let labels: Vec<_> = series.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        samples.push(shown(&series.head.name, &labels, value, series.head.time));
    });
    samples.sort();
    samples
}

/// The samples that Python found, in the same form and order; without those that are no number.
fn of_python(samples: &Value) -> Option<Vec<String>> {
    let shown_one = |sample: &Value| {
        let labels = sample[1].as_object().unwrap().iter();
        let labels: Vec<_> = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let value: f64 = sample[2].as_str().unwrap().parse().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "it was whole milliseconds before")]
        let millis = sample[3].as_f64().map(|seconds| (seconds * 1000.0).round() as i64);
        (!value.is_nan()).then(|| shown(sample[0].as_str().unwrap(), &labels, value, millis))
    };
    let mut samples: Vec<String> = samples.as_array()?.iter().filter_map(shown_one).collect();
    samples.sort();
    Some(samples)
}

/// Compares them all; returns how many of them Python takes.
#[track_caller]
fn compare(format: Format, texts: &[String]) -> usize {
    let mut taken = 0;
    let mut differences = Vec::new();
    for (text, samples) in texts.iter().zip(read_by_python(format, texts)) {
        let Some(expected) = of_python(&samples) else { continue };
        taken += 1;
        let ours = read_by_us(format, text);
        if ours != expected {
            differences.push(format!("{text:?}\n  Python: {expected:?}\n  we:     {ours:?}"));
        }
    }
    assert!(differences.is_empty(), "{} of {taken} differ\n{}", differences.len(), differences.join("\n"));
    taken
}

/// A line that is mostly right: every part may be odd in a way that exporters are odd.
fn line(chance: &mut StdRng, format: Format) -> String {
    let mut pick = |from: &[&'static str]| from[chance.random_range(0..from.len())];
    let blank = |pick: &mut dyn FnMut(&[&'static str]) -> &'static str| match format {
        Format::Prometheus => pick(&["", "", "", " ", "\t", "  "]),
        Format::OpenMetrics => "",
    };
    let mut line = pick(&["a", "a_total", "up", "x:y", "_z9", "A"]).to_owned();
    let count = pick(&["", "", "x", "xx", "xxx"]).len();
    if count > 0 {
        line += blank(&mut pick);
        line.push('{');
        for at in 0..count {
            line += if at > 0 { "," } else { "" };
            line += blank(&mut pick);
            line += &format!("{}{at}", pick(&["l", "le", "L_", "_"]));
            line += blank(&mut pick);
            line.push('=');
            line += blank(&mut pick);
            line.push('"');
            for _ in 0..pick(&["", "x", "xx", "xxxx"]).len() {
                line += pick(&[
                    "v",
                    " ",
                    "é",
                    "}",
                    "{",
                    ",",
                    "=",
                    "#",
                    "\\\\",
                    "\\\"",
                    "\\n",
                    "n",
                    "\\\",\\\"",
                    "a=\\\"b",
                    "'",
                    "# {",
                ]);
            }
            line.push('"');
            line += blank(&mut pick);
        }
        if format == Format::Prometheus {
            line += pick(&["", "", ","]);
        }
        line.push('}');
    }
    line += if format == Format::Prometheus { pick(&[" ", " ", "\t", "  "]) } else { " " };
    line += pick(&[
        "0",
        "1",
        "-1",
        "+3",
        "1.5",
        "1e3",
        "1.5e-07",
        "NaN",
        "+Inf",
        "-Inf",
        "Inf",
        "18446744073709551616",
        "12x",
        ".5",
    ]);
    match format {
        Format::Prometheus => line += pick(&["", "", " 5", " 1395066363000", "\t-7", " 12x", " "]),
        Format::OpenMetrics => {
            line += pick(&["", "", " 5", " 1520879607.789", " 1.5e3", " 12x", " # {t=\"x\"} 1", " 5 # {} 1 2"])
        }
    }
    line
}

fn lines(format: Format, count: usize) -> Vec<String> {
    // Always the same ones: a failure can be looked at again.
    let mut chance = StdRng::seed_from_u64(0x0e77);
    (0..count)
        .map(|_| match format {
            Format::Prometheus => line(&mut chance, format) + "\n",
            Format::OpenMetrics => format!("{}\n# EOF\n", line(&mut chance, format)),
        })
        .collect()
}

#[test]
fn lines_of_prometheus_are_read_as_its_own_library_reads_them() {
    let taken = compare(Format::Prometheus, &lines(Format::Prometheus, 4000));
    assert!(taken > 2000, "{taken} lines compared");
}

#[test]
fn lines_of_openmetrics_are_read_as_its_own_library_reads_them() {
    let taken = compare(Format::OpenMetrics, &lines(Format::OpenMetrics, 4000));
    assert!(taken > 1000, "{taken} lines compared");
}

#[test]
fn whole_expositions_are_read_as_that_library_reads_them() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/openmetrics_monitor/tests/__fuzz__/exposition/corpus");
    let seed = |name: &str| std::fs::read_to_string(corpus.join(name)).unwrap();
    let prometheus = [seed("prometheus"), seed("node-exporter")];
    assert_eq!(compare(Format::Prometheus, &prometheus), prometheus.len());
    assert_eq!(compare(Format::OpenMetrics, &[seed("openmetrics"), seed("exemplars")]), 2);
}
