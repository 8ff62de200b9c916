//! "Is my key in a log somewhere?" An agent with recognisable secrets goes through all that can be said of them, and then
//! everything that it has written, printed or answered is searched.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use story::{API_KEY, AgentProcess, Lines, Scratch, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(120);
const SECOND_KEY: &str = "second-key-S3CRET-with-\"quotes\"";
const PROXY_PASSWORD: &str = "S3CRET-proxy-password";
/// What a proxy is sent of it, with `user:` before it.
const PROXY_SENT: &str = "dXNlcjpTM0NSRVQtcHJveHktcGFzc3dvcmQ=";
const MONITOR_PASSWORD: &str = "S3CRET-monitor-password";
/// What each of them has in it, also where it is written with escapes.
const TRACES: [&str; 5] = [API_KEY, "second-key-S3CRET", PROXY_PASSWORD, PROXY_SENT, MONITOR_PASSWORD];

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Success,
    /// HTTP 401, and the key that it was sent.
    Refusing,
    /// HTTP 500, and all that it was sent.
    Shouting,
}

/// A server that may shout back what it is told, and counts what it answered so.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    state: Arc<Mutex<(Mood, usize)>>,
}

impl Server {
    /// Serves connections until the scope ends its last client, which a killed or stopped agent is.
    fn start<'s>(scope: &'s thread::Scope<'s, '_>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), state: Arc::new(Mutex::new((Mood::Success, 0))) };
        let serving = server.clone();
        scope.spawn(move || {
            for stream in listener.incoming() {
                let (stream, serving) = (stream.unwrap(), serving.clone());
                if serving.is_over() {
                    return;
                }
                scope.spawn(move || serving.serve(stream));
            }
        });
        server
    }

    fn is_over(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 == usize::MAX
    }

    /// Ends it.
    fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = usize::MAX;
        drop(TcpStream::connect(self.address));
    }

    fn set(&self, mood: Mood) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (mood, 0);
    }

    fn answered(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(body) = read_request(&mut reader) {
            let mood = self.state.lock().unwrap_or_else(PoisonError::into_inner).0;
            let (code, text) = match mood {
                Mood::Success => (200, b"{\"status\":\"success\"}".to_vec()),
                Mood::Refusing => (401, refusal(&body).into_bytes()),
                Mood::Shouting => (500, body),
            };
            let head = format!("HTTP/1.1 {code} X\r\nContent-Length: {}\r\n\r\n", text.len());
            if (&stream).write_all(&[head.as_bytes(), &text].concat()).is_err() {
                return;
            }
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.0 == mood {
                state.1 = state.1.saturating_add(1);
            }
        }
    }
}

/// Says the key that was sent, as it is and as it stands in JSON, and all that was sent elsewhere.
fn refusal(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let token = body.strip_prefix("{\"token\": ").and_then(|rest| rest.split(", \"session\"").next()).unwrap_or("\"\"");
    let key: String = serde_json::from_str(token).unwrap();
    format!(
        "{{\"status\":\"error/client/badParam\",\"token\":{token}}}\n<p>No such key: {key}; others are {API_KEY}, \
         {SECOND_KEY}, {PROXY_PASSWORD} and {PROXY_SENT}</p>"
    )
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.to_lowercase().split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// What a command about this agent prints, noted in a file of the story as all that the agent itself prints.
fn run(scratch: &Scratch, config: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.env_clear().args(arguments).arg("-c").arg(config).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let file = format!("command {}.txt", arguments.join(" "));
    let before = fs::read(scratch.path(&file)).unwrap_or_default();
    fs::write(scratch.path(&file), [before, text.clone()].concat()).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

fn ask_everything(scratch: &Scratch, config: &Path) {
    let questions: [&[&str]; 9] = [
        &["status"],
        &["status", "-v"],
        &["status", "-vv"],
        &["status", "-v", "--format", "json"],
        &["check"],
        &["check", "--print"],
        &["check", "--print", "--format", "json"],
        &["check", "--connect"],
        &["check", "--connect", "--format", "json"],
    ];
    for question in questions {
        run(scratch, config, question);
    }
}

/// Every file of the story but those in which the secrets belong: name and content.
fn written(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            written(&entry, all);
        } else if entry.is_file() && entry.file_name().is_none_or(|name| name != "agent.json") {
            all.push((entry.display().to_string(), String::from_utf8_lossy(&fs::read(&entry).unwrap()).into_owned()));
        }
    }
}

