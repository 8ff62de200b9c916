//! Times in headers of answers: `Date`, and `Retry-After` in both of its forms (RFC 9110 sections 5.6.7 and 10.2.3).

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use scalyr_monitor::Timestamp;

/// What `Retry-After` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryAfter {
    /// So long from now on.
    For(Duration),
    /// Until then, by the clock of the server.
    Until(Timestamp),
}

impl RetryAfter {
    /// None for a text that is neither.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than fit are a long time.
            return Some(Self::For(Duration::from_secs(text.parse().unwrap_or(u64::MAX))));
        }
        read(text).map(Self::Until)
    }

    /// How long to wait from `now` on; none when the time has passed.
    pub(super) fn from(self, now: Timestamp) -> Option<Duration> {
        match self {
            Self::For(time) => Some(time),
            Self::Until(then) => {
                let millis = then.as_millis().saturating_sub(now.as_millis());
                u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
            }
        }
    }
}

/// A date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let zoned = PARSER.parse_timestamp(text.trim()).ok()?;
    Some(Timestamp::from_millis(zoned.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 784_111_777_000;

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp::from_millis(AT)));
        for text in ["", "soon", "Sun, 06 Nov", "1994-11-06"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date_that_has_not_passed() {
        let seconds =
            |text: &str, now: i64| RetryAfter::read(text)?.from(Timestamp::from_millis(now)).map(|time| time.as_secs());
        assert_eq!(seconds(" 7 ", 0), Some(7));
        assert_eq!(seconds("0", 0), Some(0));
        assert_eq!(seconds("99999999999999999999999", 0), Some(u64::MAX));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT", AT - 90_000), Some(90));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT", AT), None);
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT", AT + 90_000), None);
        for text in ["", "-7", "7.5", "soon", "+7"] {
            assert_eq!(seconds(text, 0), None, "{text}");
        }
    }
}
