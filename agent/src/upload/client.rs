//! The HTTP client of a session: one server, one connection kept open, one request at a time (`wire-protocol.md`
//! sections 1, 2, 8, 10 and 11).

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scalyr_monitor::{Clock, Timestamp};
use ureq::Agent;
use ureq::http::HeaderMap;

use crate::config::plan::SessionPlan;
use crate::threads::Threads;

use super::compress::content_encoding;
use super::connection::{self, Ask, Failure, Interrupt, Later, MOST_HEAD, Motion, NO_ANSWER, Route, Watch, ask_system};
use super::http_date::{self, RetryAfter};

/// How much of an answer is read. The service's own answers have less than a hundred bytes.
pub(super) const ANSWER_BYTES: usize = 64 * 1024;

/// A connection is not used again after this silence: routers forget silent connections after a minute or more without
/// a word to either side, and a request sent into one costs a whole `request_deadline`.
const IDLE: Duration = Duration::from_secs(50);

/// So much of a request the system may take at once and send later, without a word about it.
const BUFFERED: usize = 256 * 1024;

/// Sends requests to one server.
pub(super) struct Client {
    agent: Agent,
    url: String,
    encoding: Option<&'static str>,
    route: Route,
    watch: Arc<Watch>,
    interrupt: Arc<Interrupt>,
    resent: AtomicU64,
}

/// An answer of the server, whatever it says.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// The HTTP status code.
    pub(super) status: u16,
    /// `Retry-After`.
    pub(super) retry_after: Option<RetryAfter>,
    /// `Date`: the time of the server.
    pub(super) date: Option<Timestamp>,
    /// At most [`ANSWER_BYTES`] of the body.
    pub(super) body: Vec<u8>,
    /// Whether the body went on behind them.
    pub(super) cut: bool,
    /// The exchange took more than five times `request_deadline`: the next request had better be half the size.
    pub(super) slow: bool,
}

impl Client {
    /// A client for the session's server. Opens no connection yet, and reads no certificates.
    ///
    /// # Errors
    /// When the process may not open more files.
    pub(super) fn new(plan: &SessionPlan, clock: &Clock, threads: &Threads) -> Result<Self, String> {
        Self::asking(plan, clock, threads, ask_system())
    }

    /// The same with a resolver of names.
    pub(super) fn asking(plan: &SessionPlan, clock: &Clock, threads: &Threads, ask: Ask) -> Result<Self, String> {
        let config = Agent::config_builder()
            // Without this ureq takes a proxy from the environment.
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MOST_HEAD)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(IDLE)
            // Each request brings its own, also over a connection that was kept open.
            .user_agent("")
            .accept("application/json")
            .accept_encoding("identity")
            .build();
        let watched = connection::watched(plan, clock, threads, ask);
        let (connections, watch, interrupt) = watched.map_err(|error| format!("no upload can begin: {error}"))?;
        Ok(Self {
            agent: Agent::with_parts(config, connections, Later),
            url: format!("{}/addEvents", plan.server),
            encoding: content_encoding(plan.compression),
            route: Route::of(plan),
            watch,
            interrupt,
            resent: AtomicU64::new(0),
        })
    }

    /// Sends a body and returns the answer. A connection that was kept open and dies before the first byte of an answer
    /// was stale: the request is sent again at once, once, on a new one.
    ///
    /// # Errors
    /// When there is no answer; the text says why.
    pub(super) fn post(&self, body: &[u8], user_agent: &str) -> Result<Reply, Failure> {
        let (opened, _) = self.watch.connections();
        self.watch.begin();
        let mut result = self.attempt(body, user_agent);
        let reused = self.watch.connections().0 == opened;
        if let Err(error) = &result
            && reused
            && has_died(error)
            && !self.watch.is_answered()
        {
            self.resent.fetch_add(1, Ordering::Relaxed);
            self.watch.try_again();
            result = self.attempt(body, user_agent);
        }
        let reply = result.map_err(|error| self.explain(&error)).and_then(|reply| self.examine(reply));
        let slow = self.watch.is_slow();
        match reply {
            Ok(reply) => Ok(Reply { slow, ..reply }),
            Err(failure) => {
                let slow = slow || self.may_not_be_sent(body, &failure);
                Err(Failure { slow, ..failure })
            }
        }
    }

    /// Whether the system may still have been sending the request when the time for the answer was over: on a slow line a
    /// large one would never arrive, however often it is sent again at its size.
    fn may_not_be_sent(&self, body: &[u8], failure: &Failure) -> bool {
        failure.kind == NO_ANSWER && !self.watch.is_answered() && body.len() > BUFFERED
    }

    fn attempt(&self, body: &[u8], user_agent: &str) -> Result<Reply, ureq::Error> {
        let mut request = self.agent.post(&self.url).header("User-Agent", user_agent);
        if let Some(encoding) = self.encoding {
            request = request.header("Content-Encoding", encoding);
        }
        if let Some(authorization) = self.route.authorization() {
            request = request.header("Proxy-Authorization", authorization);
        }
        let (head, mut body) = request.send(body)?.into_parts();
        let mut reply = Reply {
            status: head.status.as_u16(),
            retry_after: header(&head.headers, "retry-after").and_then(RetryAfter::read),
            date: header(&head.headers, "date").and_then(http_date::read),
            ..Reply::default()
        };
        body.as_reader().take(ANSWER_BYTES as u64 + 1).read_to_end(&mut reply.body)?;
        reply.cut = reply.body.len() > ANSWER_BYTES;
        reply.body.truncate(ANSWER_BYTES);
        Ok(reply)
    }

    /// An answer that cannot be one to the request is none.
    fn examine(&self, reply: Reply) -> Result<Reply, Failure> {
        if reply.status == 407 {
            return Err(connection::unauthorized(&self.route));
        }
        // Words of a gateway, and the first one is the proxy.
        if matches!(reply.status, 502 | 504) && self.route.asks_proxy() {
            return Err(connection::unreached_by_proxy(&self.route, reply.status, ""));
        }
        let says = |body: &[u8], word: &str| body.windows(word.len()).any(|window| window == word.as_bytes());
        // Words may be written with escapes, which are gone when it is written anew.
        let plain = serde_json::from_slice::<serde_json::Value>(&reply.body).map(|it| it.to_string());
        let holds = |word| says(&reply.body, word) || plain.as_ref().is_ok_and(|plain| says(plain.as_bytes(), word));
        // It may refuse what it has not read to the end, and no more than that.
        if self.watch.is_incomplete() && (holds("success") || holds("discardBuffer")) {
            let server = self.route.name_of_server();
            let text = format!("{server} answered before it had the whole request, which it cannot have dealt with");
            return Err(Failure { kind: "answered too early", text, slow: false });
        }
        Ok(reply)
    }

    /// What went wrong.
    fn explain(&self, error: &ureq::Error) -> Failure {
        let told = self.watch.take_failure();
        told.unwrap_or_else(|| explain(error, &self.route.name_of_peer(), self.watch.is_answered()))
    }

    /// How many connections were asked for, and how many of these were established, so far.
    pub(super) fn connections(&self) -> (u64, u64) {
        self.watch.connections()
    }

    /// How many requests were sent again at once, because the connection that was kept for them had died.
    pub(super) fn resent(&self) -> u64 {
        self.resent.load(Ordering::Relaxed)
    }

    /// Tells another thread what moves on the connection.
    pub(super) fn motion(&self) -> impl Fn() -> Motion + Send + use<> {
        let watch = Arc::clone(&self.watch);
        move || watch.motion()
    }

    /// Ends a request that another thread waits for, whatever it is at, and refuses all further ones.
    pub(super) fn interrupter(&self) -> impl FnOnce() + Send + use<> {
        let interrupt = Arc::clone(&self.interrupt);
        move || interrupt.cut()
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the connection is gone, and nothing else is wrong.
fn has_died(error: &ureq::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kinds = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof];
    matches!(error, ureq::Error::Io(error) if kinds.contains(&error.kind()))
}

