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
        let (rest, query) = match self.0.find(['?', '#']) {
            Some(at) => (&self.0[..at], true),
            None => (self.0, false),
        };
        let (scheme, rest) = match rest.find("://") {
            Some(at) => rest.split_at(at + 3),
            None => ("", rest),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        write_plain(f, scheme)?;
        match authority.rsplit_once('@') {
            Some((user, host)) => {
                match user.split_once(':') {
                    Some((name, _)) => write_plain(f, name).and_then(|()| f.write_str(":***"))?,
                    // A user without a password is often a token.
                    None => f.write_str("***")?,
                }
                f.write_str("@")?;
                write_plain(f, host)?;
            }
            None => write_plain(f, authority)?,
        }
        write_plain(f, path)?;
        if query { f.write_str("?…") } else { Ok(()) }
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
            ("http://me:a/b@host/", "http://me:a/b@host/"),
            ("me:pass@host/x", "me:***@host/x"),
            ("", ""),
            ("http://h/a\nb", "http://h/a?b"),
        ] {
            // A `/` ends the authority, whatever the author meant: such a URL reaches the host `me`.
            assert_eq!(ShownUrl(url).to_string(), shown, "{url:?}");
        }
    }
}
