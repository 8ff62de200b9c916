//! https, against a TLS server with a certificate of an authority of our own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use scalyr_monitor::http::{HttpClient, HttpOptions};

/// A server whose certificate is for `name`, and the file with its authority.
struct TlsServer {
    port: u16,
    ca_file: PathBuf,
}

impl TlsServer {
    fn named(name: &str, expired: bool) -> Self {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut own = CertificateParams::new([name.to_owned()]).unwrap();
        if expired {
            own.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = own.signed_by(&key, &authority).unwrap();

        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        #[expect(
            clippy::disallowed_methods,
            reason = "a server of the test, which the agent's threads know nothing of"
        )]
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (mut socket, mut tls) = (connection.unwrap(), ServerConnection::new(Arc::clone(&config)).unwrap());
                let mut stream = Stream::new(&mut tls, &mut socket);
                // A client that refuses the certificate goes away here.
                if stream.read(&mut [0; 4096]).is_ok() {
                    _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
                }
            }
        });
        let ca_file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("authority-{port}.pem"));
        fs::write(&ca_file, authority.pem()).unwrap();
        Self { port, ca_file }
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/", self.port)
    }
}

/// What a client with these options gets from the server, or is told.
fn asked(options: &HttpOptions, url: &str) -> Result<String, String> {
    let answer = HttpClient::new(options).unwrap().get(url).send();
    answer.map(|page| page.text().into_owned()).map_err(|error| error.to_string())
}

#[test]
fn a_certificate_of_the_authority_in_ca_file_is_trusted() {
    let server = TlsServer::named("localhost", false);
    let options = HttpOptions { ca_file: Some(server.ca_file.clone()), ..HttpOptions::default() };
    assert_eq!(asked(&options, &server.url("localhost")).as_deref(), Ok("ok"));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_with_what_to_do() {
    let server = TlsServer::named("localhost", false);
    let said = asked(&HttpOptions::default(), &server.url("localhost")).unwrap_err();
    assert!(said.contains("its certificate is not signed by a trusted authority"), "{said}");
    assert!(said.ends_with("name that authority in `ca_file`"), "{said}");
    let unchecked = HttpOptions { verify_https: false, ..HttpOptions::default() };
    assert_eq!(asked(&unchecked, &server.url("localhost")).as_deref(), Ok("ok"));
}

#[test]
fn a_certificate_for_another_name_and_an_expired_one_are_refused() {
    let server = TlsServer::named("elsewhere.example", false);
    let options = HttpOptions { ca_file: Some(server.ca_file.clone()), ..HttpOptions::default() };
    let said = asked(&options, &server.url("localhost")).unwrap_err();
    assert!(said.contains("its certificate is for another name"), "{said}");
    let server = TlsServer::named("localhost", true);
    let options = HttpOptions { ca_file: Some(server.ca_file.clone()), ..HttpOptions::default() };
    let said = asked(&options, &server.url("localhost")).unwrap_err();
    assert!(said.contains("its certificate has expired"), "{said}");
}

#[test]
fn https_asked_of_a_plain_server_is_told() {
    let server = crate::Server::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let said = asked(&HttpOptions::default(), &server.url("/").replace("http://", "https://")).unwrap_err();
    assert!(said.contains("the server does not speak TLS here"), "{said}");
}

#[test]
fn a_ca_file_without_certificates_is_refused_before_the_first_request() {
    let empty = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("empty.pem");
    fs::write(&empty, "nothing").unwrap();
    for file in [empty, "/no/such/file.pem".into()] {
        let options = HttpOptions { ca_file: Some(file.clone()), ..HttpOptions::default() };
        let said = HttpClient::new(&options).unwrap_err().to_string();
        assert!(said.contains("`ca_file`") && said.contains(&file.display().to_string()), "{said}");
    }
}
