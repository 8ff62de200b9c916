//! What an answer means for the request (`wire-protocol.md` section 6, with the better behaviour of section 15).

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::config::plan::ApiKey;

use super::client::Reply;
use super::connection::Failure;

/// How much of an answer is shown in logs and status.
const SHOWN_CHARACTERS: usize = 1000;

/// What is to become of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The server has the events.
    Success,
    /// The server wants the events dropped.
    Discard,
    /// The request must be sent again.
    Retry(Trouble),
}

/// Why a request must be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What kind of trouble it is, to tell the same one from another: short, for status (`error/server/backoff`,
    /// `HTTP 503`, `no answer`).
    pub(super) kind: String,
    /// What was found, for the person who reads the log; holds no secret.
    pub(super) text: String,
    /// The server does not want to hear from us before.
    pub(super) retry_after: Option<Duration>,
}

/// An answer, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// What it means.
    pub(super) judgement: Judgement,
    /// `status` of the answer when it has one, else `HTTP <code>`; for status.
    pub(super) status: String,
    /// Its beginning, printable and without the api key.
    pub(super) text: String,
}

/// Judges an answer: success is HTTP 200 with the status `success` and nothing else; a status whose last part is
/// `discardBuffer` discards; with everything else the request is kept and sent again.
pub(super) fn judge(reply: &Reply, api_key: &ApiKey) -> Answer {
    let text = presentable(&String::from_utf8_lossy(&reply.body), api_key);
    let json = serde_json::from_slice::<Value>(&reply.body).ok().filter(|_| !reply.cut);
    let status = json.as_ref().and_then(|json| json.get("status")).and_then(Value::as_str);
    let code = reply.status;
    let shown = match status {
        Some(status) => presentable(status, api_key),
        None => format!("HTTP {code}"),
    };
    let judgement = match status {
        Some("success") if code == 200 => Judgement::Success,
        // "Too many requests" is the word of whoever stands in front of the service; nothing is dropped on it.
        Some(status) if last_part(status) == "discardBuffer" && code != 429 => Judgement::Discard,
        status => Judgement::Retry(Trouble {
            kind: if code == 200 { shown.clone() } else { format!("HTTP {code}") },
            text: describe(reply, status, &shown, &text),
            retry_after: reply.retry_after.filter(|_| matches!(code, 429 | 503)),
        }),
    };
    Answer { judgement, status: shown, text }
}

/// A request without an answer.
pub(super) fn unanswered(why: &str, api_key: &ApiKey) -> Trouble {
    let text = presentable(why, api_key);
    Trouble { kind: text.clone(), text, retry_after: None }
}

/// A request that found no server, or no answer.
pub(super) fn unreached(failure: &Failure, api_key: &ApiKey) -> Trouble {
    Trouble { kind: failure.kind.to_owned(), ..unanswered(&failure.text, api_key) }
}

fn describe(reply: &Reply, status: Option<&str>, shown: &str, text: &str) -> String {
    let code = reply.status;
    let found = match status {
        Some(_) if code == 200 => format!("the server answers status {shown}"),
        Some(_) => format!("the server answers HTTP {code} with status {shown}"),
        None if reply.cut => format!("the server answers HTTP {code} with more than {} bytes", reply.body.len()),
        None if reply.body.is_empty() => format!("the server answers HTTP {code} with an empty body"),
        None => format!("the server answers HTTP {code} without a status that can be read"),
    };
    let advice = match (status.map(last_part), code) {
        (Some("badParam" | "invalidApiKey"), _) | (_, 401 | 403) => {
            "; most likely api_key is wrong: it must be a \"write logs\" key of this account"
        }
        (Some("requestTooLarge"), _) => "; lower max_allowed_request_size so that requests fit",
        _ => "",
    };
    if text.is_empty() { format!("{found}{advice}") } else { format!("{found}{advice}: {text}") }
}

/// The code itself, behind its classes: `backoff` of `error/server/backoff`.
fn last_part(status: &str) -> &str {
    status.rsplit('/').next().unwrap_or(status)
}

