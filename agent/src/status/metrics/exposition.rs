//! The text form of OpenMetrics 1.0.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number that rises and falls.
    Gauge,
    /// A number that only rises until the agent starts anew; its samples end in `_total`.
    Counter,
    /// Labels that tell something; its one sample ends in `_info` and is 1.
    Info,
    /// One of several states: a sample each, 1 for the one that it is in.
    StateSet,
}

/// A text in the making. Labels are escaped, a sample with the labels of one before it is left out, a family without a
/// sample has no head.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
}

/// One metric with all its samples.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
    kind: Kind,
    head: Option<(&'static str, &'static str)>,
    seen: BTreeSet<String>,
}

/// The names and values of the labels of one sample.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    /// Begins a metric. `unit` is the last word of its name, or empty.
    pub(super) fn family(
        &mut self,
        kind: Kind,
        name: &'static str,
        unit: &'static str,
        help: &'static str,
    ) -> Family<'_> {
        debug_assert!(unit.is_empty() || name.ends_with(&format!("_{unit}")), "{name} must end in its unit {unit}");
        Family { text: &mut self.text, name, kind, head: Some((unit, help)), seen: BTreeSet::new() }
    }

    /// A metric with a single sample.
    pub(super) fn one(&mut self, kind: Kind, name: &'static str, unit: &'static str, help: &'static str, value: f64) {
        self.family(kind, name, unit, help).sample(&[], value);
    }

    /// The whole text.
    pub(super) fn finish(mut self) -> String {
        self.text += "# EOF\n";
        self.text
    }
}

impl Family<'_> {
    /// Adds a sample.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: f64) {
        let mut key = String::new();
        for (index, (name, value)) in labels.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            _ = write!(key, "{comma}{name}=\"{}\"", Escaped(value));
        }
        if !self.seen.insert(key.clone()) {
            return;
        }
        if let Some((unit, help)) = self.head.take() {
            let name = self.name;
            let kind = match self.kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
                Kind::Info => "info",
                Kind::StateSet => "stateset",
            };
            _ = writeln!(self.text, "# TYPE {name} {kind}");
            if !unit.is_empty() {
                _ = writeln!(self.text, "# UNIT {name} {unit}");
            }
            _ = writeln!(self.text, "# HELP {name} {}", Escaped(help));
        }
        let suffix = match self.kind {
            Kind::Gauge | Kind::StateSet => "",
            Kind::Counter => "_total",
            Kind::Info => "_info",
        };
        let (open, close) = if key.is_empty() { ("", "") } else { ("{", "}") };
        _ = writeln!(self.text, "{}{suffix}{open}{key}{close} {}", self.name, Number(value));
    }

    /// Adds one sample for each of the `states`; the label that names it is called as the metric.
    pub(super) fn states(&mut self, labels: Labels<'_>, states: &[&str], current: &str) {
        for state in states {
            let labels: Vec<_> = labels.iter().copied().chain([(self.name, *state)]).collect();
            self.sample(&labels, f64::from(u8::from(*state == current)));
        }
    }
}

/// The three characters that must not stand in a label as they are. Other control characters may; they are replaced all
/// the same, for those who look at the text.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A number in its shortest form.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.is_nan() => f.write_str("NaN"),
            value if value.is_infinite() => f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
            value => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_heads_escaped_labels_each_once_and_an_end() {
        let mut text = Exposition::default();
        text.one(Kind::Gauge, "lag_bytes", "bytes", "How far.", 1.5);
        let mut requests = text.family(Kind::Counter, "requests", "", "A \"quoted\" \\ text.");
        let hostile = "a\"b\\c\nd\u{1b}[1m\r\u{2028}";
        requests.sample(&[("path", hostile), ("worker", "default")], 3.0);
        requests.sample(&[("path", hostile), ("worker", "default")], 4.0);
        text.family(Kind::StateSet, "state", "", "Which.").states(&[("of", "x")], &["a", "b"], "b");
        let _no_sample = text.family(Kind::Gauge, "nothing", "", "Nothing.");
        expect_test::expect![[r#"
            # TYPE lag_bytes gauge
            # UNIT lag_bytes bytes
            # HELP lag_bytes How far.
            lag_bytes 1.5
            # TYPE requests counter
            # HELP requests A \"quoted\" \\ text.
            requests_total{path="a\"b\\c\nd�[1m��",worker="default"} 3
            # TYPE state stateset
            # HELP state Which.
            state{of="x",state="a"} 0
            state{of="x",state="b"} 1
            # EOF
        "#]]
        .assert_eq(&text.finish());
        assert_eq!(
            format!("{} {} {}", Number(f64::NAN), Number(f64::INFINITY), Number(1e21)),
            "NaN +Inf 1000000000000000000000"
        );
    }
}
