//! Redirects: where one leads, and what may be sent there.
//!
//! ureq would follow them by itself, but it takes every header along except `Authorization`, and a token often stands in
//! another one.

use ureq::http::{HeaderMap, Method, StatusCode, Uri, header, uri::Scheme};

/// What is asked of a server.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Asked {
    /// What to ask after an answer; `None` when it is to be taken as it is, because it does not redirect, or because
    /// what was sent would have to be sent again.
    ///
    /// No header goes to another server: those of the options are secrets, and were meant for this one.
    ///
    /// # Errors
    /// Why the redirect is not followed.
    pub(super) fn after(&self, status: StatusCode, answered: &HeaderMap) -> Result<Option<Self>, &'static str> {
        let Some(location) = answered.get(header::LOCATION) else { return Ok(None) };
        let is_repeatable = matches!(self.method, Method::GET | Method::HEAD);
        let method = match status.as_u16() {
            301..=303 if is_repeatable => self.method.clone(),
            301..=303 => Method::GET,
            307 | 308 if is_repeatable => self.method.clone(),
            _ => return Ok(None),
        };
        let uri = location.to_str().ok().and_then(|location| target(&self.uri, location));
        let uri = uri.ok_or("the server redirects to what is no URL")?;
        if self.uri.scheme() == Some(&Scheme::HTTPS) && uri.scheme() != Some(&Scheme::HTTPS) {
            return Err("the server redirects from https to plain http, which is not followed");
        }
        let mut headers = if is_same_server(&self.uri, &uri) { self.headers.clone() } else { HeaderMap::new() };
        for of_body in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
            headers.remove(of_body);
        }
        Ok(Some(Self { method, uri, headers, body: Vec::new() }))
    }
}

/// Where a `Location` leads one who asked for this. Dots in a path are left to the server.
fn target(asked: &Uri, location: &str) -> Option<Uri> {
    let location = location.trim();
    let location = location.split_once('#').map_or(location, |(location, _)| location);
    let (scheme, authority, path) = (asked.scheme_str()?, asked.authority()?, asked.path());
    let begins_with_scheme = location.split(['/', '?']).next().is_some_and(|start| start.contains(':'));
    let whole = match location {
        _ if begins_with_scheme => location.to_owned(),
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{scheme}://{authority}{location}"),
        "" => asked.to_string(),
        _ if location.starts_with('?') => format!("{scheme}://{authority}{path}{location}"),
        _ => {
            let folder = path.rfind('/').and_then(|end| path.get(..=end)).unwrap_or("/");
            format!("{scheme}://{authority}{folder}{location}")
        }
    };
    whole.parse().ok().filter(|uri: &Uri| port(uri).is_some() && uri.host().is_some() && !has_odd_port(uri))
}

/// Whether two URLs name one server; its https is the same as its http, when both have their usual ports.
fn is_same_server(asked: &Uri, target: &Uri) -> bool {
    let is_host = asked.host().zip(target.host()).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other));
    let is_port = asked.scheme() == target.scheme() && port(asked) == port(target);
    is_host && (is_port || (port(asked), port(target)) == (Some(80), Some(443)))
}

/// The port of a server; `None` when the URL is not one of HTTP.
pub(super) fn port(uri: &Uri) -> Option<u16> {
    let usual = match uri.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some(uri.port_u16().unwrap_or(usual))
}

/// Whether what stands behind the host is no port; a single `:` stands for the usual one.
pub(super) fn has_odd_port(uri: &Uri) -> bool {
    let Some((authority, host)) = uri.authority().zip(uri.host()) else { return false };
    let behind_user = authority.as_str().rsplit('@').next().unwrap_or_default();
    let behind_host = behind_user.strip_prefix(host).unwrap_or_default();
    !matches!(behind_host, "" | ":") && uri.port_u16().is_none()
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderValue;

    use super::*;

    #[test]
    fn a_location_is_read_from_where_it_stands() {
        let asked: Uri = "http://me:pw@host:81/a/b?c".parse().unwrap();
        for (location, leads_to) in [
            ("/x?y#z", Some("http://me:pw@host:81/x?y")),
            ("x/../y", Some("http://me:pw@host:81/a/x/../y")),
            ("?x", Some("http://me:pw@host:81/a/b?x")),
            ("", Some("http://me:pw@host:81/a/b?c")),
            ("//other/x", Some("http://other/x")),
            ("https://other", Some("https://other/")),
            (" HTTP://other/x ", Some("http://other/x")),
            ("x?u=http://other/", Some("http://me:pw@host:81/a/x?u=http://other/")),
            ("ftp://other/", None),
            ("mailto:me", None),
            ("http://", None),
            ("http:///x", None),
            ("//a b/", None),
            ("//other:65536/", None),
            ("//other:/x", Some("http://other:/x")),
        ] {
            assert_eq!(target(&asked, location).map(|uri| uri.to_string()).as_deref(), leads_to, "{location:?}");
        }
    }

    #[test]
    fn https_is_never_left() {
        let after = |from: &str, to: &'static str| {
            let asked =
                Asked { method: Method::GET, uri: from.parse().unwrap(), headers: HeaderMap::new(), body: Vec::new() };
            let answered = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(to))]);
            asked.after(StatusCode::FOUND, &answered).map(|next| next.map(|next| next.uri.to_string()))
        };
        assert_eq!(after("http://a/", "https://a/"), Ok(Some("https://a/".to_owned())));
        assert_eq!(after("https://a/", "//b/"), Ok(Some("https://b/".to_owned())));
        assert!(after("https://a/", "http://a/").unwrap_err().contains("from https to plain http"));
    }

    #[test]
    fn another_host_port_or_scheme_is_another_server() {
        let is_same = |one: &str, other: &str| is_same_server(&one.parse().unwrap(), &other.parse().unwrap());
        assert!(is_same("http://a/x", "http://A:80/y"));
        assert!(is_same("http://a/x", "https://a/x"));
        assert!(!is_same("http://a/x", "http://b/x"));
        assert!(!is_same("http://a/x", "http://a.b/x"));
        assert!(!is_same("http://a/x", "http://a:81/x"));
        assert!(!is_same("http://a:8080/x", "https://a:8443/x"));
        assert!(!is_same("https://a/x", "http://a/x"));
    }
}
