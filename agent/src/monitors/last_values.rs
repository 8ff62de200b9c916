//! The values of an instance's last sample, for `status`.

use scalyr_monitor::sample::Lines;
use serde::Serialize;

/// So many values of a sample are kept.
pub const MOST_VALUES: usize = 32;
/// Longer texts are cut.
const MOST_BYTES: usize = 128;

/// A value that a monitor has emitted. Texts are cut at 128 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MetricValue {
    /// The metric's name.
    pub metric: String,
    /// The value as it stands in the metric line.
    pub value: String,
    /// The extra fields as they stand there: `count=1 host="a"`; mostly empty.
    pub fields: String,
}

/// The first values of the last sample, in memory that is used again for the next one.
#[derive(Debug, Default)]
pub(super) struct LastValues {
    kept: Vec<MetricValue>,
    /// How many of `kept` are of the last sample.
    shown: usize,
    more: u64,
    /// What comes next belongs to a sample that has written nothing yet.
    is_over: bool,
}

impl LastValues {
    /// What is noted next is of another sample.
    pub(super) fn begin_sample(&mut self) {
        self.is_over = true;
    }

    /// Takes note of lines. A sample hands them on in one go, unless it has very many.
    pub(super) fn note(&mut self, lines: &Lines, in_sample: bool) {
        let mut metrics = lines.metrics().peekable();
        if metrics.peek().is_none() {
            return;
        }
        if std::mem::take(&mut self.is_over) || !in_sample {
            (self.shown, self.more) = (0, 0);
        }
        for (metric, value, fields) in metrics {
            if self.shown == MOST_VALUES {
                self.more += 1;
                continue;
            }
            if self.shown == self.kept.len() {
                self.kept.push(MetricValue::default());
            }
            let kept = &mut self.kept[self.shown];
            self.shown += 1;
            for (kept, given) in [(&mut kept.metric, metric), (&mut kept.value, value), (&mut kept.fields, fields)] {
                kept.clear();
                kept.push_str(&given[..given.floor_char_boundary(MOST_BYTES)]);
            }
        }
    }

    /// The values that were kept of the last sample.
    pub(super) fn shown(&self) -> &[MetricValue] {
        &self.kept[..self.shown]
    }

    /// How many more it had.
    pub(super) fn more(&self) -> u64 {
        self.more
    }
}
