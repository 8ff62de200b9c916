//! What is answered: a status, a body, and header fields that leave a browser nothing to guess.

use std::fmt;

/// Plain text.
const TEXT: &str = "text/plain; charset=utf-8";

/// What a page that brings no policy of its own may do.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status.
    pub(super) code: u16,
    /// `Content-Type`.
    pub(super) content_type: &'static str,
    /// `Content-Security-Policy`, where it is not the one that allows nothing.
    pub(super) policy: Option<String>,
    /// The body.
    pub(super) body: String,
}

impl Answer {
    /// A text.
    pub(super) fn text(code: u16, body: String) -> Self {
        Self::of(code, TEXT, body)
    }

    /// A body of this type.
    pub(super) fn of(code: u16, content_type: &'static str, body: String) -> Self {
        Self { code, content_type, policy: None, body }
    }

    /// A refusal, with the reason.
    pub(super) fn refusal(code: u16, why: impl fmt::Display) -> Self {
        Self::text(code, format!("{code} {}: {why}\n", reason(code)))
    }

    /// The answer as it is sent, with or without its body. It is the last one of its connection.
    pub(super) fn into_bytes(self, with_body: bool) -> Vec<u8> {
        let Self { code, content_type, policy, body } = self;
        let (reason, length) = (reason(code), body.len());
        let policy = policy.as_deref().unwrap_or(NOTHING);
        let more = match code {
            405 => "Allow: GET, HEAD\r\n",
            503 => "Retry-After: 5\r\n",
            _ => "",
        };
        let mut bytes = format!(
            "HTTP/1.1 {code} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nCache-Control: \
             no-store\r\nContent-Security-Policy: {policy}\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: \
             DENY\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n{more}Connection: \
             close\r\n\r\n"
        );
        if with_body {
            bytes += &body;
        }
        bytes.into_bytes()
    }
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_all_that_a_browser_must_not_guess() {
        let text = String::from_utf8(Answer::refusal(405, "only GET").into_bytes(true)).unwrap();
        expect_test::expect![[r#"
            HTTP/1.1 405 Method Not Allowed
            Content-Type: text/plain; charset=utf-8
            Content-Length: 33
            Cache-Control: no-store
            Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            X-Content-Type-Options: nosniff
            X-Frame-Options: DENY
            Referrer-Policy: no-referrer
            Cross-Origin-Resource-Policy: same-origin
            Allow: GET, HEAD
            Connection: close

            405 Method Not Allowed: only GET
        "#]]
        .assert_eq(&text.replace('\r', ""));
        let head = Answer::refusal(405, "only GET").into_bytes(false);
        assert!(head.ends_with(b"\r\n\r\n") && text.as_bytes().starts_with(&head), "HEAD is GET without the body");
    }
}
