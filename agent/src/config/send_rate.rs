//! `max_send_rate_enforcement` (`configuration.md` section 8.3).

/// What the text of `max_send_rate_enforcement` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum SendRate {
    /// `unlimited`.
    Unlimited,
    /// `legacy`: no limit, and the slower defaults of old agents.
    Legacy,
    /// At most this many bytes per second.
    Limited {
        /// More than 0.
        bytes_per_second: f64,
        /// Whether the text holds more than the rate, which is passed over.
        has_more: bool,
    },
}

/// What is wrong with a text that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRate {
    /// It has a small `b`, which counts bits.
    Bits,
    /// It is 0 or less.
    NotPositive,
    /// There is no rate in it.
    Other,
}

impl SendRate {
    /// Reads the text. A rate is searched anywhere in it: a number, optionally K, M, G or T in any case with an optional
    /// i for 1024, `B`, `/`, and one of s, m, h, d, w in any case; blanks between them are passed over.
    pub(super) fn read(text: &str) -> Result<Self, NoRate> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("unlimited") {
            return Ok(Self::Unlimited);
        }
        if text.eq_ignore_ascii_case("legacy") {
            return Ok(Self::Legacy);
        }
        let mut begin = 0;
        let mut failure = NoRate::Other;
        while let Some(number) = text[begin..].find(|c: char| c.is_ascii_digit()) {
            let number = begin + number;
            match Rate::at(&text[number..]) {
                Ok(rate) => return rate.judge(&text[..number]),
                Err(NoRate::Bits) => failure = NoRate::Bits,
                Err(_) => {}
            }
            begin = number + 1;
        }
        Err(failure)
    }
}

/// A rate at the beginning of a text.
struct Rate<'t> {
    bytes_per_second: f64,
    /// What stands behind the letter of the time.
    rest: &'t str,
    /// That letter, small.
    time: char,
}

impl<'t> Rate<'t> {
    fn at(text: &'t str) -> Result<Self, NoRate> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(text);
        let fraction = text[whole..].strip_prefix('.').map_or(0, |rest| 1 + digits(rest));
        let (number, rest) = text.split_at(whole + fraction);
        let number: f64 = number.parse().map_err(|_| NoRate::Other)?;
        let (factor, rest) = prefix(rest.trim_start());
        let is_bits = rest.starts_with('b');
        let rest = rest.strip_prefix(['B', 'b']).ok_or(NoRate::Other)?.trim_start();
        let rest = rest.strip_prefix('/').ok_or(NoRate::Other)?.trim_start();
        let time = rest.chars().next().ok_or(NoRate::Other)?.to_ascii_lowercase();
        let seconds = match time {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3_600.0,
            'd' => 86_400.0,
            'w' => 604_800.0,
            _ => return Err(NoRate::Other),
        };
        if is_bits {
            return Err(NoRate::Bits);
        }
        Ok(Self { bytes_per_second: number * factor / seconds, rest: &rest[1..], time })
    }

    /// The rate, seen with what stands before it.
    fn judge(&self, before: &str) -> Result<SendRate, NoRate> {
        let sign = before.trim_end();
        if sign.ends_with('-') || self.bytes_per_second <= 0.0 || !self.bytes_per_second.is_finite() {
            return Err(NoRate::NotPositive);
        }
        let names: &[&str] = match self.time {
            's' => &["", "ec", "ecs", "econd", "econds"],
            'm' => &["", "in", "ins", "inute", "inutes"],
            'h' => &["", "our", "ours"],
            'd' => &["", "ay", "ays"],
            _ => &["", "eek", "eeks"],
        };
        let rest = self.rest.trim_end().to_ascii_lowercase();
        let has_more = !matches!(sign, "" | "+") || !names.contains(&rest.as_str());
        Ok(SendRate::Limited { bytes_per_second: self.bytes_per_second, has_more })
    }
}

/// The factor of K, M, G or T, and what stands behind it.
fn prefix(text: &str) -> (f64, &str) {
    let exponent = match text.chars().next().map(|letter| letter.to_ascii_lowercase()) {
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        _ => return (1.0, text),
    };
    match text[1..].strip_prefix(['i', 'I']) {
        Some(rest) => (1024_f64.powi(exponent), rest),
        None => (1000_f64.powi(exponent), &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> (f64, bool) {
        match SendRate::read(text) {
            Ok(SendRate::Limited { bytes_per_second, has_more }) => (bytes_per_second, has_more),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_rate_is_bytes_per_second() {
        for (text, expected) in [
            ("5 MB/s", 5_000_000.0),
            ("1.5 KiB/h", 1536.0 / 3600.0),
            ("10 GB/w", 10e9 / 604_800.0),
            ("100B/second", 100.0),
            ("7kB/s", 7_000.0),
            ("1 tIB / D", 1_099_511_627_776.0 / 86_400.0),
            ("2.B/m", 2.0 / 60.0),
            ("  +3  MB  /  S  ", 3_000_000.0),
            ("1 GiB/Minute", 1_073_741_824.0 / 60.0),
        ] {
            let (read, has_more) = rate(text);
            assert!((read - expected).abs() < expected * 1e-12, "{text}: {read}");
            assert!(!has_more, "{text}");
        }
        assert!((rate("1.5 KiB/h").0 - 0.42667).abs() < 1e-5);
    }

    #[test]
    fn a_rate_is_found_anywhere_and_what_is_around_it_is_noticed() {
        for (text, expected) in
            [("at most 5 MB/s, please", 5e6), ("1.2.3 B/s", 2.3), ("8 5 kB/s", 5e3), ("1 B/sm", 1.0)]
        {
            assert_eq!(rate(text), (expected, true), "{text}");
        }
    }

    #[test]
    fn words_are_read_in_any_case() {
        assert_eq!(SendRate::read(" Unlimited "), Ok(SendRate::Unlimited));
        assert_eq!(SendRate::read("LEGACY"), Ok(SendRate::Legacy));
    }

    #[test]
    fn what_is_no_rate_says_why() {
        for text in ["5 Mb/s", "100b/s", "5 kib / h"] {
            assert_eq!(SendRate::read(text), Err(NoRate::Bits), "{text}");
        }
        for text in ["-5 MB/s", "0 B/s", "- 1 B/s", "0.0 KB/w"] {
            assert_eq!(SendRate::read(text), Err(NoRate::NotPositive), "{text}");
        }
        for text in
            ["fast", "", "5", "MB/s", "5 XB/s", "5 MB/y", "5 MB", "5 MB/", "5 é/s", "ö5", "unlimited!", "5 MB per s"]
        {
            assert_eq!(SendRate::read(text), Err(NoRate::Other), "{text}");
        }
    }
}
