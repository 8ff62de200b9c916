use std::net::TcpListener;

use rcgen::{BasicConstraints, CertificateParams, IsCa, date_time_ymd};
use scalyr_monitor::Timestamp;

use super::raw_server::{RawServer, SUCCESS, answer, take_request};
use super::tls_front::{Authority, Identity, TlsFront};
use super::*;
use crate::receiver::{Options, Receiver};

/// Our receiver behind a TLS front.
struct Server {
    _receiver: Receiver,
    front: TlsFront,
}

impl Server {
    fn with(identity: &Identity) -> Self {
        Self::at("127.0.0.1:0", identity)
    }

    fn at(address: &str, identity: &Identity) -> Self {
        let receiver = Receiver::start(Options::default(), &Threads::new(), &Clock::system()).unwrap();
        let front = TlsFront::at(address, receiver.address(), identity);
        Self { _receiver: receiver, front }
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.front.address.port())
    }
}

/// `ca_cert_path` with that content.
fn trusting(pem: &str) -> String {
    format!("ca_cert_path: '{}'", written("authority.pem", pem).display())
}

#[test]
fn a_certificate_of_the_authority_in_ca_cert_path_is_accepted_for_its_names_and_addresses() {
    let authority = Authority::new();
    let identity = authority.issue(&["localhost", "127.0.0.1", "::1"], |_| {});
    let (server, keys) = (Server::with(&identity), trusting(&authority.pem()));
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(asked(&server.url(host), &keys).unwrap().status, 200, "{host}");
    }
    // The name is asked for (SNI); an address is none.
    assert_eq!(server.front.names(), [Some("localhost".to_owned()), None]);
    if TcpListener::bind("[::1]:0").is_ok() {
        let server = Server::at("[::1]:0", &identity);
        assert_eq!(asked(&server.url("[::1]"), &keys).unwrap().status, 200);
    }
}

#[test]
fn a_connection_is_kept_open_and_its_handshake_is_not_repeated() {
    let authority = Authority::new();
    let server = Server::with(&authority.issue(&["localhost"], |_| {}));
    let client = client(&server.url("localhost"), &trusting(&authority.pem()));
    for _ in 0..5 {
        assert_eq!(client.post(BODY, "test").unwrap().status, 200);
    }
    assert_eq!(server.front.handshakes(), 1);
}

#[test]
fn a_large_request_goes_over_tls_whole() {
    let backend = RawServer::start(|_, mut stream| {
        if take_request(&mut stream).is_some() {
            answer(&mut stream, SUCCESS);
        }
    });
    let authority = Authority::new();
    let front = TlsFront::before(backend.address, &authority.issue(&["localhost"], |_| {}));
    let client = client(&format!("https://localhost:{}", front.address.port()), &trusting(&authority.pem()));
    assert_eq!(client.post(&vec![b' '; 8 << 20], "test").unwrap().status, 200);
}

#[test]
fn an_unknown_authority_is_told_with_what_to_set() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Server::with(&authority.issue(&["localhost"], |_| {}));
    let failure = told(&server.url("localhost"), "");
    assert_eq!(failure.kind, "unknown authority");
    let begin = format!(
        "the certificate of the server localhost:{} is signed by an authority that is not trusted (trusted are those \
         compiled into the agent); set ca_cert_path",
        server.front.address.port()
    );
    assert!(failure.text.starts_with(&begin), "{failure}");
    let failure = told(&server.url("localhost"), &trusting(&other.pem()));
    assert!(["unknown authority"].contains(&failure.kind), "{failure}");
    assert!(failure.text.contains("(trusted are those of /"), "{failure}");
    assert_eq!(server.front.handshakes(), 0);
}

#[test]
fn a_certificate_of_another_name_is_told_with_the_names_that_it_has() {
    let authority = Authority::new();
    let server = Server::with(&authority.issue(&["logs.example", "10.1.2.3"], |_| {}));
    let keys = trusting(&authority.pem());
    let failure = told(&server.url("localhost"), &keys);
    assert_eq!(failure.kind, "certificate of another name");
    assert!(
        failure.text.ends_with(
            "is for logs.example, 10.1.2.3, and not for localhost; write scalyr_server as the certificate does"
        ),
        "{failure}"
    );
    assert_eq!(told(&server.url("127.0.0.1"), &keys).kind, "certificate of another name");
}

