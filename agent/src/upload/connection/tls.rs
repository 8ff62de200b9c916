//! TLS with the server: what is trusted, the handshake, and in whose words it fails.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};
use scalyr_monitor::Clock;
use scalyr_monitor::http::read_roots;
use sha2::{Digest as _, Sha256};
use ureq::tls::RootCerts;

use crate::config::plan::{Roots, SessionPlan};

use super::certificate;
use super::failure::{Failure, found_in};
use super::socket::Socket;
use super::watch::Watch;

/// The key of the configuration that names the roots.
const KEY: &str = "ca_cert_path";

/// Where systems keep the certificates that they trust; the first that exists is read.
const SYSTEM_BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, Fedora, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",                  // their older ones
    "/etc/ssl/ca-bundle.pem",                            // SUSE
    "/etc/ssl/cert.pem",                                 // Alpine, BSD, macOS
    "/usr/local/share/certs/ca-root-nss.crt",            // FreeBSD
];

/// Which file was read, and in what state: a change is noticed by it.
type Stamp = Option<(PathBuf, Mark)>;

/// Inode, size, and the time of the last change of any kind: `cp -p` and `mv` bring old times of writing along.
type Mark = (u64, u64, i64, i64);

/// What is trusted, read anew when its file has changed.
#[derive(Debug)]
pub(super) struct Trust {
    roots: Roots,
    verifies: bool,
    clock: Clock,
    bundles: Vec<PathBuf>,
    last: Mutex<Option<(Stamp, Arc<ClientConfig>)>>,
}

impl Trust {
    pub(super) fn new(plan: &SessionPlan, clock: Clock) -> Self {
        let bundles = SYSTEM_BUNDLES.iter().map(PathBuf::from).collect();
        Self {
            roots: plan.roots.clone(),
            verifies: plan.verify_server_certificate,
            clock,
            bundles,
            last: Mutex::default(),
        }
    }

    /// The configuration of the next connection.
    ///
    /// # Errors
    /// When the certificates that are trusted cannot be read.
    pub(super) fn config(&self, watch: &Arc<Watch>, server: &str) -> Result<Arc<ClientConfig>, Failure> {
        let told = |text: String| Failure::new("no trusted certificates", text);
        let file = if self.verifies { self.file().map_err(told)? } else { None };
        let stamp = file.map(|file| mark(&file).map(|mark| (file, mark))).transpose().map_err(told)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, config)) = &*last
            && *known == stamp
        {
            return Ok(Arc::clone(config));
        }
        let file = stamp.as_ref().map(|(file, _)| file.as_path());
        let config = Arc::new(self.build(file, watch, server).map_err(told)?);
        *last = Some((stamp, Arc::clone(&config)));
        Ok(config)
    }

    /// The file with the roots; `None` = the compiled-in ones.
    fn file(&self) -> Result<Option<PathBuf>, String> {
        match &self.roots {
            Roots::BuiltIn => Ok(None),
            Roots::File(path) => Ok(Some(path.clone())),
            Roots::System => match self.bundles.iter().find(|path| path.exists()) {
                Some(path) => Ok(Some(path.clone())),
                None => {
                    let places: Vec<_> = self.bundles.iter().map(|path| path.display().to_string()).collect();
                    let places = places.join(", ");
                    Err(format!(
                        "{KEY} is \"system\", and this system has no file of certificates in any of the usual places \
                         ({places}); install its package of certificates (often called ca-certificates), give the path \
                         of a PEM file, or remove {KEY} to trust those compiled into the agent"
                    ))
                }
            },
        }
    }

    fn build(&self, file: Option<&Path>, watch: &Arc<Watch>, server: &str) -> Result<ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let time = Arc::new(WallClock(self.clock.clone()));
        let builder = ClientConfig::builder_with_details(Arc::clone(&provider), time)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?;
        let verifier: Arc<dyn ServerCertVerifier> = if self.verifies {
            let (roots, listed) = roots(file)?;
            let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let inner = inner.map_err(|error| format!("the certificates of {KEY} cannot be used: {error}"))?;
            let trusted = match (&self.roots, file) {
                (Roots::System, Some(file)) => format!("those of the system, {}", file.display()),
                (_, Some(file)) => format!("those of {}", file.display()),
                (_, None) => "those compiled into the agent".to_owned(),
            };
            Arc::new(Explaining { inner, listed, watch: Arc::clone(watch), server: server.to_owned(), trusted })
        } else {
            Arc::new(Unverified(provider))
        };
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(4);
        Ok(config)
    }
}

/// A pipe would be waited for, and a device may have no end. What is missing is told by whoever reads it.
fn mark(file: &Path) -> Result<Mark, String> {
    match fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => Err(format!("`{KEY}` {} is no regular file", file.display())),
        Ok(metadata) => Ok((metadata.ino(), metadata.len(), metadata.ctime(), metadata.ctime_nsec())),
        Err(_) => Ok(Mark::default()),
    }
}

/// SHA-256 of a certificate.
type Digest = [u8; 32];

fn digest(certificate: &CertificateDer<'_>) -> Digest {
    Sha256::digest(certificate).into()
}

