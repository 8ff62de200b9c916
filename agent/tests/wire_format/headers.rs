//! The headers of a request, as they are on the wire.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use scalyr_agent::cli::configuration;
use scalyr_agent::threads::Threads;
use scalyr_agent::upload::{Verdict, try_upload, user_agent};
use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;
use serde_json::json;

use super::page;

/// The head of an upload with this compression.
fn head(compression: &str) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.json");
    let config = json!({
        "api_key": "fake-key", "allow_http": true, "scalyr_server": format!("http://{address}"),
        "compression_type": compression,
    });
    fs::write(&file, config.to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let (plan, _) = configuration::read(&file, &Arc::new(Environment::default())).unwrap();
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let length = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap()];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":\"success\"}").unwrap();
        sender.send((lines, body.len())).unwrap();
    };
    Threads::new().spawn("server", serve).unwrap();
    assert_eq!(try_upload(&plan.sessions[0], &Clock::system()).verdict, Verdict::Accepted);
    let (lines, length) = receiver.recv().unwrap();
    let normal = |line: String| {
        line.replace(&address.to_string(), "127.0.0.1:PORT")
            .replace(&user_agent(), "USER-AGENT")
            .replace(&format!(": {length}"), ": LENGTH")
    };
    lines.into_iter().map(normal).collect()
}

#[test]
fn the_headers_are_those_that_the_page_lists() {
    let text: Vec<String> = ["deflate", "none"].map(|compression| head(compression).join("\n") + "\n").to_vec();
    page::is_quoted("headers", &text.join("\n"));
}
