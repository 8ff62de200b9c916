//! What an answer means for the request (`wire-protocol.md` section 6, with the better behaviour of section 15).

use std::fmt::Write as _;
use std::time::Duration;

use scalyr_monitor::Timestamp;
use serde_json::Value;

use crate::config::plan::Hidden;

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
    /// The request is larger than the server takes.
    TooLarge(Trouble),
    /// The server refuses the request: for what is in it, or for the key.
    Refused(Trouble),
    /// The server refuses the key.
    KeyRefused(Trouble),
    /// The server says that the clock of this host is wrong; the request must be sent again.
    Skewed(Trouble),
    /// The request must be sent again.
    Retry(Trouble),
}

/// What was sent: with nothing in it to blame, refusals mean the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Events.
    Events,
    /// None, to see what the server says.
    Probe,
}

/// Why a request was not taken.
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
    /// `status` of the answer when it has one, and `HTTP <code>` unless that is 200; for status.
    pub(super) status: String,
    /// Its beginning, printable and without any secret.
    pub(super) text: String,
}

/// Judges an answer that came at `now`: success is HTTP 200 with the status `success` and nothing else. A code of the
/// protocol is the whole status or its last part; what is none of the known ones means that the request is kept and sent
/// again.
pub(super) fn judge(reply: &Reply, hidden: &Hidden, sent: Sent, now: Timestamp) -> Answer {
    let text = presentable(&String::from_utf8_lossy(&reply.body), hidden);
    let json = serde_json::from_slice::<Value>(&reply.body).ok().filter(|_| !reply.cut);
    let status = json.as_ref().and_then(|json| json.get("status")).and_then(Value::as_str);
    let code = reply.status;
    let shown = match status {
        Some(status) => presentable(status, hidden),
        None => format!("HTTP {code}"),
    };
    let trouble = |advice: &str| Trouble {
        kind: if code == 200 { shown.clone() } else { format!("HTTP {code}") },
        text: describe(reply, status, &shown, &quoted(json.as_ref(), &text, hidden), advice),
        // The server's clock counts, where it tells its time.
        retry_after: reply
            .retry_after
            .filter(|_| matches!(code, 429 | 503))
            .and_then(|after| after.from(reply.date.unwrap_or(now))),
    };
    let judgement = match meaning(code, status) {
        Meaning::Success => Judgement::Success,
        Meaning::Discard => Judgement::Discard,
        Meaning::TooLarge => Judgement::TooLarge(trouble("")),
        Meaning::Skewed => Judgement::Skewed(trouble(&clock_advice(reply.date, now))),
        Meaning::KeyRefused => Judgement::KeyRefused(trouble(KEY_ADVICE)),
        Meaning::BadParam if sent == Sent::Probe => Judgement::KeyRefused(trouble(KEY_ADVICE)),
        Meaning::BadParam | Meaning::Refused => Judgement::Refused(trouble("")),
        Meaning::Other => Judgement::Retry(trouble("")),
    };
    let status = if code == 200 || status.is_none() { shown } else { format!("HTTP {code}: {shown}") };
    Answer { judgement, status, text }
}

/// What to do about a refused key.
const KEY_ADVICE: &str = "; most likely api_key is wrong: it must be a \"Log Write Access\" key of this account";

/// Whose clock says what.
fn clock_advice(server: Option<Timestamp>, now: Timestamp) -> String {
    let advice = "; it finds that the clock of this host is wrong, set it (for example with NTP)";
    let Some(server) = server else { return advice.to_owned() };
    let seconds = now.as_secs().abs_diff(server.as_secs());
    let side = if now < server { "behind" } else { "ahead of" };
    format!("{advice}: it says {now}, the server's {server}, {seconds} seconds {side} it")
}

/// What an answer says, whatever was sent.
enum Meaning {
    Success,
    Discard,
    TooLarge,
    Skewed,
    KeyRefused,
    /// So the service answers a wrong key, and a request that it does not like (`wire-protocol.md` section 9).
    BadParam,
    Refused,
    Other,
}

