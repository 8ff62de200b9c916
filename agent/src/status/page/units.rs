//! Figures as people read them. No line breaks between a number and its unit.

use scalyr_monitor::Timestamp;

/// A blank at which no line breaks.
const BLANK: char = '\u{a0}';
/// So many digits of a value are shown, and those in front of the point.
const DIGITS: i32 = 5;

/// `0 B`, `999 B`, `1.5 kB`, `12 MB`.
pub(super) fn bytes(bytes: f64) -> String {
    scaled(bytes, &["B", "kB", "MB", "GB", "TB", "PB"])
}

/// `1.5 kB/s`.
pub(super) fn rate(bytes_per_second: f64) -> String {
    bytes(bytes_per_second) + "/s"
}

/// `7`, `1.5 k`, `12 M`.
pub(super) fn count(count: f64) -> String {
    scaled(count, &["", "k", "M", "G", "T"]).trim_end().to_owned()
}

/// Three digits at most, and one behind the point at most.
fn scaled(number: f64, units: &[&str]) -> String {
    let (mut number, mut unit) = (number.max(0.0), 0);
    // What would be rounded to 1000 belongs to the next unit.
    while number >= 999.5 && unit + 1 < units.len() {
        (number, unit) = (number / 1000.0, unit + 1);
    }
    let is_whole = unit == 0 && number.fract() == 0.0;
    let digits = usize::from(number < 9.95 && !is_whole);
    let text = format!("{number:.digits$}");
    format!("{}{BLANK}{}", text.strip_suffix(".0").unwrap_or(&text), units[unit])
}

/// `0 s`, `0.4 s`, `59 s`, `2 min 5 s`, `3 h 7 min`, `2 d 4 h`.
pub(super) fn seconds(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 0.05 {
        return format!("0{BLANK}s");
    }
    if seconds < 9.95 {
        let text = format!("{seconds:.1}");
        return format!("{}{BLANK}s", text.strip_suffix(".0").unwrap_or(&text));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and cut at the greatest"
    )]
    let whole = seconds.round() as u64;
    let of = |many: u64, unit: &str, few: u64, part: &str| match few {
        0 => format!("{many}{BLANK}{unit}"),
        few => format!("{many}{BLANK}{unit}{BLANK}{few}{BLANK}{part}"),
    };
    match whole {
        0..60 => format!("{whole}{BLANK}s"),
        60..3600 => of(whole / 60, "min", whole % 60, "s"),
        3600..86_400 => of(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => of(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

/// How long ago a moment was, both in seconds since the epoch.
pub(super) fn ago(at: f64, now: f64) -> String {
    if now - at < 1.0 { format!("just{BLANK}now") } else { format!("{}{BLANK}ago", seconds((now - at).floor())) }
}

/// `2026-11-23 07:13:08 UTC`, of seconds since the epoch.
pub(super) fn moment(at: f64) -> String {
    let text = of_epoch(at);
    format!("{} UTC", text.get(..19).unwrap_or(&text))
}

/// How long a sample took: `12 µs`, `1.5 ms`, `2 s`.
pub(super) fn took(number: f64) -> String {
    match number {
        ..0.000_95 => format!("{:.0}{BLANK}µs", number.max(0.0) * 1e6),
        ..0.099_5 => format!("{:.1}{BLANK}ms", number * 1e3),
        _ => seconds(number),
    }
}

/// A number of a metric line in fewer digits: `0.069068` of `0.06906774760131296`. None for what is short, or is none.
pub(super) fn shortened(value: &str) -> Option<String> {
    let looks_so = value.len() > 8 && value.bytes().all(|c| c.is_ascii_digit() || b"+-.eE".contains(&c));
    let is_whole = value.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    let number: f64 = value.parse().ok().filter(|number: &f64| looks_so && !is_whole && number.is_finite())?;
    #[expect(clippy::cast_possible_truncation, reason = "an exponent of a finite number")]
    let power = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    let text = if (-4..15).contains(&power) {
        let digits = usize::try_from(DIGITS - 1 - power).unwrap_or(0);
        format!("{number:.digits$}")
    } else {
        format!("{number:.4e}")
    };
    let (mantissa, exponent) = text.split_at(text.find('e').unwrap_or(text.len()));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    Some(format!("{mantissa}{exponent}")).filter(|short| short.len() < value.len())
}

/// `07:13`, of seconds since the epoch.
pub(super) fn clock(at: f64) -> String {
    let text = of_epoch(at);
    text.get(11..16).unwrap_or(&text).to_owned()
}

fn of_epoch(at: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "cut at the ends")]
    Timestamp::from_millis((at * 1e3) as i64).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With ordinary blanks.
    fn plain(text: String) -> String {
        text.replace(BLANK, " ")
    }

    #[test]
    fn figures_are_short_and_have_units() {
        for (number, text) in [
            (0.0, "0 B"),
            (0.25, "0.2 B"),
            (999.0, "999 B"),
            (999.7, "1 kB"),
            (1536.0, "1.5 kB"),
            (9_960.0, "10 kB"),
            (123_456_789.0, "123 MB"),
            (f64::MAX, "too long"),
        ] {
            let shown = plain(bytes(number));
            assert!(shown == text || number == f64::MAX && shown.ends_with(" PB"), "{number}: {shown}");
        }
        assert_eq!(
            (plain(rate(2.0e6)), count(12.0), plain(count(12_345.0)), plain(bytes(-1.0))),
            ("2 MB/s".into(), "12".into(), "12 k".into(), "0 B".into())
        );
        for (number, text) in [
            (0.01, "0 s"),
            (0.42, "0.4 s"),
            (3.0, "3 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (125.0, "2 min 5 s"),
            (11_220.0, "3 h 7 min"),
            (187_200.0, "2 d 4 h"),
        ] {
            assert_eq!(plain(seconds(number)), text);
        }
        assert_eq!((plain(ago(10.0, 10.5)), plain(ago(10.0, 75.2))), ("just now".into(), "1 min 5 s ago".into()));
        assert_eq!(
            (moment(1_700_000_000.5), clock(1_700_000_000.5)),
            ("2023-11-14 22:13:20 UTC".into(), "22:13".into())
        );
        assert!(!moment(f64::MAX).is_empty() && !clock(f64::NAN).is_empty());
    }

    #[test]
    fn a_value_has_five_digits_and_no_whole_one_loses_any() {
        for (value, short) in [
            ("0.06906774760131296", Some("0.069068")),
            ("0.5000000000000001", Some("0.5")),
            ("-1234.56789012", Some("-1234.6")),
            ("1234567.8901", Some("1234568")),
            ("99999.99999", Some("100000")),
            ("1.234567e-9", Some("1.2346e-9")),
            ("1.2345678901e-9", Some("1.2346e-9")),
            ("0.000000012345678", Some("1.2346e-8")),
            ("0.0000000000", Some("0")),
            ("12345678901234", None),
            ("0.25", None),
            ("\"0.1234567890123\"", None),
            ("1e999999999", None),
            ("12.34.56.78.90", None),
        ] {
            assert_eq!(shortened(value).as_deref(), short, "{value}");
        }
        assert_eq!([1.2e-5, 0.0015, 2.0].map(|number| plain(took(number))), ["12 µs", "1.5 ms", "2 s"]);
    }
}
