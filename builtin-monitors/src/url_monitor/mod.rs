//! Asks a server over HTTP with each sample; its answer is the value.

mod body;
mod header;

use std::time::Duration;

use scalyr_monitor::http::{HttpClient, HttpOptions, NoAnswer, Request, Response, Trouble};
use scalyr_monitor::prelude::*;

use crate::excerpt::{Excerpt, ExcerptOptions};
use header::RequestHeader;

/// A trouble that lasts is told once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(300);

/// How many characters of an error stand in a line.
const ERROR_CHARACTERS: usize = 200;

/// Asks a server over HTTP with each sample and emits the status, the text and the time of its answer: a way to watch
/// whether a service is there, and what a page of it says.
///
/// Any status is an answer. Where there is none, the value is `failed` and the `status` 0, on which an alert can be built.
/// Such a line has no `request_method`; instead, one field more says why: `url_error` (the server cannot be reached),
/// `incomplete_read` (the answer breaks off), `http_error` (it redirects where nobody goes) or `unknown_error` (all else; with
/// `timeout: ` in front, when it took too long).
///
/// The server is asked directly: a proxy that the environment names (`https_proxy`) is not used.
#[scalyr_monitor(
    name = "url_monitor",
    module = "scalyr_agent.builtin_monitors.url_monitor",
    log_fields(
        monitor = "`url_monitor`.",
        metric = "The name of the metric: `response`.",
        instance = "The `id` of the entry.",
        url = "What is asked.",
        status = "The status code of the answer, 200 for success; 0 when there is none.",
        length = "How many characters the answer has, before lines and characters were cut off.",
        value = "What the server answered."
    )
)]
pub struct UrlMonitor {
    /// What is asked, by http or https. It is part of each line, without the user and the password that stand in it.
    #[config(required, no_http)]
    url: String,

    /// The method of the request.
    #[config(default = "GET")]
    request_method: String,

    /// Headers of the request, each as `{ header: "NAME", value: "TEXT" }`.
    #[config(default, secret)]
    request_headers: Vec<RequestHeader>,

    /// What is sent to the server: the body of the request.
    #[config]
    request_data: Option<String>,

    #[config(flatten)]
    http: HttpOptions,

    #[config(flatten)]
    excerpt: ExcerptOptions,

    /// What the server answered, as `extract`, `log_all_lines` and `max_characters` leave it; `failed` without an answer.
    #[metric]
    response: Metric<&'static str, Answered<'static>>,

    /// How long it took until the answer was there as a whole.
    #[metric(unit = "sec:.001")]
    duration_ms: Metric<f64, Asked<'static>>,

    client: Option<HttpClient>,
    shown_url: String,
}

/// Extra fields of an answer.
#[derive(Fields)]
struct Answered<'a> {
    /// How many characters there were before lines and characters were cut off.
    length: usize,
    /// The method of the request.
    request_method: &'a str,
    /// The status code.
    status: u16,
    /// What was asked.
    url: &'a str,
}

/// Extra fields of the duration.
#[derive(Fields)]
struct Asked<'a> {
    /// The status code.
    status: u16,
    /// What was asked.
    url: &'a str,
}

impl Monitor for UrlMonitor {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        for (at, header) in self.request_headers.iter().enumerate() {
            header.check().about(format_args!("request_headers[{at}]"))?;
        }
        let client = HttpClient::new(&self.http)?;
        self.request(&client).check()?;
        self.client = Some(client);
        self.shown_url = without_user(&self.url);
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
        let begin = out.clock().monotonic();
        match self.request(client).attempt() {
            Ok(response) => {
                let took = out.clock().monotonic().saturating_duration_since(begin);
                self.emit(&response, took, out)
            }
            // That is no fault of the server's.
            Err(_) if out.stop().is_stopped() => Ok(()),
            Err(error) => {
                self.emit_failure(&error, out);
                Ok(())
            }
        }
    }
}

impl UrlMonitor {
    fn request<'c>(&self, client: &'c HttpClient) -> Request<'c> {
        let mut request = client.request(&self.request_method, &self.url);
        let is_given = |name: &str| {
            self.http.headers.keys().any(|header| header.eq_ignore_ascii_case(name))
                || self.request_headers.iter().any(|header| header.name().eq_ignore_ascii_case(name))
        };
        if !is_given("user-agent") {
            request = request
                .header("user-agent", concat!("scalyr-agent-", env!("CARGO_PKG_VERSION"), ";monitor=url_monitor"));
        }
        if !is_given("connection") {
            // A server that takes no new connection is one that is down.
            request = request.header("connection", "close");
        }
        if self.request_data.is_some() && !is_given("content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for header in &self.request_headers {
            request = request.header(header.name(), header.value());
        }
        match &self.request_data {
            Some(data) => request.body(data.as_str()),
            None => request,
        }
    }

    fn emit(&self, response: &Response, took: Duration, out: &mut Sample) -> Result<()> {
        if response.is_cut() {
            out.limited("cut", TOLD_EVERY).warn(format_args!(
                "{response}: the body is longer than `max_body_bytes`, {}; the rest of it is left out",
                self.http.max_body_bytes
            ));
        }
        let text = body::text_of(response, self.http.max_body_bytes, out);
        let Excerpt { value, length } = self.excerpt.of(&text)?;
        let (request_method, status, url) = (self.request_method.as_str(), response.status(), self.shown_url.as_str());
        out.emit_with(self.response, &*value, Answered { length, request_method, status, url });
        out.emit_with(self.duration_ms, took.as_micros() as f64 / 1000.0, Asked { status, url });
        Ok(())
    }

    /// A line with other fields, as those have it who build alerts on it; and what to do, for those who read the agent log.
    fn emit_failure(&self, error: &NoAnswer, out: &mut Sample) {
        let cause: String = error.cause().chars().take(ERROR_CHARACTERS).collect();
        let (field, cause) = match error.trouble() {
            Trouble::Unreachable => ("url_error", cause),
            Trouble::CutShort => ("incomplete_read", cause),
            Trouble::Redirect => ("http_error", cause),
            Trouble::Timeout => ("unknown_error", format!("timeout: {cause}")),
            _ => ("unknown_error", cause),
        };
        out.emit_dynamic(
            self.response.name(),
            &"failed",
            &[("length", &0), ("status", &0), ("url", &self.shown_url.as_str()), (field, &cause.as_str())],
        );
        out.limited(field, TOLD_EVERY).warn(error);
    }
}

/// A URL without the user and the password in front of the host.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{behind}")
}

#[cfg(test)]
mod tests;