fn meaning(code: u16, status: Option<&str>) -> Meaning {
    match (code, status.map(last_part)) {
        (200, _) if status == Some("success") => Meaning::Success,
        // "Too many requests" is the word of whoever stands in front of the service; nothing is dropped on it.
        (429, _) => Meaning::Other,
        (_, Some("discardBuffer")) => Meaning::Discard,
        (413, _) | (_, Some("requestTooLarge")) => Meaning::TooLarge,
        (_, Some("badClientClockSkew")) => Meaning::Skewed,
        (401, _) | (_, Some("invalidApiKey")) => Meaning::KeyRefused,
        _ if !blames_the_client(code, status) => Meaning::Other,
        // A firewall says 403, too, and may mean the content.
        (403, _) | (_, Some("badParam")) => Meaning::BadParam,
        _ => Meaning::Refused,
    }
}

/// Whether the client has sent something wrong, in the server's eyes. Codes that speak of the address, of a proxy or of
/// the moment say nothing about the request.
fn blames_the_client(code: u16, status: Option<&str>) -> bool {
    let is_of_server = status.is_some_and(|status| status.starts_with("error/server"));
    match code {
        404 | 405 | 407 | 408 | 421 | 425 | 426 | 431 => false,
        400..=499 => !is_of_server,
        200..=299 => status.is_some_and(|status| status.starts_with("error/client/") || status == "badParam"),
        _ => false,
    }
}

/// A request without an answer.
pub(super) fn unanswered(why: &str, hidden: &Hidden) -> Trouble {
    let text = presentable(why, hidden);
    Trouble { kind: text.clone(), text, retry_after: None }
}

/// A request that found no server, or no answer.
pub(super) fn unreached(failure: &Failure, hidden: &Hidden) -> Trouble {
    Trouble { kind: failure.kind.to_owned(), ..unanswered(&failure.text, hidden) }
}

/// `text` is what is quoted.
fn describe(reply: &Reply, status: Option<&str>, shown: &str, text: &str, advice: &str) -> String {
    let code = reply.status;
    let found = match status {
        Some(_) if code == 200 => format!("the server answers status {shown}"),
        Some(_) => format!("the server answers HTTP {code} with status {shown}"),
        None if reply.cut => format!("the server answers HTTP {code} with more than {} bytes", reply.body.len()),
        None if reply.body.is_empty() => format!("the server answers HTTP {code} with an empty body"),
        None => format!("the server answers HTTP {code} without a status that can be read"),
    };
    match status {
        _ if text.is_empty() => format!("{found}{advice}"),
        // The words of the service, then ours.
        Some(_) => format!("{found}: {text}{advice}"),
        None => format!("{found}{advice}: {text}"),
    }
}

/// What is worth quoting of an answer beside its status: its message, if it has one; `text`, all of it, unless it says no
/// more than the status does.
fn quoted(json: Option<&Value>, text: &str, hidden: &Hidden) -> String {
    // A status that is no text is not told of otherwise.
    let told = |members: &&serde_json::Map<String, Value>| members.get("status").is_some_and(Value::is_string);
    let Some(members) = json.and_then(Value::as_object).filter(told) else {
        return text.to_owned();
    };
    match members.get("message").and_then(Value::as_str) {
        Some(message) => presentable(message, hidden),
        None if members.len() == 1 => String::new(),
        None => text.to_owned(),
    }
}

/// The code itself, behind its classes: `backoff` of `error/server/backoff`.
fn last_part(status: &str) -> &str {
    status.rsplit('/').next().unwrap_or(status)
}

