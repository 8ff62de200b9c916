//! TLS for the `tls` ports: certificate and key, and whom is believed.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use scalyr_monitor::prelude::*;

use super::options::Listening;

/// What the `tls` ports speak.
///
/// # Errors
/// When the options name no certificate or no key, and with what is wrong with their files.
pub(super) fn configuration(options: &Listening) -> Result<Arc<ServerConfig>> {
    let missing = |option: &str| {
        Error::new(format!("`protocols` names a tls port, but {option} is not given: the path of a file in PEM"))
    };
    let certificate = options.tls_certificate.as_deref().ok_or_else(|| missing("tls_certificate"))?;
    let key = options.tls_key.as_deref().ok_or_else(|| missing("tls_key"))?;
    let chain = certificates(certificate)?;
    let key_found = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, "a key", &error))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &options.tls_client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots.add(root).about(path.display())?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.about(path.display())?)
        }
    };
    let configured = builder.with_single_cert(chain, key_found);
    let about = || format!("{} with the key {}", certificate.display(), key.display());
    Ok(Arc::new(configured.map_err(|error| Error::new(format!("{}: {error}", about())))?))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let found = read.map_err(|error| unreadable(path, "certificates", &error))?;
    if found.is_empty() {
        Err(Error::new(format!("{} holds no certificate in PEM", path.display())))
    } else {
        Ok(found)
    }
}

fn unreadable(path: &Path, what: &str, error: &rustls::pki_types::pem::Error) -> Error {
    Error::new(format!(
        "{} cannot be read as {what} in PEM: {error}; the file must be there, and readable for the agent's user",
        path.display()
    ))
}

/// So often it is read from the socket for a text.
const MOST_RECORDS: usize = 64;

/// A connection with TLS that never waits.
pub(super) struct TlsStream {
    socket: TcpStream,
    session: ServerConnection,
    /// The other side says nothing more.
    has_ended: bool,
}

impl TlsStream {
    /// # Errors
    /// When the configuration cannot be used.
    pub(super) fn new(socket: TcpStream, configuration: Arc<ServerConfig>) -> io::Result<Self> {
        let session = ServerConnection::new(configuration).map_err(io::Error::other)?;
        Ok(Self { socket, session, has_ended: false })
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether both sides have not agreed yet.
    pub(super) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// Whether something waits to be sent.
    pub(super) fn wants_write(&self) -> bool {
        self.session.wants_write()
    }

    /// Reads text. `WouldBlock` when there is none now; `Interrupted` when there is none in what was read so far; 0 at
    /// the end.
    ///
    /// # Errors
    /// Those of the socket, and what is wrong with what came.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Records without text may come without end: others have their turn meanwhile.
        for _ in 0..MOST_RECORDS {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The socket ended without a farewell: a counted message tells by itself whether it is whole.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            self.send();
            if self.has_ended {
                return Ok(0);
            }
            match self.session.read_tls(&mut self.socket) {
                Ok(0) => self.has_ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if let Err(error) = self.session.process_new_packets() {
                // So that the other side hears why.
                self.send();
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
            self.send();
        }
        Err(ErrorKind::Interrupted.into())
    }

    /// Sends what waits, as far as the socket takes it; what is wrong with the socket shows when it is read.
    pub(super) fn send(&mut self) {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(written) if written > 0 => {}
                _ => return,
            }
        }
    }
}
