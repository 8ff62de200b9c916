//! Numbers of an exposition: values, and the times that samples bring along.

use scalyr_monitor::metric::MetricValue;

use super::exposition::Format;

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Written as a whole number, and kept as one: counters of bytes outgrow what a float holds.
    Integer(i128),
    /// Any other finite number.
    Float(f64),
    /// `+Inf`.
    Infinite,
    /// `-Inf`.
    MinusInfinite,
    /// `NaN`: there is no value.
    Nothing,
}

impl Number {
    /// The number that the text is, in any notation of Prometheus; `None` also when it is too large for a float.
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        let float: f64 = text.parse().ok()?;
        match float {
            _ if float.is_nan() => Some(Self::Nothing),
            _ if float.is_finite() => Some(Self::Float(float)),
            // Digits that mean more than a float can: not what was measured.
            _ if text.bytes().any(|byte| byte.is_ascii_digit()) => None,
            _ if float > 0.0 => Some(Self::Infinite),
            _ => Some(Self::MinusInfinite),
        }
    }
}

/// As a metric line has it; what is infinite is text there, because JSON has no such number.
impl MetricValue for Number {
    fn write(&self, out: &mut String) {
        match self {
            Self::Integer(integer) => integer.write(out),
            Self::Float(float) => float.write(out),
            Self::Infinite => "+Inf".write(out),
            Self::MinusInfinite => "-Inf".write(out),
            Self::Nothing => f64::NAN.write(out),
        }
    }
}

/// The time of a sample in milliseconds, from what the format writes: milliseconds, or seconds with a fraction.
pub(super) fn read_time(text: &str, format: Format) -> Option<i64> {
    let integer: Option<i64> = text.parse().ok();
    match (format, integer) {
        (Format::Prometheus, integer) => integer,
        (Format::OpenMetrics, Some(seconds)) => seconds.checked_mul(1000),
        (Format::OpenMetrics, None) => {
            /// Beyond it a float counts no single milliseconds.
            const FARTHEST: f64 = 9e15;
            let millis = (text.parse::<f64>().ok()? * 1000.0).round();
            #[expect(clippy::cast_possible_truncation, reason = "it is a whole number, and within the bounds of one")]
            (millis.abs() <= FARTHEST).then_some(millis as i64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        let number = Number::read(text)?;
        let mut out = String::new();
        number.write(&mut out);
        Some(out)
    }

    #[test]
    fn whole_numbers_stay_whole_and_all_others_are_floats() {
        for (text, expected) in [
            ("0", "0"),
            ("-7", "-7"),
            ("+7", "7"),
            ("18446744073709551617", "18446744073709551617"),
            ("1.0", "1.0"),
            (".5", "0.5"),
            ("5.", "5.0"),
            ("2e-3", "0.002"),
            ("1e+3", "1000.0"),
            ("1.5e+3", "1500.0"),
            ("1E6", "1000000.0"),
            ("1000000000000000000000000000000000000000000", "1e42"),
            ("Inf", "\"+Inf\""),
            ("+Inf", "\"+Inf\""),
            ("-inf", "\"-Inf\""),
            ("NaN", "null"),
        ] {
            assert_eq!(written(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", "1,5", "0x10", "1_000", "1e999", "one", "1e", "١"] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_milliseconds_or_seconds_with_a_fraction() {
        assert_eq!(read_time("1395066363000", Format::Prometheus), Some(1_395_066_363_000));
        assert_eq!(read_time("1395066363.5", Format::Prometheus), None);
        assert_eq!(read_time("-1", Format::Prometheus), Some(-1));
        assert_eq!(read_time("1520879607.789", Format::OpenMetrics), Some(1_520_879_607_789));
        assert_eq!(read_time("1395066363", Format::OpenMetrics), Some(1_395_066_363_000));
        for text in ["", "NaN", "1e300", "9223372036854775807", "now"] {
            assert_eq!(read_time(text, Format::OpenMetrics), None, "{text}");
        }
    }
}
