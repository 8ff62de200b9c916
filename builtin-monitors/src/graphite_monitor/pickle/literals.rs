//! Numbers and texts as pickles write them.

use std::borrow::Cow;

/// A whole number in digits, as protocol 0 has it, as the nearest float: `17`, `-5`, `17L`; `01` and `00` are truth values.
pub(super) fn whole_number(line: &[u8]) -> Option<f64> {
    let digits = line.strip_suffix(b"L").unwrap_or(line);
    let unsigned = digits.strip_prefix(b"-").or_else(|| digits.strip_prefix(b"+")).unwrap_or(digits);
    let is_whole = !unsigned.is_empty() && unsigned.iter().all(u8::is_ascii_digit);
    // One beyond all floats is none in Python either.
    number(digits).filter(|number| is_whole && number.is_finite())
}

/// A number as Python's `float` reads it from text.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    str::from_utf8(text).ok()?.trim().parse().ok()
}

/// A whole number of any length in two's complement, the lowest byte first, as the nearest float.
#[expect(clippy::cast_precision_loss, reason = "every value becomes a float")]
pub(super) fn long(bytes: &[u8]) -> Option<f64> {
    const HIGH: usize = size_of::<i128>();
    let low = bytes.len().saturating_sub(HIGH);
    let (low, high) = bytes.split_at(low);
    let sign = if high.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut extended = [sign; HIGH];
    extended.get_mut(..high.len())?.copy_from_slice(high);
    // A float has half as many bits as the high bytes: those below them matter to its last bit at most.
    let shift = i32::try_from(8 * low.len()).ok()?;
    let number = i128::from_le_bytes(extended) as f64 * 2_f64.powi(shift);
    number.is_finite().then_some(number)
}

/// The text of `'a\x20text'`, as Python 2 wrote it.
pub(super) fn quoted(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    let line = line.trim_ascii();
    let inside = match line {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => inside,
        _ => return None,
    };
    if !inside.contains(&b'\\') {
        return Some(Cow::Borrowed(inside));
    }
    let mut text = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'\\' {
            rest = escaped(rest, &mut text)?;
        } else {
            text.push(byte);
        }
    }
    Some(Cow::Owned(text))
}

/// What stands behind a backslash; gives what is left.
fn escaped<'b>(rest: &'b [u8], text: &mut Vec<u8>) -> Option<&'b [u8]> {
    let (&kind, rest) = rest.split_first()?;
    text.push(match kind {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'v' => 0x0b,
        b'x' => {
            text.push(u8::try_from(hexadecimal(rest.get(..2)?)?).ok()?);
            return rest.get(2..);
        }
        // Backslash and quotes; of what is no escape, Python keeps the backslash.
        b'\\' | b'\'' | b'"' => kind,
        _ => {
            text.extend([b'\\', kind]);
            return Some(rest);
        }
    });
    Some(rest)
}

/// Text of protocol 0: Latin-1, with `\u0141` for what is beyond. A half of a pair of surrogates is replaced.
pub(super) fn raw_unicode(line: &[u8]) -> Cow<'_, [u8]> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return Cow::Borrowed(line);
    }
    let mut units = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = match behind.first() {
            Some(b'u') if byte == b'\\' => behind.get(1..5),
            Some(b'U') if byte == b'\\' => behind.get(1..9),
            _ => None,
        };
        let code = digits.and_then(hexadecimal);
        match (code, digits) {
            (Some(code), Some(digits)) => {
                push_utf16(code, &mut units);
                rest = behind.get(1 + digits.len()..).unwrap_or_default();
            }
            _ => {
                units.push(u16::from(byte));
                rest = behind;
            }
        }
    }
    Cow::Owned(String::from_utf16_lossy(&units).into_bytes())
}

/// Python 2 wrote a character beyond the first 65,536 as a pair of surrogates, so both ways meet here.
fn push_utf16(code: u32, units: &mut Vec<u16>) {
    match (u16::try_from(code), char::from_u32(code)) {
        (Ok(unit), _) => units.push(unit),
        (_, Some(character)) => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
        _ => units.push(0xfffd),
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_hexdigit);
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_any_length_are_read_with_their_sign() {
        for (bytes, number) in [
            (&[][..], 0.0),
            (&[0xff][..], -1.0),
            (&[0xff, 0x00][..], 255.0),
            (&[0x00, 0x80][..], -32768.0),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 1][..], 18_446_744_073_709_551_616.0),
        ] {
            assert_eq!(long(bytes), Some(number), "{bytes:?}");
        }
        let mut large = vec![0; 100];
        large[99] = 1;
        assert_eq!(long(&large), Some(2_f64.powi(8 * 99)));
        assert_eq!(long(&[0x7f; 200]), None, "beyond all floats");
        assert_eq!(long(&vec![0x7f; 1 << 20]), None);
    }

    #[test]
    fn digits_are_a_whole_number_and_nothing_else_is() {
        assert_eq!(whole_number(b"-17L"), Some(-17.0));
        assert_eq!(whole_number(b"01"), Some(1.0));
        assert_eq!(whole_number(b"9007199254740993"), Some(9_007_199_254_740_992.0));
        for no_number in [&b""[..], b"L", b"-", b"1.5", b"inf", b"1e5", b"0x1", b"\xff", &[b'9'; 400]] {
            assert_eq!(whole_number(no_number), None, "{no_number:?}");
        }
    }

    #[test]
    fn quoted_text_has_the_escapes_of_python_2() {
        assert_eq!(quoted(b"'a.b'").as_deref(), Some(&b"a.b"[..]));
        assert_eq!(quoted(br#"'a\'b\\c\x41\n\q'"#).as_deref(), Some(&b"a'b\\cA\n\\q"[..]));
        for no_text in [&b""[..], b"'", b"'a", b"a", br"'\x4'", br"'\xzz'", br"'\'"] {
            assert_eq!(quoted(no_text), None, "{no_text:?}");
        }
    }

    #[test]
    fn text_of_protocol_0_is_latin_1_with_escapes() {
        let read = |line: &[u8]| String::from_utf8(raw_unicode(line).into_owned()).unwrap();
        assert_eq!(read(b"a.b"), "a.b");
        assert_eq!(read(b"z\xfcrich\\u0141\\U0001f600"), "zürichŁ😀");
        assert_eq!(read(b"\\ud83d\\ude00"), "😀");
        assert_eq!(read(b"\\ud83d\\u00e"), "\u{fffd}\\u00e");
        assert_eq!(read(b"\\Uffffffff\\u005c"), "\u{fffd}\\");
    }
}