/// The first characters of a foreign text: secrets masked, control characters escaped.
pub(super) fn presentable(text: &str, hidden: &Hidden) -> String {
    let masked = hidden.masked(text);
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

#[cfg(test)]
mod tests {
    use super::super::http_date::RetryAfter;
    use super::*;
    use crate::config::plan::ApiKey;

    fn hiding(key: &str) -> Hidden {
        let hidden = Hidden::default();
        hidden.hide_key(&ApiKey::new(key));
        hidden
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: body.into(), ..Reply::default() }
    }

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

    fn judged(status: u16, body: &str) -> Judgement {
        judge(&reply(status, body), &hiding("secret-key"), Sent::Events, NOW).judgement
    }

    fn trouble(status: u16, body: &str) -> Trouble {
        match judged(status, body) {
            Judgement::Retry(trouble) => trouble,
            other => panic!("{body} should be tried again, not {other:?}"),
        }
    }

    /// What a judgement is, in a word.
    fn word(judgement: &Judgement) -> &'static str {
        match judgement {
            Judgement::Success => "success",
            Judgement::Discard => "discard",
            Judgement::TooLarge(_) => "too large",
            Judgement::Refused(_) => "refused",
            Judgement::KeyRefused(_) => "key refused",
            Judgement::Skewed(_) => "skewed",
            Judgement::Retry(_) => "retry",
        }
    }

    #[test]
    fn every_code_and_status_has_its_meaning_for_events_and_for_a_probe() {
        for (code, status, events, probe) in [
            (200, "error/client/badParam", "refused", "key refused"),
            (200, "badParam", "refused", "key refused"),
            (400, "error/client/badParam", "refused", "key refused"),
            (200, "error/client/somethingNew", "refused", "refused"),
            (400, "", "refused", "refused"),
            (422, "", "refused", "refused"),
            (415, "unknown", "refused", "refused"),
            (403, "", "refused", "key refused"),
            (401, "", "key refused", "key refused"),
            (200, "error/client/invalidApiKey", "key refused", "key refused"),
            (413, "", "too large", "too large"),
            (413, "error/client/badParam", "too large", "too large"),
            (200, "error/client/requestTooLarge", "too large", "too large"),
            (400, "requestTooLarge", "too large", "too large"),
            (200, "error/client/badClientClockSkew", "skewed", "skewed"),
            (400, "badClientClockSkew", "skewed", "skewed"),
            (429, "error/client/requestTooLarge", "retry", "retry"),
            (429, "error/client/badParam", "retry", "retry"),
            (500, "error/client/badParam", "retry", "retry"),
            (302, "error/client/badParam", "retry", "retry"),
            (400, "error/server/backoff", "retry", "retry"),
            (200, "error/client", "retry", "retry"),
            (200, "xrequestTooLarge", "retry", "retry"),
            (200, "requestTooLarge/not", "retry", "retry"),
            (404, "", "retry", "retry"),
            (405, "", "retry", "retry"),
            (407, "", "retry", "retry"),
            (408, "", "retry", "retry"),
            (503, "", "retry", "retry"),
        ] {
            let body = if status.is_empty() { String::new() } else { format!(r#"{{"status":"{status}"}}"#) };
            let judged = |sent| judge(&reply(code, &body), &hiding("k"), sent, NOW).judgement;
            assert_eq!(
                (word(&judged(Sent::Events)), word(&judged(Sent::Probe))),
                (events, probe),
                "HTTP {code} with {status:?}"
            );
        }
    }

    #[test]
    fn a_wrong_clock_is_told_with_both_times() {
        let mut reply = reply(200, r#"{"status":"error/client/badClientClockSkew"}"#);
        let text = |reply: &Reply| match judge(reply, &hiding("k"), Sent::Events, NOW).judgement {
            Judgement::Skewed(trouble) => trouble.text,
            other => panic!("{other:?}"),
        };
        assert!(text(&reply).contains("the clock of this host is wrong"), "{}", text(&reply));
        reply.date = Some(Timestamp::from_millis(NOW.as_millis() + 3_600_000));
        let text = text(&reply);
        let both = "it says 1994-11-06 08:49:37.000Z, the server's 1994-11-06 09:49:37.000Z, 3600 seconds behind it";
        assert!(text.contains(both), "{text}");
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
            assert_ne!(judged(status, body), Judgement::Success, "{status} {body}");
        }
        let cut = Reply { cut: true, ..reply(200, r#"{"status":"success"}"#) };
        assert_eq!(word(&judge(&cut, &hiding("k"), Sent::Events, NOW).judgement), "retry");
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
        let refusal =
            |code, body: &str| match judge(&reply(code, body), &hiding("secret-key"), Sent::Probe, NOW).judgement {
                Judgement::KeyRefused(trouble) => trouble.text,
                other => panic!("{code} {body}: {other:?}"),
            };
        for status in ["error/client/badParam", "invalidApiKey", "error/client/invalidApiKey"] {
            let body = format!(r#"{{"status":"{status}","message":"no such key: secret-key"}}"#);
            let text = refusal(200, &body);
            assert!(text.contains("api_key is wrong") && text.contains("MASKED"), "{text}");
            assert!(!text.contains("secret-key"), "{text}");
        }
        for code in [401, 403] {
            assert!(refusal(code, "<html>no</html>").contains("api_key is wrong"), "{code}");
        }
        assert!(!trouble(404, "").text.contains("api_key"));
        let echo = reply(200, r#"{"status":"secret-key"}"#);
        assert!(!format!("{:?}", judge(&echo, &hiding("secret-key"), Sent::Events, NOW)).contains("secret-key"));
    }

    #[test]
    fn a_key_that_json_escapes_is_masked_too() {
        let text = presentable(r#"{"token": "a\"b\\c", "plain": a"b\c}"#, &hiding("a\"b\\c"));
        assert!(!text.contains("b\\"), "{text}");
    }

    #[test]
    fn a_foreign_text_is_shortened_and_cannot_forge_log_lines() {
        let text = presentable("a\r\n2022-01-01 CRITICAL\u{1b}[31m\u{2028}ä", &hiding("k"));
        assert_eq!(text, "a\\r\\n2022-01-01 CRITICAL\\u{1b}[31m\\u{2028}ä");
        assert_eq!(presentable(&"ä".repeat(5000), &hiding("k")).chars().count(), 1000);
        // The key is masked before the text is cut, so that no part of it remains at the cut.
        let text = presentable(&format!("{}secret-key", "x".repeat(995)), &hiding("secret-key"));
        assert!(!text.contains("secr"));
    }

    #[test]
    fn retry_after_counts_with_429_and_503_only() {
        for (status, counts) in [(429, true), (503, true), (200, false), (500, false)] {
            let after = RetryAfter::For(Duration::from_secs(7));
            let reply = Reply { retry_after: Some(after), ..reply(status, "busy") };
            let judged = judge(&reply, &hiding("k"), Sent::Events, NOW).judgement;
            let Judgement::Retry(trouble) = judged else { panic!("{status}") };
            assert_eq!(trouble.retry_after.is_some(), counts, "{status}");
        }
        let until = Some(RetryAfter::Until(Timestamp::from_millis(NOW.as_millis() + 60_000)));
        let date = Some(Timestamp::from_millis(NOW.as_millis() + 50_000));
        for (date, seconds) in [(None, 60), (date, 10)] {
            let reply = Reply { retry_after: until, date, ..reply(503, "busy") };
            let judged = judge(&reply, &hiding("k"), Sent::Events, NOW).judgement;
            let Judgement::Retry(trouble) = judged else { panic!("{judged:?}") };
            assert_eq!(trouble.retry_after, Some(Duration::from_secs(seconds)), "the server's clock counts");
        }
    }

    #[test]
    fn the_kind_tells_causes_apart_and_the_text_names_what_was_found() {
        assert_eq!(trouble(503, "<html>busy</html>").kind, "HTTP 503");
        assert_eq!(trouble(200, r#"{"status":"error/server/backoff"}"#).kind, "error/server/backoff");
        assert_eq!(trouble(200, "").text, "the server answers HTTP 200 with an empty body");
        for (body, text) in [
            (r#"{"status":"error/server/backoff"}"#, "the server answers status error/server/backoff"),
            (
                r#"{"status":"error/server/backoff","message":"busy","x":1}"#,
                "the server answers status error/server/backoff: busy",
            ),
            (
                r#"{"status":"error/x","why":"no"}"#,
                r#"the server answers status error/x: {"status":"error/x","why":"no"}"#,
            ),
        ] {
            assert_eq!(trouble(200, body).text, text);
        }
    }
}
