//! Asks exporters for their metrics: programs that show them by HTTP in the text format of Prometheus or as OpenMetrics.
//!
//! The two formats have a reader of their own: the crates that are there drop what they cannot read, change the shape of
//! histograms, or have a license that does not fit.
//!
//! Names, fields and rules: `spec/monitors/openmetrics_monitor.md`.

mod answer;
mod exposition;
mod extra_fields;
mod filter;
mod line;
mod number;
mod report;
mod scrape;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use scalyr_monitor::config::{Glob, Secret};
use scalyr_monitor::http::{HttpClient, HttpOptions, ShownUrl};
use scalyr_monitor::prelude::*;
use serde_json::{Map, Value};

use exposition::Format;
use extra_fields::ExtraFields;
use filter::{Filter, LabelValues};
use scrape::{Scrape, Wishes};

/// Text first: what most exporters write, and the old agent got. Some of them answer in OpenMetrics as soon as the word
/// appears, so it does not.
const ACCEPT_TEXT: &str = "text/plain;version=0.0.4,text/plain;q=0.5,*/*;q=0.1";

/// OpenMetrics first.
const ACCEPT_OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;q=0.8,\
                                  text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Asks a program for its metrics, which it shows as a page by HTTP in the text format of Prometheus or as OpenMetrics 1.0.
/// Hundreds of exporters and services do so.
///
/// Each line of that page becomes a metric: its name in small letters, its labels as extra fields, the time that it may bring
/// along as the field `timestamp` in milliseconds. All lines of a page have the time at which it was asked for. The quantiles
/// of summaries, state sets, and what is not a number (NaN) are left out; `+Inf` and `-Inf` are text. A line that is not
/// understood is told of in the agent log, and takes no other along.
///
/// The metric log of this monitor has no limit unless `monitor_log_write_rate` or `monitor_log_max_write_burst` is given:
/// choose what you want by the filters, best in the exporter itself. To have the rate of a counter as well, list it in
/// `calculate_rate_metric_names` as `openmetrics_monitor:NAME`, or `openmetrics_monitor:NAME:LABEL=VALUE`.
#[scalyr_monitor(name = "openmetrics_monitor", module = "scalyr_agent.builtin_monitors.openmetrics_monitor")]
pub struct OpenmetricsMonitor {
    /// The page with the metrics, such as `http://localhost:9100/metrics`.
    #[config(required, no_http)]
    url: String,

    /// Headers that are sent with each request, by name: an `Authorization`, for example.
    #[config(default, secret)]
    headers: BTreeMap<String, Secret>,

    /// Seconds that a request may take in all: looking the name up, connecting, every redirect and the whole answer.
    #[config(default = 10, min = 0.1, max = 600)]
    timeout: Duration,

    /// PEM file with the certificates that are trusted for https; without it, those of the public authorities.
    #[config]
    ca_file: Option<PathBuf>,

    /// Whether the certificate of an https server is checked. Without it anybody on the way can read and change what is
    /// sent; give `ca_file` instead, if you can.
    #[config(default = true)]
    verify_https: bool,

    /// Patterns of names: these metrics are wanted.
    #[config(default = vec!["*"])]
    metric_name_include_list: Vec<Glob>,

    /// Patterns of names: these metrics are not wanted, whatever the two other lists say.
    #[config(default)]
    metric_name_exclude_list: Vec<Glob>,

    /// Patterns of the values of labels: a metric with such a value is wanted as well. An object with the name of a metric,
    /// or `*` for all, and in it an object with the name of a label and a list of patterns. Where labels alone are to
    /// decide, `metric_name_include_list` must be `[]`.
    #[config(default)]
    metric_component_value_include_list: BTreeMap<String, LabelValues>,

    /// Fields that every line gets; a label of the same name gives way.
    #[config(default)]
    extra_fields: Map<String, Value>,

    /// Whether the server is asked for OpenMetrics rather than for the text format of Prometheus; which of the two it answers
    /// in is its choice, and an Accept in `headers` counts more. OpenMetrics marks its end; some programs name counters and
    /// write numbers in another way there.
    #[config(default = false)]
    prefer_openmetrics: bool,

