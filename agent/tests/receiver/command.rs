//! `agent receive` as a command: its options, what it prints, how it ends.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use clap::Parser;
use scalyr_agent::cli::receive::{Args, run};
use scalyr_monitor::Clock;

use crate::client::{Client, PATIENCE};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn parse(words: &[&str]) -> Result<Args, String> {
    let words = std::iter::once(&"receive").chain(words);
    Command::try_parse_from(words).map(|command| command.args).map_err(|error| error.to_string())
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the command on a thread; its screen and the address that it printed.
#[expect(clippy::disallowed_methods, reason = "a test's own thread")]
fn spawn(words: &[&str]) -> (Screen, SocketAddr, JoinHandle<ExitCode>) {
    let (screen, args) = (Screen::default(), parse(words).unwrap());
    let mut out = screen.clone();
    let command = std::thread::spawn(move || run(args, &Clock::system(), &mut out, &mut io::sink()));
    let deadline = Clock::system().monotonic() + PATIENCE;
    while !screen.text().contains('\n') {
        assert!(Clock::system().monotonic() < deadline);
        std::thread::yield_now();
    }
    let text = screen.text();
    let address = text.lines().next().unwrap().strip_prefix("listening on http://").unwrap().parse().unwrap();
    (screen, address, command)
}

#[test]
fn events_are_printed_and_the_command_ends_after_the_last_request_asked_for() {
    let (screen, address, command) = spawn(&["--max-requests", "3", "--fault", "1*status:error/server"]);
    let mut client = Client::connect(address);
    for sn in [1, 1, 2] {
        assert_eq!(client.upload(sn).code, 200);
    }
    assert_eq!(command.join().unwrap(), ExitCode::SUCCESS);
    assert_eq!(
        screen.text(),
        format!(
            "listening on http://{address}\n\
             2026-11-22 13:48:30.507Z /a hello\n\
             2026-11-22 13:48:30.507Z /a hello\n\
             received 3 requests (2 accepted, 0 refused, 1 withheld), 2 events (0 repeated), 12 bytes of messages, 1 log files\n"
        )
    );
}

#[test]
fn with_an_output_file_nothing_but_the_summary_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let (screen, address, command) = spawn(&["--max-requests", "2", "--output", path.to_str().unwrap()]);
    let mut client = Client::connect(address);
    client.upload(1);
    client.post("/addEvents", "", b"\x1b[2J");
    assert_eq!(client.answer().code, 400);
    assert_eq!(command.join().unwrap(), ExitCode::SUCCESS);
    let text = screen.text();
    let lines: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(
        lines[0],
        "received 2 requests (1 accepted, 1 refused, 0 withheld), 1 events (0 repeated), 6 bytes of messages, 1 log files"
    );
    assert!(lines[1].starts_with("last error: connection 1: ") && lines[1].contains("`{` must stand here"), "{text}");
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 1);
}

#[test]
fn a_command_that_cannot_start_says_why_and_fails() {
    let says = |words: &[&str]| {
        let mut err = Screen::default();
        let code = run(parse(words).unwrap(), &Clock::system(), &mut io::sink(), &mut err);
        assert_eq!(code, ExitCode::FAILURE);
        err.text()
    };
    assert!(says(&["--listen", "0.0.0.0:0"]).contains("0.0.0.0:0 is not a loopback address"));
    assert!(says(&["--output", "/nowhere/at/all"]).contains("/nowhere/at/all: "));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(says(&["--listen", &address]).contains(&format!("cannot listen on {address}: ")));
}

#[test]
fn options_are_read_and_mistakes_in_them_explained() {
    assert_eq!(parse(&[]).unwrap().listen.to_string(), "127.0.0.1:0");
    assert_eq!(parse(&["--listen", "localhost:81"]).unwrap().listen.to_string(), "127.0.0.1:81");
    assert_eq!(parse(&["--listen", "[::1]:81"]).unwrap().listen.to_string(), "[::1]:81");
    assert!(parse(&["--listen", "81"]).unwrap_err().contains("such as 127.0.0.1:8080"));
    assert!(parse(&["--fault", "stal"]).unwrap_err().contains("did you mean `stall`?"));
    assert!(parse(&["--max-requests", "0"]).unwrap_err().contains("--max-requests"));
    let help = parse(&["--help"]).unwrap_err();
    assert!(help.contains("cut:accepted") && help.contains("N*ACTION"), "{help}");
}
