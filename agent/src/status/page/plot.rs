//! A plot of the last hour. The lines are SVG that fills whatever room there is; the words around it are HTML, so that they
//! have one size on a phone and on a wall.

use std::fmt::Write as _;

use super::html::Html;
use super::units;
use crate::status::history::{Point, SPAN};

/// The plot's own units: as many across as a sample every ten seconds makes, and as many up.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 100.0;

/// What is drawn.
pub(super) struct Plot {
    /// Its heading.
    pub(super) title: &'static str,
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

impl Plot {
    pub(super) fn draw(&self, html: &mut Html, points: &[Point], now: f64) {
        let values: Vec<(f64, Option<f64>)> = points.iter().map(|point| (point.at, (self.of)(point))).collect();
        let known = || values.iter().filter_map(|(at, value)| value.map(|value| (*at, value)));
        let current = known().next_back().filter(|(at, _)| now - at < 60.0);
        let peak = known().max_by(|one, other| one.1.total_cmp(&other.1));
        let top = (self.top)(peak.map_or(0.0, |(_, value)| value).max(self.least_top));
        html.raw("<figure class=\"plot ")
            .raw(self.class)
            .raw("\"><figcaption><h2>")
            .raw(self.title)
            .raw("</h2><span><b>");
        html.text(current.map_or("–".to_owned(), |(_, value)| (self.unit)(value))).raw("</b> now");
        if let Some((at, value)) = peak.filter(|(_, value)| *value > 0.0) {
            html.raw(" <i>peak ").text((self.unit)(value)).raw(" at ").text(units::clock(at)).raw("</i>");
        }
        html.raw("</span></figcaption><div class=\"up\" aria-hidden=\"true\"><span>").text((self.unit)(top));
        html.raw("</span><span>").text((self.unit)(top / 2.0)).raw("</span><span>0</span></div>");
        html.raw("<svg viewBox=\"0 0 360 100\" preserveAspectRatio=\"none\" role=\"img\"><title>").raw(self.about);
        html.raw("</title><path class=\"grid\" d=\"M0 0H360M0 50H360M0 100H360M90 0V100M180 0V100M270 0V100\"/>");
        let begin = now - SPAN.as_secs_f64();
        let x = |at: f64| ((at - begin) / SPAN.as_secs_f64() * WIDTH).clamp(0.0, WIDTH);
        let y = |value: f64| (HEIGHT - value / top * HEIGHT).clamp(0.0, HEIGHT);
        for (from, to) in self.gaps(points, begin, now) {
            let (from, to) = (x(from), x(to));
            html.raw("<rect class=\"off\" y=\"0\" height=\"100\" x=\"").text(format_args!("{from:.1}"));
            html.raw("\" width=\"").text(format_args!("{:.1}", to - from)).raw("\"/>");
        }
        if self.is_columns {
            self.columns(html, known(), x, y);
        } else {
            for run in self.runs(points) {
                line(html, &run, x, y);
            }
        }
        html.raw("</svg><div class=\"along\" aria-hidden=\"true\">");
        for quarter in 0..5 {
            let at = begin + f64::from(quarter) * SPAN.as_secs_f64() / 4.0;
            html.raw("<span>").text(units::clock(at)).raw("</span>");
        }
        html.raw("</div></figure>");
    }

    fn columns(
        &self,
        html: &mut Html,
        known: impl Iterator<Item = (f64, f64)>,
        x: impl Fn(f64) -> f64,
        y: impl Fn(f64) -> f64,
    ) {
        let mut path = String::new();
        for (at, value) in known.filter(|(_, value)| *value > 0.0) {
            _ = write!(path, "M{:.1} 100V{:.1}", x(at), y(value));
        }
        if !path.is_empty() {
            html.raw("<path class=\"columns\" d=\"").path(&path).raw("\"/>");
        }
    }

    /// Samples between which there is no gap, at least one in each.
    fn runs(&self, points: &[Point]) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
        for (index, point) in points.iter().enumerate() {
            let begins = index > 0 && points[index - 1].has_gap_to(point);
            match ((self.of)(point), runs.last_mut()) {
                (Some(value), Some(run)) if !begins => run.push((point.at, value)),
                (Some(value), _) => runs.push(vec![(point.at, value)]),
                (None, _) => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }

    /// When nothing was recorded.
    fn gaps(&self, points: &[Point], begin: f64, now: f64) -> Vec<(f64, f64)> {
        let first = points.first().map_or(now, |point| point.at);
        let inner = points.windows(2).filter(|pair| pair[0].has_gap_to(&pair[1])).map(|pair| (pair[0].at, pair[1].at));
        std::iter::once((begin, first)).filter(|(from, to)| to - from > 30.0).chain(inner).collect()
    }
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
