//! What went wrong on the way, for the person who has to mend it.

use std::io::ErrorKind;
use std::time::Duration;

/// The cause in words, with what to do about it where that is known.
pub(super) fn explain(error: &ureq::Error, timeout: Duration) -> String {
    let text = match error {
        ureq::Error::Timeout(_) => {
            return format!(
                "no whole answer within {} s; is the server overloaded, or `timeout` too short?",
                timeout.as_secs_f64()
            );
        }
        ureq::Error::HostNotFound => return "the name of the server has no address; check its spelling".to_owned(),
        ureq::Error::BadUri(why) => format!("this is no URL that can be asked: {why}"),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => {
                return "the connection is refused; does the server run, and does it listen on this address and port?"
                    .to_owned();
            }
            ErrorKind::UnexpectedEof => return "the server closed the connection without a whole answer".to_owned(),
            ErrorKind::ConnectionReset => return "the server reset the connection".to_owned(),
            _ => error.to_string(),
        },
        ureq::Error::Protocol(error) => {
            return format!("what comes is no answer of HTTP ({error}); is this the port of a web server?");
        }
        ureq::Error::Rustls(error) => error.to_string(),
        error => error.to_string(),
    };
    if text.contains("InvalidContentType") {
        return format!("the server does not speak TLS here ({text}); does the URL begin with https by mistake?");
    }
    // The system's resolver, whose errors have no kind of their own.
    if text.contains("failed to lookup address") {
        return format!("the name of the server has no address ({text}); check its spelling");
    }
    if text.contains("UnknownIssuer") || text.contains("CaUsedAsEndEntity") {
        return format!(
            "its certificate is not signed by a trusted authority ({text}); name that authority in `ca_file`"
        );
    }
    if text.contains("not valid for name") || text.contains("NotValidForName") {
        return format!(
            "its certificate is for another name ({text}); ask under the name that stands in the certificate"
        );
    }
    if text.contains("certificate expired") || text.contains("Expired") {
        return format!("its certificate has expired ({text}); renew it on the server, or set this host's clock");
    }
    text
}

/// What a status code asks of the person who reads it.
pub(super) fn hint(status: u16) -> &'static str {
    match status {
        401 => "; the server wants to know who asks: give the name and the password",
        403 => "; let the server's configuration allow this page to this host",
        404 => "; is this page switched on in the server, and its path right?",
        407 => "; a proxy stands in between and wants to know who asks",
        429 => "; it is asked too often: make `sample_interval` longer",
        300..=399 => "; it points elsewhere: ask there, or set `max_redirects`",
        500..=599 => "; look into the server's own log",
        _ => "",
    }
}
