//! An HTTP client for monitors: every request has a deadline, every body a bound, and no message a password. Feature
//! `http`.
//!
//! ```
//! use scalyr_monitor::http::{HttpClient, HttpOptions};
//! use scalyr_monitor::prelude::*;
//!
//! /// Watches the length of a queue.
//! #[scalyr_monitor(name = "queue")]
//! pub struct Queue {
//!     /// The page that tells the length.
//!     #[config(default = "http://127.0.0.1:8080/length", no_http)]
//!     url: String,
//!
//!     #[config(flatten)]
//!     http: HttpOptions, // timeout, headers, verify_https, ca_file, max_body_bytes, max_redirects
//!
//!     /// Jobs that wait.
//!     #[metric]
//!     length: Metric<u64>,
//!
//!     client: Option<HttpClient>,
//! }
//!
//! impl Monitor for Queue {
//!     fn initialize(&mut self, _: &mut Context) -> Result<()> {
//!         self.client = Some(HttpClient::new(&self.http)?);
//!         Ok(())
//!     }
//!
//!     fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
//!         let Some(client) = &self.client else { return Ok(()) };
//!         let page = client.get(&self.url).send()?.expect_success()?;
//!         out.emit(self.length, page.text().trim().parse().about(&page)?);
//!         Ok(())
//!     }
//! }
//! ```

mod client;
mod explain;
mod no_answer;
mod options;
mod redirect;
mod roots;
mod shown_url;
mod url_user;

pub use client::{HttpClient, Request, Response};
pub use no_answer::{NoAnswer, Trouble};
pub use options::HttpOptions;
#[doc(hidden)]
pub use roots::read_roots;
pub use shown_url::ShownUrl;
