//! The page for people: one file of HTML without any outside asset, whole without its script; the script only brings it up
//! to date every five seconds.
//!
//! It is written by plain Rust and not by a template engine: [`html::Html`] lets only text of this program be markup, so
//! nothing can be forgotten to be escaped, and there is no crate to keep up with for one page.

mod configuration;
mod files;
mod html;
mod monitors;
mod plot;
mod sessions;
mod table;
#[cfg(test)]
mod tests;
mod units;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::history::Point;
use super::{Health, Snapshot, word};
use html::Html;
use plot::Plot;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Renders the page.
pub struct Page {
    policy: String,
}

/// The plots, in their order.
const PLOTS: [Plot; 4] = [
    Plot {
        title: "Throughput",
        of_what: "accepted by servers",
        about: "Bytes of log that servers accepted per second, over the last hour at most",
        class: "flow",
        of: |point| point.bytes_per_second.map(f64::from),
        unit: units::rate,
        top: plot::top_of_bytes,
        least_top: 1000.0,
        is_columns: false,
    },
    Plot {
        title: "Lag",
        of_what: "without an outcome",
        about: "Bytes of followed files that have no outcome yet, over the last hour at most",
        class: "lag",
        of: |point| Some(point.lag_bytes.into()),
        unit: units::bytes,
        top: plot::top_of_bytes,
        least_top: 1000.0,
        is_columns: false,
    },
    Plot {
        title: "Oldest waiting line",
        of_what: "waits for",
        about: "Seconds that the oldest byte without an outcome had been waiting, over the last hour at most",
        class: "age",
        of: |point| Some(point.lag_seconds.into()),
        unit: units::seconds,
        top: plot::top_of_seconds,
        least_top: 10.0,
        is_columns: false,
    },
    Plot {
        title: "Failed attempts",
        of_what: "in ten seconds",
        about: "Attempts to send a request that failed, in each ten seconds of the last hour at most",
        class: "bad",
        of: |point| point.failed.map(f64::from),
        unit: units::count,
        top: plot::top_of_counts,
        least_top: 2.0,
        is_columns: true,
    },
];

impl Page {
    /// A page with the policy that lets its own style and script act, and nothing else.
    pub fn new() -> Self {
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
        let (style, script) = (hash(STYLE), hash(SCRIPT));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Self { policy }
    }

    /// `Content-Security-Policy` of the page.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The page.
    pub fn render(&self, snapshot: &Snapshot, history: &[Point]) -> String {
        let mut html = Html::default();
        html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
        html.text(word(&snapshot.health)).raw(" · ").text(&snapshot.server_host).raw(" · Scalyr agent</title>\n");
        html.raw("<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E");
        html.raw("%3Ccircle cx='8' cy='8' r='7' fill='%23")
            .raw(icon_colour(snapshot.health))
            .raw("'/%3E%3C/svg%3E\">\n");
        html.raw("<style>")
            .raw(STYLE)
            .raw("</style>\n</head>\n<body>\n<p id=\"stale\" role=\"status\" hidden></p>\n<main>\n");
        header(&mut html, snapshot);
        html.raw("<section class=\"plots\" aria-label=\"The last hour at most\">");
        PLOTS.iter().for_each(|plot| plot.draw(&mut html, history, snapshot.now));
        html.raw("</section>\n");
        sessions::write(&mut html, snapshot);
        files::write(&mut html, snapshot);
        monitors::write(&mut html, snapshot);
        configuration::write(&mut html, snapshot);
        html.raw("<footer>Where a plot is shaded nothing was recorded: there was no agent, or no page of it. As of ")
            .text(units::moment(snapshot.now))
            .raw(". All times are UTC. For programs: ");
        html.raw("<a href=\"/status.json\">status.json</a>, <a href=\"/metrics\">metrics</a>, <a href=\"/healthz\">healthz</a>");
        html.raw("</footer>\n</main>\n<script>").raw(SCRIPT).raw("</script>\n</body>\n</html>\n");
        html.finish()
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

fn icon_colour(health: Health) -> &'static str {
    match health {
        Health::Good => "1a7f37",
        Health::Degraded => "bf8700",
        Health::Failing => "cf222e",
    }
}

fn header(html: &mut Html, snapshot: &Snapshot) {
    let (badge, says) = match snapshot.health {
        Health::Good => ("badge good", "good"),
        Health::Degraded => ("badge degraded", "degraded"),
        Health::Failing => ("badge failing", "failing"),
    };
    html.raw("<header><div><h1>").text(&snapshot.server_host).raw("</h1><p>Scalyr agent ").text(&snapshot.version);
    html.raw(", up ").text(units::seconds((snapshot.now - snapshot.started).max(0.0)));
    html.raw(", process ").text(snapshot.pid).raw(" of ").text(&snapshot.user);
    html.raw("</p></div>").element("strong", badge, says).raw("</header>\n");
    if !snapshot.troubles.is_empty() {
        let class = if snapshot.health == Health::Failing { "failing" } else { "degraded" };
        html.raw("<section class=\"troubles ").raw(class).raw("\" aria-label=\"Troubles\"><ul>");
        for trouble in snapshot.troubles.iter().take(table::MOST_ROWS) {
            html.raw("<li>").text(trouble).raw("</li>");
        }
        html.raw("</ul></section>\n");
    }
    let sum = |of: fn(&crate::upload::SessionSnapshot) -> f64| snapshot.sessions.iter().map(of).sum::<f64>();
    let monitors =
        snapshot.running_monitors + snapshot.dead_monitors + snapshot.refused.len() + snapshot.refused_entries.len();
    let lost: u64 =
        snapshot.totals.dropped.values().chain(snapshot.totals.skipped.values()).map(|count| count.bytes).sum();
    html.raw("<dl class=\"tiles\">");
    let mut tile = |name: &'static str, value: String, more: String| {
        html.raw("<div><dt>")
            .raw(name)
            .raw("</dt><dd>")
            .text(value)
            .raw(" <small>")
            .text(more)
            .raw("</small></dd></div>");
    };
    tile("Throughput", units::rate(sum(|session| session.bytes_per_second)), "over the last minute".into());
    let accepted = snapshot.totals.accepted;
    tile("Accepted", units::bytes(accepted.bytes as f64), format!("{} lines", units::count(accepted.lines as f64)));
    tile("Lag", units::bytes(snapshot.lag.bytes as f64), format!("oldest {}", units::seconds(snapshot.lag.seconds)));
    tile("Dropped or skipped", units::bytes(lost as f64), String::new());
    tile("Files", units::count(snapshot.files.len() as f64), format!("{} paths watched", snapshot.tail.watched_paths));
    tile("Monitors", format!("{} of {monitors}", snapshot.running_monitors), "run".into());
    html.raw("</dl>\n");
}
