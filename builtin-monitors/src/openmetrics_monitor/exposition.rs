//! A whole exposition, line by line: which lines count, which are of a kind that is left out, which are not understood.

use std::borrow::Cow;
use std::collections::HashSet;

use super::line::{Fault, Head, Label, Line};
use super::number::Number;

/// In which of its two formats an exposition is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The text format of Prometheus, 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0: times are seconds, and the end is marked.
    OpenMetrics,
}

/// A sample with its labels.
pub(super) struct Series<'s, 'b> {
    pub(super) head: &'s Head<'b>,
    pub(super) labels: &'s [Label<'b>],
}

/// What an exposition held besides what was handed on.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Remains {
    /// Samples that are no number.
    pub(super) without_value: u64,
    /// Samples that are named as a summary, a histogram, a state set or an info is.
    pub(super) of_left_out_types: u64,
    /// Lines that are not understood.
    pub(super) faulty: u64,
    /// The first of these: its number, counted from 1, its text and why.
    pub(super) first_fault: Option<(usize, String, Fault)>,
    /// Whether `# EOF` was there.
    pub(super) is_ended: bool,
}

impl Remains {
    fn note_fault(&mut self, at: usize, line: &str, fault: Fault) {
        self.faulty += 1;
        self.first_fault.get_or_insert_with(|| {
            let shown = line.get(..line.floor_char_boundary(SHOWN_BYTES)).unwrap_or_default();
            let dots = if shown.len() < line.len() { "…" } else { "" };
            (at + 1, format!("{shown}{dots}"), fault)
        });
    }
}

/// So many names of summaries and the like are remembered.
const MOST_TYPES: usize = 100_000;

/// How much of a line that is not understood is shown.
const SHOWN_BYTES: usize = 120;

/// Hands each sample on. With `takes_all_types` also those that the old agent left out because their type is known under
/// exactly their name, and is no counter, gauge or unknown one: quantiles of summaries and state sets.
pub(super) fn read<'b>(
    text: &'b str,
    format: Format,
    takes_all_types: bool,
    take: &mut dyn FnMut(&Series<'_, 'b>),
) -> Remains {
    let mut remains = Remains::default();
    let mut left_out: HashSet<Cow<'b, str>> = HashSet::new();
    let mut labels = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let read = match remains.is_ended && !line.trim_ascii().is_empty() {
            true => Err("it stands behind # EOF"),
            false => Line::read(line, format, &mut labels).and_then(|read| Ok((is_left_out(&read)?, read))),
        };
        match read {
            Ok((_, Line::Nothing)) => {}
            Ok((_, Line::End)) => remains.is_ended = format == Format::OpenMetrics,
            Ok((true, Line::Type(name, _))) if left_out.len() < MOST_TYPES => _ = left_out.insert(name),
            Ok((true, Line::Type(..))) => remains.note_fault(at, line, "there are more types than any exporter has"),
            Ok((false, Line::Type(name, _))) => _ = left_out.remove(&name),
            Ok((_, Line::Sample(head))) => {
                if !takes_all_types && left_out.contains(&head.name) {
                    remains.of_left_out_types += 1;
                } else if head.value == Number::Nothing {
                    remains.without_value += 1;
                } else {
                    take(&Series { head: &head, labels: &labels });
                }
            }
            Err(fault) => remains.note_fault(at, line, fault),
        }
    }
    remains
}

/// Whether a line makes known that samples of exactly its name are left out.
fn is_left_out(line: &Line<'_>) -> Result<bool, Fault> {
    let Line::Type(_, word) = line else { return Ok(false) };
    match word.to_ascii_lowercase().as_str() {
        "counter" | "gauge" | "untyped" | "unknown" => Ok(false),
        "histogram" | "gaugehistogram" | "summary" | "stateset" | "info" => Ok(true),
        _ => Err("there is no such type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, format: Format, takes_all_types: bool) -> (Vec<String>, Remains) {
        let mut names = Vec::new();
        let remains = read(text, format, takes_all_types, &mut |series| names.push(series.head.name.to_string()));
        (names, remains)
    }

    const EVERY_TYPE: &str = r#"# HELP c Counted.
# TYPE c counter
c_total 1
c_created 1.5
# TYPE h histogram
h_bucket{le="+Inf"} 3
h_sum 2
h_count 3
# TYPE s summary
s{quantile="0.5"} NaN
s{quantile="0.9"} 2
s_sum 4
# TYPE gh gaugehistogram
gh_bucket{le="1"} 1
gh_gsum 1
# TYPE states stateset
states{states="up"} 1
# TYPE build info
build_info{version="1"} 1
# TYPE u unknown
u 1
# TYPE t untyped
t NaN
# EOF
"#;

    #[test]
    fn what_bears_the_name_of_a_summary_or_a_state_set_is_left_out() {
        let (names, remains) = names(EVERY_TYPE, Format::OpenMetrics, false);
        assert_eq!(names.join(" "), "c_total c_created h_bucket h_sum h_count s_sum gh_bucket gh_gsum build_info u");
        let expected = Remains { without_value: 1, of_left_out_types: 3, faulty: 0, first_fault: None, is_ended: true };
        assert_eq!(remains, expected);
    }

    #[test]
    fn unless_they_are_asked_for() {
        let (names, remains) = names(EVERY_TYPE, Format::OpenMetrics, true);
        assert!(names.contains(&"s".to_owned()) && names.contains(&"states".to_owned()), "{names:?}");
        assert_eq!((remains.without_value, remains.of_left_out_types), (2, 0));
    }

    #[test]
    fn a_faulty_line_takes_no_other_along() {
        let (names, remains) = names("a 1\nb x\n# TYPE c what\nc 1\n\n{ 2\nd 4", Format::Prometheus, false);
        assert_eq!(names, ["a", "c", "d"]);
        assert_eq!((remains.faulty, remains.is_ended), (3, false));
        assert_eq!(remains.first_fault, Some((2, "b x".to_owned(), "the value is no number")));
    }

    #[test]
    fn behind_the_end_there_is_nothing_but_only_in_openmetrics() {
        let (taken, remains) = names("a 1\n# EOF\nb 2\n\n", Format::OpenMetrics, false);
        assert_eq!((taken.len(), remains.is_ended, remains.faulty), (1, true, 1));
        let (taken, remains) = names("a 1\n# EOF\nb 2\n\n", Format::Prometheus, false);
        assert_eq!((taken.len(), remains.is_ended, remains.faulty), (2, false, 0));
    }

    #[test]
    fn types_without_end_take_no_memory_without_end() {
        let flood: String = (0..MOST_TYPES + 5).map(|n| format!("# TYPE n{n} info\n")).collect();
        let (_, remains) = names(&flood, Format::Prometheus, false);
        assert_eq!(remains.faulty, 5);
    }

    #[test]
    fn a_long_line_is_shown_with_its_beginning() {
        let (_, remains) = names(&format!("a {}", "é".repeat(200)), Format::Prometheus, false);
        let (_, shown, _) = remains.first_fault.unwrap();
        assert!(shown.len() < SHOWN_BYTES + 4 && shown.ends_with("é…"), "{shown}");
    }
}
