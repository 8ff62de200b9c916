//! A JSON object taken apart without a copy: strict JSON, and nothing that the server could not read.

use std::ops::Range;

/// How deep a value may be nested, in containers.
const MOST_LEVELS: usize = 64;
/// A number of more bytes may be larger than a double can be.
const SURELY_FINITE: usize = 300;

/// A key and its value, as ranges of the text.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Between the quotes.
    pub(super) key: Range<usize>,
    /// Whether the key has escapes.
    pub(super) escaped: bool,
    /// The key without its escapes, wherever the caller puts it; as long as there are none, `key`.
    pub(super) name: Range<usize>,
    /// Whether the same key comes again further on.
    pub(super) superseded: bool,
    /// As it is written, with the quotes of a string.
    pub(super) value: Range<usize>,
    /// What kind of value it is.
    pub(super) kind: Kind,
}

/// What the difference matters of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    /// Anything else.
    Other,
}

/// Finds the fields of the one object that `text` consists of. `None` when it is anything but that: no JSON, nested too
/// deeply, with a number beyond all measure or with half of a surrogate pair.
pub(super) fn scan(text: &str, fields: &mut Vec<Field>) -> Option<()> {
    fields.clear();
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.expect(b'{')?;
    let add = |key: Range<usize>, escaped, value, kind| {
        fields.push(Field { name: key.clone(), key, escaped, superseded: false, value, kind });
    };
    scanner.members(add, 0)?;
    scanner.peek().is_none().then_some(())
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether another item follows the one before; passes over the comma, or over `close`.
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            _ if byte == close => Some(false),
            _ => None,
        }
    }

    /// What stands between `{` and `}`, and the `}`.
    fn members(&mut self, mut member: impl FnMut(Range<usize>, bool, Range<usize>, Kind), levels: usize) -> Option<()> {
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.expect(b'"')?;
            let key = self.at;
            let escaped = self.string()?;
            let key = key..self.at - 1;
            self.expect(b':')?;
            self.peek()?;
            let value = self.at;
            let kind = self.value(levels)?;
            member(key, escaped, value..self.at, kind);
            if !self.goes_on(b'}')? {
                return Some(());
            }
        }
    }

    fn value(&mut self, levels: usize) -> Option<Kind> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'"' => return Some(if self.string()? { Kind::Escaped } else { Kind::Plain }),
            b'{' | b'[' if levels == MOST_LEVELS => return None,
            b'{' => self.members(|_, _, _, _| (), levels + 1)?,
            b'[' => self.items(levels + 1)?,
            b't' => self.word(b"rue")?,
            b'f' => self.word(b"alse")?,
            b'n' => self.word(b"ull")?,
            b'-' | b'0'..=b'9' => self.number(self.at - 1)?,
            _ => return None,
        }
        Some(Kind::Other)
    }

    fn items(&mut self, levels: usize) -> Option<()> {
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.value(levels)?;
            if !self.goes_on(b']')? {
                return Some(());
            }
        }
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(rest).then(|| self.at += rest.len())
    }

    fn number(&mut self, begin: usize) -> Option<()> {
        self.at = begin + usize::from(self.bytes[begin] == b'-');
        let digits = self.at;
        self.digits()?;
        if self.bytes[digits] == b'0' && self.at > digits + 1 {
            return None;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        let power = matches!(self.bytes.get(self.at), Some(b'e' | b'E'));
        if power {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        if power || self.at - begin > SURELY_FINITE {
            let number: f64 = std::str::from_utf8(&self.bytes[begin..self.at]).ok()?.parse().ok()?;
            return number.is_finite().then_some(());
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        (self.at > begin).then_some(())
    }

    /// What follows an opening quote, up to and with the closing one; whether there are escapes in it.
    fn string(&mut self) -> Option<bool> {
        let mut escaped = false;
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some(escaped),
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.unit()? {
                0xd800..0xdc00 => {
                    self.word(b"\\u")?;
                    (0xdc00..0xe000).contains(&self.unit()?).then_some(())
                }
                0xdc00..0xe000 => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    fn unit(&mut self) -> Option<u32> {
        let unit = unit(self.bytes.get(self.at..)?)?;
        self.at += 4;
        Some(unit)
    }
}

/// The four hexadecimal digits that `bytes` begins with.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// Appends the text of a string that was [scanned](scan), without its quotes.
pub(super) fn unescape(mut inside: &[u8], text: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'\\', inside) {
        text.extend_from_slice(&inside[..at]);
        let (character, length) = escaped(&inside[at..]);
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        inside = inside.get(at + length..).unwrap_or_default();
    }
    text.extend_from_slice(inside);
}

/// The character of the escape that `bytes` begins with, and how many bytes it has.
fn escaped(bytes: &[u8]) -> (char, usize) {
    let character = match bytes.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let high = bytes.get(2..).and_then(unit).unwrap_or_default();
            if !(0xd800..0xdc00).contains(&high) {
                return (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6);
            }
            let low = bytes.get(8..).and_then(unit).unwrap_or_default();
            let code = 0x1_0000 + ((high - 0xd800) << 10) + (low & 0x3ff);
            return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
        }
        Some(other) => char::from(*other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (character, 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn found(text: &str) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        scan(text, &mut fields)?;
        let pair = |field: Field| {
            let mut key = Vec::new();
            unescape(&text.as_bytes()[field.key], &mut key);
            (String::from_utf8(key).unwrap(), text[field.value].to_owned())
        };
        Some(fields.into_iter().map(pair).collect())
    }

    #[test]
    fn fields_are_found_and_keep_their_spelling() {
        let fields = found(" {\"a\" : 1.50e+1 ,\"\\u0062\":\"x\\n\", \"c\":{\"d\":[1,{},[]]},\"\":null}\r\n").unwrap();
        let expected = [("a", "1.50e+1"), ("b", "\"x\\n\""), ("c", "{\"d\":[1,{},[]]}"), ("", "null")];
        assert_eq!(fields, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(found("{}"), Some(vec![]));
    }

    #[test]
    fn what_the_server_could_not_read_is_no_object() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(found(&deep(MOST_LEVELS)).is_some());
        assert!(found(&deep(MOST_LEVELS + 1)).is_none());
        assert!(found(&deep(100_000)).is_none());
        assert!(found(&format!("{{\"a\":{}}}", "9".repeat(300))).is_some(), "as it is written");
        let (long, half) = (format!("{{\"a\":{}}}", "9".repeat(400)), "{\"a\":\"\\ud800\"}");
        for text in [
            "",
            "[]",
            "1",
            "null",
            "{",
            "{}x",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":-}",
            "{\"a\":1.}",
            "{\"a\":1e}",
            "{\"a\":1e999}",
            "{\"a\":NaN}",
            "{\"a\":tru}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\0\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u00g0\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"\\ud800x\":1}",
            "{\"a\":\"",
            &long,
            half,
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn strings_are_read_as_they_were_meant(text: String) {
            let written = serde_json::to_string(&text).unwrap();
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            for written in [written, format!("\"{units}\"")] {
                let line = format!("{{\"a\":{written}}}");
                let mut fields = Vec::new();
                prop_assert!(scan(&line, &mut fields).is_some());
                let value = fields[0].value.clone();
                let mut read = Vec::new();
                unescape(&line.as_bytes()[value.start + 1..value.end - 1], &mut read);
                prop_assert_eq!(read, text.as_bytes());
            }
        }

        #[test]
        fn another_parser_agrees(text in r#"\{("[ab]":([0-9eE.+-]{1,5}|"[\\u0d8n]{0,7}"|\[(-?[0-9]{1,2},?){0,3}\]|\{\}|true|nul{1,2}),?){0,4}\}"#) {
            let ours = found(&text).is_some();
            let theirs = serde_json::from_str::<Value>(&text).is_ok();
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}
