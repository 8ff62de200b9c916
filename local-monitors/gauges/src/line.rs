//! A line of a packet: `queue.depth 17`.

use scalyr_monitor::metric::{RESERVED_NAMES, is_valid_name};

/// The longest name of a gauge, in bytes.
const LONGEST_NAME: usize = 200;

/// What begins so is the monitor's own.
const OWN_NAMES: &str = "gauges.";

/// The value of a gauge. A whole number is emitted as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Whole(i64),
    Real(f64),
}

/// The name and the value in a line, or what is wrong with it.
pub(crate) fn read_line(line: &[u8]) -> Result<(&str, Number), &'static str> {
    let line = str::from_utf8(line).map_err(|_| "is not UTF-8")?;
    let mut words = line.split_whitespace();
    let (Some(name), Some(value), None) = (words.next(), words.next(), words.next()) else {
        return Err("is not a name and a value with a blank between");
    };
    if !is_valid_name(name) || name.len() > LONGEST_NAME {
        return Err("has no valid name: an ASCII letter or _, then letters, digits, _ . - and at most 200 of them");
    }
    if name.starts_with(OWN_NAMES) || RESERVED_NAMES.contains(&name) {
        return Err("has a name that is reserved");
    }
    let real = || value.parse().ok().filter(|real: &f64| real.is_finite()).map(Number::Real);
    let number = value.parse().ok().map(Number::Whole).or_else(real);
    Ok((name, number.ok_or("has a value that is not a finite number")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_a_number() {
        assert_eq!(read_line(b"queue.depth 17"), Ok(("queue.depth", Number::Whole(17))));
        assert_eq!(read_line(b" load\t-0.5 \r"), Ok(("load", Number::Real(-0.5))));
        assert_eq!(read_line(b"far 9223372036854775808"), Ok(("far", Number::Real(9_223_372_036_854_775_808.0))));
    }

    #[test]
    fn anything_else_is_told_apart() {
        let fault = |line: &str| read_line(line.as_bytes()).unwrap_err();
        for line in ["depth", "depth 1 2", " "] {
            assert!(fault(line).starts_with("is not a name and a value"), "{line}");
        }
        for line in ["9th 1", "a:b 1", &format!("{} 1", "a".repeat(201))] {
            assert!(fault(line).starts_with("has no valid name"), "{line}");
        }
        for line in ["gauges.lines 1", "value 1"] {
            assert_eq!(fault(line), "has a name that is reserved", "{line}");
        }
        for line in ["depth x", "depth nan", "depth inf", "depth 1e999"] {
            assert_eq!(fault(line), "has a value that is not a finite number", "{line}");
        }
        assert_eq!(read_line(b"\xff 1"), Err("is not UTF-8"));
    }
}
