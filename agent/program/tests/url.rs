//! "Is my site up, and if not, why?" A real nginx is asked, by http and by https, and goes away for a while.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use story::{AgentProcess, Nginx, ReceiverProcess, Scratch, end_well, free_port, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

/// Whether a line with all of these has arrived.
fn has_arrived(receiver: &mut ReceiverProcess, parts: &[&str]) -> bool {
    receiver.events().iter().any(|event| parts.iter().all(|part| event.text().contains(part)))
}

/// Writes the certificate of an authority, and one of the server `localhost` with its key.
fn write_certificates(scratch: &Scratch) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of the story");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    fs::write(scratch.path("authority.pem"), authority.pem()).unwrap();
    fs::write(scratch.path("server.pem"), server.pem()).unwrap();
    fs::write(scratch.path("server.key"), key.serialize_pem()).unwrap();
}

fn servers(scratch: &Scratch, port: u16, tls_port: u16) -> String {
    let pages = r#"
        default_type text/plain;
        location = /health { return 200 "state: up\nload: 7\n"; }
        location = /old { return 302 /health; }
        location = /login { if ($http_authorization != "Bearer s3cret-token") { return 401 "who are you?\n"; } return 200 "hello\n"; }
        location = /packed { gzip on; gzip_min_length 0; gzip_types text/plain; root FOLDER; try_files /packed.txt =404; }
    "#;
    let pages = pages.replace("FOLDER", &scratch.folder().display().to_string());
    let folder = scratch.folder().display();
    format!(
        "server {{ listen 127.0.0.1:{port}; {pages} }}\n\
         server {{ listen 127.0.0.1:{tls_port} ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key \
         {folder}/server.key; {pages} }}"
    )
}

#[test]
fn a_site_is_watched_through_its_troubles() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let (port, tls_port) = (free_port(), free_port());
    write_certificates(&scratch);
    fs::write(scratch.path("packed.txt"), "packed ".repeat(100) + "\n").unwrap();
    let mut nginx = Nginx::start(&scratch, port, &servers(&scratch, port, tls_port));

    let plain = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let secure = |path: &str| format!("https://localhost:{tls_port}{path}");
    let mut monitors = json!([
        { "id": "up", "url": plain("/health"), "extract": r"state: (\w+)" },
        { "id": "none", "url": plain("/none") },
        { "id": "moved", "url": plain("/old") },
        { "id": "followed", "url": plain("/old"), "max_redirects": 3, "log_all_lines": true },
        { "id": "stranger", "url": plain("/login") },
        { "id": "friend", "url": plain("/login"),
          "request_headers": [{ "header": "Authorization", "value": "Bearer s3cret-token" }] },
        { "id": "packed", "url": plain("/packed"), "request_headers": [{ "header": "Accept-Encoding", "value": "gzip" }] },
        { "id": "post", "url": plain("/health"), "request_method": "POST", "request_data": "a=1" },
        { "id": "secure", "url": secure("/health"), "ca_file": scratch.path("authority.pem") },
        { "id": "unknown", "url": secure("/health") },
    ]);
    for monitor in monitors.as_array_mut().unwrap() {
        monitor["module"] = "scalyr_agent.builtin_monitors.url_monitor".into();
        monitor["sample_interval"] = 1.into();
    }
    let extra = json!({ "monitors": monitors, "global_monitor_sample_interval_enable_jitter": false });
    let config = write_config(&scratch, &receiver.url(), json!([]), extra);
    let mut agent = AgentProcess::start(&scratch, &config);

    let health = format!("url=\"{}\"", plain("/health"));
    for parts in [
        &["(up)] response \"up\" length=2 request_method=\"GET\" status=200 ", &health][..],
        &["(up)] duration_ms ", " status=200 ", &health],
        &["(none)] response \"<html>\" ", " status=404 "],
        &["(moved)] response \"<html>\" ", " status=302 "],
        &["(followed)] response \"state: up\\nload: 7\\n\" length=18 ", " status=200 "],
        &["(stranger)] response \"who are you?\" ", " status=401 "],
        &["(friend)] response \"hello\" ", " status=200 "],
        &["(packed)] response \"packed packed", " length=701 ", " status=200 "],
        &["(post)] response \"state: up\" ", "request_method=\"POST\" status=200 "],
        &["(secure)] response \"state: up\" ", " status=200 url=\"https://localhost"],
        &["(unknown)] response \"failed\" length=0 status=0 ", "name that authority in `ca_file`"],
    ] {
        wait_until(&format!("{parts:?} has arrived"), PATIENCE, || has_arrived(&mut receiver, parts));
    }
    assert!(nginx.access_log().contains(";monitor=url_monitor\""), "{}", nginx.access_log());

    // It goes away, which can be alerted on, and comes back.
    nginx.stop();
    let failed =
        ["(up)] response \"failed\" length=0 status=0 ", "url_error=\"the connection is refused; does the server run"];
    wait_until("the outage has arrived", PATIENCE, || has_arrived(&mut receiver, &failed));
    let before = receiver.events().len();
    nginx.start_again(&scratch);
    wait_until("it is up again", PATIENCE, || {
        let events = receiver.events();
        events[before..].iter().any(|event| event.text().contains("(up)] response \"up\" "))
    });
    end_well(&mut agent, PATIENCE);

    let log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    let told = log.lines().filter(|line| line.contains("WARNING") && line.contains("url_monitor(up)"));
    assert_eq!(told.count(), 1, "{log}");
    let lines: Vec<_> = receiver.events().iter().map(|event| event.text().into_owned()).collect();
    for text in lines.iter().map(String::as_str).chain([log.as_str()]) {
        assert!(!text.contains("s3cret-token"), "{text}");
    }
}
