//! A URL as a message may show it.

use std::fmt;

/// Shows a URL without what may be secret: the password in front of the host becomes `***`, and the query is left out.
///
/// ```
/// use scalyr_monitor::http::ShownUrl;
///
/// assert_eq!(ShownUrl("http://me:pass@host:80/a?token=1").to_string(), "http://me:***@host:80/a?…");
/// ```
#[derive(Clone, Copy)]
pub struct ShownUrl<'u>(pub &'u str);

impl fmt::Display for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = match self.0.find("://") {
            Some(at) => self.0.split_at(at + 3),
            None => ("", self.0),
        };
        write_plain(f, scheme)?;
        let behind_user = match behind_user(rest) {
            Some((user, behind)) => {
                match user.split_once(':') {
                    Some((name, _)) => write_plain(f, name).and_then(|()| f.write_str(":***"))?,
                    // A user without a password is often a token.
                    None => f.write_str("***")?,
                }
                behind
            }
            None => rest,
        };
        match behind_user.find(['?', '#']) {
            Some(at) => write_plain(f, behind_user.get(..at).unwrap_or_default()).and_then(|()| f.write_str("?…")),
            None => write_plain(f, behind_user),
        }
    }
}

/// Who asks, and what follows from the `@` on. Where a host and a port should stand and do not, it may be a password
/// with a `/`, a `?` or a `#` in it, which nothing else would hide.
fn behind_user(rest: &str) -> Option<(&str, &str)> {
    let path = rest.find(['?', '#']).unwrap_or(rest.len());
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let last = |end: usize| rest.get(..end).and_then(|text| text.rfind('@'));
    let split = last(authority).map(|at| rest.split_at(at));
    if split.is_some() {
        return split;
    }
    let host = rest.get(..authority).unwrap_or_default();
    let (_, port) = host.rsplit_once(':').filter(|_| !host.ends_with(']'))?;
    match port.bytes().all(|c| c.is_ascii_digit()) {
        true => last(path).map(|at| rest.split_at(at)),
        false => Some(rest.split_at(last(rest.len()).unwrap_or(authority))),
    }
}

/// Control characters as `?`, so that a message stays one line.
fn write_plain(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write as _;
    text.chars().try_for_each(|c| f.write_char(if c.is_control() { '?' } else { c }))
}

/// As it is shown: never the secret parts.
impl fmt::Debug for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_shown() {
        for (url, shown) in [
            ("http://127.0.0.1:80/status", "http://127.0.0.1:80/status"),
            ("https://me:p@ss@host/", "https://me:***@host/"),
            ("https://me:p:w@host", "https://me:***@host"),
            ("https://t0ken@host/x#secret", "https://***@host/x?…"),
            ("http://host?api_key=1", "http://host?…"),
            ("http://me:a/b@host/", "http://me:***@host/"),
            ("http://me:1/b@host/", "http://me:***@host/"),
            ("http://me:a?b@host/?c", "http://me:***@host/?…"),
            ("http://me:a#b@c@host:80/", "http://me:***@host:80/"),
            ("http://me:pass", "http://me:***"),
            ("http://me:pass/x", "http://me:***/x"),
            ("https:/me:pass@host/x", "https:***@host/x"),
            ("http://host:80/x?mail=a@b", "http://host:80/x?…"),
            ("http://host/@x", "http://host/@x"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            ("http://[::1]/x", "http://[::1]/x"),
            ("me:pass@host/x", "me:***@host/x"),
            ("", ""),
            ("http://h/a\nb", "http://h/a?b"),
        ] {
            assert_eq!(ShownUrl(url).to_string(), shown, "{url:?}");
        }
    }
}