/// What a failure means of which nothing but the library's error is known; `answered` when a part of the answer had come.
fn explain(error: &ureq::Error, peer: &str, answered: bool) -> Failure {
    let when = if answered { "in the middle of its answer" } else { "without an answer" };
    let (kind, text) = match error {
        ureq::Error::Io(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe) => {
            ("connection closed", format!("{peer} closed the connection {when}"))
        }
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionReset => {
            ("connection reset", format!("{peer} reset the connection {when}"))
        }
        ureq::Error::Io(error) if error.kind() == ErrorKind::TimedOut => {
            ("connection lost", format!("{peer} acknowledges nothing any more: {error}"))
        }
        ureq::Error::Io(error) => ("connection lost", format!("the connection with {peer} broke: {error}")),
        ureq::Error::LargeResponseHeader(..) => {
            ("answer not understood", format!("the head of {peer}'s answer has more than {} KiB", MOST_HEAD / 1024))
        }
        ureq::Error::Protocol(error) => {
            ("answer not understood", format!("the answer of {peer} is no HTTP that can be understood: {error}"))
        }
        error if answered => ("answer not understood", format!("the answer of {peer} cannot be understood: {error}")),
        error => ("upload failed", format!("the upload to {peer} failed: {error}")),
    };
    Failure { kind, text, slow: false }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::registry::{Environment, Registry};

    use super::*;
    use crate::config::{self, Surroundings};
    use crate::receiver::{Options, Receiver};

    const BODY: &[u8] = br#"{"token":"k","session":"s","threads":[],"client_time":1,"events":[],"logs":[]}"#;

    /// What the client says of a server that does what `script` says, asked by `scheme`.
    fn said(scheme: &str, script: &str) -> String {
        let options = Options { faults: script.parse().unwrap(), ..Options::default() };
        let receiver = Receiver::start(options, &Threads::new(), &Clock::system()).unwrap();
        let environment = Arc::new(Environment::default());
        let server = format!("{scheme}://{}", receiver.address());
        let text = format!("{{ api_key: 'k', allow_http: true, compression_type: 'none', scalyr_server: '{server}' }}");
        let loaded = config::load::from_text(&text, "/etc/agent.json".into(), &environment).unwrap();
        let registry = Registry::linked().unwrap();
        let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
        let (plan, _) = config::build(&loaded, &surroundings).unwrap();
        let (clock, threads) = (Clock::system(), Threads::new());
        let client = Client::new(&plan.sessions[0], &clock, &threads).unwrap();
        let text = client.post(BODY, "test").unwrap_err().text;
        text.replace(&receiver.address().to_string(), "ADDRESS")
    }

    #[test]
    fn a_server_that_speaks_no_tls_is_told_with_what_to_set() {
        let text = said("https", "");
        assert!(text.starts_with("the server ADDRESS does not speak TLS ("), "{text}");
        assert!(text.contains("set allow_http: true"), "{text}");
    }

    #[test]
    fn a_server_that_closes_the_connection_is_named_as_the_one_who_did() {
        assert_eq!(said("http", "cut"), "the server ADDRESS closed the connection without an answer");
        assert_eq!(said("http", "cut:answer"), "the server ADDRESS closed the connection in the middle of its answer");
    }
}