/// The first characters of a foreign text: the api key masked, control characters escaped.
pub(super) fn presentable(text: &str, api_key: &ApiKey) -> String {
    let masked = mask(text, api_key);
    let mut shown = String::new();
    for c in masked.trim().chars().take(SHOWN_CHARACTERS) {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Hides the api key, as it is and as it stands in JSON.
fn mask(text: &str, api_key: &ApiKey) -> String {
    const MASK: &str = "********** MASKED **********";
    let key = api_key.reveal();
    if key.is_empty() {
        return text.to_owned();
    }
    let masked = text.replace(key, MASK);
    match serde_json::to_string(key).ok().as_deref().map(|quoted| quoted.trim_matches('"')) {
        Some(escaped) if !escaped.is_empty() => masked.replace(escaped, MASK),
        _ => masked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: body.into(), ..Reply::default() }
    }

    fn judged(status: u16, body: &str) -> Judgement {
        judge(&reply(status, body), &ApiKey::new("secret-key")).judgement
    }

    fn trouble(status: u16, body: &str) -> Trouble {
        match judged(status, body) {
            Judgement::Retry(trouble) => trouble,
            other => panic!("{body} should be tried again, not {other:?}"),
        }
    }

    #[test]
    fn only_http_200_with_the_status_success_is_a_success() {
        assert_eq!(judged(200, r#"{"status":"success"}"#), Judgement::Success);
        assert_eq!(judged(200, " {\"bytesCharged\": 997, \"status\": \"success\"}\r\n"), Judgement::Success);
        for (status, body) in [
            (200, ""),
            (200, "success"),
            (200, "\"success\""),
            (200, "null"),
            (200, "[]"),
            (200, "{}"),
            (200, r#"{"status":null}"#),
            (200, r#"{"status":["success"]}"#),
            (200, r#"{"status":"Success"}"#),
            (200, r#"{"status":"success/partly"}"#),
            (200, r#"{"status":"error/success"}"#),
            (200, r#"{"status":"succ"#),
            (200, "<html>success</html>"),
            (201, r#"{"status":"success"}"#),
            (302, r#"{"status":"success"}"#),
            (429, r#"{"status":"success"}"#),
            (500, r#"{"status":"success"}"#),
            (200, r#"{"status":"error/server/backoff"}"#),
            (200, r#"{"status":"error/client/badParam"}"#),
        ] {
            assert!(matches!(judged(status, body), Judgement::Retry(_)), "{status} {body}");
        }
        let cut = Reply { cut: true, ..reply(200, r#"{"status":"success"}"#) };
        assert!(matches!(judge(&cut, &ApiKey::new("k")).judgement, Judgement::Retry(_)));
    }

    #[test]
    fn discard_buffer_is_an_exact_code_or_the_last_part_of_one() {
        assert_eq!(judged(200, r#"{"status":"discardBuffer"}"#), Judgement::Discard);
        assert_eq!(judged(400, r#"{"status":"error/server/discardBuffer"}"#), Judgement::Discard);
        for status in ["discardBufferNot", "do not discardBuffer", "discardBuffer/later", "xdiscardBuffer"] {
            assert!(matches!(judged(200, &format!(r#"{{"status":"{status}"}}"#)), Judgement::Retry(_)), "{status}");
        }
        assert!(matches!(judged(429, r#"{"status":"discardBuffer"}"#), Judgement::Retry(_)));
    }

    #[test]
    fn a_refused_key_is_named_as_the_cause_and_never_shown() {
        for status in ["error/client/badParam", "invalidApiKey", "error/client/invalidApiKey"] {
            let body = format!(r#"{{"status":"{status}","message":"no such key: secret-key"}}"#);
            let trouble = trouble(200, &body);
            assert!(trouble.text.contains("api_key is wrong"), "{}", trouble.text);
            assert!(!trouble.text.contains("secret-key"));
            assert!(trouble.text.contains("MASKED"));
        }
        for code in [401, 403] {
            assert!(trouble(code, "<html>no</html>").text.contains("api_key is wrong"), "{code}");
        }
        assert!(!trouble(404, "").text.contains("api_key"));
        let echo = reply(200, r#"{"status":"secret-key"}"#);
        assert!(!format!("{:?}", judge(&echo, &ApiKey::new("secret-key"))).contains("secret-key"));
    }

    #[test]
    fn a_key_that_json_escapes_is_masked_too() {
        let text = presentable(r#"{"token": "a\"b\\c", "plain": a"b\c}"#, &ApiKey::new("a\"b\\c"));
        assert!(!text.contains("b\\"), "{text}");
    }

    #[test]
    fn a_foreign_text_is_shortened_and_cannot_forge_log_lines() {
        let text = presentable("a\r\n2022-01-01 CRITICAL\u{1b}[31m\u{2028}ä", &ApiKey::new("k"));
        assert_eq!(text, "a\\r\\n2022-01-01 CRITICAL\\u{1b}[31m\\u{2028}ä");
        assert_eq!(presentable(&"ä".repeat(5000), &ApiKey::new("k")).chars().count(), 1000);
        // The key is masked before the text is cut, so that no part of it remains at the cut.
        let text = presentable(&format!("{}secret-key", "x".repeat(995)), &ApiKey::new("secret-key"));
        assert!(!text.contains("secr"));
    }

    #[test]
    fn retry_after_counts_with_429_and_503_only() {
        for (status, counts) in [(429, true), (503, true), (200, false), (500, false)] {
            let reply = Reply { retry_after: Some(Duration::from_secs(7)), ..reply(status, "busy") };
            let Judgement::Retry(trouble) = judge(&reply, &ApiKey::new("k")).judgement else { panic!("{status}") };
            assert_eq!(trouble.retry_after.is_some(), counts, "{status}");
        }
    }

    #[test]
    fn the_kind_tells_causes_apart_and_the_text_names_what_was_found() {
        assert_eq!(trouble(503, "<html>busy</html>").kind, "HTTP 503");
        assert_eq!(trouble(200, r#"{"status":"error/server/backoff"}"#).kind, "error/server/backoff");
        assert_eq!(trouble(200, "").text, "the server answers HTTP 200 with an empty body");
        let text = trouble(200, r#"{"status":"error/client/requestTooLarge"}"#).text;
        assert!(text.contains("max_allowed_request_size"), "{text}");
    }
}
