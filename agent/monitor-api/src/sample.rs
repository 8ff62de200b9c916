//! A sample: the metric lines of one turn, formatted as they will stand in the metric log, written in one go.

use std::fmt::Write as _;

use crate::clock::{Clock, Timestamp};
use crate::log::Logger;
use crate::metric::{Fields, Metric, MetricValue};
use crate::one_line::push_on_one_line;
use crate::repaired_names::RepairedNames;

/// Lines beyond this many bytes are handed on before the sample ends, so that a flood stays small in memory.
const HAND_ON_BYTES: usize = 64 * 1024;

/// A longer line is cut: no line of a log that the agent ships may be longer than a part of it.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Takes the lines of a sample: a metric log, standard output, or a test.
pub trait LineSink: Send {
    /// Writes the lines in one go.
    fn write_lines(&mut self, lines: &Lines);
}

/// Finished metric lines, one behind the other, each with its line end.
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
    ends: Vec<usize>,
}

impl Lines {
    /// The whole text; every line ends in `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Each line, with its line end.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let line = &self.text[start..end];
            start = end;
            line
        })
    }

    /// Forgets the lines, and gives back what one large sample needed.
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.text.shrink_to(HAND_ON_BYTES);
        self.ends.shrink_to(HAND_ON_BYTES / size_of::<usize>());
    }

    /// Cuts the unfinished line off at [`MAX_LINE_BYTES`]; tells how many bytes were too many, 0 when it was short
    /// enough.
    fn cut_line(&mut self) -> usize {
        let start = self.ends.last().copied().unwrap_or(0);
        let length = self.text.len() - start;
        if length <= MAX_LINE_BYTES {
            return 0;
        }
        let end = self.text.floor_char_boundary(start + MAX_LINE_BYTES);
        self.text.truncate(end);
        length - (end - start)
    }

    fn end_line(&mut self) {
        self.text.push('\n');
        self.ends.push(self.text.len());
    }

    /// Drops the beginning of a line that a panic kept from its end.
    fn drop_torn(&mut self) {
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

/// What a monitor emits into while it takes a sample.
///
/// The lines leave together when the sample ends, also after an error or a panic in the middle of it.
pub struct Sample {
    lines: Lines,
    sink: Box<dyn LineSink>,
    short_name: String,
    id: String,
    clock: Clock,
    logger: Logger,
    emitted: u64,
    cut_lines: u64,
    metric_names: RepairedNames,
    field_names: RepairedNames,
}

impl Sample {
    /// A sample of the monitor instance `short_name(id)`, whose lines go to `sink`.
    pub fn new(short_name: &str, id: &str, clock: Clock, logger: Logger, sink: Box<dyn LineSink>) -> Self {
        let lines = Lines::default();
        Self {
            lines,
            sink,
            short_name: short_name.to_owned(),
            id: id.to_owned(),
            clock,
            logger,
            emitted: 0,
            cut_lines: 0,
            metric_names: RepairedNames::of_metrics(),
            field_names: RepairedNames::of_fields(),
        }
    }

    /// Emits the value of a metric that has no extra fields.
    pub fn emit<V: MetricValue>(&mut self, metric: Metric<V>, value: V) {
        self.emission().emit(metric, value);
    }

    /// Emits the value of a metric together with its extra fields.
    pub fn emit_with<V: MetricValue, F: Fields>(&mut self, metric: Metric<V, F>, value: V, fields: F) {
        self.emission().emit_with(metric, value, fields);
    }

    /// Emits a metric whose name is only known at run time; bad names are repaired as the agent always did, with a
    /// warning in the agent log once a day.
    pub fn emit_dynamic(&mut self, name: &str, value: &dyn DynValue, fields: &[(&str, &dyn DynValue)]) {
        self.emission().emit_dynamic(name, value, fields);
    }

    /// An emission with a time of its own instead of the clock's.
    pub fn at(&mut self, time: Timestamp) -> Emission<'_> {
        Emission { time: Some(time), ..self.emission() }
    }

    /// An emission under another monitor id: `names(other id)` instead of `names(1)`. Line breaks in it are written as
    /// `\n` and `\r`.
    pub fn under_id<'s>(&'s mut self, id: &'s str) -> Emission<'s> {
        Emission { id: Some(id), ..self.emission() }
    }

    /// Writes a whole line of text to the metric log, behind the time and the monitor's name.
    ///
    /// Line breaks inside are written as `\n` and `\r`, so that it stays one line.
    pub fn line(&mut self, text: &str) {
        self.begin(None, None);
        push_on_one_line(&mut self.lines.text, text);
        self.end();
    }

    /// The instance's logger, for diagnostics that belong in the agent log.
    pub fn logger(&self) -> &Logger {
        &self.logger
    }

    /// The clock; take the time from it, so that tests can set it.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How many lines were emitted since the start.
    pub fn emitted(&self) -> u64 {
        self.emitted
    }

    /// How many lines were longer than 1 MiB, and were cut, since the start.
    pub fn cut_lines(&self) -> u64 {
        self.cut_lines
    }

    /// Hands the lines on. Called by [`Run::sample`](crate::Run::sample) at the end of each sample; a monitor with a
    /// `run` of its own calls it when it has something to write.
    pub fn flush(&mut self) {
        self.lines.drop_torn();
        if !self.lines.is_empty() {
            self.sink.write_lines(&self.lines);
            self.lines.clear();
        }
    }

    fn emission(&mut self) -> Emission<'_> {
        Emission { sample: self, time: None, id: None }
    }

    fn begin(&mut self, time: Option<Timestamp>, id: Option<&str>) {
        self.lines.drop_torn();
        let time = time.unwrap_or_else(|| self.clock.now());
        let text = &mut self.lines.text;
        _ = write!(text, "{time} [{}(", self.short_name);
        // An id may come from what the monitor looks at: it must not begin a line that nobody emitted.
        push_on_one_line(text, id.unwrap_or(&self.id));
        text.push_str(")] ");
    }

    fn end(&mut self) {
        let cut = self.lines.cut_line();
        if cut > 0 {
            self.cut_lines += 1;
            if self.cut_lines == 1 {
                self.logger.warn(format_args!(
                    "A metric line was longer than {MAX_LINE_BYTES} bytes; its last {cut} bytes are left out. Further \
                     lines are cut without a word, and counted until the monitor ends"
                ));
            }
        }
        self.lines.end_line();
        self.emitted += 1;
        if self.lines.text.len() >= HAND_ON_BYTES {
            self.flush();
        }
    }
}

