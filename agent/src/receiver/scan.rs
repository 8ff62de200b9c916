//! The tokens of the body dialect (`wire-protocol.md` section 3.1): strict JSON, with some keys bare and with
//! length-prefixed strings. Reads bytes, never copies what it need not, never panics.

use std::borrow::Cow;
use std::fmt;

/// How deep values may be nested within an attribute.
const MAX_DEPTH: usize = 64;

/// Where and why a body could not be read. The text never quotes a value, for one of them is the api key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Bytes from the beginning of the body.
    pub at: usize,
    /// What was wrong there.
    pub fault: Fault,
}

/// What was wrong at a place of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The body is over although more must follow.
    EndsEarly,
    /// Something else stands there; what was found and what is allowed.
    Unexpected(String),
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::EndsEarly => write!(f, "the body ends too early, after {} bytes", self.at),
            Fault::Unexpected(what) => write!(f, "at byte {} of the body: {what}", self.at),
        }
    }
}

impl std::error::Error for SyntaxError {}

/// What reading a token gives.
pub(super) type Result<T> = std::result::Result<T, SyntaxError>;

/// One JSON value as it was written, checked to be valid JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The JSON text.
    pub const fn text(self) -> &'a str {
        self.0
    }

    /// The value when it is a string.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let inside = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(if inside.contains('\\') { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) })
    }

    /// The value as a tree.
    ///
    /// # Errors
    /// When a number does not fit a double.
    pub fn value(self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_str(self.0)
    }
}

