//! The value of a metric or of an extra field, as a test looks at it.

use std::fmt;

/// The value of a metric or of an extra field, as it stands in the metric line: compare it with a plain number, text or
/// truth, or take one out of it.
///
/// ```
/// # use scalyr_monitor::prelude::*;
/// # use scalyr_monitor::testing::Harness;
/// # /// Looks at a queue.
/// # #[scalyr_monitor(name = "queue")]
/// # pub struct Queue {
/// #     /// Its depth.
/// #     #[metric]
/// #     depth: Metric<u64>,
/// # }
/// # impl Monitor for Queue {
/// #     fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
/// #         out.emit(self.depth, 3);
/// #         Ok(())
/// #     }
/// # }
/// let sample = Harness::<Queue>::from_config("{}").sample();
/// assert_eq!(sample.value("depth"), 3);
/// assert!((1..10).contains(&sample.value("depth").as_i64()));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(String);

impl Value {
    /// Takes a value from the front of a metric line; `None` when there is none.
    pub(super) fn split(line: &str) -> Option<(Self, &str)> {
        let end = match line.strip_prefix('"') {
            None => line.find(' ').unwrap_or(line.len()),
            Some(text) => {
                let mut escaped = false;
                let quote = text.bytes().position(|byte| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                })?;
                quote + 2
            }
        };
        let (value, rest) = line.split_at(end);
        (!value.is_empty()).then(|| (Self(value.to_owned()), rest))
    }

    /// Whether it is what may stand in a metric line; a value of the author's own type may have written anything.
    pub(super) fn is_scalar(&self) -> bool {
        serde_json::from_str(&self.0).is_ok_and(|value: serde_json::Value| !value.is_array() && !value.is_object())
    }

    /// Whether it was no finite number: that stands as `null` in the line.
    pub(super) fn is_null(&self) -> bool {
        self.0 == "null"
    }

    fn text(&self) -> Option<String> {
        serde_json::from_str(&self.0).ok()
    }

    /// The number.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn as_f64(&self) -> f64 {
        let Ok(value) = self.0.parse() else { panic!("the value {self} is not a number") };
        value
    }

    /// The whole number.
    ///
    /// # Panics
    /// When it is none, or does not fit: `3.0` is a float.
    #[track_caller]
    pub fn as_i64(&self) -> i64 {
        let Ok(value) = self.0.parse() else {
            panic!("the value {self} is not a whole number, or does not fit into an i64")
        };
        value
    }

    /// The whole number.
    ///
    /// # Panics
    /// When it is none, is negative, or does not fit: `3.0` is a float.
    #[track_caller]
    pub fn as_u64(&self) -> u64 {
        let Ok(value) = self.0.parse() else { panic!("the value {self} is not a whole number that fits into a u64") };
        value
    }

    /// The text.
    ///
    /// # Panics
    /// When it is a number or a truth.
    #[track_caller]
    pub fn as_text(&self) -> String {
        let Some(text) = self.text() else { panic!("the value {self} is not text") };
        text
    }

    /// The truth.
    ///
    /// # Panics
    /// When it is a number or text.
    #[track_caller]
    pub fn as_bool(&self) -> bool {
        let Ok(value) = self.0.parse() else { panic!("the value {self} is neither true nor false") };
        value
    }
}

/// As it stands in the line: text in quotes.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.text().is_some_and(|text| text == other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

macro_rules! compared_as_written {
    ($($type:ty)*) => {$(
        impl PartialEq<$type> for Value {
            fn eq(&self, other: &$type) -> bool {
                self.0.parse::<$type>().is_ok_and(|value| value == *other)
            }
        }

        impl PartialEq<$type> for &Value {
            fn eq(&self, other: &$type) -> bool {
                **self == *other
            }
        }
    )*};
}
compared_as_written!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 bool);

impl PartialEq<String> for Value {
    fn eq(&self, other: &String) -> bool {
        *self == **other
    }
}

impl PartialEq<String> for &Value {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> Value {
        Value::split(line).unwrap().0
    }

    #[test]
    fn a_value_is_compared_as_what_it_is() {
        assert_eq!(value("3"), 3);
        assert_eq!(&value("3"), 3_u8);
        assert_eq!(value("3"), 3.0);
        assert_ne!(value("3.0"), 3);
        assert_eq!(value("0.1"), 0.1_f32);
        assert_eq!(value("1e16"), 1e16);
        assert_eq!(value(i128::MAX.to_string().as_str()), i128::MAX);
        assert_eq!(value("true"), true);
        assert_ne!(value("\"true\""), true);
        assert_eq!(value(r#""a \"b\" \\""#), r#"a "b" \"#);
        assert_eq!(&value("\"a\""), "a".to_owned());
        assert_ne!(value("7"), "7");
    }

    #[test]
    fn a_value_ends_where_its_text_does() {
        let (text, rest) = Value::split(r#""a \\\" b=1" c=2"#).unwrap();
        assert_eq!((text.as_text().as_str(), rest), (r#"a \" b=1"#, " c=2"));
        assert_eq!(Value::split("1.5 a=2").unwrap().1, " a=2");
        assert!(Value::split("").is_none() && Value::split("\"cut").is_none());
        assert!(value("null").is_null() && !value("\"null\"").is_null());
    }

    #[test]
    #[should_panic(expected = "the value \"x\" is not a number")]
    fn text_is_no_number() {
        value("\"x\"").as_f64();
    }
}
