//! A monitor of version 0.1 that asks a server by HTTP: feature `http`.
//!
//! NEVER EDITED. See `main.rs`: when this does not compile any more, the change is what has to be mended.

use std::io::{Read, Write};
use std::net::TcpListener;

use scalyr_monitor::http::{HttpClient, HttpOptions, Request, Response, ShownUrl};
use scalyr_monitor::prelude::*;
use scalyr_monitor::testing::Harness;

/// Asks a server.
#[scalyr_monitor(name = "frozen_http_0_1")]
pub struct Asker {
    /// What to ask.
    #[config(required, no_http)]
    url: String,

    #[config(flatten)]
    http: HttpOptions,

    /// What it said.
    #[metric]
    length: Metric<u64>,

    client: Option<HttpClient>,
}

impl Monitor for Asker {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        self.client = Some(HttpClient::new(&self.http)?);
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let Some(client) = &self.client else { return Ok(()) };
        client.end_with(&Stop::new());
        let request: Request<'_> = client.get(&self.url).header("X-Of", "frozen").bearer(&Secret::new("token"));
        let page: Response = request.send()?.expect_success()?;
        out.logger().info(format_args!("{} {} {:?}", ShownUrl(&self.url), page.status(), page.header("x-load")));
        assert!(!page.is_cut() && page.bytes().len() == page.text().len());
        out.emit(self.length, page.text().trim().parse().about(&page)?);
        let post = client.request("POST", &self.url).basic_auth("me", &Secret::new("password")).body("a=1");
        post.send().map(drop)
    }
}

#[test]
fn a_server_is_asked() {
    assert!(HttpClient::new(&HttpOptions::default()).is_ok());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/length", listener.local_addr().unwrap());
    let mut asker = Harness::<Asker>::from_config(format_args!("{{ url: '{url}', timeout: 20, max_redirects: 0 }}"));
    let sample = std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                _ = stream.read(&mut [0; 2000]).unwrap();
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\nX-Load: 7\r\n\r\n41\n";
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        asker.sample()
    });
    assert_eq!(sample.value("length"), 41);
    assert_eq!(sample.error(), None);
}
