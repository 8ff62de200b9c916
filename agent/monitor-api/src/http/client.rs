//! The client: a request with a deadline, an answer with a bound.

use std::borrow::Cow;
use std::fmt;
use std::io::Read as _;
use std::mem;
use std::time::Duration;

use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING};
use ureq::http::uri::InvalidUri;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::explain::{explain, hint};
use super::no_answer::{NoAnswer, Trouble};
use super::options::HttpOptions;
use super::redirect::{Asked, has_odd_port, port};
use super::roots::read_roots;
use super::shown_url::ShownUrl;
use super::url_user::{basic_auth, basic_auth_of};
use crate::clock::Clock;
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::stop::Stop;

/// Asks HTTP servers, within the bounds of its [`HttpOptions`]. Keeps connections open between requests; cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    agent: Agent,
    headers: HeaderMap,
    timeout: Duration,
    max_body_bytes: u64,
    max_redirects: u32,
}

/// The longest that a request may take, whatever an author sets: a moment beyond it may not exist.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl HttpClient {
    /// A client; opens no connection yet. Make it in [`Monitor::initialize`](crate::Monitor::initialize), so that a file
    /// that cannot be read is a problem of the configuration.
    ///
    /// # Errors
    /// When a header cannot be sent, or the certificates of `ca_file` cannot be read.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &options.headers {
            headers.append(header_name(name)?, header_value(name, value.reveal())?);
        }
        let roots = options.ca_file.as_deref().map_or(Ok(RootCerts::WebPki), |file| read_roots(file, "ca_file"))?;
        let tls = TlsConfig::builder().root_certs(roots).disable_verification(!options.verify_https).build();
        let config = Agent::config_builder()
            // Without this ureq takes a proxy from the environment.
            .proxy(None)
            .tls_config(tls)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .user_agent(concat!("scalyr-agent-2/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .build();
        let agent = Agent::new_with_config(config);
        Ok(Self {
            agent,
            headers,
            timeout: options.timeout.min(LONGEST),
            max_body_bytes: options.max_body_bytes,
            max_redirects: options.max_redirects,
        })
    }

    /// A request for this page.
    pub fn get(&self, url: &str) -> Request<'_> {
        self.request("GET", url)
    }

    /// A request with any method.
    pub fn request(&self, method: &str, url: &str) -> Request<'_> {
        Request {
            client: self,
            method: method.to_ascii_uppercase(),
            url: url.to_owned(),
            headers: self.headers.clone(),
            body: Vec::new(),
            flaw: None,
        }
    }

    /// Ends the request that is under way, and refuses all further ones, when the monitor is asked to stop. For a
    /// monitor with a [`run`](crate::Monitor::run) of its own.
    pub fn end_with(&self, stop: &Stop) {
        let agent = self.agent.clone();
        stop.on_stop(move || agent.shutdown());
    }
}

/// A request that is being put together; [`send`](Request::send) sends it.
#[must_use = "a request is sent by `send`"]
pub struct Request<'c> {
    client: &'c HttpClient,
    method: String,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The first thing that is wrong with it; told when it is to be sent.
    flaw: Option<Error>,
}

impl Request<'_> {
    /// Sets a header, in the place of one of that name from the options.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match header_name(name).and_then(|name_| Ok((name_, header_value(name, value)?))) {
            Ok((name, value)) => _ = self.headers.insert(name, value),
            Err(flaw) => _ = self.flaw.get_or_insert(flaw),
        }
        self
    }

    /// Says who asks, by name and password (`Authorization: Basic`).
    pub fn basic_auth(self, user: &str, password: &Secret) -> Self {
        let pair = format!("{user}:{}", password.reveal());
        self.header("authorization", &basic_auth(pair.as_bytes()))
    }

    /// Says who asks, by a token (`Authorization: Bearer`).
    pub fn bearer(self, token: &Secret) -> Self {
        self.header("authorization", &format!("Bearer {}", token.reveal()))
    }

    /// What is sent to the server.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Whether it can be sent at all, as far as that is known without the server: for
    /// [`Monitor::initialize`](crate::Monitor::initialize), when all of it comes from the configuration.
    ///
    /// # Errors
    /// When its method, its URL or a header is none. The text names the URL without its secrets, the cause, and what to do.
    pub fn check(&self) -> Result<()> {
        let Self { client, method, url, flaw, .. } = self;
        // Nothing is asked yet: the method would only puzzle.
        let cause = match (flaw, target(method, url)) {
            (Some(flaw), _) => flaw.to_string(),
            (None, Err(failure)) => failure.told(method, client.timeout).1,
            (None, Ok(_)) => return Ok(()),
        };
        Err(Error::new(format!("{}: {cause}", ShownUrl(url))))
    }

    /// Sends the request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// When there is no answer within the deadline. The text names the URL without its secrets, the cause, and what to do.
    pub fn send(self) -> Result<Response> {
        Ok(self.attempt()?)
    }

    /// As [`send`](Self::send), for a monitor that reports the trouble instead of failing with it.
    ///
    /// # Errors
    /// When there is no answer within the deadline: what sort of trouble it was, and its text.
    pub fn attempt(self) -> Result<Response, NoAnswer> {
        let Self { client, method, url, headers, body, flaw } = self;
        let place = format!("{method} {}", ShownUrl(&url));
        if let Some(flaw) = flaw {
            return Err(NoAnswer { place, trouble: Trouble::Request, cause: flaw.to_string() });
        }
        match exchange(client, &method, &url, headers, body) {
            Ok((status, headers, body, cut)) => Ok(Response { place, status, headers, body, cut }),
            Err(failure) => {
                let (trouble, cause) = failure.told(&method, client.timeout);
                Err(NoAnswer { place, trouble, cause })
            }
        }
    }
}

