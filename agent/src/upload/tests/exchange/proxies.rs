use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;

use super::raw_server::{RawServer, answer, take_head, take_request, wait_for_end};
use super::tls_front::{Authority, TlsFront};
use super::*;
use crate::receiver::{Options, Receiver};

const PASSWORD: &str = "hunter2/@:S3CRET";
const WRITTEN: &str = "hunter2%2F%40%3aS3CRET";
/// Base64 of `me:` and the password.
const SENT: &str = "Basic bWU6aHVudGVyMi9AOlMzQ1JFVA==";

/// A proxy that tunnels, and passes on what is asked of it by URL.
struct Proxy {
    server: RawServer,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that lets in who sends this; everybody without.
    fn letting_in(credentials: Option<&'static str>) -> Self {
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        let server = RawServer::start(move |_, mut client| {
            let Some(head) = take_head(&mut client) else { return };
            seen.lock().unwrap().push(head.clone());
            let given = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("proxy-authorization").then_some(value)
            });
            if credentials.is_some() && given != credentials {
                let echo = given.unwrap_or_default();
                let length = echo.len();
                answer(&mut client, &format!("HTTP/1.1 407 No {echo}\r\nContent-Length: {length}\r\n\r\n{echo}"));
                return;
            }
            let mut words = head.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let authority = target.trim_start_matches("http://").split('/').next().unwrap();
            let mut server = TcpStream::connect(authority).unwrap();
            if method == "CONNECT" {
                answer(&mut client, "HTTP/1.1 200 Connection established\r\n\r\n");
                return pipe(client, server);
            }
            let mut next = Some(head.clone());
            while let Some(head) = next {
                let request = head.replace(&format!("http://{authority}"), "");
                answer(&mut server, &format!("{request}{}", body_of(&head, &mut client)));
                let head = take_head(&mut server).unwrap();
                answer(&mut client, &format!("{head}{}", body_of(&head, &mut server)));
                next = take_head(&mut client);
            }
        });
        Self { server, heads }
    }

    fn keys(&self, user: &str) -> String {
        let address = self.server.address;
        format!("http_proxy: 'http://{user}{address}', https_proxy: '{user}{address}'")
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn body_of(head: &str, stream: &mut TcpStream) -> String {
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn pipe(client: TcpStream, server: TcpStream) {
    fn copy(mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(bytes @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..bytes]).is_err() {
                break;
            }
        }
        _ = to.shutdown(Shutdown::Both);
    }
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    Threads::new().spawn("pipe", move || copy(from, to)).unwrap();
    copy(server, client);
}

/// Our receiver, behind TLS and not.
struct Servers {
    receiver: Receiver,
    front: TlsFront,
    keys: String,
}

impl Servers {
    fn start() -> Self {
        let receiver = Receiver::start(Options::default(), &Threads::new(), &Clock::system()).unwrap();
        let authority = Authority::new();
        let front = TlsFront::before(receiver.address(), &authority.issue(&["localhost"], |_| {}));
        let keys = format!("ca_cert_path: '{}'", written("authority.pem", &authority.pem()).display());
        Self { receiver, front, keys }
    }

    fn urls(&self) -> [String; 2] {
        let port = self.front.address.port();
        [format!("http://{}", self.receiver.address()), format!("https://localhost:{port}")]
    }
}

#[test]
fn uploads_go_through_the_proxy_of_their_scheme() {
    let (servers, proxy) = (Servers::start(), Proxy::letting_in(None));
    for url in servers.urls() {
        let client = client(&url, &format!("{}, {}", servers.keys, proxy.keys("")));
        for _ in 0..3 {
            assert_eq!(client.post(BODY, "test").unwrap().status, 200, "{url}");
        }
    }
    let heads = proxy.heads();
    let firsts: Vec<_> = heads.iter().map(|head| head.lines().next().unwrap()).collect();
    let [http, https] = [servers.receiver.address().to_string(), format!("localhost:{}", servers.front.address.port())];
    let asked = [format!("POST http://{http}/addEvents HTTP/1.1"), format!("CONNECT {https} HTTP/1.1")];
    assert_eq!(firsts, asked, "one connection each, which is kept");
    assert!(heads[1].contains(&format!("\r\nHost: {https}\r\n")), "{}", heads[1]);
    assert!(!heads[1].contains("User-Agent"), "the proxy need not know who asks: {}", heads[1]);
    // A server that is told to be reached without one is.
    let other = format!("{}, https_proxy: '127.0.0.1:1'", servers.keys);
    assert_eq!(asked_of(&servers.urls()[0], &other), 200);
}

fn asked_of(url: &str, keys: &str) -> u16 {
    asked(url, keys).unwrap().status
}