#[test]
fn a_certificate_that_is_expired_or_not_yet_valid_is_told_with_the_dates() {
    let authority = Authority::new();
    let keys = trusting(&authority.pem());
    let expired = authority.issue(&["localhost"], |params| params.not_after = date_time_ymd(2020, 1, 2));
    let failure = told(&Server::with(&expired).url("localhost"), &keys);
    assert_eq!(failure.kind, "certificate expired");
    assert!(failure.text.contains("has expired at 2020-01-02 00:00:00Z, and this host's clock shows 2"), "{failure}");
    assert!(failure.text.ends_with("renew the certificate, or set the clock"), "{failure}");
    let coming = authority.issue(&["localhost"], |params| params.not_before = date_time_ymd(2200, 1, 1));
    let failure = told(&Server::with(&coming).url("localhost"), &keys);
    assert_eq!(failure.kind, "certificate not yet valid");
    assert!(failure.text.contains("is not valid before 2200-01-01 00:00:00Z"), "{failure}");
    assert!(failure.text.contains("the clock is wrong"), "{failure}");
}

#[test]
fn a_host_whose_clock_is_wrong_is_told_what_it_shows() {
    let authority = Authority::new();
    let identity = authority.issue(&["localhost"], |params| params.not_before = date_time_ymd(2020, 1, 1));
    let server = Server::with(&identity);
    let clock = Clock::manual(Timestamp::from_millis(3_600_000));
    let plan = plan(&server.url("localhost"), &trusting(&authority.pem()));
    let failure = Client::new(&plan, &clock, &Threads::new()).unwrap().post(BODY, "test").unwrap_err();
    assert_eq!(failure.kind, "certificate not yet valid");
    assert!(failure.text.contains("this host's clock shows 1970-01-01 01:00:00Z"), "{failure}");
}

#[test]
fn a_self_signed_certificate_is_told_and_can_be_trusted() {
    let identity = Identity::self_signed(&["localhost"], |_| {});
    let server = Server::with(&identity);
    let failure = told(&server.url("localhost"), "");
    assert_eq!(failure.kind, "self-signed certificate");
    assert!(failure.text.ends_with("set ca_cert_path to a PEM file with it"), "{failure}");
    assert_eq!(asked(&server.url("localhost"), &trusting(&identity.pem)).unwrap().status, 200);
}

/// As `openssl req -x509` makes it for a private server.
#[test]
fn a_self_signed_certificate_of_an_authority_is_accepted_when_it_stands_itself_in_the_file() {
    let of_authority = |edit: fn(&mut CertificateParams)| {
        Identity::self_signed(&["localhost"], |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            edit(params);
        })
    };
    let (identity, other) = (of_authority(|_| {}), of_authority(|_| {}));
    let server = Server::with(&identity);
    let both = trusting(&format!("{}{}", other.pem, identity.pem));
    assert_eq!(asked(&server.url("localhost"), &both).unwrap().status, 200);
    let failure = told(&server.url("127.0.0.1"), &both);
    assert_eq!(failure.kind, "certificate of another name", "{failure}");
    // One that looks the same, with another key, is another one.
    for keys in [trusting(&other.pem), String::new()] {
        let failure = told(&server.url("localhost"), &keys);
        assert_eq!(failure.kind, "certificate of an authority", "{failure}");
        assert!(failure.text.contains("set ca_cert_path to a PEM file with it"), "{failure}");
    }
    // Whoever has the certificate, and not its key, is not the server.
    let failure = told(&Server::with(&identity.with_key_of(&other)).url("localhost"), &both);
    assert_eq!(failure.kind, "TLS", "{failure}");
    let expired = of_authority(|params| params.not_after = date_time_ymd(2020, 1, 2));
    let failure = told(&Server::with(&expired).url("localhost"), &trusting(&expired.pem));
    assert_eq!(failure.kind, "certificate expired", "{failure}");
    let coming = of_authority(|params| params.not_before = date_time_ymd(2200, 1, 1));
    let failure = told(&Server::with(&coming).url("localhost"), &trusting(&coming.pem));
    assert_eq!(failure.kind, "certificate not yet valid", "{failure}");
}

