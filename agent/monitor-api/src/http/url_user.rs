//! Who asks, as it stands in front of the host of a URL: `http://USER:PASSWORD@HOST/`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{HeaderValue, Uri};

/// What a header `Authorization` says of this pair `USER:PASSWORD`.
pub(super) fn basic_auth(pair: &[u8]) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// The header of whom a URL names. ureq would send an `@` of the password as the `%40` that it is written as in a URL.
pub(super) fn basic_auth_of(uri: &Uri) -> Option<HeaderValue> {
    let (user, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let pair = [decoded(name), decoded(password)].join(&b':');
    let mut value = HeaderValue::try_from(basic_auth(&pair)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The bytes that `%` and two digits stand for; any other `%` stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let pair = digit(behind.first()).zip(digit(behind.get(1))).filter(|_| first == b'%');
        bytes.push(pair.map_or(first, |(high, low)| high << 4 | low));
        rest = pair.map_or(behind, |_| behind.get(2..).unwrap_or_default());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_sent_as_it_is_and_not_as_a_url_writes_it() {
        let sent = |url: &str| {
            let value = basic_auth_of(&url.parse().unwrap())?;
            let pair = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
            Some(String::from_utf8_lossy(&STANDARD.decode(pair).unwrap()).into_owned())
        };
        for (url, pair) in [
            ("http://host/a@b", None),
            ("http://me:pass@host/", Some("me:pass")),
            ("http://me:p%40s%3as%25@host/", Some("me:p@s:s%")),
            ("http://me:p:s@host/", Some("me:p:s")),
            ("http://t0ken@host/", Some("t0ken:")),
            ("http://me:%C3%A4%ff@host/", Some("me:ä\u{fffd}")),
            ("http://me:1%zz%2@host/", Some("me:1%zz%2")),
        ] {
            assert_eq!(sent(url).as_deref(), pair, "{url}");
        }
    }
}
