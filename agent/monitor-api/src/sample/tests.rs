//! What a sample writes, and what it tells of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::*;
use crate::log::{Level, LogSink, Record};

/// What reached the metric log.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<String>>);

impl Written {
    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LineSink for Written {
    fn write_lines(&mut self, lines: &Lines) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(lines.text());
    }
}

/// Keeps diagnostics as `LEVEL message`, with the code in front where there is one.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LogSink for Told {
    fn enabled(&self, _: Level) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let code = record.code.map_or(String::new(), |code| format!("{code} "));
        let line = format!("{} {code}{}", record.level, record.message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

fn told() -> (Arc<Told>, Logger) {
    let told = Arc::new(Told::default());
    (Arc::clone(&told), Logger::new(Arc::clone(&told) as Arc<dyn LogSink>, "monitor:coin()"))
}

fn sample(logger: Logger) -> (Sample, Written) {
    let (clock, written) = (Clock::manual(Timestamp::from_millis(1_767_225_600_000)), Written::default());
    (Sample::new("coin", "", clock, logger, Box::new(written.clone())), written)
}

#[test]
fn an_id_cannot_begin_a_line_that_nobody_emitted() {
    let (mut sample, written) = sample(Logger::none());
    sample.under_id("x)] m 1\n2020-01-01 00:00:00.000Z [coin(\r").emit(<Metric<i64>>::declared("m"), 7);
    sample.flush();
    assert_eq!(written.text(), "2026-01-01 00:00:00.000Z [coin(x)] m 1\\n2020-01-01 00:00:00.000Z [coin(\\r)] m 7\n");
}

#[test]
fn a_line_without_end_is_cut_and_its_memory_given_back() {
    let (told, logger) = told();
    let (mut sample, written) = sample(logger);
    let endless = format!("x{}", "é".repeat(MAX_LINE_BYTES));
    (0..3).for_each(|_| sample.line(&endless));
    sample.line("short");
    sample.flush();
    let text = written.text();
    let lengths: Vec<usize> = text.lines().map(str::len).collect();
    let longest = MAX_LINE_BYTES - 1; // the last character would end behind it
    assert_eq!(lengths, [longest, longest, longest, "2026-01-01 00:00:00.000Z [coin()] short".len()]);
    assert_eq!((sample.cut_lines(), sample.emitted()), (3, 4));
    assert!(sample.lines.text.capacity() <= KEPT_BYTES, "{}", sample.lines.text.capacity());
    drop(sample);
    let told = told.lines();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("WARNING A metric line was longer than 1048576 bytes; its last "), "{told:?}");
    assert_eq!(told[1], "WARNING 3 metric lines were cut at 1048576 bytes");
}

#[test]
fn a_name_that_is_repaired_is_told_of_once_a_day() {
    let (told, logger) = told();
    let (mut sample, written) = sample(logger);
    for _ in 0..2 {
        sample.emit_dynamic("queue depth", &1, &[("9th", &2), ("value", &3)]);
    }
    sample.emit_dynamic("value", &1, &[]);
    assert_eq!(
        told.lines(),
        [
            "WARNING client/badMetricName The metric name \"queue depth\" is written as \"queue_depth\". A name is an \
             ASCII letter or `_`, then letters, digits, `_`, `.` and `-`; other characters become `_`. Only the first \
             occurrence in a day is reported",
            "WARNING client/badFieldName The field name \"9th\" is written as \"sa_9th\". A name is an ASCII letter or \
             `_`, then letters, digits, `_`, `.` and `-`; other characters become `_`. Only the first occurrence in a \
             day is reported",
        ]
    );
    sample.clock().advance(Duration::from_secs(86_400));
    sample.emit_dynamic("queue depth", &1, &[]);
    assert_eq!(told.lines().len(), 3);
    (0..100).for_each(|n| sample.emit_dynamic(&format!("a {n}"), &1, &[]));
    let lines = told.lines();
    assert_eq!(lines.len(), 3 + 19, "{lines:#?}");
    assert!(lines[21].ends_with("; further names are repaired without a word today"), "{lines:#?}");
    sample.flush();
    let first = written.text().lines().next().map(str::to_owned);
    assert_eq!(first.as_deref(), Some("2026-01-01 00:00:00.000Z [coin()] queue_depth 1 sa_9th=2 value_=3"));
}

/// A value with a way of its own to be written.
struct Odd(fn(&mut String));

impl MetricValue for Odd {
    fn write(&self, out: &mut String) {
        self.0(out);
    }
}

#[test]
fn a_value_that_writes_itself_badly_neither_begins_a_line_nor_takes_another_one_away() {
    const ODD: Metric<Odd> = Metric::declared("odd");
    let (mut sample, written) = sample(Logger::none());
    sample.line("before");
    sample.emit(ODD, Odd(|out| out.push_str("1\n2026-01-01 00:00:00.000Z [coin()] forged 1")));
    sample.emit(ODD, Odd(String::clear));
    sample.emit(ODD, Odd(|out| *out = "2".to_owned()));
    sample.emit_dynamic("m", &Odd(String::clear), &[("f", &Odd(|out| out.push('\r')))]);
    sample.flush();
    let lines: Vec<String> = written.text().lines().map(|line| line[25..].to_owned()).collect();
    let forged = "[coin()] odd 1\\n2026-01-01 00:00:00.000Z [coin()] forged 1";
    assert_eq!(lines, ["[coin()] before", forged, "[coin()] odd ", "[coin()] odd 2", "[coin()] m  f=\\r"]);
}

#[test]
fn a_repaired_name_is_not_told_again_when_the_monitor_was_built_anew() {
    let (told, logger) = told();
    for _ in 0..3 {
        sample(logger.clone()).0.emit_dynamic("queue depth", &1, &[("9th", &2)]);
    }
    assert_eq!(told.lines().len(), 2, "{:#?}", told.lines());
}