/// A place in a body from which tokens are read.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The byte that the next token begins with.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// An error at the next byte, or that there is none.
    pub(super) fn unexpected<T>(&self, allowed: &str) -> Result<T> {
        let fault = match self.bytes.get(self.at) {
            None => Fault::EndsEarly,
            Some(byte) => Fault::Unexpected(format!("found {}, but {allowed} must stand here", Shown(*byte))),
        };
        Err(SyntaxError { at: self.at, fault })
    }

    /// Checks that nothing but white space follows.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => {
                let left = self.bytes.len() - self.at;
                fail(self.at, format!("{left} bytes follow after the end of the request"))
            }
        }
    }

    /// Reads an object; `entry` reads the value of each key. Keys in `bare` may stand without quotes.
    pub(super) fn object(
        &mut self,
        bare: &[&'static str],
        mut entry: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>,
    ) -> Result<()> {
        self.expect(b'{', "`{`")?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key(bare)?;
            self.expect(b':', "`:`")?;
            entry(self, key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.unexpected("`,` or `}`"),
            }
        }
    }

    /// Reads an array; `item` reads each item.
    pub(super) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[', "`[`")?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.unexpected("`,` or `]`"),
            }
        }
    }

    /// Reads a JSON string.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        let Some(b'"') = self.peek() else { return self.unexpected("a string in quotes") };
        let begin = self.at;
        let escaped = self.skip_string()?;
        let inside = self.text(begin + 1, self.at - 1)?;
        Ok(if escaped { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) })
    }

    /// Reads a whole number.
    pub(super) fn integer(&mut self) -> Result<i64> {
        self.peek();
        let begin = self.at;
        let whole = self.skip_number()?;
        match self.text(begin, self.at)?.parse() {
            Ok(number) if whole => Ok(number),
            _ => fail(begin, "a whole number of at most 63 bits must stand here".to_owned()),
        }
    }

    /// Reads any JSON value.
    pub(super) fn raw(&mut self) -> Result<Raw<'a>> {
        self.peek();
        let begin = self.at;
        self.skip_value(0)?;
        Ok(Raw(self.text(begin, self.at)?))
    }

    /// Reads a length-prefixed string: back-quote, `s`, four bytes of big-endian signed length, that many bytes.
    pub(super) fn prefixed(&mut self) -> Result<&'a [u8]> {
        self.expect(b'`', "a back-quote")?;
        let Some(b's') = self.bytes.get(self.at) else { return self.unexpected("the `s` of a length-prefixed string") };
        let Some(&prefix) = self.bytes[self.at + 1..].first_chunk::<4>() else { return self.ends_early() };
        let Ok(length) = usize::try_from(i32::from_be_bytes(prefix)) else {
            return fail(self.at + 1, "the length of a string is negative".to_owned());
        };
        let begin = self.at + 5;
        let Some(content) = self.bytes[begin..].get(..length) else { return self.ends_early() };
        self.at = begin + length;
        Ok(content)
    }

    fn ends_early<T>(&self) -> Result<T> {
        Err(SyntaxError { at: self.bytes.len(), fault: Fault::EndsEarly })
    }

    fn expect(&mut self, byte: u8, name: &str) -> Result<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        self.unexpected(name)
    }

    fn key(&mut self, bare: &[&'static str]) -> Result<Cow<'a, str>> {
        if self.peek() == Some(b'"') {
            return self.string();
        }
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        let length = length.unwrap_or(rest.len());
        if let Some(known) = bare.iter().find(|known| known.as_bytes() == &rest[..length]) {
            self.at += length;
            return Ok(Cow::Borrowed(known));
        }
        if length == rest.len() {
            return self.ends_early();
        }
        match bare {
            [] => self.unexpected("a key in quotes"),
            _ => self.unexpected(&format!("a key in quotes (or, bare, one of {})", bare.join(", "))),
        }
    }

    fn text(&self, begin: usize, end: usize) -> Result<&'a str> {
        std::str::from_utf8(&self.bytes[begin..end]).or_else(|error| {
            fail(begin + error.valid_up_to(), "a JSON text is not UTF-8; only a message may hold any bytes".to_owned())
        })
    }

    fn skip_value(&mut self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return fail(self.at, format!("nested deeper than {MAX_DEPTH} levels"));
        }
        match self.peek() {
            Some(b'"') => self.skip_string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.skip_number().map(|_| ()),
            Some(b'{') => self.object(&[], |inner, _| inner.skip_value(depth + 1)),
            Some(b'[') => self.array(|inner| inner.skip_value(depth + 1)),
            Some(b't') => self.skip_word("true"),
            Some(b'f') => self.skip_word("false"),
            Some(b'n') => self.skip_word("null"),
            _ => self.unexpected("a JSON value (a length-prefixed string only as `message` of an event)"),
        }
    }

    fn skip_word(&mut self, word: &str) -> Result<()> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        if word.as_bytes().starts_with(rest) { self.ends_early() } else { self.unexpected(word) }
    }

    /// Passes over a number; true when it has neither fraction nor exponent.
    fn skip_number(&mut self) -> Result<bool> {
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.bytes.get(self.at) {
                return self.unexpected("no further digit after a leading 0");
            }
        } else {
            self.skip_digits()?;
        }
        let mut whole = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.skip_digits()?;
            whole = false;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.skip_digits()?;
            whole = false;
        }
        Ok(whole)
    }

    fn skip_digits(&mut self) -> Result<()> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == begin { self.unexpected("a digit") } else { Ok(()) }
    }

    /// Passes over a string, from quote to quote; true when it holds escapes.
    fn skip_string(&mut self) -> Result<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.bytes.get(self.at) {
                None => return self.ends_early(),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.skip_escape()?;
                }
                Some(0..0x20) => return self.unexpected("no control character, unless as an escape,"),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(escaped)
    }

    fn skip_escape(&mut self) -> Result<()> {
        let begin = self.at;
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => match self.skip_unit()? {
                0xd800..0xdc00 => {
                    let second = self.bytes.get(self.at..self.at + 2);
                    let low = match second {
                        Some(b"\\u") => {
                            self.at += 1;
                            self.skip_unit()?
                        }
                        _ if self.bytes.len() < self.at + 2 => return self.ends_early(),
                        _ => 0,
                    };
                    if (0xdc00..0xe000).contains(&low) { Ok(()) } else { half_pair(begin) }
                }
                0xdc00..0xe000 => half_pair(begin),
                _ => Ok(()),
            },
            _ => self.unexpected("one of \" \\ / b f n r t u, after the backslash,"),
        }
    }

    /// Passes over `u` and four hexadecimal digits.
    fn skip_unit(&mut self) -> Result<u32> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.bytes.get(self.at).and_then(|byte| char::from(*byte).to_digit(16));
            let Some(digit) = digit else { return self.unexpected("a hexadecimal digit") };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