enum Failure {
    Method,
    Url(String),
    /// One of another protocol.
    Scheme,
    Redirect(&'static str),
    Exchange(ureq::Error),
    /// Behind the head of the answer.
    Body(ureq::Error),
}

impl Failure {
    /// What sort of trouble it is, and its text.
    fn told(&self, method: &str, timeout: Duration) -> (Trouble, String) {
        match self {
            Self::Method => (Trouble::Request, format!("`{method}` is no HTTP method")),
            Self::Url(why) => (Trouble::Request, format!("this is no URL: {why}; write http://HOST/PATH")),
            Self::Scheme => (
                Trouble::Request,
                "only http and https are spoken, and it begins with neither http:// nor https://".to_owned(),
            ),
            Self::Redirect(why) => (Trouble::Redirect, (*why).to_owned()),
            Self::Exchange(error) => (Trouble::of(error), explain(error, timeout)),
            Self::Body(error) => match Trouble::of(error) {
                Trouble::Timeout => (Trouble::Timeout, explain(error, timeout)),
                _ => (Trouble::CutShort, explain(error, timeout)),
            },
        }
    }
}

type Answer = (u16, HeaderMap, Vec<u8>, bool);

/// What is to be asked, of whom.
fn target(method: &str, url: &str) -> Result<(Method, Uri), Failure> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Failure::Method)?;
    let uri: Uri = url.parse().map_err(|error: InvalidUri| Failure::Url(error.to_string()))?;
    if uri.host().is_none() {
        return Err(Failure::Url("it names no server".to_owned()));
    }
    if port(&uri).is_none() {
        // ureq would quote the URL, password and all.
        return Err(Failure::Scheme);
    }
    if has_odd_port(&uri) {
        // ureq would ask the usual port instead.
        return Err(Failure::Url("its port is no number up to 65535".to_owned()));
    }
    Ok((method, uri))
}

/// Asks, and asks again where a redirect leads, as often as is allowed.
fn exchange(
    client: &HttpClient,
    method: &str,
    url: &str,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<Answer, Failure> {
    let (method, uri) = target(method, url)?;
    let mut asked = Asked { method, uri, headers, body };
    // The network waits by the clock of the machine.
    let clock = Clock::system();
    let until = clock.monotonic() + client.timeout;
    for left in (0..=client.max_redirects).rev() {
        let answer = ask(client, &mut asked, until.saturating_duration_since(clock.monotonic()))?;
        let next = match client.max_redirects {
            0 => None,
            _ => asked.after(answer.status(), answer.headers()).map_err(Failure::Redirect)?,
        };
        match next {
            None => return read(client, answer),
            Some(next) if left > 0 => asked = next,
            Some(_) => break,
        }
    }
    Err(Failure::Redirect("the server redirects more often than `max_redirects` allows"))
}

/// Sends one request, and takes its body along.
fn ask(client: &HttpClient, asked: &mut Asked, timeout: Duration) -> Result<ureq::http::Response<Body>, Failure> {
    let mut request = ureq::http::Request::new(());
    asked.method.clone_into(request.method_mut());
    asked.uri.clone_into(request.uri_mut());
    if let Some(user) = basic_auth_of(&asked.uri).filter(|_| !asked.headers.contains_key(AUTHORIZATION)) {
        // Kept for where the same server redirects to.
        asked.headers.insert(AUTHORIZATION, user);
    }
    asked.headers.clone_into(request.headers_mut());
    let headers = request.headers_mut();
    let body = mem::take(&mut asked.body);
    let answer = if body.is_empty() {
        let is_told = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name));
        if !is_told && matches!(asked.method, Method::POST | Method::PUT | Method::PATCH) {
            // ureq would announce chunks, which old servers do not read, and others refuse.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        client.agent.run(client.agent.configure_request(request).timeout_global(Some(timeout)).build())
    } else {
        let request = request.map(|()| body);
        client.agent.run(client.agent.configure_request(request).timeout_global(Some(timeout)).build())
    };
    answer.map_err(Failure::Exchange)
}

/// Reads the body, up to its bound.
fn read(client: &HttpClient, answer: ureq::http::Response<Body>) -> Result<Answer, Failure> {
    let (head, mut body) = answer.into_parts();
    let mut bytes = Vec::new();
    let read = body.as_reader().take(client.max_body_bytes.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Body(error.into()))?;
    let cut = bytes.len() as u64 > client.max_body_bytes;
    if cut {
        bytes.pop();
    }
    Ok((head.status.as_u16(), head.headers, bytes, cut))
}

/// An answer of the server.
#[derive(Clone, Debug)]
pub struct Response {
    place: String,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    cut: bool,
}

/// What was asked, without its secrets, and the status: `GET http://localhost/length: status 200`.
impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: status {}", self.place, self.status)
    }
}

impl Response {
    /// The status code: 200, 404, …
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header, by its name in any case; the first, if there are several, and none that is not plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, at most `max_body_bytes` of it.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is not UTF-8 becomes `U+FFFD`.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Whether the body was longer than `max_body_bytes`, and its rest left out.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The answer, if it is what was asked for.
    ///
    /// # Errors
    /// When the status is not 200 to 299. The text names the URL, the status and what to do.
    pub fn expect_success(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(Error::new(format!("{}: the server answers with status {}{}", self.place, self.status, hint(self.status))))
    }
}

fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::new(format!("{name:?} cannot name a header: ASCII letters, digits and `-` can")))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| Error::new(format!("the value of the header {name} holds characters that cannot be sent")))?;
    value.set_sensitive(true);
    Ok(value)
}
