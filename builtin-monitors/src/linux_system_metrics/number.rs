//! A number as the kernel wrote it.

use scalyr_monitor::MetricValue;

/// The longest number that is taken; the longest that a kernel prints has 20 digits.
const MAX_LEN: usize = 64;

/// A decimal number that keeps its own text, in the file where it stands: `2.50` stays `2.50`, and a counter may be larger
/// than any integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number<'f>(&'f str);

impl<'f> Number<'f> {
    /// Reads digits with an optional minus sign and an optional fraction; anything else is `None`.
    pub(super) fn parse(text: &'f [u8]) -> Option<Self> {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let mut parts = digits.splitn(2, |&byte| byte == b'.');
        let decimal = parts.all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
        if !decimal || text.len() > MAX_LEN {
            return None;
        }
        Some(Self(str::from_utf8(text).ok()?))
    }

    /// As an integer, to calculate with; `None` when it is none, or too large.
    pub(super) fn to_u64(self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// Whether the number is zero, however it is written.
    pub(super) fn is_zero(&self) -> bool {
        self.0.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-'))
    }
}

/// Bare, in the kernel's own digits.
impl MetricValue for Number<'_> {
    const KIND: &'static str = "number";

    fn write(&self, out: &mut String) {
        out.push_str(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_it_was_read() {
        for text in ["0", "-1", "2.50", "350735.47", "007", "340282366920938463463374607431768211456"] {
            let mut out = String::new();
            Number::parse(text.as_bytes()).unwrap().write(&mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn what_is_no_decimal_number_is_refused() {
        let endless = "9".repeat(MAX_LEN + 1);
        for text in ["", "-", ".", "1.", ".5", "1.2.3", "1e5", "+1", "0x1f", "1 ", "nan", "١", "kB", &endless] {
            assert_eq!(Number::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Number::parse(b"1\xff"), None);
    }

    #[test]
    fn zero_is_known_in_every_spelling() {
        assert!(["0", "00", "0.00", "-0"].iter().all(|text| Number::parse(text.as_bytes()).unwrap().is_zero()));
        assert!(["1", "10", "0.01"].iter().all(|text| !Number::parse(text.as_bytes()).unwrap().is_zero()));
    }
}
