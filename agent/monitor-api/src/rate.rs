//! Rates: how fast the value of a metric grows, by the extra fields with which it is emitted (`monitor-framework.md`
//! section 12).
//!
//! Everything is read from the line as it was written, so that what the author handed over is never touched.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::clock::Timestamp;

/// A value that is so long ago, or longer, gives no rate: too much is unknown of what lay between.
const LONGEST_GAP_SECONDS: f64 = 660.0;

/// Values that follow each other faster by the clock count as one, the first: those of a metric that is emitted twice in
/// a sample. The Python agent counted in whole seconds.
const SHORTEST_STEP: Duration = Duration::from_millis(500);

/// A series whose last value is so old is forgotten by a clean-up.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(1800);

/// Beyond so many series of the whole agent a warning is due.
pub(crate) const MANY_SERIES: usize = 20_000;

/// So many series the whole agent may have; further ones get no rate.
pub(crate) const MAX_SERIES: usize = 30_000;

/// How many series all instances of the agent may keep together. Clones share their count.
#[derive(Clone, Debug, Default)]
pub struct SeriesBudget(Arc<AtomicUsize>);

impl SeriesBudget {
    /// One more; how many there are then, or `None` when there are too many.
    fn take(&self) -> Option<usize> {
        let one_more = |taken| (taken < MAX_SERIES).then_some(taken + 1);
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(before + 1)
    }

    fn give_back(&self, series: usize) {
        self.0.fetch_sub(series, Ordering::Relaxed);
    }
}

/// A value that was written, as far as its rate is concerned.
pub(crate) struct Observed<'l> {
    /// The name in the log.
    pub(crate) metric: &'l str,
    /// The id of the line.
    pub(crate) id: &'l str,
    /// As written.
    pub(crate) value: &'l str,
    /// As written: ` name=value` for each.
    pub(crate) fields: &'l str,
    /// The time that the emission gave itself.
    pub(crate) own_time: Option<Timestamp>,
    /// The time by the clock.
    pub(crate) now: Instant,
}

/// What became of an observed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// So much per second, rounded to five decimals.
    Rate(f64),
    /// None this time: the first value, a time that did not move, a long gap, a counter that was reset.
    Nothing,
    /// The same, and there are many series now.
    Many(usize),
    /// A new series, and there are too many already.
    TooMany,
    /// The value is no number.
    NoNumber,
}

/// The last values of one instance's series. Their names are kept as hashes only: fields may be long.
pub(crate) struct Rates {
    series: HashMap<u128, Last>,
    budget: SeriesBudget,
    hashers: [RandomState; 2],
    cleaned: Instant,
    digits: String,
}

struct Last {
    value: Number,
    time: Time,
    /// When it was stored, by the clock: the metric's own time may be a historic one.
    stored: Instant,
}

#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Float(f64),
}

#[derive(Clone, Copy)]
enum Time {
    Own(Timestamp),
    Clock(Instant),
}

impl Rates {
    pub(crate) fn new(budget: SeriesBudget, now: Instant) -> Self {
        let hashers = [RandomState::new(), RandomState::new()];
        Self { series: HashMap::new(), budget, hashers, cleaned: now, digits: String::new() }
    }

    /// Takes a value and gives its rate.
    pub(crate) fn observe(&mut self, observed: &Observed<'_>) -> Outcome {
        let Some(value) = Number::read(observed.value) else { return Outcome::NoNumber };
        let time = observed.own_time.map_or(Time::Clock(observed.now), Time::Own);
        let last = Last { value, time, stored: observed.now };
        let key = self.key(observed);
        let Some(before) = self.series.get_mut(&key) else {
            let Some(count) = self.budget.take() else { return Outcome::TooMany };
            self.series.insert(key, last);
            return if count > MANY_SERIES { Outcome::Many(count) } else { Outcome::Nothing };
        };
        let elapsed = time.since(before.time);
        let shortest = match time {
            Time::Own(_) => 0.0,
            Time::Clock(_) => SHORTEST_STEP.as_secs_f64().next_down(),
        };
        if elapsed.is_some_and(|seconds| seconds <= shortest) {
            // The same moment again, or an older one: what is there stays.
            return Outcome::Nothing;
        }
        let growth = value.minus(before.value);
        // A reset counter begins anew from what it shows now.
        *before = last;
        match elapsed {
            Some(seconds) if seconds < LONGEST_GAP_SECONDS && growth >= 0.0 => {
                // Without the sign of a zero.
                self.rounded(growth / seconds + 0.0)
            }
            _ => Outcome::Nothing,
        }
    }

    /// Forgets series that had no value for long, when it is time to look; tells how many, and how many are left.
    pub(crate) fn clean_up(&mut self, interval: Option<Duration>, now: Instant) -> Option<(usize, usize)> {
        if now.saturating_duration_since(self.cleaned) < interval? {
            return None;
        }
        self.cleaned = now;
        let before = self.series.len();
        self.series.retain(|_, last| now.saturating_duration_since(last.stored) < FORGOTTEN_AFTER);
        let left = self.series.len();
        if left == before {
            return None;
        }
        self.series.shrink_to(left * 2);
        self.budget.give_back(before - left);
        Some((before - left, left))
    }