#[test]
fn a_file_that_took_the_place_of_another_one_with_its_size_and_time_is_read() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = Server::with(&new.issue(&["localhost"], |_| {}));
    let size = old.pem().len().max(new.pem().len());
    let padded = |authority: &Authority| format!("{:size$}", authority.pem());
    let (file, next) = (written("authority.pem", &padded(&old)), written("next.pem", &padded(&new)));
    let client = client(&server.url("localhost"), &format!("ca_cert_path: '{}'", file.display()));
    assert_eq!(client.post(BODY, "test").unwrap_err().kind, "unknown authority");
    let time = std::fs::metadata(&file).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(&next).unwrap().set_modified(time).unwrap();
    std::fs::rename(&next, &file).unwrap();
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
}

#[test]
fn a_pipe_in_the_place_of_the_file_is_told_and_not_waited_for() {
    let pipe = written("pipe", "");
    std::fs::remove_file(&pipe).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let failure = told("https://localhost:1", &format!("ca_cert_path: '{}'", pipe.display()));
    assert_eq!(failure.kind, "no trusted certificates");
    assert_eq!(failure.text, format!("`ca_cert_path` {} is no regular file", pipe.display()));
}

#[test]
fn without_verification_any_certificate_will_do() {
    let expired = |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2020, 1, 2);
    let server = Server::with(&Identity::self_signed(&["elsewhere"], expired));
    assert_eq!(asked(&server.url("localhost"), "verify_server_certificate: false").unwrap().status, 200);
}

#[test]
fn the_file_is_read_again_when_it_has_changed() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = Server::with(&new.issue(&["localhost"], |_| {}));
    let file = written("authority.pem", &old.pem());
    let client = client(&server.url("localhost"), &format!("ca_cert_path: '{}'", file.display()));
    assert_eq!(client.post(BODY, "test").unwrap_err().kind, "unknown authority");
    std::fs::write(&file, format!("{}{}", old.pem(), new.pem())).unwrap();
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
}

#[test]
fn a_file_without_certificates_is_told_and_mended_by_writing_them() {
    let authority = Authority::new();
    let server = Server::with(&authority.issue(&["localhost"], |_| {}));
    let file = written("authority.pem", "nothing");
    let client = client(&server.url("localhost"), &format!("ca_cert_path: '{}'", file.display()));
    let failure = client.post(BODY, "test").unwrap_err();
    assert_eq!(failure.kind, "no trusted certificates");
    assert!(failure.text.contains(&format!("`ca_cert_path` {} holds no certificate", file.display())), "{failure}");
    std::fs::remove_file(&file).unwrap();
    assert!(client.post(BODY, "test").unwrap_err().text.contains("cannot read the certificates of `ca_cert_path`"));
    std::fs::write(&file, authority.pem()).unwrap();
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
}

#[test]
fn a_server_that_speaks_no_tls_is_told_whatever_it_says_instead() {
    let plain = Receiver::start(Options::default(), &Threads::new(), &Clock::system()).unwrap();
    let failure = told(&format!("https://{}", plain.address()), "");
    assert_eq!(failure.kind, "no TLS");
    assert!(failure.text.contains("set allow_http: true"), "{failure}");
    let closing = RawServer::start(|_, stream| drop(stream));
    let failure = told(&closing.url().replace("http://", "https://"), "");
    assert_eq!(failure.kind, "TLS handshake");
    assert!(failure.text.contains("perhaps it speaks no TLS on this port"), "{failure}");
}

#[test]
fn a_server_of_another_version_of_tls_is_told() {
    // An alert: fatal, protocol_version.
    let server = RawServer::start(|_, mut stream| {
        use std::io::{Read as _, Write as _};
        _ = stream.read(&mut [0; 4096]);
        _ = stream.write_all(&[0x15, 3, 1, 0, 2, 2, 70]);
        super::raw_server::wait_for_end(&mut stream);
    });
    let failure = told(&server.url().replace("http://", "https://"), "");
    assert_eq!(failure.kind, "no common TLS", "{failure}");
    assert!(failure.text.ends_with("the agent speaks TLS 1.2 and 1.3"), "{failure}");
}

#[test]
fn the_word_system_is_no_path_and_a_path_is_taken_from_the_folder_of_the_configuration() {
    use crate::config::plan::Roots;
    let roots = |keys: &str| plan("https://a", keys).roots;
    assert_eq!(roots("ca_cert_path: 'system'"), Roots::System);
    assert_eq!(roots("ca_cert_path: ''"), Roots::BuiltIn);
    assert_eq!(roots("ca_cert_path: 'ca.pem'"), Roots::File("/etc/ca.pem".into()));
    assert_eq!(roots("ca_cert_path: './system'"), Roots::File("/etc/./system".into()));
}