fn half_pair<T>(at: usize) -> Result<T> {
    fail(at, "half of a surrogate pair: there is no such character".to_owned())
}

fn fail<T>(at: usize, what: String) -> Result<T> {
    Err(SyntaxError { at, fault: Fault::Unexpected(what) })
}

/// Resolves the escapes of a string that was checked before.
fn unescape(inside: &str) -> String {
    let mut result = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        result.push_str(&rest[..at]);
        let mut after = rest[at + 1..].chars();
        let character = match after.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (character, left) = unescape_unit(after.as_str());
                result.push(character);
                rest = left;
                continue;
            }
            Some(other) => other,
            None => char::REPLACEMENT_CHARACTER,
        };
        result.push(character);
        rest = after.as_str();
    }
    result.push_str(rest);
    result
}

/// The character of one or two `XXXX` units, and what follows them.
fn unescape_unit(digits: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0);
    let high = unit(digits);
    let rest = digits.get(4..).unwrap_or("");
    if (0xd800..0xdc00).contains(&high) {
        let low = unit(rest.get(2..).unwrap_or(""));
        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low & 0x3ff);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), rest.get(6..).unwrap_or(""));
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

/// A byte for the reader of an error: as a character when it is one.
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii_graphic() {
            write!(f, "`{}`", char::from(self.0))
        } else {
            write!(f, "the byte 0x{:02x}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &[u8]) -> Result<Raw<'_>> {
        let mut cursor = Cursor::new(text);
        let value = cursor.raw()?;
        cursor.end()?;
        Ok(value)
    }

    #[test]
    fn strings_with_every_escape_are_resolved() {
        let value = raw(br#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z""#).unwrap();
        assert_eq!(value.as_str().unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀z");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            &b"NaN"[..],
            b"01",
            b"+1",
            b"1.",
            b".5",
            b"1e",
            b"'a'",
            b"\"\x01\"",
            b"\"\\x41\"",
            b"\"\\ud800\"",
            b"\"\\udc00\"",
            b"\"\\ud800\\u0041\"",
            b"\"\xff\"",
            b"[1,]",
            b"{\"a\":1,}",
            b"{a:1}",
            b"tru",
            b"truth",
            b"`s\0\0\0\x01a",
            b"",
        ] {
            assert!(raw(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
        assert!(raw(&deep(MAX_DEPTH)).is_ok());
        let error = raw(&deep(100_000)).unwrap_err();
        assert!(error.to_string().contains("nested deeper than 64"), "{error}");
    }

    #[test]
    fn a_length_prefixed_string_holds_any_bytes() {
        let read = |bytes: &'static [u8]| Cursor::new(bytes).prefixed();
        assert_eq!(read(b"`s\0\0\0\x03\0\"\xff}"), Ok(&b"\0\"\xff"[..]));
        assert_eq!(read(b"`s\0\0\0\x03ab"), Err(SyntaxError { at: 8, fault: Fault::EndsEarly }));
        assert_eq!(read(b"`s\0\0"), Err(SyntaxError { at: 4, fault: Fault::EndsEarly }));
        assert!(read(b"`s\xff\xff\xff\xffab").unwrap_err().to_string().contains("negative"));
        assert!(read(b"`b\0\0\0\0").unwrap_err().to_string().contains("found `b`"));
    }

    proptest! {
        #[test]
        fn values_agree_with_another_json_parser(text in r#"[\[\]{}",:0-9eE.+\\u-]{0,12}|"\PC{0,8}"|\[(-?[0-9]{1,3}(\.[0-9])?,?){0,4}\]"#) {
            let other = serde_json::from_str::<serde_json::Value>(&text);
            let ours = raw(text.as_bytes());
            match (&ours, &other) {
                (Ok(ours), Ok(other)) => prop_assert_eq!(&ours.value().unwrap(), other),
                (Err(_), Err(_)) => {}
                // It refuses numbers that no double can hold; JSON knows no such bound.
                (Ok(_), Err(error)) if error.to_string().contains("out of range") => {}
                _ => prop_assert!(false, "{:?} but {:?}", ours, other),
            }
        }

        #[test]
        fn strings_survive_being_escaped(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(raw(json.as_bytes()).unwrap().as_str().unwrap(), text);
        }
    }
}
