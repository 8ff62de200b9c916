//! The times that records bring: RFC 3339 into nanoseconds.

use scalyr_monitor::Timestamp;

const SECOND: i64 = 1_000_000_000;

/// Reads `2026-01-31T23:59:59.123456789+01:00`. Digits of the fraction behind the ninth are passed over. `None` for
/// anything else, and for a time that 64 bits of nanoseconds cannot hold (before 1677, after 2262).
pub(super) fn read_time(text: &[u8]) -> Option<Timestamp> {
    let date_time = text.get(..19)?;
    let [year, month, day, hour, minute, second] =
        [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].map(|part| number(&date_time[part]));
    let (year, month, day, hour, minute, second) = (year?, month?, day?, hour?, minute?, second?);
    let separators = (date_time[4], date_time[7], date_time[10].to_ascii_uppercase(), date_time[13], date_time[16]);
    let (fraction, zone) = read_fraction(&text[19..])?;
    // A leap second is the one behind it.
    if separators != (b'-', b'-', b'T', b':', b':')
        || !(1..=12).contains(&month)
        || !(1..=days_of(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - read_zone(zone)?;
    let nanos = i128::from(seconds) * i128::from(SECOND) + i128::from(fraction);
    i64::try_from(nanos).ok().map(Timestamp::from_nanos)
}

/// All of `digits` as a number.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Nanoseconds of a fraction, when there is one, and what follows it.
fn read_fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, zone) = rest.split_at(length);
    let (mut nanos, mut unit) = (0, SECOND / 10);
    for digit in digits {
        nanos += i64::from(digit - b'0') * unit;
        unit /= 10;
    }
    (length > 0).then_some((nanos, zone))
}

/// Seconds east of Greenwich.
fn read_zone(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let &[h1, h2, b':', m1, m2] = digits else { return None };
    let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// In the Gregorian calendar; years begin in March here, so that the day which some have more is their last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<i64> {
        read_time(text.as_bytes()).map(Timestamp::as_nanos)
    }

    #[test]
    fn times_are_read_to_the_nanosecond_and_brought_to_utc() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.000000001Z", 1),
            ("1969-12-31T23:59:59.999999999Z", -1),
            ("2000-02-29T00:00:00z", 951_782_400 * SECOND),
            ("2026-03-01t12:34:56.5+02:00", 1_772_361_296 * SECOND + SECOND / 2),
            ("2026-03-01T10:34:56.123456789-00:30", 1_772_363_096 * SECOND + 123_456_789),
            ("2016-12-31T23:59:60Z", 1_483_228_800 * SECOND),
            ("2026-03-01T10:34:56.1234567891234Z", 1_772_361_296 * SECOND + 123_456_789),
        ] {
            assert_eq!(nanos(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "",
            "now",
            "2026-03-01",
            "2026-03-01T10:34:56",
            "2026-03-01 10:34:56Z",
            "2026-13-01T10:34:56Z",
            "2026-02-29T10:34:56Z",
            "2100-02-29T10:34:56Z",
            "2026-03-00T10:34:56Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:60:00Z",
            "2026-03-01T10:34:61Z",
            "2026-03-01T10:34:56.Z",
            "2026-03-01T10:34:56Z ",
            "2026-03-01T10:34:56+0100",
            "2026-03-01T10:34:56+24:00",
            "2026-03-01T10:34:56,5Z",
            "1600-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "+026-03-01T10:34:56Z",
            "2026-03-01T1:034:56Z",
        ] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