    /// To five decimals, as its decimal notation is rounded: what Python's `round` does.
    fn rounded(&mut self, rate: f64) -> Outcome {
        self.digits.clear();
        _ = write!(self.digits, "{rate:.5}");
        match self.digits.parse::<f64>() {
            Ok(rounded) if rounded.is_finite() => Outcome::Rate(rounded),
            _ => Outcome::Nothing,
        }
    }

    /// What tells series apart: the metric, the line's id and the extra fields, `timestamp` not among them.
    fn key(&self, observed: &Observed<'_>) -> u128 {
        let half = |state: &RandomState| {
            let mut hasher = state.build_hasher();
            let mut write = |text: &str| {
                hasher.write_usize(text.len());
                hasher.write(text.as_bytes());
            };
            write(observed.metric);
            write(observed.id);
            for (name, value) in written_fields(observed.fields).filter(|(name, _)| *name != "timestamp") {
                write(name);
                write(value);
            }
            u128::from(hasher.finish())
        };
        half(&self.hashers[0]) << 64 | half(&self.hashers[1])
    }
}

impl Drop for Rates {
    fn drop(&mut self) {
        self.budget.give_back(self.series.len());
    }
}

impl Number {
    /// From a metric line. Booleans count; text and what is not finite do not.
    fn read(written: &str) -> Option<Self> {
        match written {
            "true" => Some(Self::Integer(1)),
            "false" => Some(Self::Integer(0)),
            _ => match written.parse() {
                Ok(integer) => Some(Self::Integer(integer)),
                Err(_) => written.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::Float),
            },
        }
    }

    /// Exact for large counters as long as both are whole.
    fn minus(self, other: Self) -> f64 {
        if let (Self::Integer(a), Self::Integer(b)) = (self, other)
            && let Some(difference) = a.checked_sub(b)
        {
            return to_float(difference);
        }
        self.float() - other.float()
    }

    fn float(self) -> f64 {
        match self {
            Self::Integer(integer) => to_float(integer),
            Self::Float(float) => float,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate has five decimals, and the nearest float will do")]
fn to_float(integer: i128) -> f64 {
    integer as f64
}

impl Time {
    /// Seconds; `None` when the two are not of the same kind.
    fn since(self, earlier: Self) -> Option<f64> {
        match (self, earlier) {
            (Self::Own(a), Self::Own(b)) => {
                let nanos = i128::from(a.as_nanos()) - i128::from(b.as_nanos());
                Some(to_float(nanos) / 1e9)
            }
            (Self::Clock(a), Self::Clock(b)) => Some(a.saturating_duration_since(b).as_secs_f64()),
            _ => None,
        }
    }
}

/// The extra fields of a metric line, from ` name=value name="a value"`. What is not of this form comes last, under an
/// empty name.
pub(crate) fn written_fields(fields: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = fields;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = rest.strip_prefix(' ').and_then(|field| field.split_once('='));
        let Some((name, value)) = field else { return Some(("", std::mem::take(&mut rest))) };
        let (value, behind) = value.split_at(value_end(value));
        rest = behind;
        Some((name, value))
    })
}

