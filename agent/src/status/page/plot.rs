//! A plot of the last hour, or of as much of it as the agent has seen. The lines are SVG that fills whatever room there is;
//! the words around it are not stretched with them, so that they have one size on a phone and on a wall.

use std::fmt::Write as _;

use super::html::Html;
use super::units;
use crate::status::history::{EVERY, Point, SPAN};

/// The plot's own units: as many across as a sample every ten seconds makes, and as many up.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 100.0;

/// What is drawn.
pub(super) struct Plot {
    /// Its heading.
    pub(super) title: &'static str,
    /// What its figures are of, behind that.
    pub(super) of_what: &'static str,
    /// What it tells, for those who hear the page and those who point at it.
    pub(super) about: &'static str,
    /// The class of its colours.
    pub(super) class: &'static str,
    /// The value of a sample.
    pub(super) of: fn(&Point) -> Option<f64>,
    /// A value with its unit.
    pub(super) unit: fn(f64) -> String,
    /// The top of the axis for a peak.
    pub(super) top: fn(f64) -> f64,
    /// The axis goes up to here at least, so that next to nothing does not look like much.
    pub(super) least_top: f64,
    /// Whether samples are columns, as counts are, and no line.
    pub(super) is_columns: bool,
}

/// The stretch of time along a plot: from its beginning to now, seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    begin: f64,
    end: f64,
    /// The time between two of its marks, in seconds.
    step: f64,
}

impl Span {
    /// The shortest of a few that holds all samples: the last five minutes of a young agent, the last hour of an old one.
    fn of(points: &[Point], now: f64) -> Self {
        const SPANS: [(f64, f64); 3] = [(300.0, 60.0), (900.0, 180.0), (1800.0, 300.0)];
        let age = points.first().map_or(0.0, |first| now - first.at);
        let (length, step) =
            SPANS.into_iter().find(|(length, _)| age <= *length).unwrap_or((SPAN.as_secs_f64(), 600.0));
        Self { begin: now - length, end: now, step }
    }

    /// The part of the whole that lies before this moment, from 0 to 1.
    fn share(self, at: f64) -> f64 {
        ((at - self.begin) / (self.end - self.begin)).clamp(0.0, 1.0)
    }

    fn x(self, at: f64) -> f64 {
        self.share(at) * WIDTH
    }

    /// Round times, the oldest first.
    fn marks(self) -> impl Iterator<Item = f64> {
        let first = (self.begin / self.step).ceil() * self.step;
        (0..10).map(move |number| first + f64::from(number) * self.step).take_while(move |at| *at <= self.end)
    }
}

impl Plot {
    pub(super) fn draw(&self, html: &mut Html, points: &[Point], now: f64) {
        let span = Span::of(points, now);
        let values: Vec<(f64, Option<f64>)> = points.iter().map(|point| (point.at, (self.of)(point))).collect();
        let known = || values.iter().filter_map(|(at, value)| value.map(|value| (*at, value)));
        let current = known().next_back().filter(|(at, _)| now - at < 60.0);
        let peak = known().max_by(|one, other| one.1.total_cmp(&other.1));
        let top = (self.top)(peak.map_or(0.0, |(_, value)| value).max(self.least_top));
        html.raw("<figure class=\"plot ")
            .raw(self.class)
            .raw("\"><figcaption><h2>")
            .raw(self.title)
            .raw(" <small>")
            .raw(self.of_what)
            .raw("</small></h2><span><b>");
        html.text(current.map_or("–".to_owned(), |(_, value)| (self.unit)(value))).raw("</b> now");
        if let Some((at, value)) = peak.filter(|(_, value)| *value > 0.0) {
            html.raw(" <i>peak ").text((self.unit)(value)).raw(" at ").text(units::clock(at)).raw("</i>");
        }
        html.raw("</span></figcaption><div class=\"up\" aria-hidden=\"true\"><span>").text((self.unit)(top));
        html.raw("</span><span>").text((self.unit)(top / 2.0)).raw("</span><span>0</span></div>");
        html.raw("<svg viewBox=\"0 0 360 100\" preserveAspectRatio=\"none\" role=\"img\"><title>").raw(self.about);
        html.raw("</title>");
        for (from, to) in gaps(points, span) {
            html.raw("<rect class=\"off\" y=\"0\" height=\"100\" x=\"").text(format_args!("{:.1}", span.x(from)));
            html.raw("\" width=\"").text(format_args!("{:.1}", span.x(to) - span.x(from))).raw("\"/>");
        }
        let marks: String = span.marks().fold(String::new(), |mut marks, at| {
            _ = write!(marks, "M{:.1} 0V100", span.x(at));
            marks
        });
        html.raw("<path class=\"grid\" d=\"M0 0H360M0 50H360M0 100H360").path(&marks).raw("\"/>");
        let y = |value: f64| (HEIGHT - value / top * HEIGHT).clamp(0.0, HEIGHT);
        if self.is_columns {
            columns(html, known(), span, y);
        } else {
            for run in self.runs(points) {
                line(html, &run, |at| span.x(at), y);
            }
        }
        html.raw(
            "</svg><span class=\"zone\" aria-hidden=\"true\">UTC</span><svg class=\"along\" aria-hidden=\"true\">",
        );
        for at in span.marks() {
            html.raw("<text y=\"12\" x=\"").text(format_args!("{:.2}%", span.share(at) * 100.0)).raw("\">");
            html.text(units::clock(at)).raw("</text>");
        }
        html.raw("</svg></figure>");
    }

