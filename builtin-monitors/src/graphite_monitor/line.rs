//! A line of the plaintext protocol: `path value time`.

use super::point::Point;

/// The point in a line; none in a blank one.
pub(super) fn read_line(line: &[u8]) -> Result<Option<Point<'_>>, &'static str> {
    let text = str::from_utf8(line).map_err(|_| "is not UTF-8")?;
    let mut words = text.split_whitespace();
    let Some(path) = words.next() else { return Ok(None) };
    let (Some(value), Some(time), None) = (words.next(), words.next(), words.next()) else {
        return Err("is not a path, a value and a time with blanks between");
    };
    if path.chars().any(char::is_control) {
        return Err("has bytes in its path that are no text");
    }
    let value = value.parse().map_err(|_| "has a value that is no number")?;
    let time = time.parse().map_err(|_| "has a time that is no number")?;
    Point::new(path, value, time).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_path_a_value_and_a_time() {
        for (line, value, time) in [
            ("a.b 1 2", 1.0, 2.0),
            ("  a.b\t-0.5  1700000000.25 \r", -0.5, 1_700_000_000.25),
            ("a.b +1e-3 -1", 0.001, -1.0),
            ("a.b .5 5.", 0.5, 5.0),
        ] {
            assert_eq!(read_line(line.as_bytes()), Ok(Some(Point::new("a.b", value, time).unwrap())), "{line}");
        }
        assert_eq!(read_line(b"a.b inf 1"), Ok(Some(Point::new("a.b", f64::INFINITY, 1.0).unwrap())));
        assert!(read_line(b"a.b NaN 1").unwrap().is_some());
    }

    #[test]
    fn a_blank_line_is_none() {
        assert_eq!((read_line(b""), read_line(b" \r")), (Ok(None), Ok(None)));
    }

    #[test]
    fn anything_else_is_told_apart() {
        for (line, fault) in [
            (&b"a.b"[..], "is not a path, a value and a time with blanks between"),
            (b"a.b 1", "is not a path, a value and a time with blanks between"),
            (b"a.b 1 2 3", "is not a path, a value and a time with blanks between"),
            (b"a.b x 2", "has a value that is no number"),
            (b"a.b 1 now", "has a time that is no number"),
            (b"a.b 1 nan", "has a time that is no finite number"),
            (b"a.b 0x10 1", "has a value that is no number"),
            (b"\x00\x01 1 2", "has bytes in its path that are no text"),
            (b"\xff 1 2", "is not UTF-8"),
        ] {
            assert_eq!(read_line(line), Err(fault), "{line:?}");
        }
    }
}
