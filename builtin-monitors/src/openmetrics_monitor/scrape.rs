//! One scrape: the samples of an exposition become metric lines, all with the time at which the scrape began.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use scalyr_monitor::sample::DynValue;
use scalyr_monitor::{Sample, Timestamp};

use super::exposition::Series;
use super::extra_fields::ExtraFields;
use super::filter::{Filter, Verdict};
use super::line::Label;

/// The extra field of the time that a sample brings along.
const TIME: &str = "timestamp";

/// So many names are remembered, to see which of them are written alike: more than any exporter has.
const MOST_SPELLINGS: usize = 20_000;

/// What the user says about all scrapes.
pub(super) struct Wishes<'w> {
    pub(super) filter: &'w Filter,
    pub(super) extra_fields: &'w ExtraFields,
    pub(super) max_metrics: u64,
}

/// A scrape under way.
pub(super) struct Scrape<'s, 'b> {
    wishes: Wishes<'s>,
    out: &'s mut Sample,
    began: Timestamp,
    /// The metric of the line before: as a rule the next line is of the same.
    metric: Option<Metric<'b>>,
    /// How each name that was written is spelled in the exposition.
    spellings: HashMap<Cow<'b, str>, Cow<'b, str>>,
    tally: Tally,
}

/// What became of the samples.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) emitted: u64,
    /// Left out by the filter.
    pub(super) filtered: u64,
    /// Left out because there are more than `max_metrics`.
    pub(super) beyond: u64,
    /// Two metrics whose names differ by capitals only, and the name that both are written under.
    pub(super) merged: Option<[String; 3]>,
}

struct Metric<'b> {
    spelled: Cow<'b, str>,
    written: Cow<'b, str>,
    verdict: Verdict,
}

impl<'s, 'b> Scrape<'s, 'b> {
    pub(super) fn new(wishes: Wishes<'s>, began: Timestamp, out: &'s mut Sample) -> Self {
        Self { wishes, out, began, metric: None, spellings: HashMap::new(), tally: Tally::default() }
    }

    pub(super) fn end(self) -> Tally {
        self.tally
    }

    /// Emits a sample, unless the user does not want it.
    pub(super) fn take(&mut self, series: &Series<'_, 'b>) {
        let is_same = |metric: &&Metric<'b>| metric.spelled == series.head.name;
        let metric = match self.metric.take_if(|metric| is_same(&&*metric)) {
            Some(metric) => metric,
            None => self.look_at(&series.head.name),
        };
        let names = [metric.spelled.as_ref(), metric.written.as_ref()];
        let is_wanted = match metric.verdict {
            Verdict::Taken => true,
            Verdict::LeftOut => false,
            Verdict::ByLabels => self.wishes.filter.takes_labels(names, series.labels),
        };
        if !is_wanted {
            self.tally.filtered += 1;
        } else if self.tally.emitted >= self.wishes.max_metrics {
            self.tally.beyond += 1;
        } else {
            self.tally.emitted += 1;
            self.emit(&metric.written, series);
        }
        self.metric = Some(metric);
    }

    /// A metric that is not that of the line before.
    fn look_at(&mut self, spelled: &Cow<'b, str>) -> Metric<'b> {
        let written = written_name(spelled);
        let verdict = self.wishes.filter.judge([spelled, &written]);
        if verdict != Verdict::LeftOut && self.spellings.len() < MOST_SPELLINGS {
            match self.spellings.entry(written.clone()) {
                Entry::Vacant(free) => _ = free.insert(spelled.clone()),
                Entry::Occupied(other) if other.get() != spelled => {
                    let all = [other.get().to_string(), spelled.to_string(), written.to_string()];
                    self.tally.merged.get_or_insert(all);
                }
                Entry::Occupied(_) => {}
            }
        }
        Metric { spelled: spelled.clone(), written, verdict }
    }

    fn emit(&mut self, name: &str, series: &Series<'_, 'b>) {
        let extra = self.wishes.extra_fields.all();
        let is_extra = |name: &str| extra.iter().any(|(extra, _)| extra == name);
        let time = series.head.time.filter(|_| !is_extra(TIME));
        let mut fields: Vec<(&str, &dyn DynValue)> = Vec::with_capacity(series.labels.len() + extra.len() + 1);
        fields.extend(series.labels.iter().filter_map(|(name, value): &Label<'_>| {
            let gives_way = is_extra(name) || time.is_some() && name == TIME;
            (!gives_way).then_some((name.as_ref(), value as &dyn DynValue))
        }));
        if let Some(time) = &time {
            fields.push((TIME, time));
        }
        fields.extend(extra.iter().map(|(name, value)| (name.as_str(), value as &dyn DynValue)));
        self.out.at(self.began).emit_dynamic(name, &series.head.value as &dyn DynValue, &fields);
    }
}

/// The name as it was always written: in small letters, `_` for `-` and blanks, without quotes.
fn written_name<'b>(spelled: &Cow<'b, str>) -> Cow<'b, str> {
    let changes = |c: char| c.is_uppercase() || matches!(c, '-' | ' ' | '"');
    if !spelled.contains(changes) {
        return spelled.clone();
    }
    spelled.to_lowercase().replace(['-', ' '], "_").replace('"', "").into()
}