    /// Samples between which there is no gap, at least one in each. What is told of the time since the sample before begins
    /// there, also when nothing is known of that one itself.
    fn runs(&self, points: &[Point]) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
        let mut before: Option<&Point> = None;
        for point in points {
            let before = before.replace(point).filter(|before| !before.has_gap_to(point));
            let value = (self.of)(point);
            match (value, before, runs.last_mut()) {
                (Some(value), Some(_), Some(run)) if !run.is_empty() => run.push((point.at, value)),
                (Some(value), before, _) => {
                    let begin = before.map(|before| (before.at, value));
                    runs.push(begin.into_iter().chain([(point.at, value)]).collect());
                }
                (None, ..) => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }
}

/// Columns as wide as the time that they are counts of.
fn columns(html: &mut Html, known: impl Iterator<Item = (f64, f64)>, span: Span, y: impl Fn(f64) -> f64) {
    let mut path = String::new();
    for (at, value) in known.filter(|(_, value)| *value > 0.0) {
        let (from, to) = (span.x(at - EVERY.as_secs_f64()), span.x(at));
        _ = write!(path, "M{from:.1} 100V{:.1}H{to:.1}V100Z", y(value));
    }
    if !path.is_empty() {
        html.raw("<path class=\"columns\" d=\"").path(&path).raw("\"/>");
    }
}

/// When nothing was recorded.
fn gaps(points: &[Point], span: Span) -> Vec<(f64, f64)> {
    let ends = |at: f64| Point { at, bytes_per_second: None, failed: None, lag_bytes: 0.0, lag_seconds: 0.0 };
    let all: Vec<Point> =
        [ends(span.begin)].into_iter().chain(points.iter().copied()).chain([ends(span.end)]).collect();
    all.windows(2).filter(|pair| pair[0].has_gap_to(&pair[1])).map(|pair| (pair[0].at, pair[1].at)).collect()
}

/// An area with a line on top. A single sample is a short line.
fn line(html: &mut Html, run: &[(f64, f64)], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) {
    let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { return };
    let mut path = String::new();
    for (at, value) in run {
        _ = write!(path, "{}{:.1} {:.1}", if path.is_empty() { "M" } else { "L" }, x(*at), y(*value));
    }
    if run.len() == 1 {
        _ = write!(path, "H{:.1}", (x(*last) + 1.0).min(WIDTH));
    }
    let area = format!("{path}V100H{:.1}Z", x(*first));
    html.raw("<path class=\"area\" d=\"").path(&area).raw("\"/><path class=\"line\" d=\"").path(&path).raw("\"/>");
}

/// The next of these steps, times a power of ten, so that half of it is a good number, too.
fn next_step(value: f64, steps: &[f64]) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return steps.first().copied().unwrap_or(1.0);
    }
    let power = 10_f64.powf(value.log10().floor());
    let step = steps.iter().chain(&[10.0]).find(|step| **step * power >= value * 0.999);
    step.copied().unwrap_or(10.0) * power
}

/// The top of an axis of bytes.
pub(super) fn top_of_bytes(value: f64) -> f64 {
    next_step(value, &[1.0, 2.0, 4.0, 5.0])
}

/// The top of an axis of counts: an even one.
pub(super) fn top_of_counts(value: f64) -> f64 {
    next_step(value, &[2.0, 4.0])
}

/// The top of an axis of times.
pub(super) fn top_of_seconds(value: f64) -> f64 {
    const TOPS: [f64; 13] =
        [10.0, 20.0, 60.0, 120.0, 240.0, 600.0, 1200.0, 3600.0, 7200.0, 14_400.0, 36_000.0, 86_400.0, 172_800.0];
    let top = TOPS.into_iter().find(|top| *top >= value * 0.999);
    top.unwrap_or_else(|| 86_400.0 * next_step(value / 86_400.0, &[1.0, 2.0, 4.0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(begin: f64, end: f64) -> Vec<Point> {
        let at = |at| Point { at, bytes_per_second: None, failed: None, lag_bytes: 0.0, lag_seconds: 0.0 };
        std::iter::successors(Some(begin), |at| Some(at + 10.0)).take_while(|at| *at <= end).map(at).collect()
    }

    #[test]
    fn the_stretch_of_time_grows_with_the_agent_and_has_its_marks_at_round_times() {
        const NOW: f64 = 1_795_353_451.0;
        for (age, length) in [
            (0.0, 300.0),
            (30.0, 300.0),
            (300.0, 300.0),
            (310.0, 900.0),
            (901.0, 1800.0),
            (1801.0, 3600.0),
            (3599.0, 3600.0),
        ] {
            let span = Span::of(&points(NOW - age, NOW), NOW);
            assert_eq!((span.end - span.begin, span.end), (length, NOW), "{age}");
            let marks: Vec<f64> = span.marks().collect();
            assert!((4..=7).contains(&marks.len()), "{marks:?}");
            assert!(marks.iter().all(|at| at % span.step == 0.0 && (span.begin..=span.end).contains(at)), "{marks:?}");
            assert!(marks.windows(2).all(|pair| span.x(pair[1]) > span.x(pair[0])), "they go one way: {marks:?}");
        }
        assert_eq!(Span::of(&[], NOW).begin, NOW - 300.0);
        // 13:17:31 is when it is; the clock of a mark has no seconds to hide.
        let clocks: Vec<_> = Span::of(&[], NOW).marks().map(units::clock).collect();
        assert_eq!(clocks, ["13:13", "13:14", "13:15", "13:16", "13:17"]);
    }

    #[test]
    fn what_was_not_recorded_is_told_before_between_and_behind_the_samples() {
        let (first, second) = (points(1000.0, 1060.0), points(1200.0, 1230.0));
        let all = [first, second].concat();
        let span = Span::of(&all, 1290.0);
        assert_eq!(gaps(&all, span), [(990.0, 1000.0), (1060.0, 1200.0), (1230.0, 1290.0)][1..]);
        assert_eq!(gaps(&[], span), [(990.0, 1290.0)]);
    }
}