/// Where the JSON scalar ends with which the text begins.
fn value_end(text: &str) -> usize {
    if !text.starts_with('"') {
        return text.find(' ').unwrap_or(text.len());
    }
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    });
    end.map_or(text.len(), |at| at + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;
    use crate::metric::MetricValue;

    fn rates() -> (Clock, Rates) {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let rates = Rates::new(SeriesBudget::default(), clock.monotonic());
        (clock, rates)
    }

    fn observe(rates: &mut Rates, clock: &Clock, value: &str, fields: &str) -> Outcome {
        let now = clock.monotonic();
        rates.observe(&Observed { metric: "m", id: "", value, fields, own_time: None, now })
    }

    #[test]
    fn large_counters_are_subtracted_exactly() {
        let (clock, mut rates) = rates();
        assert_eq!(observe(&mut rates, &clock, "1152921504606846976", ""), Outcome::Nothing);
        clock.advance(Duration::from_secs(1));
        assert_eq!(observe(&mut rates, &clock, "1152921504606846977", ""), Outcome::Rate(1.0));
        clock.advance(Duration::from_secs(1));
        assert_eq!(observe(&mut rates, &clock, "1152921504606846977.5", ""), Outcome::Rate(0.0));
        clock.advance(Duration::from_secs(1));
        assert_eq!(observe(&mut rates, &clock, "340282366920938463463374607431768211455", ""), {
            Outcome::Rate(340282366920938463463374607431768211455.0_f64)
        });
    }

    #[test]
    fn a_series_that_is_emitted_twice_in_a_sample_has_the_rate_of_its_first_values() {
        let (clock, mut rates) = rates();
        let mut told = Vec::new();
        for (first, second) in [("100", "500"), ("130", "560")] {
            told.push(observe(&mut rates, &clock, first, ""));
            clock.advance(Duration::from_millis(1));
            told.push(observe(&mut rates, &clock, second, ""));
            clock.advance(Duration::from_millis(29_999));
        }
        assert_eq!(told, [Outcome::Nothing, Outcome::Nothing, Outcome::Rate(1.0), Outcome::Nothing]);
    }

    #[test]
    fn a_rate_of_nothing_has_no_sign() {
        let (clock, mut rates) = rates();
        assert_eq!(observe(&mut rates, &clock, "0.0", ""), Outcome::Nothing);
        clock.advance(Duration::from_secs(1));
        let Outcome::Rate(rate) = observe(&mut rates, &clock, "-0.0", "") else { panic!("no rate") };
        assert!(rate == 0.0 && rate.is_sign_positive());
    }

    #[test]
    fn a_rate_beyond_all_numbers_is_none() {
        let (clock, mut rates) = rates();
        assert_eq!(observe(&mut rates, &clock, "-1.7e308", ""), Outcome::Nothing);
        clock.advance(Duration::from_secs(1));
        assert_eq!(observe(&mut rates, &clock, "1.7e308", ""), Outcome::Nothing);
        for no_number in ["null", "\"5\"", "NaN", "inf", ""] {
            assert_eq!(observe(&mut rates, &clock, no_number, ""), Outcome::NoNumber, "{no_number}");
        }
    }

    #[test]
    fn series_are_told_apart_by_all_fields_but_the_time() {
        let (clock, mut rates) = rates();
        for fields in [" a=1", " a=\"1\"", " a=1 b=2", "", " b=1", " a=\"1 b=2\""] {
            assert_eq!(observe(&mut rates, &clock, "1", fields), Outcome::Nothing, "{fields}");
        }
        assert_eq!(rates.series.len(), 6);
        clock.advance(Duration::from_secs(2));
        assert_eq!(observe(&mut rates, &clock, "2", " a=1 timestamp=5"), Outcome::Rate(0.5));
        assert_eq!(rates.series.len(), 6);
    }

    #[test]
    fn silent_series_are_forgotten_and_make_room_for_others() {
        let (clock, mut rates) = rates();
        let interval = Some(Duration::from_secs(1800));
        observe(&mut rates, &clock, "1", " a=1");
        clock.advance(Duration::from_secs(1000));
        observe(&mut rates, &clock, "1", " a=2");
        assert_eq!(rates.clean_up(interval, clock.monotonic()), None);
        clock.advance(Duration::from_secs(800));
        assert_eq!(rates.clean_up(None, clock.monotonic()), None, "never");
        assert_eq!(rates.clean_up(interval, clock.monotonic()), Some((1, 1)));
        assert_eq!(rates.budget.0.load(Ordering::Relaxed), 1);
        let budget = rates.budget.clone();
        drop(rates);
        assert_eq!(budget.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn all_instances_together_have_so_many_series() {
        let (clock, mut first) = rates();
        let mut second = Rates::new(first.budget.clone(), clock.monotonic());
        let fill = |rates: &mut Rates, count: usize| -> Vec<Outcome> {
            (0..count).map(|n| observe(rates, &clock, "1", &format!(" n={n}"))).collect()
        };
        assert!(fill(&mut first, MANY_SERIES).iter().all(|outcome| *outcome == Outcome::Nothing));
        let outcomes = fill(&mut second, MAX_SERIES - MANY_SERIES + 1);
        assert_eq!(outcomes[0], Outcome::Many(MANY_SERIES + 1));
        assert_eq!(outcomes.last(), Some(&Outcome::TooMany));
        drop(first);
        assert_eq!(observe(&mut second, &clock, "1", " n=\"new\""), Outcome::Nothing, "there is room again");
    }

    proptest! {
        #[test]
        fn fields_are_read_back_as_they_were_written(
            fields in proptest::collection::vec(("[a-z_]{1,5}", ".*", any::<Option<f64>>()), 0..5)
        ) {
            let mut text = String::new();
            let mut expected = Vec::new();
            for (name, value, number) in &fields {
                let start = text.len() + name.len() + 2;
                text.push_str(&format!(" {name}="));
                match number {
                    Some(number) => number.write(&mut text),
                    None => value.write(&mut text),
                }
                expected.push((name.clone(), text[start..].to_owned()));
            }
            let read: Vec<_> = written_fields(&text).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_text_makes_the_reader_of_fields_panic(text in ".*") {
            let read: usize = written_fields(&text).map(|(name, value)| name.len() + value.len()).sum();
            prop_assert!(read <= text.len());
        }
    }
}