fn configuration(scratch: &Scratch, server: &str, extra: Value) -> std::path::PathBuf {
    let logs = json!([{ "path": scratch.path("app.log") }, { "path": scratch.path("eu.log"), "worker_id": "eu" }]);
    let mut keys = json!({
        "debug_level": 5,
        "request_deadline": 5,
        "max_error_request_spacing_interval": 1,
        // So that what is shouted back can be read.
        "compression_type": "none",
        "workers": [{ "id": "eu", "api_key": SECOND_KEY }],
        "https_proxy": format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1"),
        "monitors": [{ "module": "coin", "id": "one", "sample_interval": 1, "password": MONITOR_PASSWORD }],
    });
    keys.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    write_config(scratch, server, logs, keys)
}

/// Sharp edge 16 of `wire-protocol.md`: the key is in each body, so that a dump of one showed it.
#[test]
fn sharp_edge_16_no_secret_is_in_any_output_whatever_happens() {
    let scratch = Scratch::new();
    thread::scope(|scope| {
        let server = Server::start(scope);
        // Also when the story fails in the middle, so that the scope ends.
        let _over = Over(&server);
        go_through_everything(&scratch, &server);
    });
    let mut all = Vec::new();
    written(scratch.folder(), &mut all);
    for name in ["agent.log", "agent_debug.log", "agent.stdout", "agent.stderr", "positions.", "command status -v.txt"]
    {
        assert!(
            all.iter().any(|(file, text)| file.contains(name) && (!text.is_empty() || name == "agent.stderr")),
            "{name}"
        );
    }
    let masked = all.iter().filter(|(_, text)| text.contains("MASKED")).count();
    assert!(masked >= 4, "something was there to be masked: {masked} files");
    for (file, text) in &all {
        for trace in TRACES {
            let found: Vec<&str> = text.lines().filter(|line| line.contains(trace)).collect();
            assert!(found.is_empty(), "{file}: {found:#?}");
        }
    }
}

struct Over<'s>(&'s Server);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn go_through_everything(scratch: &Scratch, server: &Server) {
    let plain = format!("http://{}", server.address);
    let config = configuration(scratch, &plain, json!({}));
    let mut lines = [Lines::new(&scratch.path("app.log"), 20), Lines::new(&scratch.path("eu.log"), 20)];
    let mut agent = AgentProcess::start(scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let log = || fs::read_to_string(scratch.path("log/agent.log")).unwrap_or_default();
    for mood in [Mood::Success, Mood::Refusing, Mood::Shouting, Mood::Success] {
        server.set(mood);
        for lines in &mut lines {
            lines.append(10);
        }
        wait_until(&format!("{mood:?} was met twice"), PATIENCE, || server.answered() >= 2);
        ask_everything(scratch, &config);
    }

    // What follows is read at once, by SIGHUP.
    let reload = |agent: &mut AgentProcess, server: &str, extra: Value, until: &str| {
        configuration(scratch, server, extra);
        agent.process().signal(rustix::process::Signal::HUP);
        wait_until(&format!("the agent says {until}"), PATIENCE, || log().contains(until));
        ask_everything(scratch, &config);
    };
    reload(&mut agent, &plain, json!({ "api_kye": API_KEY }), "api_kye");
    let refused = json!([{ "module": "coin", "sample_interval": "often", "password": MONITOR_PASSWORD }]);
    reload(&mut agent, &plain, json!({ "monitors": refused }), "sample_interval");
    let no_tls = format!("https://{}", server.address);
    configuration(scratch, &no_tls, json!({}));
    agent.process().signal(rustix::process::Signal::HUP);
    wait_until("uploads fail for want of TLS", PATIENCE, || {
        // What is written before the reload still goes to the server that was.
        lines.iter_mut().for_each(|lines| lines.append(1));
        log().contains("Cannot upload to https://")
    });
    ask_everything(scratch, &config);
    // A fault of the syntax, in the very line of a key.
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replacen(&format!("\"{API_KEY}\","), &format!("\"{API_KEY},"), 1)).unwrap();
    agent.process().signal(rustix::process::Signal::HUP);
    wait_until("the fault is told", PATIENCE, || run(scratch, &config, &["status", "-v"]).contains("invalid"));
    ask_everything(scratch, &config);
    configuration(scratch, &plain, json!({}));
    agent.process().signal(rustix::process::Signal::HUP);
    wait_until("everything is acknowledged", PATIENCE, || {
        agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
    });
    ask_everything(scratch, &config);
    assert_eq!(agent.stop(PATIENCE), Some(0));
}
