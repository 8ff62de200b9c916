//! Cursors of the journal: where an entry stands.

use std::time::Duration;

use scalyr_monitor::Timestamp;

/// A cursor is a list of `letter=hexadecimal number`; longer ones are none.
const MAX_BYTES: usize = 1024;

/// Whether a text looks like a cursor: it becomes an argument of journalctl.
pub(super) fn is_cursor(text: &str) -> bool {
    let is_part = |part: &str| {
        let Some((key, value)) = part.split_once('=') else { return false };
        key.len() == 1 && !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    text.len() <= MAX_BYTES && text.split(';').all(is_part)
}

/// Whether two cursors are of one entry. It may lie in several files, each of which numbers its entries by itself (`s`,
/// `i`); boot, times and hash are the entry's own.
pub(super) fn is_same_entry(one: &str, other: &str) -> bool {
    let of_entry = |cursor: &str| -> Option<Vec<String>> {
        let part = |key: &str| cursor.split(';').find(|part| part.starts_with(key)).map(str::to_owned);
        ["b=", "m=", "t=", "x="].into_iter().map(part).collect()
    };
    match (of_entry(one), of_entry(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// How long before `now` the journal received the entry; none when the cursor does not say it.
pub(super) fn age(cursor: &str, now: Timestamp) -> Option<Duration> {
    let micros = cursor.split(';').find_map(|part| part.strip_prefix("t="))?;
    let micros = i64::from_str_radix(micros, 16).ok()?;
    let nanos = now.as_nanos().saturating_sub(micros.checked_mul(1000)?);
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: &str = "s=0b9f427c735c41f3816658ebc074db5e;i=1;b=11111111222243338444555555555555;m=3e8;t=660f469ce484a;x=ea266b1237e48c19";

    #[test]
    fn a_cursor_says_how_old_its_entry_is() {
        let received = 0x0006_60f4_69ce_484a * 1000;
        assert!(is_cursor(CURSOR));
        assert_eq!(age(CURSOR, Timestamp::from_nanos(received + 5)), Some(Duration::from_nanos(5)));
        assert_eq!(age(CURSOR, Timestamp::from_nanos(received - 5)), Some(Duration::ZERO));
        assert_eq!(age("s=0;i=1", Timestamp::from_nanos(received)), None);
    }

    #[test]
    fn an_entry_is_the_same_in_another_file_and_another_entry_is_not() {
        assert!(is_same_entry(CURSOR, &CURSOR.replace("s=0b", "s=1c").replace("i=1;", "i=9;")));
        assert!(!is_same_entry(CURSOR, &CURSOR.replace("x=e", "x=f")));
        assert!(is_same_entry("s=1;i=2", "s=1;i=2") && !is_same_entry("s=1;i=2", "s=1;i=3"));
    }

    #[test]
    fn what_is_no_cursor_never_becomes_an_argument() {
        for text in ["", "s", "s=", "--help", "s=0;", "s=0 i=1", "ss=0", "s=xyz"] {
            assert!(!is_cursor(text), "{text:?}");
        }
    }
}
