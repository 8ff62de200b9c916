//! The options that all monitors which ask over HTTP have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Secret;

/// Options of an HTTP client: take them into a monitor with `#[config(flatten)]` and make an
/// [`HttpClient`](super::HttpClient) of them.
#[derive(monitor_macros::OptionGroup, Clone, Debug)]
pub struct HttpOptions {
    /// Seconds that a request may take in all: looking the name up, connecting, every redirect and the whole answer.
    #[config(default = 10, min = 0.1, max = 600)]
    pub timeout: Duration,

    /// Headers that are sent with each request, by name.
    #[config(default, secret)]
    pub headers: BTreeMap<String, Secret>,

    /// Whether the certificate of an https server is checked. Without it anybody on the way can read and change what is
    /// sent; give `ca_file` instead, if you can.
    #[config(default = true)]
    pub verify_https: bool,

    /// PEM file with the certificates that are trusted for https; without it, those of the public authorities.
    #[config]
    pub ca_file: Option<PathBuf>,

    /// How many bytes of an answer are read; what follows is left out.
    #[config(default = 1_048_576, min = 1, max = 268_435_456)]
    pub max_body_bytes: u64,

    /// How many redirects are followed; from https never to plain http, and to another server without any of the headers.
    /// With 0 a redirect is an answer like any other.
    #[config(default = 0, min = 0, max = 20)]
    pub max_redirects: u32,
}

/// The values that are used when an entry gives none.
impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            headers: BTreeMap::new(),
            verify_https: true,
            ca_file: None,
            max_body_bytes: 1 << 20,
            max_redirects: 0,
        }
    }
}
