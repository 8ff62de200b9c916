//! The points in a pickle: a list of `(path, (time, value))`.

use super::pickle::{Fault, Pickle, Sequence, Value};
use super::point::Point;

/// Paths that a pickle names again and again may come to so many times its own length: a pickle names a text a second time
/// by its number, and a short one could ask for lines without end.
const MOST_REPEATED: usize = 16;

/// Paths may always come to so many bytes.
const PATHS: usize = 64 * 1024;

/// A request of the pickle protocol.
#[derive(Debug)]
pub(super) struct Points<'b> {
    pickle: Pickle<'b>,
    most_path_bytes: usize,
}

/// Why a request, or one of its points, is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It cannot be read.
    Pickle(Fault),
    /// It can, and is no list.
    NoList(&'static str),
    /// An element of the list is no point.
    NoPoint(String),
    /// The paths are too long together; this point and so many behind it are not taken.
    Repeats(usize),
}

impl<'b> Points<'b> {
    /// Reads a request.
    pub(super) fn read(request: &'b [u8]) -> Result<Self, Trouble> {
        let pickle = Pickle::read(request).map_err(Trouble::Pickle)?;
        let most_path_bytes = request.len().saturating_mul(MOST_REPEATED).max(PATHS);
        Ok(Self { pickle, most_path_bytes })
    }

    /// Hands each point on, and what is wrong with those that are none.
    pub(super) fn each(&self, mut take: impl FnMut(Result<Point<'_>, Trouble>)) {
        let points = match self.pickle.value() {
            Value::Sequence(points) => points,
            other => return take(Err(Trouble::NoList(other.kind()))),
        };
        let mut left = self.most_path_bytes;
        for (at, raw) in points.iter().enumerate() {
            let point = read_point(raw).map_err(|fault| Trouble::NoPoint(format!("the point {at} {fault}")));
            if let Ok(point) = &point {
                let Some(less) = left.checked_sub(point.path_length()) else {
                    return take(Err(Trouble::Repeats(length(points) - at)));
                };
                left = less;
            }
            take(point);
        }
    }
}

fn length(points: Sequence<'_>) -> usize {
    points.iter().count()
}

fn read_point(raw: Value<'_>) -> Result<Point<'_>, String> {
    let parts = raw.pair().and_then(|(path, timed)| Some((path, timed.pair()?)));
    let Some((path, (time, value))) = parts else {
        return Err(format!("is {}, not (path, (time, value))", shape(raw)));
    };
    let Value::Text(path) = path else { return Err(format!("has {} as its path", path.kind())) };
    let path = str::from_utf8(path).map_err(|_| "has a path that is not UTF-8")?;
    let value = number(value).ok_or_else(|| format!("has {} as its value, which is no number", value.kind()))?;
    let time = number(time).ok_or_else(|| format!("has {} as its time, which is no number", time.kind()))?;
    Ok(Point::new(path.trim(), value, time)?)
}

/// A number, or text that is one.
fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => Some(number),
        Value::Text(text) => str::from_utf8(text).ok()?.trim().parse().ok(),
        Value::Nothing | Value::Sequence(_) => None,
    }
}

/// What an element is that is no point: `(text, a number)`.
fn shape(value: Value<'_>) -> String {
    match value.pair() {
        Some((first, second)) => format!("({}, {})", first.kind(), second.kind()),
        None => value.kind().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a request: paths, or what is wrong.
    fn read(request: &[u8]) -> Vec<Result<String, Trouble>> {
        let mut all = Vec::new();
        match Points::read(request) {
            Ok(points) => points.each(|point| all.push(point.map(|point| format!("{point:?}")))),
            Err(trouble) => all.push(Err(trouble)),
        }
        all
    }

    fn point(path: &str, value: f64, time: f64) -> Result<String, Trouble> {
        Ok(format!("{:?}", Point::new(path, value, time).unwrap()))
    }

    fn no_point(fault: &str) -> Result<String, Trouble> {
        Err(Trouble::NoPoint(fault.to_owned()))
    }

    #[test]
    fn a_point_may_have_lists_for_tuples_and_text_for_numbers() {
        // [["a", ["5", b"1.5 "]], ("b", (-1, True))]
        let request = b"](](U\x01a](U\x015C\x041.5 ee(U\x01b(J\xff\xff\xff\xff\x88tte.";
        assert_eq!(read(request), [point("a", 1.5, 5.0), point("b", 1.0, -1.0)]);
        // Some senders make a tuple of the whole.
        assert_eq!(read(b"(U\x01aK\x05K\x06\x86\x86t."), [point("a", 6.0, 5.0)]);
    }

    #[test]
    fn an_element_that_is_no_point_does_not_spoil_the_others() {
        // [("a", 1), ("a", (1, None)), ("a", ("x", 1)), (1, (1, 1)), "abc", ("", (1, 1)), ("b", (1, 2))]
        let request = b"](U\x01aK\x01\x86U\x01aK\x01N\x86\x86U\x01aU\x01xK\x01\x86\x86K\x01K\x01K\x01\x86\x86U\x03abc\
            U\x00K\x01K\x01\x86\x86U\x01bK\x01K\x02\x86\x86e.";
        assert_eq!(
            read(request),
            [
                no_point("the point 0 is (text, a number), not (path, (time, value))"),
                no_point("the point 1 has None as its value, which is no number"),
                no_point("the point 2 has text as its time, which is no number"),
                no_point("the point 3 has a number as its path"),
                no_point("the point 4 is text, not (path, (time, value))"),
                no_point("the point 5 has no path"),
                point("b", 2.0, 1.0),
            ]
        );
    }

    #[test]
    fn what_is_no_list_is_no_request() {
        assert_eq!(read(b"K\x01."), [Err(Trouble::NoList("a number"))]);
        assert_eq!(read(b""), [Err(Trouble::Pickle(Fault::EndsEarly))]);
        assert_eq!(read(b"]."), []);
    }

    #[test]
    fn a_short_pickle_cannot_ask_for_lines_without_end() {
        // One point with a long path, 50,000 times.
        let mut request = b"](T\x00\x40\x00\x00".to_vec();
        request.extend([b'a'; 0x4000]);
        request.extend(b"K\x01K\x02\x86\x86q\x00");
        request.extend(b"h\x00".repeat(49_999));
        request.extend(b"e.");
        let read = read(&request);
        let taken = read.len() - 1;
        assert_eq!(taken, request.len() * MOST_REPEATED / 0x4000);
        assert_eq!(read[taken], Err(Trouble::Repeats(50_000 - taken)));
    }

    #[test]
    fn fuzz_pickle() {
        bolero::check!(name = "pickle").for_each(|bytes: &[u8]| {
            let Ok(points) = Points::read(bytes) else { return };
            let (mut paths, mut ended) = (0, false);
            points.each(|point| {
                assert!(!ended, "nothing comes behind the end");
                match point {
                    Ok(point) => paths += point.path_length(),
                    Err(trouble) => ended = matches!(trouble, Trouble::Repeats(_) | Trouble::NoList(_)),
                }
            });
            assert!(paths <= PATHS.max(MOST_REPEATED * bytes.len()), "{paths}");
        });
    }
}
