//! The page as text; how it looks is told by `agent/program/tests/status_page.rs`, with a browser.

use super::*;
use crate::monitors::last_values::MetricValue;
use crate::monitors::state::Phase;
use crate::status::sample::NOW;
use crate::status::sample::hostile::{HOSTILE, file, monitor, snapshot};

fn history() -> Vec<Point> {
    (0..360)
        .filter(|number| !(100..140).contains(number))
        .map(|number| Point {
            at: NOW - 3_600.0 + f64::from(number) * 10.0,
            bytes_per_second: (number != 140).then_some(number as f32 * 100.0),
            failed: Some((number % 50 / 49) as f32),
            lag_bytes: 1e6,
            lag_seconds: 3.5,
        })
        .collect()
}

#[test]
fn nothing_that_others_wrote_is_markup() {
    let page = Page::new().render(&snapshot(3, 3), &history());
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains("<img") && !page.contains("alert(1)</script>") && !page.contains('\u{1b}'), "{page}");
    assert!(page.matches("&lt;/title&gt;&lt;script&gt;").count() > 20, "{page}");
    // An attribute that is broken out of leaves a quote in front of a name that is no attribute of ours.
    assert!(!page.contains("\"'&") && !page.contains("onerror=alert(1)>"), "{page}");
    assert!(HOSTILE.contains("onerror=alert(1)>"));
}

#[test]
fn the_tables_are_bounded_and_say_what_is_left_out() {
    let page = Page::new().render(&snapshot(5_000, 1_000), &history());
    let body =
        |id: &str| page.split(&format!("<section id=\"{id}\">")).nth(1).unwrap().split("</section>").next().unwrap();
    for id in ["files", "monitors"] {
        assert_eq!(body(id).matches("<tr class=").count(), table::MOST_ROWS, "{id}");
    }
    assert!(
        body("files").contains("And 4801 more files, none further behind"),
        "one row is of a path that cannot be copied"
    );
    assert!(body("files").contains("-4999.log"), "the worst is there");
    assert!(!body("files").contains("-17.log<"), "and the best is not");
    assert!(
        body("monitors").contains("And 801 more, which are no worse, with 6408 lines together"),
        "{}",
        body("monitors")
    );
    assert!(page.len() < 4 << 20, "{} bytes", page.len());
}

#[test]
fn what_is_worst_stands_first() {
    let mut snapshot = snapshot(0, 0);
    snapshot.files = vec![file("/a", 5), file("/b", 9), file("/c", 0)];
    let mut failing = monitor("failing", Phase::Running);
    (failing.samples, failing.failed_samples) = (4, 3);
    snapshot.monitors = vec![
        monitor("off", Phase::Disabled),
        monitor("well", Phase::Running),
        failing,
        monitor("dead", Phase::BackingOff),
    ];
    let page = Page::new().render(&snapshot, &[]);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing in {page}"));
    assert!(at(">/b<") < at(">/a<") && at(">/a<") < at(">/c<"));
    assert!(
        at(">dead<") < at("b class=\"\">failing<")
            && at("b class=\"\">failing<") < at(">well<")
            && at(">well<") < at(">off<")
    );
}

#[test]
fn a_plot_has_its_gaps_and_an_empty_one_says_so() {
    let mut html = Html::default();
    PLOTS[0].draw(&mut html, &history(), NOW);
    let plot = html.finish();
    assert_eq!(plot.matches("class=\"line\"").count(), 2, "{plot}");
    assert_eq!(plot.matches("class=\"off\"").count(), 1, "{plot}");
    assert!(
        plot.contains("36\u{a0}kB/s</b> now") && plot.contains("<span>40\u{a0}kB/s</span><span>20\u{a0}kB/s</span>"),
        "{plot}"
    );
    let mut html = Html::default();
    PLOTS[0].draw(&mut html, &[], NOW);
    let plot = html.finish();
    assert!(plot.contains("<rect class=\"off\" y=\"0\" height=\"100\" x=\"0.0\" width=\"360.0\"/>"), "{plot}");
    assert!(plot.contains("<b>–</b> now") && !plot.contains("peak"), "{plot}");
}

#[test]
fn the_policy_lets_this_style_and_script_act_and_nothing_else() {
    let page = Page::new();
    assert!(page.policy().starts_with("default-src 'none'; style-src 'sha256-") && !page.policy().contains("unsafe"));
    let html = page.render(&snapshot(1, 1), &[]);
    assert!(!html.contains(" style=") && !html.contains(" onclick=") && !html.contains("http://www.example"));
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "no outside assets");
}

#[test]
fn half_a_minute_after_the_start_there_is_something_to_see_in_each_plot() {
    let at = |age: f64, rate, failed| Point {
        at: NOW - age,
        bytes_per_second: rate,
        failed,
        lag_bytes: 1e6,
        lag_seconds: age as f32,
    };
    let points = [at(12.0, None, None), at(2.0, Some(700.0), Some(1.0))];
    for plot in &PLOTS {
        let mut html = Html::default();
        plot.draw(&mut html, &points, NOW);
        let html = html.finish();
        let (_, path) =
            html.split_once(if plot.is_columns { "class=\"columns\" d=\"" } else { "class=\"line\" d=\"" }).unwrap();
        // Ten seconds of the five minutes: 12 of 360 across, from the first sample on.
        assert!(path.starts_with("M345.6 ") && path.contains("357.6"), "{}: {path}", plot.title);
        assert!(!html.contains("–</b> now"), "{html}");
    }
}

#[test]
fn long_figures_are_short_and_whole_in_their_title_and_long_texts_unfold() {
    let mut snapshot = snapshot(0, 1);
    let value = MetricValue { metric: "uniform".into(), value: "0.06906774760131296".into(), fields: "count=7".into() };
    snapshot.monitors[0].values = vec![value];
    snapshot.sessions[0].last_answer = Some(format!("{}the end", "blah ".repeat(100)));
    let page = Page::new().render(&snapshot, &[]);
    assert!(page.contains("<b title=\"0.06906774760131296\">0.069068</b>"), "{page}");
    assert!(page.contains("blah the end</details>"), "{page}");
}
