//! A TLS server in front of another one, with a certificate of an authority of our own: for every test that uploads over
//! https. Take it in with `#[path = ".../tests/tls_front/mod.rs"] mod tls_front;`.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection};

/// How long a silent side is waited for before the other one's turn.
const TURN: Duration = Duration::from_millis(5);

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// One that nobody knows.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of our own");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate, in PEM form.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names and IP addresses, as `edit` has it.
    pub(crate) fn issue(&self, names: &[&str], edit: impl FnOnce(&mut CertificateParams)) -> Identity {
        let (key, params) = Identity::params(names, edit);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key: key.serialize_der() }
    }
}

/// A server's certificate and key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    key: Vec<u8>,
}

impl Identity {
    fn params(names: &[&str], edit: impl FnOnce(&mut CertificateParams)) -> (KeyPair, CertificateParams) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "a server");
        edit(&mut params);
        (KeyPair::generate().unwrap(), params)
    }

    /// One that no authority has signed.
    pub(crate) fn self_signed(names: &[&str], edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let (key, params) = Self::params(names, edit);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate: certificate.der().clone(), pem: certificate.pem(), key: key.serialize_der() }
    }

    fn config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        // That the two belong together is not looked at.
        let pair = Arc::new(CertifiedKey::new(vec![self.certificate.clone()], key));
        Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(pair))))
    }

    /// Somebody with this certificate, who has not its key but another one.
    pub(crate) fn with_key_of(&self, other: &Self) -> Self {
        Self { certificate: self.certificate.clone(), pem: self.pem.clone(), key: other.key.clone() }
    }
}

/// Takes TLS connections, and hands what comes out of them to a backend.
pub(crate) struct TlsFront {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How many handshakes were finished.
    handshakes: Arc<AtomicUsize>,
    /// The names that clients asked for (SNI).
    names: Arc<Mutex<Vec<Option<String>>>>,
}

impl TlsFront {
    /// Listens at any port of 127.0.0.1.
    pub(crate) fn before(backend: SocketAddr, identity: &Identity) -> Self {
        Self::at("127.0.0.1:0", backend, identity)
    }

    /// Listens at that address.
    pub(crate) fn at(address: &str, backend: SocketAddr, identity: &Identity) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (handshakes, names, config) = (Arc::default(), Arc::default(), identity.config());
        let front = Self { address, handshakes: Arc::clone(&handshakes), names: Arc::clone(&names) };
        spawn(move || {
            for connection in listener.incoming() {
                let (config, handshakes, names) = (Arc::clone(&config), Arc::clone(&handshakes), Arc::clone(&names));
                spawn(move || {
                    let Ok(client) = connection else { return };
                    _ = forward(client, backend, &config, &handshakes, &names);
                });
            }
        });
        front
    }

    /// How many handshakes were finished.
    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// The names that clients asked for in their handshakes.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        self.names.lock().unwrap().clone()
    }
}

fn forward(
    mut client: TcpStream,
    backend: SocketAddr,
    config: &Arc<ServerConfig>,
    handshakes: &AtomicUsize,
    names: &Mutex<Vec<Option<String>>>,
) -> std::io::Result<()> {
    let mut tls = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut client)?;
    }
    names.lock().unwrap().push(tls.server_name().map(str::to_owned));
    handshakes.fetch_add(1, Ordering::Relaxed);
    let mut backend = TcpStream::connect(backend)?;
    client.set_read_timeout(Some(TURN))?;
    backend.set_read_timeout(Some(TURN))?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match tls.read_tls(&mut client) {
            Ok(0) => return Ok(()),
            Ok(_) => _ = tls.process_new_packets().map_err(std::io::Error::other)?,
            Err(error) if is_silence(&error) => {}
            Err(error) => return Err(error),
        }
        match tls.reader().read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(bytes) => backend.write_all(&buffer[..bytes])?,
            Err(error) if is_silence(&error) => {}
            Err(error) => return Err(error),
        }
        match backend.read(&mut buffer) {
            Ok(0) => tls.send_close_notify(),
            Ok(bytes) => tls.writer().write_all(&buffer[..bytes])?,
            Err(error) if is_silence(&error) => {}
            // It was reset: so is the client.
            Err(error) => return Err(error),
        }
        while tls.wants_write() {
            tls.write_tls(&mut client)?;
        }
    }
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[expect(clippy::disallowed_methods, reason = "a server of the test, which the agent's threads know nothing of")]
fn spawn(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}