    /// Takes the quantiles of summaries, and state sets, too. Without it they are left out, as the Python agent did.
    #[config(default = false)]
    include_all_types: bool,

    /// How many metrics of an answer are written; what is beyond is left out and told of.
    #[config(default = 100_000, min = 1, max = 10_000_000)]
    max_metrics: u64,

    /// How many bytes of an answer are read; what follows is left out and told of.
    #[config(default = 16_777_216, min = 1, max = 268_435_456)]
    max_body_bytes: u64,

    /// How many redirects are followed; from https never to plain http, and to another server without any of the headers.
    #[config(default = 5, min = 0, max = 20)]
    max_redirects: u32,

    client: Option<HttpClient>,
    filter: Filter,
    fields: ExtraFields,
}

impl Monitor for OpenmetricsMonitor {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        check_url(&self.url)?;
        self.client = Some(HttpClient::new(&HttpOptions {
            timeout: self.timeout,
            headers: self.headers.clone(),
            verify_https: self.verify_https,
            ca_file: self.ca_file.clone(),
            max_body_bytes: self.max_body_bytes,
            max_redirects: self.max_redirects,
        })?);
        self.fields = ExtraFields::new(&self.extra_fields)?;
        self.filter = Filter::new(
            &self.metric_name_include_list,
            &self.metric_name_exclude_list,
            &self.metric_component_value_include_list,
        );
        if self.filter.takes_nothing() {
            context.logger().warn(
                "`metric_name_include_list` and `metric_component_value_include_list` are both empty: no metric is wanted",
            );
        }
        if !self.verify_https {
            context.logger().warn(
                "`verify_https` is false: anybody on the way to the server can read and change what is sent; give `ca_file` \
                 instead",
            );
        }
        context.unlimited_log = true;
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        if let Some(client) = &self.client {
            client.end_with(run.stop());
        }
        while run.next() {
            run.sample(|out| self.gather_sample(out));
        }
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let Some(client) = &self.client else { return Ok(()) };
        let began = out.clock().now();
        let mut request = client.get(&self.url);
        if !self.headers.keys().any(|name| name.eq_ignore_ascii_case("accept")) {
            request = request.header("accept", if self.prefer_openmetrics { ACCEPT_OPENMETRICS } else { ACCEPT_TEXT });
        }
        let response = request.send()?;
        report::tell_refusal(&response, out);
        let response = answer::judge_head(response)?;
        let text = response.text();
        let answer = answer::judge_body(&response, &text);
        let wishes = Wishes { filter: &self.filter, extra_fields: &self.fields, max_metrics: self.max_metrics };
        let mut scrape = Scrape::new(wishes, began, out);
        let remains = exposition::read(answer.text, answer.format, self.include_all_types, &mut |series| {
            scrape.take(series);
        });
        let tally = scrape.end();
        let report = report::Report { place: &answer::place(&response), tally: &tally, remains: &remains };
        report.tell(self.max_metrics, out);
        if report.understood_nothing() {
            return report.fail(
                "none of its lines is a metric as Prometheus or OpenMetrics write it; is the path right? Most exporters \
                 show their metrics under /metrics",
            );
        }
        // What was read is written all the same.
        if response.is_cut() {
            return report.fail(format_args!(
                "the answer is longer than `max_body_bytes` ({}), and its rest is left out; raise it, or let the exporter \
                 show less",
                self.max_body_bytes
            ));
        }
        if answer.format == Format::OpenMetrics && !remains.is_ended {
            return report.fail("the answer does not end with # EOF, as OpenMetrics must: a part of it is missing");
        }
        if answer.unfinished > 0 {
            return report.fail("the answer ends in the middle of a line, which is left out: a part of it is missing");
        }
        Ok(())
    }
}

/// A mistake that only the user can mend, told before the first request.
fn check_url(url: &str) -> Result<()> {
    let begins = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    match begins("http://") || begins("https://") {
        true => Ok(()),
        false => Err(Error::new(format!(
            "url: {} begins with neither http:// nor https://; write the whole of it, such as \
             http://localhost:9100/metrics",
            ShownUrl(url)
        ))),
    }
}

#[cfg(test)]
mod tests;
