//! What a server answered: whether it is an exposition, and in which format; or what to do about it.

use scalyr_monitor::http::Response;
use scalyr_monitor::{Error, Result};

use super::exposition::Format;

/// The text of an exposition, as far as it can be trusted to be whole lines.
pub(super) struct Answer<'r> {
    pub(super) text: &'r str,
    pub(super) format: Format,
    /// How many bytes of an unfinished last line are left out because the answer may have been cut there.
    pub(super) unfinished: usize,
}

/// The status that an exposition comes with.
const OK: u16 = 200;

/// How much of a refusal is shown.
const SHOWN_CHARACTERS: usize = 200;

/// Judges the head of an answer.
///
/// # Errors
/// When it holds no exposition. The text names the URL, what came instead and what to do.
pub(super) fn judge_head(response: Response) -> Result<Response> {
    let advice = match response.status() {
        OK => None,
        401 => Some(
            "the server wants to know who asks: give `headers` an Authorization, such as { \"Authorization\": \"Bearer …\" }",
        ),
        403 => {
            Some("the server refuses to show this page to this agent: allow it there, or give `headers` what it wants")
        }
        404 => Some("is the path right? Most exporters show their metrics under /metrics"),
        406 => Some("the server has no text format; see what it offers, and ask for that by an Accept in `headers`"),
        201..300 => Some("metrics come with status 200"),
        _ => None,
    };
    if response.status() == OK {
        return refuse_other_content(&response).map(|()| response);
    }
    match advice {
        Some(advice) => Err(Error::new(format!("{response}; {advice}"))),
        None => response.expect_success(),
    }
}

/// The first line of what a refusal says about itself; nothing when that is a page for people. It may be another one each
/// time, so it is no part of the error.
pub(super) fn refusal(response: &Response) -> Option<String> {
    let text = response.text();
    let first = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let is_words = response.status() != OK && !first.is_empty() && !first.starts_with('<');
    is_words.then(|| first.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARACTERS).collect())
}

/// Refuses what is no text of metrics.
fn refuse_other_content(response: &Response) -> Result<()> {
    let refuse = |what: &str| Err(Error::new(format!("{}: {what}", place(response))));
    let content = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if content.contains("application/openmetrics-protobuf") || content.contains("application/vnd.google.protobuf") {
        return refuse(
            "the server answers in a binary format (protobuf), which is not read; it must offer text: take Accept out of \
             `headers`, if it is there",
        );
    }
    let encoding = response.header("content-encoding").unwrap_or("identity");
    if !encoding.trim().eq_ignore_ascii_case("identity") {
        return refuse(
            "the server compresses its answer though it is not asked to; switch that off there, or take Accept-Encoding \
             out of `headers`",
        );
    }
    // What a page says of itself does not count: many small exporters answer with what their web framework puts there.
    let begin = response.bytes().trim_ascii_start();
    if begin.starts_with(b"<") {
        return refuse(
            "the server answers with a page for people (HTML or XML), not with metrics; is the path right? Most \
             exporters show their metrics under /metrics",
        );
    }
    if content.contains("json") && begin.starts_with(b"{") || begin.starts_with(b"[") {
        return refuse(
            "the server answers with JSON, not with metrics in the format of Prometheus or OpenMetrics; is the path \
             right? Some programs want a parameter in it, such as ?format=prometheus",
        );
    }
    Ok(())
}

/// `GET http://localhost/metrics`: what was asked, without the status.
pub(super) fn place(response: &Response) -> String {
    let shown = response.to_string();
    shown.rsplit_once(": status ").map_or(shown.clone(), |(place, _)| place.to_owned())
}

/// Takes the whole lines of a body; `text` is that of the response.
pub(super) fn judge_body<'r>(response: &Response, text: &'r str) -> Answer<'r> {
    // Only a body that says its length, or where it ends, is known to be whole.
    let has_end = response.header("content-length").is_some() || response.header("transfer-encoding").is_some();
    let whole = match response.is_cut() || !has_end {
        true => text.rfind('\n').map_or(0, |end| end + 1),
        false => text.len(),
    };
    let (whole, rest) = text.split_at_checked(whole).unwrap_or((text, ""));
    let is_marked = |text: &str| text.trim_ascii_end().lines().next_back() == Some("# EOF");
    // The mark of the end may stand without a line break behind it.
    let (whole, rest) = if !response.is_cut() && is_marked(text) { (text, "") } else { (whole, rest) };
    let content = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let format = match () {
        () if content.contains("openmetrics") => Format::OpenMetrics,
        () if content.contains("version=") => Format::Prometheus,
        // It does not say what it is: the mark of the end does.
        () if is_marked(whole) => Format::OpenMetrics,
        () => Format::Prometheus,
    };
    Answer { text: whole, format, unfinished: rest.len() }
}
