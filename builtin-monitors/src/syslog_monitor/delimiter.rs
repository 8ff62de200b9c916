//! `tcp_message_delimiter`: the escapes of its text, as Python has them.

use scalyr_monitor::prelude::*;

/// The longest delimiter in bytes.
const LONGEST: usize = 64;

/// For the option.
pub(super) fn check(text: &str) -> Result<()> {
    decoded(text).map(drop)
}

/// The bytes that the text stands for.
///
/// # Errors
/// When it stands for none, or too many, or an escape is not complete.
pub(super) fn decoded(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, behind) = escaped(rest)
            .ok_or_else(|| Error::new(format!("{text:?} has an escape that is not complete, or not known")))?;
        bytes.push(byte);
        rest = behind;
    }
    match bytes.len() {
        0 => Err(Error::new("must not be empty")),
        1..=LONGEST => Ok(bytes),
        length => Err(Error::new(format!("has {length} bytes; the most are {LONGEST}"))),
    }
}

/// The byte behind a backslash, and what follows it.
fn escaped(rest: &[u8]) -> Option<(u8, &[u8])> {
    let simple = |byte| Some((byte, &rest[1..]));
    match rest.first()? {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'\\' => simple(b'\\'),
        b'x' => {
            let digits = std::str::from_utf8(rest.get(1..3)?).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, &rest[3..]))
        }
        b'0'..=b'7' => {
            let length = rest.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
            let digits = std::str::from_utf8(&rest[..length]).ok()?;
            Some((u8::from_str_radix(digits, 8).ok()?, &rest[length..]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_bytes() {
        for (text, bytes) in [
            ("\\n", &b"\n"[..]),
            ("\n", b"\n"),
            ("\\r\\n", b"\r\n"),
            ("\\000", b"\0"),
            ("\\0a", b"\0a"),
            ("--\\x1e", b"--\x1e"),
            ("\\\\", b"\\"),
        ] {
            assert_eq!(decoded(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "\\", "\\x1", "\\q", "\\777"] {
            assert!(decoded(text).is_err(), "{text}");
        }
    }
}