/// What is trusted, and which certificates stand in the file themselves.
fn roots(file: Option<&Path>) -> Result<(RootCertStore, Vec<Digest>), String> {
    let mut store = RootCertStore::empty();
    let Some(file) = file else {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok((store, Vec::new()));
    };
    let RootCerts::Specific(certificates) = read_roots(file, KEY).map_err(|error| error.to_string())? else {
        return Err(format!("`{KEY}` {} cannot be read", file.display()));
    };
    // Bundles of systems hold a few that rustls does not know what to do with.
    let (usable, _) = store.add_parsable_certificates(certificates.iter().map(|it| CertificateDer::from(it.der())));
    if usable == 0 {
        return Err(format!("`{KEY}` {} holds no certificate that can be used", file.display()));
    }
    let listed = certificates.iter().map(|it| digest(&CertificateDer::from(it.der()))).collect();
    Ok((store, listed))
}

/// Speaks TLS with the server over a connected socket, which has the patience for it.
///
/// # Errors
/// When that fails; the text names the cause.
pub(super) fn shake_hands(
    socket: &mut Socket,
    config: Arc<ClientConfig>,
    host: &str,
    server: &str,
) -> Result<ClientConnection, Failure> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::new("TLS handshake", format!("{server} has a name that no certificate can be for")))?;
    let mut connection = ClientConnection::new(config, name).map_err(|error| explain(&error, server))?;
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(socket) {
            return Err(of_io(&error, server));
        }
    }
    Ok(connection)
}

/// A failure of the connection below TLS, or of TLS itself.
fn of_io(error: &io::Error, server: &str) -> Failure {
    if let Some(failure) = found_in(error) {
        return failure.clone();
    }
    if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        return explain(error, server);
    }
    let what = match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => "closed the connection".to_owned(),
        ErrorKind::ConnectionReset => "reset the connection".to_owned(),
        _ => format!("cannot be reached any more ({error})"),
    };
    Failure::new(
        "TLS handshake",
        format!("{server} {what} in the TLS handshake; perhaps it speaks no TLS on this port"),
    )
}

/// What is wrong with TLS, in the operator's words. What is wrong with a certificate [`Explaining`] has told before.
pub(super) fn explain(error: &rustls::Error, server: &str) -> Failure {
    use rustls::{AlertDescription, Error};
    match error {
        Error::InvalidMessage(_) => Failure::new(
            "no TLS",
            format!(
                "{server} does not speak TLS ({error:?}); if it is plain http, set allow_http: true and begin \
                 scalyr_server with http://"
            ),
        ),
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => Failure::new(
            "no common TLS",
            format!("{server} and the agent have no way of TLS in common ({error}); the agent speaks TLS 1.2 and 1.3"),
        ),
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            Failure::new("TLS refused", format!("{server} does not know itself by this name ({error})"))
        }
        Error::AlertReceived(_) => Failure::new("TLS refused", format!("{server} refuses TLS with the agent: {error}")),
        error => Failure::new("TLS", format!("TLS with {server} failed: {error}")),
    }
}

/// Checks certificates as rustls does, and tells why one is refused. One that stands itself in the file may be that of an
/// authority, as `openssl req -x509` makes them: whoever listed it means it, and OpenSSL takes it.
#[derive(Debug)]
struct Explaining {
    inner: Arc<WebPkiServerVerifier>,
    listed: Vec<Digest>,
    watch: Arc<Watch>,
    server: String,
    trusted: String,
}

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result = match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // Its dates were found to be right before that, and its name is looked at here.
            Err(error) if certificate::is_of_authority(&error) && self.listed.contains(&digest(end_entity)) => {
                ParsedCertificate::try_from(end_entity)
                    .and_then(|certificate| verify_server_name(&certificate, server_name))
                    .map(|()| ServerCertVerified::assertion())
            }
            result => result,
        };
        if let Err(error) = &result {
            let other = CertificateError::BadEncoding;
            let why = if let rustls::Error::InvalidCertificate(why) = error { why } else { &other };
            self.watch.fail(certificate::explain(why, end_entity, &self.server, &self.trusted));
        }
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// `verify_server_certificate: false`: any certificate will do, as long as the server has its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The time by which certificates are judged.
#[derive(Debug)]
struct WallClock(Clock);

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};

    use super::super::interrupt::Interrupt;
    use super::*;

    /// What the system trusts, whose files are in these places.
    fn system(bundles: Vec<PathBuf>) -> Result<Arc<ClientConfig>, Failure> {
        let clock = Clock::system();
        let interrupt = Arc::new(Interrupt::new().unwrap());
        let watch = Arc::new(Watch::new(clock.clone(), Duration::from_secs(1), interrupt));
        let trust = Trust { roots: Roots::System, verifies: true, clock, bundles, last: Mutex::default() };
        trust.config(&watch, "the server a:443")
    }

    #[test]
    fn the_first_bundle_of_the_system_that_exists_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let [missing, bundle] = ["missing.pem", "bundle.pem"].map(|name| folder.path().join(name));
        let certificate = CertificateParams::new([]).unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap();
        fs::write(&bundle, certificate.pem()).unwrap();
        assert!(system(vec![missing.clone(), bundle]).is_ok());
        let failure = system(vec![missing.clone()]).unwrap_err();
        assert_eq!(failure.kind, "no trusted certificates");
        let begin = format!(
            "ca_cert_path is \"system\", and this system has no file of certificates in any of the usual places ({}); ",
            missing.display()
        );
        assert!(failure.text.starts_with(&begin), "{failure}");
    }
}
