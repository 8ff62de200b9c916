//! Numbers: which are accepted, and what json5 gets for them.

use super::fault::{Fault, QUOTE_TEXTS, show};

/// The longest number, as in the Python agent.
const MAX_CHARS: usize = 100;
pub(super) const NOT_FINITE: &str = "expected a finite number, up to about 1.8e308";

/// A number that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Literal<'t> {
    /// How many bytes of the token its sign takes.
    pub(super) sign: usize,
    /// It without sign, and without zeros in front, which mean nothing: 010 is ten.
    pub(super) digits: &'t str,
    /// Whether it is a whole number of so many digits that it loses some.
    pub(super) is_inexact: bool,
}

/// Whether a token that begins like this is meant as a number.
pub(super) fn begins_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '+' | '-' | '.')
}

/// Reads a number: JSON's, and `5.`, `.5`, `+1`, `010`, `0x10`.
///
/// # Errors
/// What does not belong there; its offset is that in the token.
pub(super) fn read(token: &str) -> Result<Literal<'_>, Fault> {
    if token.len() > MAX_CHARS {
        return Err(Fault::at(0, format!("this number has more than {MAX_CHARS} characters")).hint(QUOTE_TEXTS));
    }
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    let sign = token.len() - unsigned.len();
    if matches!(unsigned, "Infinity" | "NaN") {
        return Err(Fault::at(0, NOT_FINITE));
    }
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        if hex.is_empty() || end < hex.len() {
            return Err(misplaced(token, sign + 2 + end));
        }
        let Ok(number) = u64::from_str_radix(hex, 16) else {
            return Err(Fault::at(0, "hexadecimal numbers have up to 16 digits"));
        };
        let is_inexact = token.starts_with('-') && !is_kept(-i128::from(number));
        return Ok(Literal { sign, digits: unsigned, is_inexact });
    }
    let (end, is_whole) = decimal_end(unsigned);
    if end < unsigned.len() || !unsigned.contains(|c: char| c.is_ascii_digit()) || ends_in_exponent(unsigned) {
        return Err(misplaced(token, sign + end));
    }
    if !token.parse().is_ok_and(f64::is_finite) {
        return Err(Fault::at(0, NOT_FINITE));
    }
    let is_inexact = is_whole && !token.parse().is_ok_and(|number: i128| is_kept(number));
    Ok(Literal { sign, digits: without_zeros(unsigned), is_inexact })
}

fn is_kept(number: i128) -> bool {
    i64::try_from(number).is_ok() || u64::try_from(number).is_ok()
}

/// Where digits, fraction and exponent end, and whether there are digits only.
fn decimal_end(unsigned: &str) -> (usize, bool) {
    let bytes = unsigned.as_bytes();
    let digits = |from: usize| from + bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
        if end == 1 {
            return (end, false);
        }
    }
    if end > 0 && matches!(bytes.get(end), Some(b'e' | b'E')) {
        end += 1;
        if matches!(bytes.get(end), Some(b'+' | b'-')) {
            end += 1;
        }
        end = digits(end);
    }
    (end, end == whole)
}

fn ends_in_exponent(unsigned: &str) -> bool {
    unsigned.ends_with(['e', 'E', '+', '-'])
}

fn without_zeros(unsigned: &str) -> &str {
    let rest = unsigned.trim_start_matches('0');
    let has_digit = rest.starts_with(|c: char| c.is_ascii_digit());
    let zeros = unsigned.len() - rest.len() - usize::from(!has_digit && rest.len() < unsigned.len());
    unsigned.get(zeros..).unwrap_or(unsigned)
}

fn misplaced(token: &str, at: usize) -> Fault {
    let found = token.get(at..).and_then(|rest| rest.chars().next());
    let digit = |found: &str, hint: &str| Fault::at(at, format!("expected a digit, found {found}")).hint(hint);
    match found {
        None => digit("the end of the number", ""),
        Some('_') => digit("`_`", "write the digits without it"),
        Some(c @ ('+' | '-')) => digit(&show(c), "numbers have one sign and are not added"),
        Some(c) => Fault::at(at, format!("expected a number, found {} in it", show(c))).hint(QUOTE_TEXTS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_in_front_mean_nothing() {
        let digits = |token| read(token).map(|literal| literal.digits).unwrap_or("refused");
        let tokens =
            ["0", "00", "010", "-010", "+007", "0.5", "00.5", "5.", ".5", "0e1", "00e1", "0x1F", "00x1F", "-0"];
        assert_eq!(
            tokens.map(digits),
            ["0", "0", "10", "10", "7", "0.5", "0.5", "5.", ".5", "0e1", "0e1", "0x1F", "refused", "0"]
        );
    }

    #[test]
    fn whole_numbers_that_lose_digits_are_known() {
        let inexact = |token| read(token).is_ok_and(|literal| literal.is_inexact);
        for kept in
            ["18446744073709551615", "-9223372036854775808", "1e30", "99999999999999999999.0", "0xffffffffffffffff"]
        {
            assert!(!inexact(kept), "{kept}");
        }
        let long = "9".repeat(100);
        for lost in ["18446744073709551616", "-9223372036854775809", "-0x8000000000000001", long.as_str()] {
            assert!(inexact(lost), "{lost}");
        }
        assert!(read(&"9".repeat(101)).is_err());
        assert!(read("0x10000000000000000").is_err());
    }

    #[test]
    fn what_is_no_number_is_refused_at_its_first_wrong_character() {
        let at = |token| read(token).map_err(|fault| fault.at);
        for (token, offset) in [
            ("1e400", 0),
            ("-Infinity", 0),
            ("-", 1),
            ("+", 1),
            (".", 1),
            ("-.", 2),
            ("--1", 1),
            ("1_000", 1),
            ("1e", 2),
            ("1e+", 3),
            ("1.2.3", 3),
            (".e5", 1),
            ("e5", 0),
            ("0x", 2),
            ("0xg", 2),
            ("10s", 2),
            ("1+2", 1),
            ("5é", 1),
        ] {
            assert_eq!(at(token), Err(Some(offset)), "{token}");
        }
    }
}
