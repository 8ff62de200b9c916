//! A sample: the metric lines of one turn, formatted as they will stand in the metric log, written in one go.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::governed::{DAY, Governed, MetricLine};
use crate::lines::{HAND_ON_BYTES, KEPT_BYTES, LineKind, MAX_LINE_BYTES};
use crate::log::{Limited, Logger};
use crate::metric::{Fields, Metric, MetricValue, NoFields};
use crate::one_line::push_on_one_line;
use crate::repaired_names::RepairedNames;
use crate::rules::{MetricRules, SeriesBudget};
use crate::stop::Stop;

#[doc(hidden)]
pub use crate::lines::{LineSink, Lines};

/// A dynamic emission with more fields gives the memory for their order back.
const KEPT_ORDER: usize = 64;

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
    /// The order of the fields of a dynamic emission; kept for its memory only.
    order: Vec<usize>,
    /// What a value writes of itself; kept for its memory only.
    words: String,
    /// What the user said about metrics by their names; nothing for most instances.
    governed: Option<Box<Governed>>,
    rate_series: SeriesBudget,
    interval: Option<Duration>,
    stop: Stop,
}

impl Sample {
    /// A sample of the monitor instance `short_name(id)`, whose lines go to `sink`.
    #[doc(hidden)]
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
            order: Vec::new(),
            words: String::new(),
            governed: None,
            rate_series: SeriesBudget::default(),
            interval: None,
            stop: Stop::new(),
        }
    }

    /// The same, with what the user said about its metrics; its series are counted in `budget`.
    #[doc(hidden)]
    pub fn governed_by(mut self, rules: Arc<MetricRules>, budget: &SeriesBudget) -> Self {
        let now = self.clock.monotonic();
        self.governed = (!rules.is_empty()).then(|| Box::new(Governed::new(rules, budget.clone(), now)));
        self.rate_series = budget.clone();
        self
    }

    /// Writes the rate per second of this metric behind it from now on, under its name and `_rate`, as if the user had
    /// listed it in `calculate_rate_metric_names`; with a `filter` only where the extra field has the value. Asking
    /// again changes nothing. Beyond 1000 rates, which is warned of, there are no more.
    pub fn calculate_rate(&mut self, metric: &str, filter: Option<(&str, &str)>) {
        let governed = self.governed.get_or_insert_with(|| {
            Box::new(Governed::new(Arc::default(), self.rate_series.clone(), self.clock.monotonic()))
        });
        if !governed.add_rate(metric, filter) {
            self.limited("too many rates asked for", DAY).warn(format_args!(
                "The monitor asks for the rates of too many metrics; that of {metric:?} is not calculated"
            ));
        }
    }

    /// Changes the time between two samples from the next one on; see [`Run::set_interval`](crate::Run::set_interval).
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = Some(interval);
    }

    /// The time between two samples that was asked for since the last look.
    pub(crate) fn take_interval(&mut self) -> Option<Duration> {
        self.interval.take()
    }

    /// Emits the value of a metric that has no extra fields.
    pub fn emit<V: MetricValue, F: NoFields>(&mut self, metric: Metric<V, F>, value: V) {
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
        self.emission().line(text);
    }

    /// For a trouble that may last: logs to the agent log at most once per `interval` and `cause`; see
    /// [`Logger::limited`].
    ///
    /// ```
    /// # use scalyr_monitor::prelude::*;
    /// # use std::time::Duration;
    /// # fn gather_sample(out: &mut Sample) {
    /// out.limited("connect", Duration::from_secs(300)).warn("The queue does not answer");
    /// # }
    /// ```
    pub fn limited<'s>(&'s self, cause: &'s str, interval: Duration) -> Limited<'s> {
        self.logger.limited(&self.clock, cause, interval)
    }

    /// The instance's logger, for diagnostics that belong in the agent log.
    pub fn logger(&self) -> &Logger {
        &self.logger
    }

    /// The clock; take the time from it, so that tests can set it.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Tells when the monitor is asked to stop: a sample that waits for something waits on this, so that the agent need
    /// not wait for the sample.
    ///
    /// ```
    /// # use scalyr_monitor::prelude::*;
    /// # use std::time::Duration;
    /// use std::process::{Child, ExitStatus};
    ///
    /// /// Waits for a process, and ends it when it takes too long, or the monitor is asked to stop.
    /// fn wait_for(child: &mut Child, deadline: Duration, out: &Sample) -> Result<ExitStatus> {
    ///     let begin = out.clock().monotonic();
    ///     loop {
    ///         if let Some(status) = child.try_wait()? {
    ///             return Ok(status);
    ///         }
    ///         let stopped = out.stop().wait(Duration::from_millis(20));
    ///         if stopped || out.clock().monotonic() - begin >= deadline {
    ///             child.kill()?;
    ///             child.wait()?;
    ///             return Err(Error::new(format!("the command was ended before its time; it has {deadline:?}")));
    ///         }
    ///     }
    /// }
    /// ```
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// It belongs to a run that is stopped by this.
    pub(crate) fn set_stop(&mut self, stop: &Stop) {
        self.stop = stop.clone();
    }

    /// How many lines were emitted since the start.
    pub fn emitted(&self) -> u64 {
        self.emitted
    }

    /// How many lines were longer than 1 MiB, and were cut, since the start.
    #[doc(hidden)]
    pub fn cut_lines(&self) -> u64 {
        self.cut_lines
    }

    /// Hands the lines on. Called by [`Run::sample`](crate::Run::sample) at the end of each sample; a monitor with a
    /// `run` of its own calls it when it has something to write.
    pub fn flush(&mut self) {
        self.lines.drop_torn();
        if let Some(governed) = &mut self.governed {
            governed.clean_up(&self.clock, &self.logger);
        }
        if !self.lines.is_empty() {
            self.sink.write_lines(&self.lines);
            self.lines.clear();
        }
    }

    /// Appends what a value, or fields, write of themselves: that may be the author's own code, and must neither begin a
    /// line nor touch what was written before.
    fn push(&mut self, write: impl FnOnce(&mut String)) {
        self.words.clear();
        write(&mut self.words);
        push_on_one_line(&mut self.lines.text, &self.words);
        self.words.shrink_to(KEPT_BYTES);
    }

    fn emission(&mut self) -> Emission<'_> {
        Emission { sample: self, time: None, id: None }
    }

    fn begin(&mut self, time: Option<Timestamp>, id: Option<&str>) -> LineParts {
        self.lines.drop_torn();
        let start = self.lines.text.len();
        let time = time.unwrap_or_else(|| self.clock.now());
        let text = &mut self.lines.text;
        _ = write!(text, "{time} [{}(", self.short_name);
        // An id may come from what the monitor looks at: it must not begin a line that nobody emitted.
        push_on_one_line(text, id.unwrap_or(&self.id));
        text.push_str(")] ");
        let name = text.len();
        LineParts { start, name, value: name, fields: name }
    }

    /// Whether the user does not want this metric; told of once a day.
    fn is_unwanted(&self, metric: &str) -> bool {
        let cause = self.governed.as_ref().and_then(|governed| governed.blacklisted(metric));
        if let Some(cause) = cause {
            self.limited(cause, DAY).info(format_args!(
                "The metric {metric:?} is on the `metric_name_blacklist` and is not written; this is told once a day"
            ));
        }
        cause.is_some()
    }

    /// Ends the line of a metric, and writes its rate behind it when the user wants that.
    fn end_metric(&mut self, kind: LineKind, parts: LineParts, id: Option<&str>, time: Option<Timestamp>) {
        let Some(governed) = &mut self.governed else { return self.end(parts.name, kind) };
        let text = &self.lines.text;
        let line = MetricLine {
            head: &text[parts.start..parts.name],
            id: id.unwrap_or(&self.id),
            metric: &text[parts.name..parts.value - 1],
            value: &text[parts.value..parts.fields],
            fields: &text[parts.fields..],
            time,
        };
        let has_rate = governed.calculate_rate(&line, &self.clock, &self.logger);
        self.end(parts.name, kind);
        if has_rate && let Some(governed) = &mut self.governed {
            let start = self.lines.text.len();
            governed.push_rate(&mut self.lines.text);
            self.end(start + (parts.name - parts.start), LineKind::Rate);
        }
    }

    /// Ends a line whose text begins at `body`.
    fn end(&mut self, body: usize, kind: LineKind) {
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
        self.lines.end_line(body, kind);
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
    pub fn emit<V: MetricValue, F: NoFields>(self, metric: Metric<V, F>, value: V) {
        self.emit_with(metric, value, F::default());
    }

    /// Emits the value of a metric together with its extra fields.
    pub fn emit_with<V: MetricValue, F: Fields>(self, metric: Metric<V, F>, value: V, fields: F) {
        let Self { sample, time, id } = self;
        if sample.is_unwanted(metric.name()) {
            return;
        }
        let mut parts = sample.begin(time, id);
        let text = &mut sample.lines.text;
        text.push_str(metric.name());
        text.push(' ');
        parts.value = text.len();
        sample.push(|out| value.write(out));
        parts.fields = sample.lines.text.len();
        sample.push(|out| metric.write_fields(&fields, out));
        sample.end_metric(LineKind::Declared, parts, id, time);
    }

    /// Emits a metric whose name is only known at run time. Fields are sorted by their name as given.
    pub fn emit_dynamic(self, name: &str, value: &dyn DynValue, fields: &[(&str, &dyn DynValue)]) {
        let Self { sample, time, id } = self;
        let name = sample.metric_names.repair(name, &sample.clock, &sample.logger);
        if sample.is_unwanted(&name) {
            return;
        }
        let mut parts = sample.begin(time, id);
        let text = &mut sample.lines.text;
        text.push_str(&name);
        text.push(' ');
        parts.value = text.len();
        sample.push(|out| value.write_value(out));
        parts.fields = sample.lines.text.len();
        sample.order.clear();
        sample.order.extend(0..fields.len());
        // By the place too, as a stable sort has it, which would take memory.
        sample.order.sort_unstable_by_key(|&at| (fields[at].0, at));
        for at in 0..fields.len() {
            let (name, value) = &fields[sample.order[at]];
            let text = &mut sample.lines.text;
            text.push(' ');
            text.push_str(&sample.field_names.repair(name, &sample.clock, &sample.logger));
            text.push('=');
            sample.push(|out| value.write_value(out));
        }
        sample.order.shrink_to(KEPT_ORDER);
        sample.end_metric(LineKind::Dynamic, parts, id, time);
    }

    /// Writes a whole line of text to the metric log; see [`Sample::line`].
    pub fn line(self, text: &str) {
        let Self { sample, time, id } = self;
        let parts = sample.begin(time, id);
        push_on_one_line(&mut sample.lines.text, text);
        sample.end(parts.name, LineKind::Text);
    }
}

/// Where the parts of an unfinished metric line begin.
#[derive(Clone, Copy)]
struct LineParts {
    start: usize,
    name: usize,
    value: usize,
    fields: usize,
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
mod tests;
