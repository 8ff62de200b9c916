//! Who sent a message, as its head says: host and program, by RFC 3164 and RFC 5424.

/// Host and program of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sender<'m> {
    pub(super) host: Option<&'m [u8]>,
    pub(super) app: Option<&'m [u8]>,
}

/// What the head of a message says; nothing when it has none.
pub(super) fn sender(message: &[u8]) -> Sender<'_> {
    behind_priority(message.trim_ascii())
        .and_then(|rest| new_style(rest).or_else(|| old_style(rest)))
        .unwrap_or_default()
}

/// `<13>…`
fn behind_priority(message: &[u8]) -> Option<&[u8]> {
    let rest = message.strip_prefix(b"<")?;
    let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=3).contains(&digits).then(|| rest[digits..].strip_prefix(b">")).flatten()
}

/// RFC 5424: `1 2003-10-11T22:14:15.003Z host app procid msgid …`, each `-` when it is not known.
fn new_style(rest: &[u8]) -> Option<Sender<'_>> {
    let (version, rest) = word(rest)?;
    let is_version = matches!(version, [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9']);
    let (time, rest) = word(rest)?;
    let is_time = time == b"-" || (time.len() >= 19 && time[4] == b'-' && time[10] == b'T');
    if !is_version || !is_time {
        return None;
    }
    let (host, rest) = word(rest)?;
    let (app, _) = word(rest)?;
    let known = |word| (word != b"-").then_some(word);
    Some(Sender { host: known(host), app: known(app) })
}

/// RFC 3164: `Oct 11 22:14:15 host app[pid]: …`
fn old_style(rest: &[u8]) -> Option<Sender<'_>> {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let (month, rest) = rest.split_at_checked(3)?;
    let is_month = MONTHS.chunks(3).any(|known| known == month);
    let (day, rest) = word(rest.strip_prefix(b" ")?.trim_ascii_start())?;
    let is_day = matches!(day, [b'1'..=b'9'] | [b'0'..=b'3', b'0'..=b'9']);
    let (time, rest) = word(rest)?;
    let is_time = time.len() == 8 && time[2] == b':' && time[5] == b':';
    if !is_month || !is_day || !is_time {
        return None;
    }
    let (host, rest) = word(rest)?;
    Some(Sender { host: Some(host), app: tag(rest) })
}

/// The program before `[pid]`, `:` and a blank.
fn tag(message: &[u8]) -> Option<&[u8]> {
    let (tag, _) = word(message)?;
    let tag = tag.strip_suffix(b":").unwrap_or(tag);
    let without_number = || {
        let open = tag.iter().rposition(|&byte| byte == b'[')?;
        let number = tag[open + 1..].strip_suffix(b"]")?;
        (!number.is_empty() && number.iter().all(u8::is_ascii_digit)).then_some(&tag[..open])
    };
    let tag = without_number().unwrap_or(tag);
    (!tag.is_empty()).then_some(tag)
}

/// The bytes up to a blank, and those behind it.
fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', bytes)?;
    (end > 0).then(|| (&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> String {
        let Sender { host, app } = sender(message.as_bytes());
        let text =
            |bytes: Option<&[u8]>| bytes.map_or("-".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned());
        format!("{} {}", text(host), text(app))
    }

    #[test]
    fn host_and_program_are_found_in_both_styles() {
        for (message, expected) in [
            ("<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "mymachine su"),
            ("<34>Oct  1 22:14:15 mymachine su[123]: x", "mymachine su"),
            ("<34>Oct 11 22:14:15 mymachine su[x]: y", "mymachine su[x]"),
            ("<34>Oct 11 22:14:15 mymachine my app", "mymachine my"),
            ("<34>Oct 11 22:14:15 mymachine alone", "mymachine -"),
            (
                "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [a b=\"c\"] x",
                "mymachine.example.com evntslog",
            ),
            ("<165>1 - - app - - -", "- app"),
            (" <34>Oct 11 22:14:15 h a: x \n", "h a"),
            ("<13>a", "- -"),
            ("<1234>Oct 11 22:14:15 h a: x", "- -"),
            ("<34>Okt 11 22:14:15 h a: x", "- -"),
            ("no head", "- -"),
            ("", "- -"),
        ] {
            assert_eq!(told(message), expected, "{message}");
        }
    }
}
