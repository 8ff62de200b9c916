//! The HTTP client of a session: one server, one connection kept open, one request at a time (`wire-protocol.md`
//! sections 1, 2, 8 and 10).

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::http::read_roots;
use ureq::Agent;
use ureq::http::HeaderMap;
use ureq::tls::{RootCerts, TlsConfig};

use crate::config::plan::SessionPlan;

use super::compress::content_encoding;
use super::connection::{Observed, OnThisThread, Watched};

/// How much of an answer is read. The service's own answers have less than a hundred bytes.
pub(super) const ANSWER_BYTES: usize = 64 * 1024;

/// A connection is not used again after this silence: routers forget silent connections after a minute or more without
/// a word to either side, and a request sent into one costs a whole `request_deadline`.
const IDLE: Duration = Duration::from_secs(50);

/// Sends requests to one server.
pub(super) struct Client {
    agent: Agent,
    url: String,
    encoding: Option<&'static str>,
    observed: Arc<Observed>,
}

/// An answer of the server, whatever it says.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// The HTTP status code.
    pub(super) status: u16,
    /// `Retry-After`, when it is a number of seconds.
    pub(super) retry_after: Option<Duration>,
    /// At most [`ANSWER_BYTES`] of the body.
    pub(super) body: Vec<u8>,
    /// Whether the body went on behind them.
    pub(super) cut: bool,
}

impl Client {
    /// A client for the session's server. Opens no connection yet.
    ///
    /// # Errors
    /// When the certificates of `ca_cert_path` cannot be read; the text says why.
    pub(super) fn new(plan: &SessionPlan) -> Result<Self, String> {
        let roots = match &plan.ca_cert_path {
            None => RootCerts::WebPki,
            Some(path) => read_roots(path, "ca_cert_path").map_err(|error| error.to_string())?,
        };
        let tls = TlsConfig::builder().root_certs(roots).disable_verification(!plan.verify_server_certificate).build();
        let config = Agent::config_builder()
            // Without this ureq takes a proxy from the environment.
            .proxy(None)
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(plan.request_deadline))
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(IDLE)
            // Each request brings its own, also over a connection that was kept open.
            .user_agent("")
            .accept("application/json")
            .accept_encoding("identity")
            .build();
        let observed = Arc::new(Observed::default());
        let agent =
            Agent::with_parts(config, Watched::new(Arc::clone(&observed)), OnThisThread::new(Arc::clone(&observed)));
        let url = format!("{}/addEvents", plan.server);
        Ok(Self { agent, url, encoding: content_encoding(plan.compression), observed })
    }

    /// Sends a body and returns the answer. A connection that was kept open and dies before the first byte of an answer
    /// was stale: the request is sent again at once, once, on a new one.
    ///
    /// # Errors
    /// When there is no answer; the text says why.
    pub(super) fn post(&self, body: &[u8], user_agent: &str) -> Result<Reply, String> {
        let opened = self.observed.opened();
        let mut result = self.attempt(body, user_agent);
        let reused = self.observed.opened() == opened;
        if let Err(error) = &result
            && reused
            && !self.observed.answered()
            && !matches!(error, ureq::Error::Timeout(_))
        {
            result = self.attempt(body, user_agent);
        }
        result.map_err(|error| explain(&error, self.observed.answered()))
    }

    fn attempt(&self, body: &[u8], user_agent: &str) -> Result<Reply, ureq::Error> {
        self.observed.begin();
        let mut request = self.agent.post(&self.url).header("User-Agent", user_agent);
        if let Some(encoding) = self.encoding {
            request = request.header("Content-Encoding", encoding);
        }
        let result = request.send(body).and_then(|response| {
            let (head, mut body) = response.into_parts();
            let mut reply =
                Reply { status: head.status.as_u16(), retry_after: retry_after(&head.headers), ..Reply::default() };
            body.as_reader().take(ANSWER_BYTES as u64 + 1).read_to_end(&mut reply.body)?;
            reply.cut = reply.body.len() > ANSWER_BYTES;
            reply.body.truncate(ANSWER_BYTES);
            Ok(reply)
        });
        self.observed.end(matches!(&result, Ok(reply) if !reply.cut));
        result
    }

    /// How many connections were asked for, and how many of these were established, so far.
    pub(super) fn connections(&self) -> (u64, u64) {
        (self.observed.opened(), self.observed.established())
    }

    /// Ends a request that another thread waits for, and refuses all further ones.
    pub(super) fn interrupter(&self) -> impl FnOnce() + Send + use<> {
        let agent = self.agent.clone();
        move || agent.shutdown()
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// What went wrong, without the library's prefixes; `answered` when a part of the answer had come.
fn explain(error: &ureq::Error, answered: bool) -> String {
    let text = match error {
        ureq::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            let when = if answered { "in the middle of its answer" } else { "without an answer" };
            format!("the server closed the connection {when}")
        }
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Timeout(_) => "no answer within request_deadline".to_owned(),
        ureq::Error::HostNotFound => "the server's name has no address".to_owned(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        error => error.to_string(),
    };
    // So rustls calls bytes that are no TLS at all.
    if text.contains("InvalidContentType") {
        return format!(
            "the server does not speak TLS ({text}); if it is plain http, set allow_http: true and begin scalyr_server \
             with http://"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::Clock;
    use scalyr_monitor::registry::{Environment, Registry};

    use super::*;
    use crate::config::{self, Surroundings};
    use crate::receiver::{Options, Receiver};
    use crate::threads::Threads;

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
        Client::new(&plan.sessions[0]).unwrap().post(BODY, "test").unwrap_err()
    }

    #[test]
    fn a_server_that_speaks_no_tls_is_told_with_what_to_set() {
        let text = said("https", "");
        assert!(text.starts_with("the server does not speak TLS ("), "{text}");
        assert!(text.contains("set allow_http: true"), "{text}");
    }

    #[test]
    fn a_server_that_closes_the_connection_is_named_as_the_one_who_did() {
        assert_eq!(said("http", "cut"), "the server closed the connection without an answer");
        assert_eq!(said("http", "cut:answer"), "the server closed the connection in the middle of its answer");
    }
}
