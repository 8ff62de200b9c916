//! Why a server's certificate is refused, in the operator's words.

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, OtherError};
use scalyr_monitor::Timestamp;
use webpki::EndEntityCert;

use super::failure::Failure;

/// How many names of a certificate are shown.
const SHOWN_NAMES: usize = 5;

/// What is wrong with a certificate, and what to do; `trusted` says which authorities are.
pub(super) fn explain(
    error: &CertificateError,
    certificate: &CertificateDer<'_>,
    server: &str,
    trusted: &str,
) -> Failure {
    let its = format!("the certificate of {server}");
    match error {
        CertificateError::UnknownIssuer if is_self_signed(certificate) => Failure::new(
            "self-signed certificate",
            format!(
                "{its} is signed by itself, and by none of the authorities that are trusted ({trusted}); if it is the \
                 right one, set ca_cert_path to a PEM file with it"
            ),
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Failure::new(
            "unknown authority",
            format!(
                "{its} is signed by an authority that is not trusted (trusted are {trusted}); set ca_cert_path to a PEM \
                 file with that authority, or to \"system\" if this host trusts it; a proxy that looks into TLS has an \
                 authority of its own"
            ),
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| plain_name(name)).take(SHOWN_NAMES).collect();
            let more = if presented.len() > SHOWN_NAMES { ", …" } else { "" };
            let found = match names.is_empty() {
                true => "names no host".to_owned(),
                false => format!("is for {}{more}", names.join(", ")),
            };
            Failure::new(
                "certificate of another name",
                format!(
                    "{its} {found}, and not for {}; write scalyr_server as the certificate does",
                    expected.to_str()
                ),
            )
        }
        CertificateError::NotValidForName => {
            Failure::new("certificate of another name", format!("{its} is for another name"))
        }
        CertificateError::ExpiredContext { time, not_after } => Failure::new(
            "certificate expired",
            format!(
                "{its} has expired at {}, and this host's clock shows {}; renew the certificate, or set the clock",
                date(*not_after),
                date(*time)
            ),
        ),
        CertificateError::NotValidYetContext { time, not_before } => Failure::new(
            "certificate not yet valid",
            format!(
                "{its} is not valid before {}, and this host's clock shows {}; most likely the clock is wrong",
                date(*not_before),
                date(*time)
            ),
        ),
        CertificateError::Expired => Failure::new("certificate expired", format!("{its} has expired")),
        CertificateError::NotValidYet => Failure::new(
            "certificate not yet valid",
            format!("{its} is not valid yet; most likely this host's clock is wrong"),
        ),
        CertificateError::Other(other) if is_ca_used_as_end_entity(other) => Failure::new(
            "certificate of an authority",
            format!(
                "{its} is made to sign others (CA:TRUE), and does not stand itself in what is trusted ({trusted}); if \
                 it is the right one, set ca_cert_path to a PEM file with it, or make one for the server (CA:FALSE)"
            ),
        ),
        other => Failure::new("certificate refused", format!("{its} cannot be accepted: {other:?}")),
    }
}

/// Whether a certificate was refused because it is one of an authority, and for nothing that is looked at before: its form
/// and its dates.
pub(super) fn is_of_authority(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::Other(other)) if is_ca_used_as_end_entity(other))
}

fn is_ca_used_as_end_entity(error: &OtherError) -> bool {
    matches!(error.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Whether it is its own issuer.
fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}

/// `host` of `DnsName("host")`, `1.2.3.4` of `IpAddress(1.2.3.4)`.
fn plain_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

/// A moment, to the second.
fn date(time: UnixTime) -> String {
    let millis = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000);
    Timestamp::from_millis(millis).to_string().replace(".000Z", "Z")
}