#[test]
fn a_proxy_that_wants_user_and_password_gets_them_and_shows_them_nowhere() {
    let (servers, proxy) = (Servers::start(), Proxy::letting_in(Some(SENT)));
    for url in servers.urls() {
        let keys = |user: &str| format!("{}, {}", servers.keys, proxy.keys(user));
        assert_eq!(asked_of(&url, &keys(&format!("me:{WRITTEN}@"))), 200);
        let none = told(&url, &keys(""));
        assert_eq!(none.kind, "proxy wants a password");
        let begin = format!("the proxy http://{} wants a user and a password", proxy.server.address);
        assert!(none.text.starts_with(&begin), "{none}");
        let wrong = plan(&url, &keys("me:S3CRET-wrong@"));
        let shown = format!("{wrong:?}");
        let failure = Client::new(&wrong, &Clock::system(), &Threads::new()).unwrap().post(BODY, "test").unwrap_err();
        assert!(failure.text.contains("does not accept the user and the password of http"), "{failure}");
        for text in [shown, format!("{failure:?}")] {
            assert!(!text.contains("S3CRET") && !text.contains("bWU6"), "{text}");
        }
    }
    assert!(
        !format!("{:?}", plan("http://a", &proxy.keys(&format!("me:{WRITTEN}@")))).contains("hunter2"),
        "{PASSWORD}"
    );
}

#[test]
fn a_proxy_that_echoes_secrets_in_its_reason_shows_nothing_of_them() {
    let proxy = RawServer::start(|_, mut stream| {
        take_head(&mut stream);
        // A part of the password stands behind the place where the reason is cut.
        answer(&mut stream, &format!("HTTP/1.1 403 {} {PASSWORD} the-other-key\r\n\r\n", "x".repeat(50)));
    });
    let keys = format!(
        "https_proxy: 'me:{WRITTEN}@{}', workers: [{{ id: 'other', api_key: 'the-other-key' }}]",
        proxy.address
    );
    let failure = told("https://logs.example", &keys);
    assert_eq!(failure.kind, "proxy refuses");
    assert!(failure.text.contains("x **") && !failure.text.contains("hunter"), "{failure}");
    assert_eq!(plan("https://a", &keys).hidden.masked("the-other-key"), "********** MASKED **********");
}

/// What is made of a proxy that does this with the connection, for both schemes.
fn through(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> ([Failure; 2], SocketAddr) {
    let proxy = RawServer::start(serve);
    let address = proxy.address;
    let keys = format!("http_proxy: '{address}', https_proxy: '{address}', request_deadline: 1");
    ([told("http://logs.example", &keys), told("https://logs.example", &keys)], address)
}

#[test]
fn a_proxy_that_refuses_closes_or_hangs_is_named_and_not_the_server() {
    let ([_, tunnel], address) = through(|_, mut stream| {
        take_head(&mut stream);
        answer(&mut stream, "HTTP/1.1 403 Forbidden by \x1b[31m policy\r\n\r\n");
    });
    assert_eq!(tunnel.kind, "proxy speaks no HTTP", "a control character in the head: {tunnel}");
    assert!(tunnel.text.starts_with(&format!("the proxy http://{address} ")), "{tunnel}");

    let ([plain, tunnel], address) = through(|_, mut stream| {
        take_request(&mut stream);
        answer(&mut stream, "HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    assert_eq!([plain.kind, tunnel.kind], ["proxy reaches no server"; 2]);
    assert!(plain.text.starts_with(&format!("the proxy http://{address} answers HTTP 502 when")), "{plain}");
    assert_eq!(
        tunnel.text,
        format!(
            "the proxy http://{address} answers HTTP 502 (Bad Gateway) when asked to connect with logs.example:443: it \
             does not reach the server"
        )
    );

    let (failures, address) = through(|_, stream| drop(stream));
    assert_eq!(failures[1].kind, "proxy closed");
    for failure in failures {
        assert!(failure.text.contains(&format!("the proxy http://{address}")), "{failure}");
    }

    let (failures, address) = through(|_, mut stream| wait_for_end(&mut stream));
    assert_eq!([failures[0].kind, failures[1].kind], ["no answer in time", "no proxy in time"]);
    for failure in failures {
        assert!(failure.text.starts_with(&format!("the proxy http://{address} ")), "{failure}");
        assert!(failure.text.ends_with("within request_deadline (1 s)"), "{failure}");
    }

    let (failures, _) = through(|_, mut stream| {
        take_head(&mut stream);
        while stream.write_all(b"HTTP/1.1 200 OK\r\nX: and no end of it ").is_ok() {}
    });
    assert_eq!(failures[1].kind, "proxy speaks no HTTP");
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let keys = format!("http_proxy: '{closed}', https_proxy: '{closed}'");
    for url in ["http://logs.example", "https://logs.example"] {
        let failure = told(url, &keys);
        assert_eq!(failure.kind, "connection refused");
        assert!(failure.text.starts_with(&format!("cannot connect with the proxy http://{closed}: ")), "{failure}");
    }
}