/// Lines that were emitted before a panic are written all the same.
impl Drop for Sample {
    fn drop(&mut self) {
        self.flush();
        if self.cut_lines > 1 {
            self.logger.warn(format_args!("{} metric lines were cut at {MAX_LINE_BYTES} bytes", self.cut_lines));
        }
    }
}

/// One emission with options; see [`Sample::at`] and [`Sample::under_id`].
pub struct Emission<'s> {
    sample: &'s mut Sample,
    time: Option<Timestamp>,
    id: Option<&'s str>,
}

impl<'s> Emission<'s> {
    /// With a time of its own instead of the clock's.
    pub fn at(self, time: Timestamp) -> Self {
        Self { time: Some(time), ..self }
    }

    /// Under another monitor id.
    pub fn under_id(self, id: &'s str) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Emits the value of a metric that has no extra fields.
    pub fn emit<V: MetricValue>(self, metric: Metric<V>, value: V) {
        self.emit_with(metric, value, ());
    }

    /// Emits the value of a metric together with its extra fields.
    pub fn emit_with<V: MetricValue, F: Fields>(self, metric: Metric<V, F>, value: V, fields: F) {
        let sample = self.sample;
        sample.begin(self.time, self.id);
        let text = &mut sample.lines.text;
        text.push_str(metric.name());
        text.push(' ');
        value.write(text);
        fields.write(text);
        sample.end();
    }

    /// Emits a metric whose name is only known at run time. Fields are sorted by their name as given.
    pub fn emit_dynamic(self, name: &str, value: &dyn DynValue, fields: &[(&str, &dyn DynValue)]) {
        let sample = self.sample;
        sample.begin(self.time, self.id);
        let text = &mut sample.lines.text;
        text.push_str(&sample.metric_names.repair(name, &sample.clock, &sample.logger));
        text.push(' ');
        value.write_value(text);
        let mut sorted: Vec<_> = fields.iter().collect();
        sorted.sort_by_key(|(name, _)| *name);
        for (name, value) in sorted {
            text.push(' ');
            text.push_str(&sample.field_names.repair(name, &sample.clock, &sample.logger));
            text.push('=');
            value.write_value(text);
        }
        sample.end();
    }
}

/// A [`MetricValue`] behind a pointer, for [`Sample::emit_dynamic`].
pub trait DynValue {
    /// Appends the value as it stands in a metric line.
    fn write_value(&self, out: &mut String);
}

impl<T: MetricValue> DynValue for T {
    fn write_value(&self, out: &mut String) {
        self.write(out);
    }
}

#[cfg(test)]
mod tests {
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
        sample.under_id("x)] m 1\n2020-01-01 00:00:00.000Z [coin(\r").emit(Metric::declared("m"), 7);
        sample.flush();
        assert_eq!(
            written.text(),
            "2026-01-01 00:00:00.000Z [coin(x)] m 1\\n2020-01-01 00:00:00.000Z [coin(\\r)] m 7\n"
        );
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
        assert!(sample.lines.text.capacity() <= HAND_ON_BYTES, "{}", sample.lines.text.capacity());
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
}
