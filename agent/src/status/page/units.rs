//! Figures as people read them.

use scalyr_monitor::Timestamp;

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
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), units[unit])
}

/// `0 s`, `0.4 s`, `59 s`, `2 min 5 s`, `3 h 7 min`, `2 d 4 h`.
pub(super) fn seconds(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 0.05 {
        return "0 s".to_owned();
    }
    if seconds < 9.95 {
        let text = format!("{seconds:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and cut at the greatest"
    )]
    let whole = seconds.round() as u64;
    let of = |many: u64, unit: &str, few: u64, part: &str| match few {
        0 => format!("{many} {unit}"),
        few => format!("{many} {unit} {few} {part}"),
    };
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => of(whole / 60, "min", whole % 60, "s"),
        3600..86_400 => of(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => of(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

/// How long ago a moment was, both in seconds since the epoch.
pub(super) fn ago(at: f64, now: f64) -> String {
    if now - at < 1.0 { "just now".to_owned() } else { seconds((now - at).floor()) + " ago" }
}

/// `2026-11-23 07:13:08 UTC`, of seconds since the epoch.
pub(super) fn moment(at: f64) -> String {
    let text = of_epoch(at);
    format!("{} UTC", text.get(..19).unwrap_or(&text))
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
            let shown = bytes(number);
            assert!(shown == text || number == f64::MAX && shown.ends_with(" PB"), "{number}: {shown}");
        }
        assert_eq!(
            (rate(2.0e6), count(12.0), count(12_345.0), bytes(-1.0)),
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
            assert_eq!(seconds(number), text);
        }
        assert_eq!((ago(10.0, 10.5), ago(10.0, 75.2)), ("just now".into(), "1 min 5 s ago".into()));
        assert_eq!(
            (moment(1_700_000_000.5), clock(1_700_000_000.5)),
            ("2023-11-14 22:13:20 UTC".into(), "22:13".into())
        );
        assert!(!moment(f64::MAX).is_empty() && !clock(f64::NAN).is_empty());
    }
}
